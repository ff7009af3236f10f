package msntest

import (
	"context"
	"fmt"

	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Chat is a conversation that a played account is in.
type Chat struct {
	bot   *Bot
	party *party
	over  bool // left
}

// Say sends a text message.
func (c *Chat) Say(text string) error {
	return c.Send(wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").
			With("Content-Type", "text/plain; charset=UTF-8").
			With("X-MMS-IM-Format", "FN=Segoe%20UI; EF=; CO=0; CS=0; PF=22"),
		Body: text,
	})
}

// Type tells the others that the account is typing.
func (c *Chat) Type() error {
	return c.Send(wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").
			With("Content-Type", "text/x-msmsgscontrol").
			With("TypingUser", c.bot.account.email),
		Body: "\r\n",
	})
}

// Nudge sends a nudge.
func (c *Chat) Nudge() error {
	return c.Send(wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/x-msnmsgr-datacast"),
		Body:   "ID: 1\r\n\r\n",
	})
}

// Send sends any message; its encoded size is not limited here, so that clients
// can be tried with too long ones. The error is ErrNobodyThere when the others
// have left.
func (c *Chat) Send(message wire.Message) error { return c.SendPayload(message.Payload()) }

// SendPayload sends bytes as the payload of MSG.
func (c *Chat) SendPayload(payload string) error {
	s := c.bot.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.over || s.closed || !s.relay(c.party, payload) {
		return ErrNobodyThere
	}
	return nil
}

// Invite calls somebody into the conversation and waits until they come. The
// error is a *CallError when they cannot be called, or that of ctx.
func (c *Chat) Invite(ctx context.Context, email string) error {
	s := c.bot.srv
	s.mu.Lock()
	number := "217"
	if !c.over && !s.closed {
		number = s.call(c.party, email, func() {})
	}
	s.mu.Unlock()
	if number != "" {
		return fmt.Errorf("calling %s: %w", email, &CallError{Number: number})
	}
	err := s.wait(ctx, func() bool { return c.has(email) || c.over })
	if err != nil {
		return fmt.Errorf("calling %s: %w", email, err)
	}
	return nil
}

// has reports whether somebody is in the conversation; the server is locked.
func (c *Chat) has(email string) bool {
	for _, p := range c.party.sb.parties {
		if p.account.email == normalize(email) {
			return true
		}
	}
	return false
}

// Members returns the accounts in the conversation, without the played one.
func (c *Chat) Members() []string {
	c.bot.srv.mu.Lock()
	defer c.bot.srv.mu.Unlock()
	var list []string
	for _, p := range c.party.sb.parties {
		if p != c.party {
			list = append(list, p.account.email)
		}
	}
	return list
}

// Leave leaves the conversation. It may be called again.
func (c *Chat) Leave() {
	s := c.bot.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.over || s.closed {
		return
	}
	delete(c.bot.chats, c.party.sb)
	s.leave(c.party, false)
	c.ended()
}

// ended ends what the account's Messenger has under way here; the server is locked.
func (c *Chat) ended() {
	if m := c.bot.messenger; m != nil {
		c.bot.queue.add(func() { m.left(c, "") })
	}
}

// joined, left and message hand what happens to the script; the server is
// locked.
func (c *Chat) joined(account string) {
	if f := c.bot.script.Joined; f != nil {
		c.bot.queue.add(func() { f(c, account) })
	}
}

func (c *Chat) left(account string) {
	if m := c.bot.messenger; m != nil {
		c.bot.queue.add(func() { m.left(c, account) })
	}
	if f := c.bot.script.Left; f != nil {
		c.bot.queue.add(func() { f(c, account) })
	}
}

func (c *Chat) message(from, payload string) {
	script := c.bot.script
	message := wire.ParseMessage(payload)
	c.bot.queue.add(func() {
		if script.Message != nil {
			script.Message(c, from, message)
		}
		switch message.MediaType() {
		case "text/x-msmsgsinvite":
			fields := wire.Header(message.Body)
			if answers, ok := c.bot.old.Load(fields.Get("Invitation-Cookie")); ok {
				select {
				case answers.(chan wire.Header) <- fields:
				default: // nobody waits for so many
				}
			}
		case slp.MediaType:
			if c.bot.messenger != nil {
				c.bot.messenger.packet(c, from, message)
			}
		case "text/plain":
			if script.Text != nil {
				script.Text(c, from, message.Text())
			}
		case "text/x-msmsgscontrol":
			if script.Typing != nil {
				script.Typing(c, from)
			}
		case "text/x-msnmsgr-datacast":
			if script.Nudge != nil && wire.Header(message.Body).Get("ID") == "1" {
				script.Nudge(c, from)
			}
		}
	})
}
