package bridge

import (
	"context"
	"sync"
	"time"

	"matrix-msn/msn"
)

// Who writes a message learns within a minute whether it went out, however many
// messages wait.
const (
	// sendTimeout bounds sending as a whole, waiting for the connection included.
	sendTimeout = 50 * time.Second
	// reconnectWait is how much of it is spent on waiting for the connection.
	reconnectWait = 20 * time.Second
	// maxOutgoing is how many messages of a login may wait for the connection.
	maxOutgoing = 1000
)

// outgoing is a message on its way from Matrix to MSN.
type outgoing struct {
	account, text, format string
	arrived               time.Time
	// done is called once, from any goroutine, with what became of it.
	done func(error)
}

// outbox carries messages from Matrix to MSN, in the order in which they came,
// without one that takes long holding up the next.
type outbox struct {
	client *Client
	wake   chan struct{} // one token: something was put in
	sent   sync.WaitGroup

	mu   sync.Mutex
	open bool
	jobs []*outgoing
}

func newOutbox(c *Client) *outbox { return &outbox{client: c, wake: make(chan struct{}, 1)} }

// put adds a message. It reports false while the login is not started, or when
// too many messages wait.
func (o *outbox) put(job *outgoing) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open || len(o.jobs) >= maxOutgoing {
		return false
	}
	o.jobs = append(o.jobs, job)
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return true
}

func (o *outbox) take() []*outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	jobs := o.jobs
	o.jobs = nil
	return jobs
}

func (o *outbox) setOpen(open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = open
}

// run sends until ctx ends, and returns when the fate of everything is told.
func (o *outbox) run(ctx context.Context) {
	defer o.sent.Wait()
	for {
		select {
		case <-o.wake:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			o.setOpen(false)
		}
		for _, job := range o.take() {
			o.send(ctx, job)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// send puts one message into the order of its conversation, or refuses it.
func (o *outbox) send(ctx context.Context, job *outgoing) {
	ctx, cancel := context.WithDeadline(ctx, job.arrived.Add(sendTimeout))
	waiting, stopWaiting := context.WithDeadline(ctx, job.arrived.Add(reconnectWait))
	defer stopWaiting()
	wait := func() error { return errBlockedByUser }
	if session, err := o.client.waitForSession(waiting); err != nil {
		wait = func() error { return err }
	} else if contact, ok := session.Contact(job.account); !ok || !contact.Lists.Has(msn.ListBlock) {
		wait = session.Conversation(job.account).StartText(ctx, job.text, job.format)
	}
	o.sent.Go(func() {
		defer cancel()
		job.done(wait())
	})
}
