package media

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Fetch asks a contact for an object and writes it to w, as it comes: what was written counts only
// when there is no error. It opens a session with the contact if there is none. told is called with
// how much has come, by the owner; may be nil.
//
// The error is errs.ErrDialect below MSNP9, ErrBlocks, p2p.ErrDeclined when the contact does not give it,
// p2p.ErrSilent, p2p.ErrCancelled or ErrGone when they end, p2p.ErrBroken when it is not what the
// object says, one of chat.Conversation.SendText when there is no session, that of w or of ctx.
func (m *Media) Fetch(ctx context.Context, account string, o slp.Object, w io.Writer, told func(done uint64)) error {
	sink := newIncoming()
	t := new(control)
	err := m.begin(ctx, account, t, func(p *peer) *p2p.Transfer { return p.stack.Fetch(o, sink, told) }, sink.Close)
	if err != nil {
		return err
	}
	return sink.drain(ctx, w, func() { m.stop(t) })
}

// SendFile offers a file to a contact and sends it when they want it, read from r as it goes. f.Size
// must be what r holds. It returns when the contact has it. told is called with how much has gone out,
// by the owner, and with 0 when the contact has been offered it; may be nil.
//
// The errors are those of Fetch: p2p.ErrDeclined when the contact does not want it, p2p.ErrSilent
// when they do not answer for five minutes; that of r.
func (m *Media) SendFile(ctx context.Context, account string, f slp.FileInfo, r io.Reader, told func(done uint64)) error {
	source := newOutgoing()
	t := new(control)
	offered := false
	err := m.begin(ctx, account, t, func(p *peer) *p2p.Transfer {
		if told != nil && !offered {
			offered = true
			told(0)
		}
		return p.stack.Send(f, source, told)
	}, source.Close)
	if err != nil {
		return err
	}
	// No more is read than goes out: r may be a line that stays open behind that.
	only := io.LimitReader(r, int64(min(f.Size, math.MaxInt64)))
	return source.fill(ctx, only, func() { m.pump(t) }, func() { m.stop(t) })
}

// control is how a transfer is reached whose session is there, or not yet. It belongs to the owner.
type control struct {
	account  string
	begin    func(*peer) *p2p.Transfer
	failed   func(error) // called once when it comes to nothing
	over     line
	transfer *p2p.Transfer // nil while its session is opened
	until    time.Time     // when the answer must be there; zero before it was asked for
	stopped  bool
	again    bool // it was begun again
}

// begin opens a session and has something begun in it. failed is called by the owner when that comes
// to nothing.
func (m *Media) begin(ctx context.Context, account string, t *control, begin func(*peer) *p2p.Transfer, failed func(error)) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.account, t.begin, t.failed = account, begin, once(failed)
	if !m.conn.Post(func() { m.open(t) }) {
		return m.conn.Ended()
	}
	return nil
}

// open opens a session for a transfer.
func (m *Media) open(t *control) {
	if err := m.allowed(t.account); err != nil {
		t.failed(err)
		return
	}
	m.talks.open(t.account, func(over line, err error) {
		switch {
		case t.stopped:
			t.failed(p2p.ErrStopped)
			return
		case err != nil:
			t.failed(err)
			return
		}
		if err := m.allowed(t.account); err != nil { // they were blocked meanwhile
			t.failed(err)
			return
		}
		t.over = over
		m.start(t)
	})
}

// allowed returns why nothing can be begun with a contact.
func (m *Media) allowed(account string) error {
	switch {
	case m.conn.Err() != nil:
		return m.conn.Ended()
	case m.conn.Dialect() < wire.FirstObjects:
		return errs.ErrDialect
	case m.blocked(account):
		return ErrBlocks
	}
	return nil
}

// start begins a transfer in its session. An endpoint that does not understand how it is spoken to is
// asked again in the way that all do.
func (m *Media) start(t *control) {
	p := m.to(t.over, t.account)
	if p == nil {
		t.failed(p2p.ErrBusy)
		return
	}
	transfer := t.begin(p)
	t.transfer = transfer
	if !t.again {
		t.until = time.Now().Add(transfer.Patience())
		transfer.OnMissed(func(err error) { m.missed(t, err) })
	} else {
		transfer.AnswerWithin(time.Until(t.until))
	}
	transfer.Wake()
	if !p.later || m.understands(p) {
		return
	}
	m.conn.After(deafTime, func() {
		if !m.understands(p) && !t.stopped && transfer.Withdraw() {
			m.noteDeaf(p)
			m.start(t)
		}
	})
}

// missed begins a transfer again, once, of which the other side has not heard before the session ended:
// Messengers leave when they have what they wanted, and know nothing of what was on its way then.
func (m *Media) missed(t *control, err error) {
	if t.stopped || m.conn.Err() != nil || errors.Is(err, chat.ErrUserLeft) {
		t.failed(err)
		return
	}
	t.again, t.transfer, t.over = true, nil, nil
	m.conn.After(time.Until(t.until), func() {
		if t.transfer == nil {
			t.stopped = true
			t.failed(p2p.ErrSilent)
		}
	})
	m.open(t)
}

func once(f func(error)) func(error) {
	done := false
	return func(err error) {
		if !done {
			done = true
			f(err)
		}
	}
}

// stop ends a transfer for the user.
func (m *Media) stop(t *control) {
	m.conn.Post(func() {
		t.stopped = true
		switch {
		case t.transfer != nil:
			t.transfer.Stop()
			t.transfer.Wake()
		case t.failed != nil:
			t.failed(p2p.ErrStopped) // its session is being opened
		}
	})
}

// pump goes on with a transfer that waited for data.
func (m *Media) pump(t *control) {
	m.conn.Post(func() {
		if t.transfer != nil {
			t.transfer.Wake()
		}
	})
}

// FileOffer is a file that somebody offers. Its methods may be called from any goroutine.
type FileOffer struct {
	media *Media
	offer *p2p.Offer
	old   *oldOffer // of an old client, in the place of the one above

	mu     sync.Mutex
	why    error
	ended  chan struct{}
	closed bool
}

// ErrNoOffer says that a file is not offered any more.
var ErrNoOffer = errors.New("msn: the file is not offered any more")

// end is called by the owner when an offer ends that nobody has accepted.
func (o *FileOffer) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed, o.why = true, err
		close(o.ended)
	}
}

// Ended is closed when an offer that was neither accepted nor declined is not there any more; Why
// tells why then.
func (o *FileOffer) Ended() <-chan struct{} { return o.ended }

// Why returns why an offer has ended, nil while it has not.
func (o *FileOffer) Why() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.why
}

// Accept takes the file and writes it to w, as it comes: what was written counts only when there is
// no error. told is called with how much has come, by the owner or, of a file of an old client, by the caller; may be nil. The errors are those of
// Fetch, and ErrNoOffer.
func (o *FileOffer) Accept(ctx context.Context, w io.Writer, told func(done uint64)) error {
	if o.media == nil {
		return ErrNoOffer
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if o.old != nil {
		return o.acceptOld(ctx, w, told)
	}
	sink := newIncoming()
	t := new(control)
	m := o.media
	if !m.conn.Post(func() {
		transfer, ok := o.offer.Accept(sink, told)
		if !ok {
			sink.Close(ErrNoOffer)
			return
		}
		t.transfer = transfer
		transfer.Wake()
	}) {
		return m.conn.Ended()
	}
	return sink.drain(ctx, w, func() { m.stop(t) })
}

// Decline says no. It does nothing when the offer is not there any more, or is the zero value.
func (o *FileOffer) Decline() {
	if o.media == nil {
		return
	}
	if o.old != nil {
		o.media.conn.Post(o.old.decline)
		return
	}
	o.media.conn.Post(func() {
		o.offer.OnEnd(nil)
		o.offer.Decline()
		o.offer.Wake()
	})
}
