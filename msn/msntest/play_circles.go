package msntest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"matrix-msn/msn/wire"
)

// Played accounts in circles.

// ErrNotInCircle says that an account does not belong to a circle, or has not entered
// it.
var ErrNotInCircle = errors.New("msntest: account is not in the circle")

// EnterCircle has the played account enter a circle that it belongs to: the others
// there see it from then on, and its script hears what they say.
func (b *Bot) EnterCircle(address string) error {
	return b.withCircle(address, func(c *circle) bool {
		if !c.accepted(b.account) {
			return false
		}
		b.srv.enterCircle(b.session, c)
		return true
	})
}

// SayInCircle sends a text to all who are in a circle that the account has entered.
func (b *Bot) SayInCircle(address, text string) error {
	head := wire.Header("").With("Content-Type", "Text/plain; charset=UTF-8").With("Content-Transfer-Encoding", "7bit").
		With("Message-Type", "Text").With("MIME-Version", "1.0").
		With("X-MMS-IM-Format", "FN=Segoe%20UI; EF=; CO=0; CS=0; PF=22")
	return b.sendToCircle(address, head, text)
}

// TypeInCircle tells all who are in a circle that the account is typing.
func (b *Bot) TypeInCircle(address string) error {
	head := wire.Header("").With("Content-Type", "text/x-msmsgscontrol").With("Content-Transfer-Encoding", "7bit").
		With("Message-Type", "Control").With("Message-Subtype", "Typing").With("MIME-Version", "1.0").With("TypingUser", b.account.email)
	return b.sendToCircle(address, head, "\r\n")
}

func (b *Bot) sendToCircle(address string, head wire.Header, body string) error {
	return b.withCircle(address, func(c *circle) bool {
		if !slices.Contains(c.present, b.session) {
			return false
		}
		b.srv.forward(b.session, c, "Routing: 1.0\r\nTo: 9:"+c.address()+";path=IM\r\nFrom: 1:"+b.account.email+"\r\n\r\n"+
			"Reliability: 1.0\r\nStream: 0\r\nSegment: 0\r\n\r\nMessaging: 1.0\r\n"+
			string(wire.Header("").With("Content-Length", strconv.Itoa(len(body))))+string(head)+"\r\n"+body)
		return true
	})
}

func (b *Bot) withCircle(address string, do func(*circle) bool) error {
	s := b.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || b.session == nil || !slices.Contains(b.account.endpoints, b.session) {
		return fmt.Errorf("%w: %s", ErrNotOnline, b.account.email)
	}
	if c := s.circleAt(address); c == nil || !do(c) {
		return fmt.Errorf("%w: %s, %s", ErrNotInCircle, b.account.email, address)
	}
	return nil
}

// circleMessage hands what somebody said in a circle to the script; the server is
// locked.
func (b *Bot) circleMessage(c *circle, from string, m wire.Message) {
	address, kind := c.address(), m.Header.Get("Message-Type")
	switch {
	case kind == "Text" && b.script.CircleText != nil:
		b.queue.add(func() { b.script.CircleText(address, from, m.Body) })
	case (kind == "Control/Typing" || kind == "Control" && m.Header.Get("Message-Subtype") == "Typing") && b.script.CircleTyping != nil:
		b.queue.add(func() { b.script.CircleTyping(address, from) })
	}
}
