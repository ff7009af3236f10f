package chat

import (
	"context"
	"fmt"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// A datacast is a small thing that a contact's Messenger does at once: it shakes the window, plays
// something (protocol/11-rich-content.md, section 3). What kind it is stands in the body.

const datacast = "text/x-msnmsgr-datacast"

// The IDs of datacasts.
const (
	castNudge = "1"
	castWink  = "2"
	castVoice = "3"
	castText  = "4"
)

// NudgeEvery is how often the people of one conversation may be nudged: official clients wait as
// long.
const NudgeEvery = 11 * time.Second

// NudgeMessage is the nudge in the form of official clients: some take no other one.
const NudgeMessage = "MIME-Version: 1.0\r\nContent-Type: " + datacast + "\r\n\r\nID: 1\r\n\r\n"

// SendNudge nudges those whom the conversation is with, as SendText sends a text: it opens a
// session if there is none, waits for its turn among the texts, and returns when the server has
// acknowledged it.
//
// The error is ErrDialect before MSNP11, with which nudges came, ErrTooFast within NudgeEvery of
// another nudge, and else one of SendText: ErrOffline for somebody who is offline.
func (cv *Conversation) SendNudge(ctx context.Context) error {
	conn := cv.chats.conn
	switch {
	case cv.id == (ID{}):
		return errs.ErrNoSuchContact
	case conn.Dialect() < wire.FirstPersonal:
		return fmt.Errorf("%w: nudges", errs.ErrDialect)
	}
	d := &delivery{nudge: true, result: make(chan error, 1)}
	if !conn.Post(func() { cv.live().nudge(d) }) {
		return conn.Ended()
	}
	return cv.await(ctx, d)
}

// nudge sends a nudge, unless there was one just now. One that failed is none.
func (cv *Conversation) nudge(d *delivery) {
	now := time.Now()
	if !cv.nudged.IsZero() && now.Sub(cv.nudged) < NudgeEvery {
		d.conversation = cv
		d.settle(fmt.Errorf("%w: a nudge went out already", errs.ErrTooFast))
		return
	}
	before := cv.nudged
	cv.nudged = now
	d.failed = func() {
		if cv.nudged.Equal(now) { // none was taken since
			cv.nudged = before
		}
	}
	cv.enqueue(d)
}

// Cast makes an event of a datacast, however it came.
func (c *Chats) Cast(d Data) {
	if d.Own {
		return
	}
	fields := wire.Header(d.Message.Body)
	switch id := fields.Get("ID"); id {
	case castNudge:
		c.conn.Emit(NudgeReceived{c.origin(d)})
	case castWink:
		c.conn.Emit(WinkReceived{c.origin(d), castObject(fields)})
	case castVoice:
		c.conn.Emit(VoiceClipReceived{c.origin(d), castObject(fields)})
	case castText:
		if text := strings.TrimSpace(clean.LF(strings.ToValidUTF8(fields.Get("Data"), "\uFFFD"))); text != "" {
			c.conn.Emit(ActionReceived{c.origin(d), text})
		}
	default:
		c.other(d)
	}
}

// castObject returns the object of a datacast, the zero value for none.
func castObject(fields wire.Header) slp.Object {
	o, _ := slp.ParseObject(fields.Get("Data"))
	return o
}

// origin says where something came from that is no text.
func (c *Chats) origin(d Data) Origin {
	return Origin{Conversation: d.Conversation, From: d.From, FromName: d.Name, Session: d.Session, Seq: d.Seq,
		Others: d.Others, At: time.Now()}
}
