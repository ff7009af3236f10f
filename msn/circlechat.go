package msn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// What is said in a circle goes over the notification connection (SDG), to everybody
// who is in it, without a switchboard (protocol/04-switchboard.md, sections 4 and 5).

// ErrCircle says that the service does not carry texts to a circle: the user does not
// belong to it (any more), the server has not let them in, or the dialect is not
// MSNP18.
var ErrCircle = errors.New("msn: nothing can be said in this circle")

// circlePath is the part of a circle that texts go to.
const circlePath = "IM"

// CircleChat returns the conversation of the circle with this ID, which should be one
// of Circles: nothing can be said in others (ErrCircle).
func (c *Client) CircleChat(id string) (conversation *Conversation) {
	id = strings.ToLower(id)
	if !c.ask(func() { conversation = c.circleChat(id) }) {
		return &Conversation{client: c, circle: id}
	}
	return conversation
}

// circleKey is where the conversation of a circle stands among the conversations. No
// account has such a character.
func circleKey(id string) string { return "\x01" + id }

func (c *Client) circleChat(id string) *Conversation {
	cv := c.conversations[circleKey(id)]
	if cv == nil {
		cv = &Conversation{client: c, circle: id}
		c.remember(cv)
	}
	return cv
}

// Circle returns the ID of the circle whose conversation it is, or "".
func (cv *Conversation) Circle() string { return cv.circle }

// flushCircle sends what waits for the circle, or settles it when the user is not let
// in.
func (cv *Conversation) flushCircle() {
	c := cv.client
	circle := c.book.circle(cv.circle)
	flying := 0
	for _, d := range slices.Clone(cv.outbox) {
		switch {
		case d.parts != nil:
			flying += len(d.parts) // it is on its way
		case flying >= maxInFlight:
			return // goes on when something of that has arrived
		case circle == nil:
			d.settle(fmt.Errorf("%w: no such circle", ErrCircle))
		case !circle.Member:
			d.settle(fmt.Errorf("%w: the user does not belong to it", ErrCircle))
		case c.dialect < wire.FirstPrefixed:
			d.settle(fmt.Errorf("%w: %w", ErrCircle, ErrDialect))
		case circle.entry == entryRefused:
			d.settle(fmt.Errorf("%w: %w", ErrCircle, circle.refused))
		case circle.entry == entryNone:
			d.settle(fmt.Errorf("%w: the user is not in it", ErrCircle))
		case circle.entry == entryDone:
			d.sendWithoutSession(circleBodies(d.text), func(body string, result func(error)) {
				c.sendSilent(wire.New("SDG").WithPayload(c.circleText(circle, body, d.format)), circleError, func(err error) {
					if errors.Is(err, ErrCircle) {
						c.shutOut(cv.circle)
					}
					result(err)
					cv.live().flushCircle()
				})
			})
			flying += len(d.parts)
		}
	}
}

// shutOut notes that the server does not have the user in a circle any more: the address
// book tells whether they belong to it still, and they enter it again then.
func (c *Client) shutOut(id string) {
	if circle := c.book.circle(id); circle != nil && circle.entry == entryDone {
		circle.entry, circle.Present = entryNone, nil
		c.roster.refresh()
	}
}

// circleBodies cuts a text into as many messages as it takes.
func circleBodies(text string) []string {
	return cut(crlf.Replace(lineEnds.Replace(strings.ToValidUTF8(text, "\uFFFD"))), safeBody)
}

// circleText makes the message that carries a text.
func (c *Client) circleText(circle *circle, body, format string) string {
	content := wire.Header("").With("Messaging", "2.0").With("Message-Type", "Text").
		With("Content-Type", "Text/plain; charset=UTF-8").With("Content-Transfer-Encoding", "7bit")
	if format = cleanFormat(format); format != "" {
		content = content.With("X-MMS-IM-Format", format)
	}
	return c.toCircle(circle, content, body)
}

// toCircle makes a message for everybody in the circle.
func (c *Client) toCircle(circle *circle, content wire.Header, body string) string {
	return wire.Routed{
		Routing: wire.Header("").With("Routing", "1.0").
			With("To", circle.address(circlePath).String()).With("From", c.ownAddress().String()),
		Reliability: reliability,
		Content:     content,
		Body:        body,
	}.Payload()
}

// typeInCircle tells those in the circle that the user is writing.
func (c *Client) typeInCircle(id string) {
	circle := c.book.circle(id)
	if circle == nil || circle.entry != entryDone {
		return
	}
	content := wire.Header("").With("Messaging", "2.0").With("Message-Type", "Control").With("Message-Subtype", "Typing").
		With("MIME-Version", "1.0").With("Content-Type", "text/x-msmsgscontrol").
		With("Content-Transfer-Encoding", "7bit").With("TypingUser", c.account)
	c.sendSilent(wire.New("SDG").WithPayload(c.toCircle(circle, content, "\r\n")), circleError, func(error) {})
}

func circleError(refused *ServerError) error {
	switch refused.Number {
	case 200, 201, 933:
		return fmt.Errorf("%w: %w", ErrCircle, refused)
	case 800:
		return fmt.Errorf("%w: %w", ErrTooFast, refused)
	}
	return fmt.Errorf("%w: %w", ErrNotDelivered, refused)
}

// circleMessage handles "SDG 0", with a payload: something was said in a circle, by
// somebody else or by the user at another place.
func (c *Client) circleMessage(cmd wire.Command) {
	said, readable := wire.ParseRouted(cmd.Payload)
	to, sender := wire.ParseAddress(said.Routing.Get("To")), wire.ParseAddress(said.Routing.Get("From"))
	from, ok := parseAccount(sender.Account)
	circle := c.book.circle(to.Account)
	switch {
	case !readable || !ok || sender.Network != soap.NetworkPassport || to.Network != networkCircle:
		c.log.Debug("something said in a circle cannot be read", "account", c.account)
		return
	case circle == nil || !circle.Member:
		return
	case from == c.self && (sender.Place == "" || sender.Place == strings.ToLower(c.cfg.MachineGUID)):
		return
	}
	cv := c.circleChat(circle.ID)
	m := wire.Message{Header: said.Content, Body: said.Body}
	kind := strings.ToLower(m.Header.Get("Message-Type"))
	if subtype := m.Header.Get("Message-Subtype"); subtype != "" {
		kind += "/" + strings.ToLower(subtype)
	}
	if kind != "control/typing" && from != c.self {
		circle.come(from) // the roster may have been cut
	}
	format := cleanFormat(m.Header.Get("X-MMS-IM-Format"))
	switch {
	case kind == "control/typing":
		if circle.knows(from) && c.typing.allow(circle.ID+" "+from, time.Now()) {
			c.emit(TypingReceived{Conversation: cv, From: from})
		}
	case kind != "text" && from == c.self:
	case kind != "text":
		c.relayed++
		c.emit(OtherReceived{Conversation: cv, From: from, FromName: c.nameIn(circle, from), Message: m,
			Session: c.relaySession, Seq: c.relayed})
	case from == c.self:
		c.relayed++
		c.emit(TextSent{Conversation: cv, Text: lineEnds.Replace(m.Text()), Format: format,
			Session: c.relaySession, Seq: c.relayed, At: time.Now()})
	default:
		c.relayed++
		c.emit(TextReceived{Conversation: cv, From: from, FromName: c.nameIn(circle, from), Text: lineEnds.Replace(m.Text()),
			Format: format, Session: c.relaySession, Seq: c.relayed, At: time.Now()})
	}
}

// nameIn is what somebody in a circle is called, "" when nobody has told.
func (c *Client) nameIn(circle *circle, account string) string {
	if name := circle.names[account]; name != "" {
		return name
	}
	if contact := c.book.find(account); contact != nil && contact.Name != "" {
		return contact.Name
	}
	for _, m := range circle.Members {
		if m.Account == account {
			return m.Name
		}
	}
	return ""
}
