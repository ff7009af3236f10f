package circle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"matrix-msn/internal/grapheme"
	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// What is said in a circle goes over the notification connection (SDG), to everybody
// who is in it, without a switchboard (protocol/04-switchboard.md, sections 4 and 5).

// path is the part of a circle that texts go to.
const path = "IM"

// carrier brings texts to circles.
type carrier struct{ *Circles }

var _ chat.Carrier = carrier{}

// Carries implements chat.Carrier.
func (c carrier) Carries(id chat.ID) bool { return id.Circle != "" }

// Ready implements chat.Carrier. The error wraps ErrCircle.
func (c carrier) Ready(id chat.ID) error {
	circle := c.find(id.Circle)
	switch {
	case circle == nil:
		return fmt.Errorf("%w: no such circle", ErrCircle)
	case !circle.Member:
		return fmt.Errorf("%w: the user does not belong to it", ErrCircle)
	case !c.Carried():
		return fmt.Errorf("%w: %w", ErrCircle, errs.ErrDialect)
	case circle.entry == entryRefused:
		return fmt.Errorf("%w: %w", ErrCircle, circle.refused)
	case circle.entry == entryNone:
		return fmt.Errorf("%w: the user is not in it", ErrCircle)
	case circle.entry == entryAsked:
		return chat.ErrWait
	}
	return nil
}

// Split implements chat.Carrier: as many messages as a text takes.
func (c carrier) Split(text, _ string) []string {
	return grapheme.Split(clean.CRLF(text), longtext.MaxBody)
}

// Send implements chat.Carrier.
func (c carrier) Send(id chat.ID, body, format string, result func(error)) {
	circle := c.find(id.Circle)
	if circle == nil {
		result(fmt.Errorf("%w: no such circle", ErrCircle))
		return
	}
	content := wire.Header("").With("Messaging", "2.0").With("Message-Type", "Text").
		With("Content-Type", "Text/plain; charset=UTF-8").With("Content-Transfer-Encoding", "7bit")
	if format = clean.Format(format); format != "" {
		content = content.With("X-MMS-IM-Format", format)
	}
	c.send(circle, content, body, c.carried(circle, result))
}

// Nudge implements chat.Carrier.
func (c carrier) Nudge(id chat.ID, result func(error)) {
	circle := c.find(id.Circle)
	if circle == nil {
		result(fmt.Errorf("%w: no such circle", ErrCircle))
		return
	}
	content := wire.Header("").With("Messaging", "2.0").With("Message-Type", "Nudge").With("MIME-Version", "1.0").
		With("Content-Type", "text/x-msnmsgr-datacast").With("Content-Transfer-Encoding", "7bit")
	c.send(circle, content, wire.ParseMessage(chat.NudgeMessage).Body, c.carried(circle, result))
}

// carried returns result, and leaves a circle that the server does not take anything for.
func (c carrier) carried(circle *circle, result func(error)) func(error) {
	return func(err error) {
		if errors.Is(err, ErrCircle) {
			c.shutOut(circle.ID)
		}
		result(err)
	}
}

// Typing implements chat.Carrier.
func (c carrier) Typing(id chat.ID) {
	circle := c.find(id.Circle)
	if circle == nil || circle.entry != entryDone {
		return
	}
	content := wire.Header("").With("Messaging", "2.0").With("Message-Type", "Control").With("Message-Subtype", "Typing").
		With("MIME-Version", "1.0").With("Content-Type", "text/x-msmsgscontrol").
		With("Content-Transfer-Encoding", "7bit").With("TypingUser", c.conn.Account())
	c.send(circle, content, "\r\n", func(error) {})
}

// Participants implements chat.Carrier.
func (c carrier) Participants(id chat.ID) []string {
	if circle := c.find(id.Circle); circle != nil {
		return slices.Clone(circle.Present)
	}
	return nil
}

// send sends a message to everybody in the circle. The server may tell that it did and may
// not; it tells errors.
func (c *Circles) send(circle *circle, content wire.Header, body string, result func(error)) {
	message := wire.Routed{
		Routing: wire.Header("").With("Routing", "1.0").
			With("To", circle.address(path).String()).With("From", c.ownAddress().String()),
		Reliability: reliability,
		Content:     content,
		Body:        body,
	}
	c.conn.Send(ns.Request{
		Command: wire.New("SDG").WithPayload(message.Payload()),
		Wait:    ns.SilentGrace, Silent: true, Effect: true,
		Done: func(_ wire.Command, err error) {
			if refused, ok := errors.AsType[*errs.ServerError](err); ok {
				err = sendError(refused)
			}
			result(err)
		},
	})
}

func sendError(refused *errs.ServerError) error {
	switch refused.Number {
	case 200, 201, 933:
		return fmt.Errorf("%w: %w", ErrCircle, refused)
	case 800:
		return fmt.Errorf("%w: %w", errs.ErrTooFast, refused)
	}
	return fmt.Errorf("%w: %w", errs.ErrNotDelivered, refused)
}

// said handles "SDG 0", with a payload: something was said in a circle, by
// somebody else or by the user at another endpoint.
func (c *Circles) said(cmd wire.Command) {
	said, readable := wire.ParseRouted(cmd.Payload)
	to, sender := wire.ParseAddress(said.Routing.Get("To")), wire.ParseAddress(said.Routing.Get("From"))
	from, ok := clean.Account(sender.Account)
	circle, self := c.find(to.Account), c.conn.Self()
	switch {
	case !readable || !ok || sender.Network != soap.NetworkPassport || to.Network != network:
		c.conn.Log().Debug("something said in a circle cannot be read", "account", c.conn.Account())
		return
	case circle == nil || !circle.Member:
		return
	case from == self && (sender.Endpoint == "" || sender.Endpoint == c.endpoint):
		return
	}
	m := wire.Message{Header: said.Content, Body: said.Body}
	kind := strings.ToLower(m.Header.Get("Message-Type"))
	if subtype := m.Header.Get("Message-Subtype"); subtype != "" {
		kind += "/" + strings.ToLower(subtype)
	}
	if kind == "control/typing" {
		if circle.knows(from) && c.chats.AllowTyping(circle.ID+" "+from) {
			c.conn.Emit(chat.TypingReceived{Conversation: c.conversation(circle), From: from})
		}
		return
	}
	if from != self {
		circle.come(from) // the roster may have been cut
	}
	c.message(circle, from, m, kind)
}

// message tells of a text or another message.
func (c *Circles) message(circle *circle, from string, m wire.Message, kind string) {
	own, text := from == c.conn.Self(), kind == "text"
	if own && !text {
		return
	}
	cv := c.conversation(circle)
	session, seq := c.chats.NextRelayed()
	format := clean.Format(m.Header.Get("X-MMS-IM-Format"))
	switch {
	case kind == "nudge":
		c.conn.Emit(chat.NudgeReceived{Origin: chat.Origin{Conversation: cv, From: from, FromName: c.nameIn(circle, from), Session: session, Seq: seq,
			At: time.Now()}})
	case !text:
		c.conn.Emit(chat.OtherReceived{Conversation: cv, From: from, FromName: c.nameIn(circle, from), Message: m, Session: session, Seq: seq})
	case own:
		c.conn.Emit(chat.TextSent{Conversation: cv, Text: clean.LF(m.Text()), Format: format, Session: session, Seq: seq, At: time.Now()})
	default:
		c.conn.Emit(chat.TextReceived{Conversation: cv, From: from, FromName: c.nameIn(circle, from), Text: clean.LF(m.Text()),
			Format: format, Session: session, Seq: seq, At: time.Now()})
	}
}

func (c *Circles) conversation(circle *circle) *chat.Conversation {
	return c.chats.Conversation(chat.ID{Circle: circle.ID})
}

// nameIn is what somebody in a circle is called, "" when nobody has told.
func (c *Circles) nameIn(circle *circle, account string) string {
	if name := circle.names[account]; name != "" {
		return name
	}
	if contact, ok := c.people.Find(account); ok && contact.Name != "" {
		return contact.Name
	}
	for _, m := range circle.Members {
		if m.Account == account {
			return m.Name
		}
	}
	return ""
}
