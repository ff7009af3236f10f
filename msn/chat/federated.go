package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
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
)

// ErrNetwork says that the contact is on a network that the service, or the dialect,
// carries no texts to. Yahoo contacts are written to from MSNP14 on.
var ErrNetwork = errors.New("msn: contacts of this network cannot be written to")

// networkOf is the network of an account, 0 when it is MSN's or not known.
func (c *Chats) networkOf(account string) int {
	contact, known := c.people.Find(account)
	if !known || contact.Network == soap.NetworkPassport {
		return 0
	}
	return contact.Network
}

// federated carries texts to contacts of other networks.
type federated struct{ chats *Chats }

func (f federated) Ready(id ID) error {
	network := f.chats.networkOf(id.Contact)
	if network != soap.NetworkYahoo || f.chats.conn.Dialect() < wire.FirstNetworks {
		return fmt.Errorf("%w: network %d", ErrNetwork, network)
	}
	return nil
}

func (f federated) Split(text, format string) []string {
	payloads, _ := textPayloads(text, format, false)
	return payloads
}

func (f federated) Send(id ID, payload, _ string, result func(error)) {
	f.chats.SendUUM(id.Contact, f.chats.networkOf(id.Contact), payload, result)
}

func (f federated) Typing(ID) {} // is not carried

func (f federated) Participants(ID) []string { return nil }

// SendUUM sends a message to an account of a network without a switchboard (UUM). The
// server tells errors only: result is called once, with nil when none has come for a while,
// and with errs.ErrUncertain when the connection ended before.
func (c *Chats) SendUUM(to string, network int, payload string, result func(error)) {
	c.conn.Send(ns.Request{
		Command: wire.New("UUM", to, fmt.Sprint(network), uumText).WithPayload(payload),
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

// fromOtherNetwork handles "UBM account network to network type", with a payload.
func (c *Chats) fromOtherNetwork(cmd wire.Command) {
	address := cmd.Arg(0)
	if network, rest, ok := strings.Cut(address, ":"); ok && clean.IsNumber(network) {
		address = rest
	}
	from, ok := clean.Account(address)
	if !ok || from == c.conn.Self() || len(cmd.Args) < 2 {
		return
	}
	m := wire.ParseMessage(cmd.Payload)
	contact, _ := c.people.Find(from)
	cv := c.Conversation(ID{Contact: from})
	switch kind := cmd.Arg(len(cmd.Args) - 1); {
	case kind == uumText && m.MediaType() == "text/plain":
		session, seq := c.NextRelayed()
		c.conn.Emit(TextReceived{Conversation: cv, From: from, FromName: contact.Name, Text: clean.LF(m.Text()),
			Format: clean.Format(m.Header.Get("X-MMS-IM-Format")), Session: session, Seq: seq, At: time.Now()})
	case kind == uumTyping:
		if c.AllowTyping(from) {
			c.conn.Emit(TypingReceived{Conversation: cv, From: from})
		}
	default:
		session, seq := c.NextRelayed()
		c.conn.Emit(OtherReceived{Conversation: cv, From: from, FromName: contact.Name, Message: m, Session: session, Seq: seq})
	}
}
