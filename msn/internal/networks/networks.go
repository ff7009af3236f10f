// Package networks is texts to and from contacts of other networks, which go over the
// notification connection.
package networks

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// Contacts of other networks are reached without a switchboard, from MSNP14 on: a
// message for them is a UUM, one of theirs a UBM on the notification connection
// (protocol/04-switchboard.md, section 4). MSNP18 leaves messages for MSN contacts who
// are offline in the same way.

// Types of UUM and UBM.
const (
	uumText   = "1"
	uumTyping = "2"
	uumNudge  = "3"
)

// ErrNetwork says that the contact is on a network that the service, or the dialect,
// carries no texts to. Yahoo contacts are written to from MSNP14 on.
var ErrNetwork = errors.New("msn: contacts of this network cannot be written to")

// Networks are the contacts of other networks.
type Networks struct {
	conn   *ns.Conn
	people chat.People
	chats  *chat.Chats
}

// New registers what is said to and by contacts of other networks.
func New(conn *ns.Conn, people chat.People, chats *chat.Chats) *Networks {
	n := &Networks{conn: conn, people: people, chats: chats}
	chats.Carry(carrier{n})
	conn.Handle(ns.Verb{Name: "UBM", From: wire.FirstSOAP, Do: n.received})
	return n
}

// of is the network of an account, 0 when it is MSN's or not known.
func (n *Networks) of(account string) int {
	contact, known := n.people.Find(account)
	if !known || contact.Network == soap.NetworkPassport {
		return 0
	}
	return contact.Network
}

// carrier carries texts to contacts of other networks.
type carrier struct{ *Networks }

var _ chat.Carrier = carrier{}

// Carries implements chat.Carrier.
func (c carrier) Carries(id chat.ID) bool { return id.Contact != "" && c.of(id.Contact) != 0 }

// Ready implements chat.Carrier. The error wraps ErrNetwork.
func (c carrier) Ready(id chat.ID) error {
	network := c.of(id.Contact)
	if network != soap.NetworkYahoo || c.conn.Dialect() < wire.FirstNetworks {
		return fmt.Errorf("%w: network %d", ErrNetwork, network)
	}
	return nil
}

// Split implements chat.Carrier.
func (c carrier) Split(text, format string) []string {
	payloads, _ := longtext.Cut(text, format, false)
	return payloads
}

// Send implements chat.Carrier.
func (c carrier) Send(id chat.ID, payload, _ string, result func(error)) {
	c.SendUUM(id.Contact, c.of(id.Contact), payload, result)
}

// Nudge implements chat.Carrier.
func (c carrier) Nudge(id chat.ID, result func(error)) {
	c.send(id.Contact, c.of(id.Contact), uumNudge, chat.NudgeMessage, result)
}

// Typing implements chat.Carrier: it is not carried.
func (c carrier) Typing(chat.ID) {}

// Participants implements chat.Carrier.
func (c carrier) Participants(chat.ID) []string { return nil }

// SendUUM sends a message to an account of a network without a switchboard (UUM). The
// server tells errors only: result is called once, with nil when none has come for a while,
// and with errs.ErrUncertain when the connection ended before.
func (n *Networks) SendUUM(to string, network int, payload string, result func(error)) {
	n.send(to, network, uumText, payload, result)
}

func (n *Networks) send(to string, network int, kind, payload string, result func(error)) {
	n.conn.Send(ns.Request{
		Command: wire.New("UUM", to, fmt.Sprint(network), kind).WithPayload(payload),
		Wait:    ns.SilentGrace, Silent: true, Effect: true,
		Done: func(_ wire.Command, err error) {
			if refused, ok := errors.AsType[*errs.ServerError](err); ok {
				err = uumError(refused)
			}
			result(err)
		},
	})
}

func uumError(refused *errs.ServerError) error {
	switch refused.Number {
	case 203, 204, 205, 208, 217:
		return fmt.Errorf("%w: %w", errs.ErrNoSuchContact, refused)
	case 800:
		return fmt.Errorf("%w: %w", errs.ErrTooFast, refused)
	}
	return fmt.Errorf("%w: %w", errs.ErrNotDelivered, refused)
}

// received handles "UBM account network to network type", with a payload.
func (n *Networks) received(cmd wire.Command) {
	address := cmd.Arg(0)
	if network, rest, ok := strings.Cut(address, ":"); ok && clean.IsNumber(network) {
		address = rest
	}
	from, ok := clean.Account(address)
	if !ok || from == n.conn.Self() || len(cmd.Args) < 2 {
		return
	}
	m := wire.ParseMessage(cmd.Payload)
	contact, _ := n.people.Find(from)
	cv := n.chats.Conversation(chat.ID{Contact: from})
	switch kind := cmd.Arg(len(cmd.Args) - 1); {
	case kind == uumText && m.MediaType() == "text/plain":
		session, seq := n.chats.NextRelayed()
		n.conn.Emit(chat.TextReceived{Conversation: cv, From: from, FromName: contact.Name, Text: clean.LF(m.Text()),
			Format: clean.Format(m.Header.Get("X-MMS-IM-Format")), Session: session, Seq: seq, At: time.Now()})
	case kind == uumTyping:
		if n.chats.AllowTyping(from) {
			n.conn.Emit(chat.TypingReceived{Conversation: cv, From: from})
		}
	case kind == chat.NoteCall:
		if network, ok := clean.Small(cmd.Arg(1)); ok {
			n.chats.Called(from, kind, cmd.Payload, func(payload string) {
				n.send(from, network, kind, payload, func(error) {}) // who calls has rung off, perhaps
			})
		}
	case kind == uumNudge:
		session, seq := n.chats.NextRelayed()
		n.chats.Cast(chat.Data{Conversation: cv, From: from, Name: contact.Name, Message: m, Session: session, Seq: seq})
	default:
		session, seq := n.chats.NextRelayed()
		n.conn.Emit(chat.OtherReceived{Conversation: cv, From: from, FromName: contact.Name, Message: m, Session: session, Seq: seq})
	}
}
