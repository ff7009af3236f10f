package msntest

import (
	"bytes"
	"context"
	"crypto/sha1"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// line is what a Messenger has under way with one endpoint of somebody in a conversation. The lock of the
// messenger is held where it is used, but for flush and what sends data.
type line struct {
	messenger *messenger
	chat      *Chat
	account   string
	address   string // as packets are marked
	own       string
	later     bool
	framing   framing
	transfers []*transfer
	waiting   []string   // packets to be sent
	sending   sync.Mutex // held from when packets are taken until they are sent, so that they keep their order; before the messenger's lock
	calls     []func()   // what the script is told of
}

// transfer is a picture or file that goes one way or the other.
type transfer struct {
	line    *line
	at      slp.Call
	invited slp.Message // by the other side
	session uint32
	app     uint32
	file    bool
	sends   bool
	data    []byte // what goes out
	total   uint64
	hash    slp.Hash
	got     bytes.Buffer // what has come
	begun   bool         // data goes out
	whole   bool         // all has come, or gone
	over    bool
	err     error
	ended   chan struct{}
}

// put has packets sent by the next flush.
func (l *line) put(packets ...string) { l.waiting = append(l.waiting, packets...) }

// flush sends what waits. The lock is not held.
func (l *line) flush() {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.messenger.mu.Lock()
	packets := l.waiting
	l.waiting = nil
	l.messenger.mu.Unlock()
	for _, p := range packets {
		l.send(p)
	}
}

func (l *line) send(packet string) error {
	head := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", slp.MediaType).With("P2P-Dest", l.address)
	if l.later {
		head = head.With("P2P-Src", l.own)
	}
	return l.chat.Send(wire.Message{Header: head, Body: packet})
}

// say sends a message in MSNSLP. acked, which may be nil, is called when it is acknowledged.
func (l *line) say(m slp.Message, acked func()) { l.put(l.framing.message(m.Text(), acked)...) }

// receive takes a packet.
func (l *line) receive(body string) {
	u, ok := l.framing.read(body)
	if !ok {
		return
	}
	if u.acknowledge != "" && !l.messenger.cfg.Faults.NoAcks {
		l.put(u.acknowledge)
	}
	if u.acked != nil {
		u.acked()
	}
	t := l.bySession(u.session)
	switch {
	case u.closed && t != nil:
		t.end(ErrCancelled)
	case u.text != "":
		if m, err := slp.ParseMessage(u.text); err == nil {
			l.message(m)
		}
	case u.data != "" && t != nil && !t.sends && u.session != 0:
		t.arrived(u)
	}
}

// message takes a message in MSNSLP.
func (l *line) message(m slp.Message) {
	i := slices.IndexFunc(l.transfers, func(t *transfer) bool { return t.at.ID == m.CallID() })
	at := slp.Call{Self: l.own, Peer: l.address, ID: m.CallID()}
	switch {
	case m.Request == slp.Invite && m.Type() == slp.TransportRequest:
		l.say(at.Reply(m, slp.OK, slp.TransportAnswer, slp.NoDirect()), nil)
	case m.Request == slp.Invite && i < 0:
		l.invited(at, m)
	case i < 0:
	case m.Request == slp.Bye && l.transfers[i].whole:
		l.transfers[i].end(nil)
	case m.Request == slp.Bye:
		l.transfers[i].end(ErrCancelled)
	case m.Code() == 200:
		l.transfers[i].accepted(m)
	case m.Code() >= 400 && m.Type() != slp.TransportAnswer && m.Type() != slp.TransportRequest:
		l.transfers[i].end(ErrRefused)
	}
}

// invited takes what the other side asks for or offers.
func (l *line) invited(at slp.Call, m slp.Message) {
	messenger := l.messenger
	o, ok := slp.ParseOffer(m)
	if !ok {
		l.say(at.Reply(m, slp.InternalError, "null", ""), nil)
		return
	}
	t := &transfer{line: l, at: at, invited: m, session: o.Session, app: o.App, ended: make(chan struct{})}
	file, isFile := slp.ParseFile(o.Context)
	switch {
	case o.Kind == slp.ForObject:
		object, err := slp.ParseObject(strings.TrimRight(string(o.Context), "\x00"))
		data, known := messenger.objects[object.Hash]
		if err != nil || !known {
			t.decline()
			return
		}
		if messenger.cfg.Faults.Instead != nil {
			data = messenger.cfg.Faults.Instead
		}
		t.sends, t.data, t.total = true, data, uint64(len(data))
		l.transfers = append(l.transfers, t)
		// The data goes when the answer is acknowledged.
		l.say(at.Reply(m, slp.OK, slp.SessionRequest, slp.SessionBody(t.session)), t.prepare)
		if messenger.cfg.Faults.Regrets {
			t.decline()
		}
	case o.Kind == slp.File && isFile && messenger.cfg.Offered != nil:
		t.file, t.total = true, file.Size
		l.transfers = append(l.transfers, t)
		offered := &OfferedFile{From: l.account, Name: file.Name, Size: file.Size, transfer: t}
		l.calls = append(l.calls, func() { messenger.cfg.Offered(offered) })
	default:
		t.decline()
	}
}

// invite begins a transfer.
func (l *line) invite(t *transfer, o slp.Offer) *transfer {
	t.line, t.ended = l, make(chan struct{})
	t.at = slp.Call{Self: l.own, Peer: l.address, ID: "{" + strings.ToUpper(strings.Trim(newGUID(), "{}")) + "}"}
	t.session = rand.Uint32N(1<<31) + 1<<20
	o.Session = t.session
	l.transfers = append(l.transfers, t)
	l.say(t.at.Request(slp.Invite, slp.SessionRequest, o.Body(l.later)), nil)
	return t
}

func (l *line) bySession(session uint32) *transfer {
	for _, t := range l.transfers {
		if t.session == session {
			return t
		}
	}
	return nil
}

// wait returns what has come when the transfer is over, and ends it with ctx.
func (t *transfer) wait(ctx context.Context) ([]byte, error) {
	select {
	case <-t.ended:
	case <-ctx.Done():
		t.line.messenger.mu.Lock()
		t.stop()
		t.line.messenger.mu.Unlock()
		t.line.flush()
	}
	t.line.messenger.mu.Lock()
	defer t.line.messenger.mu.Unlock()
	if t.err == ErrStopped && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return t.got.Bytes(), t.err
}

func (t *transfer) end(err error) {
	if t.over {
		return
	}
	t.over, t.err = true, err
	t.line.transfers = slices.DeleteFunc(t.line.transfers, func(o *transfer) bool { return o == t })
	close(t.ended)
}

func (t *transfer) bye() {
	t.line.say(t.at.Request(slp.Bye, slp.SessionClose, slp.SessionBody(t.session)), nil)
}

// stop ends the transfer for this side.
func (t *transfer) stop() {
	if !t.over {
		t.bye()
		t.end(ErrStopped)
	}
}

// accept says yes to a file.
func (t *transfer) accept() {
	if t.over {
		return
	}
	t.line.say(t.at.Reply(t.invited, slp.OK, slp.SessionRequest, slp.SessionBody(t.session)), nil)
	if t.line.messenger.cfg.Faults.Regrets {
		t.decline()
	}
	if t.total == 0 {
		t.end(nil)
	}
}

// decline says no.
func (t *transfer) decline() {
	if !t.over {
		t.line.say(t.at.Reply(t.invited, slp.Decline, slp.SessionRequest, slp.SessionBody(t.session)), nil)
		t.end(ErrStopped)
	}
}

// accepted goes on when the other side has said yes: to the file, or to stay on the switchboard. Official
// clients ask for a direct connection in between.
func (t *transfer) accepted(m slp.Message) {
	switch {
	case !t.sends || t.begun:
	case m.Type() == slp.TransportAnswer:
		t.start()
	default:
		body := "Bridges: TRUDPv1 TCPv1 SBBridge TURNv1\r\nNetID: 0\r\nConn-Type: Unknown-Connect\r\nUPnPNat: false\r\nICF: false\r\n" +
			"Hashed-Nonce: {" + strings.ToUpper(strings.Trim(newGUID(), "{}")) + "}\r\nSessionID: " + strings.TrimPrefix(slp.SessionBody(t.session), "SessionID: ")
		t.line.say(t.at.Request(slp.Invite, slp.TransportRequest, body), nil)
	}
}

// prepare sends what comes before an object, and then the object.
func (t *transfer) prepare() {
	if t.over || t.begun {
		return
	}
	t.line.put(t.line.framing.prepare(t))
	t.start()
}

// start sends the data, by a goroutine of its own.
func (t *transfer) start() {
	t.begun = true
	srv := t.line.messenger.bot.srv
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if !srv.closed {
		srv.wg.Go(t.stream)
	}
}

// stream sends the data, no faster than others take it.
func (t *transfer) stream() {
	l, m := t.line, t.line.messenger
	l.flush()
	var late []string
	offset := 0
	next := func(n int) (more bool) {
		l.sending.Lock()
		defer l.sending.Unlock()
		part := t.data[offset:min(len(t.data), offset+l.framing.room())]
		m.mu.Lock()
		if t.over {
			m.mu.Unlock()
			return false
		}
		offset += len(part)
		packets := []string{l.framing.part(t, uint64(offset-len(part)), string(part))}
		if m.cfg.Faults.Data != nil {
			packets = m.cfg.Faults.Data(n, packets[0])
		}
		if swaps := m.cfg.Faults.Swaps; swaps > 0 && n == swaps {
			packets, late = nil, packets
		} else if late != nil {
			packets, late = append(packets, late...), nil
		}
		if offset == len(t.data) && len(packets) > 0 {
			t.whole = true
			packets = append(packets, l.framing.finish(t)...)
		}
		packets, l.waiting = append(l.waiting, packets...), nil // what was put before goes before
		m.mu.Unlock()
		for _, p := range packets {
			if l.send(p) != nil {
				m.mu.Lock()
				t.end(ErrNobodyThere)
				m.mu.Unlock()
				return false
			}
		}
		return offset < len(t.data)
	}
	for n, more := 0, len(t.data) > 0; more; n++ {
		m.bot.srv.waitForReaders(l.chat.party)
		more = next(n)
	}
}

// taken is called when the other side has all. Of packets of version 2 the sender of a file ends it, else
// who has received it.
func (t *transfer) taken() {
	if t.file && t.line.later && !t.line.messenger.cfg.Faults.NoBye {
		t.bye()
	}
	if t.file {
		t.end(nil)
	}
}

// arrived takes data.
func (t *transfer) arrived(u unit) {
	if u.preparation && !t.file && len(u.data) == 4 && t.got.Len() == 0 {
		return
	}
	t.got.WriteString(u.data)
	if uint64(t.got.Len()) < t.total {
		return
	}
	t.whole = true
	sum := slp.Hash(sha1.Sum(t.got.Bytes()))
	switch {
	case !t.file && (sum != t.hash || uint64(t.got.Len()) != t.total):
		t.stop()
	case t.file && t.line.later: // its sender says so
	default:
		if !t.line.messenger.cfg.Faults.NoBye {
			t.bye()
		}
		t.end(nil)
	}
}
