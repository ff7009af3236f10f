package msn

import (
	"errors"
	"fmt"
	"strings"
	"time"

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

// silentGrace is how long no error must come for a message to count as sent whose
// success is silent.
const silentGrace = 3 * time.Second

// ErrNetwork says that the contact is on a network that the service, or the dialect,
// carries no texts to. Yahoo contacts are written to from MSNP14 on.
var ErrNetwork = errors.New("msn: contacts of this network cannot be written to")

// networkOf is the network of an account, 0 when it is MSN's or not known.
func (c *Client) networkOf(account string) int {
	contact := c.book.find(account)
	if contact == nil || contact.Network == soap.NetworkPassport {
		return 0
	}
	return contact.Network
}

// sendFederated sends a text to a contact of another network.
func (c *Client) sendFederated(d *delivery, network int) {
	if network != soap.NetworkYahoo || c.dialect < wire.FirstNetworks {
		d.settle(fmt.Errorf("%w: network %d", ErrNetwork, network))
		return
	}
	payloads, _ := textPayloads(d.text, d.format, false)
	d.sendWithoutSession(payloads, func(payload string, result func(error)) {
		c.uum(d.conversation.peer, network, payload, result)
	})
}

// uum sends a text by UUM; see sendSilent.
func (c *Client) uum(to string, network int, payload string, result func(error)) {
	c.sendSilent(wire.New("UUM", to, fmt.Sprint(network), uumText).WithPayload(payload), uumError, result)
}

// sendSilent sends a message over the notification connection whose success the server
// does not tell. result is called once: with nil when it has, or when no error has come
// for silentGrace, with what failure makes of an error, and with ErrUncertain when the
// connection ended meanwhile.
func (c *Client) sendSilent(cmd wire.Command, failure func(*ServerError) error, result func(error)) {
	if c.err != nil {
		result(c.ended())
		return
	}
	// What is not answered says nothing of the connection: PNG goes out all the same.
	defer func(sent time.Time) { c.pulse.sent = sent }(c.pulse.sent)
	c.submit(c.ns.newTrID(), cmd, silentGrace, &request{done: func(_ wire.Command, err error) {
		refused, isRefused := errors.AsType[*ServerError](err)
		switch {
		case err == nil, errors.Is(err, ErrTimeout):
			result(nil)
		case isRefused:
			result(failure(refused))
		case errors.Is(err, wire.ErrUnsafe):
			result(err) // nothing was sent
		default:
			result(fmt.Errorf("%w: %w", ErrUncertain, err))
		}
	}})
}

func uumError(refused *ServerError) error {
	switch refused.Number {
	case 203, 204, 205, 208, 217:
		return fmt.Errorf("%w: %w", ErrNoSuchContact, refused)
	case 800:
		return fmt.Errorf("%w: %w", ErrTooFast, refused)
	}
	return fmt.Errorf("%w: %w", ErrNotDelivered, refused)
}

// federated handles "UBM account network to network type", with a payload.
func (c *Client) federated(cmd wire.Command) {
	address := cmd.Arg(0)
	if network, rest, ok := strings.Cut(address, ":"); ok && isNumber(network) {
		address = rest
	}
	from, ok := parseAccount(address)
	if !ok || from == c.self || len(cmd.Args) < 2 {
		return
	}
	m := wire.ParseMessage(cmd.Payload)
	name := ""
	if contact := c.book.find(from); contact != nil {
		name = contact.Name
	}
	cv := c.conversation(from)
	switch kind := cmd.Arg(len(cmd.Args) - 1); {
	case kind == uumText && m.MediaType() == "text/plain":
		c.relayed++
		c.emit(TextReceived{Conversation: cv, From: from, FromName: name, Text: lineEnds.Replace(m.Text()),
			Format: cleanFormat(m.Header.Get("X-MMS-IM-Format")), Session: c.relaySession, Seq: c.relayed, At: time.Now()})
	case kind == uumTyping:
		if c.typing.allow(from, time.Now()) {
			c.emit(TypingReceived{Conversation: cv, From: from})
		}
	default:
		c.relayed++
		c.emit(OtherReceived{Conversation: cv, From: from, FromName: name, Message: m, Session: c.relaySession, Seq: c.relayed})
	}
}
