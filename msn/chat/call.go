package chat

import (
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/sip"
	"matrix-msn/msn/wire"
)

// Types of notes (UBN, UUN), and of messages of other networks (UBM, UUM), that are about calls.
const (
	noteWaiting = "2" // the call waits at another server
	// NoteCall is the type of a note that holds SIP.
	NoteCall = "12"
)

// Note handles a note of somebody else's on the notification connection: "UBN account type", with a
// payload. Those about calls are told, and a call is declined: it would go on ringing.
func (c *Chats) Note(cmd wire.Command) {
	to, endpoint, _ := clean.Endpoint(cmd.Arg(0))
	if endpoint != "" {
		to += ";" + endpoint
	}
	c.Called(to, cmd.Arg(1), cmd.Payload, func(payload string) {
		c.conn.Send(ns.Request{
			Command: wire.New("UUN", to, NoteCall).WithPayload(payload), Wait: ns.SilentGrace, Silent: true,
			Done: func(wire.Command, error) {}, // who calls has rung off, perhaps
		})
	})
}

// Called handles a note about a call. decline sends an answer of the same type.
func (c *Chats) Called(from, kind, payload string, decline func(payload string)) {
	account, _, ok := clean.Endpoint(from)
	if !ok || account == c.conn.Self() {
		return
	}
	var call sip.Call
	switch kind {
	case NoteCall:
		if call, ok = sip.ParseCall(payload); !ok {
			return
		}
	case noteWaiting:
		if !strings.HasPrefix(payload, "INVITE ") {
			return
		}
	default:
		return
	}
	if !c.invites.Allow(account, time.Now()) {
		return
	}
	contact, _ := c.people.Find(account)
	session, seq := c.NextRelayed()
	c.conn.Emit(InvitationReceived{Offer: OfferCall, Declined: kind == NoteCall, Origin: Origin{
		Conversation: c.Conversation(ID{Contact: account}), From: account, FromName: contact.Name, Session: session, Seq: seq, At: time.Now(),
	}})
	if kind == NoteCall {
		decline(call.Decline())
	}
}
