package stack

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"matrix-msn/msn"
)

// Person is somebody on MSN, with a client of her own and no bridge. Everything that her client tells is kept, in
// order, for WaitEventAfter and Count. Its methods may be called from any goroutine.
type Person struct {
	// Client is for everything that has no method here. Its events belong to the Person.
	Client *msn.Client

	heard *record[Heard]
	done  sync.WaitGroup
}

// Heard is an event that a person's client has told.
type Heard struct {
	msn.Event
	// At is when the client told it.
	At time.Time
}

// SignIn signs a person in to MSN. She stays until Close.
func SignIn(ctx context.Context, config msn.Config) (*Person, error) {
	client, err := msn.Login(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("sign %s in to MSN: %w", config.Account, err)
	}
	p := &Person{Client: client, heard: newRecord(client.Account(), describeHeard)}
	p.done.Go(func() {
		for event := range client.Events() {
			p.heard.add(Heard{Event: event, At: time.Now()})
		}
		p.heard.close(client.Err())
	})
	return p, nil
}

// Close signs the person out and waits for that. It may be called more than once.
func (p *Person) Close() error {
	err := p.Client.Close()
	p.done.Wait()
	return err
}

// Say sends a text to somebody and returns when the server has acknowledged it.
func (p *Person) Say(ctx context.Context, to, text string) error {
	if err := p.Client.Conversation(to).SendText(ctx, text, ""); err != nil {
		return fmt.Errorf("%s says something to %s on MSN: %w", p.Client.Account(), to, err)
	}
	return nil
}

// Type tells somebody that the person is typing, if they have a conversation.
func (p *Person) Type(ctx context.Context, to string) error {
	if err := p.Client.Conversation(to).SendTyping(ctx); err != nil {
		return fmt.Errorf("%s tells %s on MSN of typing: %w", p.Client.Account(), to, err)
	}
	return nil
}

// Mark returns the place after everything that the person has heard so far. Of what comes later, see WaitEventAfter.
func (p *Person) Mark() Mark {
	return p.heard.mark()
}

// WaitEventAfter returns the first event after mark that matches, of all that the person has heard or will hear. What
// names the event in the error, which quotes the last events heard instead. Without a deadline in ctx it gives up
// after [DefaultWait].
func (p *Person) WaitEventAfter(ctx context.Context, mark Mark, what string, match func(Heard) bool) (Heard, error) {
	return p.heard.wait(ctx, mark, what, match)
}

// Count returns how many of the events heard since mark match.
func (p *Person) Count(mark Mark, match func(Heard) bool) int {
	return p.heard.count(mark, match)
}

// Follow yields all that the person has heard since mark and then what she hears, until ctx or her connection ends.
func (p *Person) Follow(ctx context.Context, mark Mark) iter.Seq[Heard] {
	return p.heard.follow(ctx, mark)
}

// HeardText matches a text message. An empty sender means any.
func HeardText(from, text string) func(Heard) bool {
	return func(h Heard) bool {
		message, ok := h.Event.(msn.TextReceived)
		return ok && (from == "" || message.From == from) && message.Text == text
	}
}

// HeardTyping matches the news that somebody is typing.
func HeardTyping(from string) func(Heard) bool {
	return func(h Heard) bool {
		typing, ok := h.Event.(msn.TypingReceived)
		return ok && typing.From == from
	}
}

// HeardStatus matches the news of a contact's status.
func HeardStatus(account string, status msn.Status) func(Heard) bool {
	return func(h Heard) bool {
		presence, ok := h.Event.(msn.PresenceChanged)
		return ok && presence.Contact.Account == account && presence.Contact.Status == status
	}
}

// describeHeard returns the event in a line.
func describeHeard(h Heard) string {
	at := h.At.Format("15:04:05.000")
	switch event := h.Event.(type) {
	case msn.TextReceived:
		return fmt.Sprintf("%s text from %s: %q", at, event.From, event.Text)
	case msn.TypingReceived:
		return fmt.Sprintf("%s typing of %s", at, event.From)
	case msn.PresenceChanged:
		return fmt.Sprintf("%s %s is %s", at, event.Contact.Account, event.Contact.Status)
	case msn.Disconnected:
		return fmt.Sprintf("%s disconnected: %v", at, event.Err)
	default:
		return fmt.Sprintf("%s %T", at, event)
	}
}
