// Package transport carries commands over one connection, by TCP or by the HTTP gateway. It
// does not know what they mean.
package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/wire"
)

// Inbound is what a connection's reader hands over: a command, or the error that ended
// the connection. It is the last one then.
type Inbound struct {
	From    *Transport
	Command wire.Command
	Err     error
}

// Sink takes what a reader hands over, and waits until it is wanted. It reports false when
// quit was closed before that.
type Sink func(in Inbound, quit <-chan struct{}) bool

// Transport is one connection to a notification server or a switchboard. One goroutine
// reads, which is there only while something comes where a poller waits for it; another one writes while there is something that cannot be written at once. Neither knows what commands
// mean. Several transports can hand over to the same sink: where it takes nothing, nothing is
// read.
//
// Reads carry no deadline of their own: the owner watches each connection with PNG or an
// idle timer and aborts it, which counts whole commands, so that a trickle of single bytes
// keeps no connection alive.
type Transport struct {
	conn         net.Conn
	socket       socket
	poller       *Poller
	token        uint64 // under which the poller has it, and which it looks after
	armed        bool   // the poller has had it before; so is that
	reader       *wire.Reader
	writeTimeout time.Duration
	group        *sync.WaitGroup
	sink         Sink
	quit         chan struct{} // closed when nobody wants to hear of this any more

	// mu guards what the writer shares with its callers; it is never held while
	// anything waits.
	mu      sync.Mutex
	unsent  []byte
	busy    bool            // there is a writer
	finish  bool            // by Close: the connection ends when unsent is written
	closed  bool            // by Abort
	stopped bool            // by the reader: the connection has ended
	broken  error           // what made writing fail
	held    <-chan struct{} // nothing more is handed over until it is closed; may be nil
	written uint64          // bytes that are or may be on the wire
	trid    uint32

	// writing is held while a write is under way.
	writing sync.Mutex
}

// closeTimeout bounds the last write of a connection, which only says good-bye.
const closeTimeout = 5 * time.Second

// lastWords is how long is still read from a connection that cannot be written to
// any more.
const lastWords = time.Second

// maxUnsent is how many bytes may wait to be written. A server that lets more pile up is
// not reading any more.
const maxUnsent = 256 << 10

// ErrUnread is what ends a connection whose other side does not read.
var ErrUnread = errors.New("msn: the server has stopped reading")

// Start takes over conn. What is read goes to sink. group counts the goroutines. poller, which may be nil, waits for what comes.
func Start(conn net.Conn, group *sync.WaitGroup, sink Sink, writeTimeout time.Duration, poller *Poller) *Transport {
	t := &Transport{
		conn:         conn,
		socket:       socketOf(conn),
		poller:       poller,
		reader:       wire.NewReader(conn, wire.FromServer),
		writeTimeout: writeTimeout,
		group:        group,
		sink:         sink,
		quit:         make(chan struct{}),
	}
	group.Go(t.rest)
	return t
}

// Conn returns the connection underneath.
func (t *Transport) Conn() net.Conn { return t.conn }

// SetDialect says how what comes next is framed. It may be called while a command of the
// other side is being handled that was read last.
func (t *Transport) SetDialect(d wire.Dialect) { t.reader.SetDialect(d) }

// rest has the next command read when something comes. This is where idle connections spend their time.
func (t *Transport) rest() {
	if !t.poller.park(t) {
		t.group.Go(t.wait)
		return
	}
	t.mu.Lock()
	over := t.closed || t.broken != nil // by somebody who came before it rested
	t.mu.Unlock()
	if over && t.poller.unpark(t) {
		t.resume()
	}
}

// resume reads on, for a connection that rested.
func (t *Transport) resume() {
	go func() {
		defer t.group.Done()
		t.read()
	}()
}

// wait waits for the server to say something. It is a goroutine of its own, which grows no
// large stack.
func (t *Transport) wait() {
	if err := t.reader.Wait(); err != nil {
		t.hand(wire.Command{}, err)
		return
	}
	t.group.Go(t.read)
}

// read reads what is there.
func (t *Transport) read() {
	for {
		if cmd, err := t.reader.Read(); !t.hand(cmd, err) {
			return
		}
		if !t.reader.Buffered() {
			t.rest()
			return
		}
	}
}

// hand hands over what was read. It reports whether more is wanted.
func (t *Transport) hand(cmd wire.Command, err error) bool {
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = t.writeError(err)
		}
		t.stopWriting()
	}
	t.waitUntilFree()
	return t.sink(Inbound{From: t, Command: cmd, Err: err}, t.quit) && err == nil
}

// Hold has nothing more of this connection handed over until free is closed. What is being handed
// over just now is.
func (t *Transport) Hold(free <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = free
}

// waitUntilFree waits for what Hold was called with.
func (t *Transport) waitUntilFree() {
	t.mu.Lock()
	held := t.held
	t.held = nil
	t.mu.Unlock()
	if held == nil {
		return
	}
	select {
	case <-held:
	case <-t.quit:
	}
}

// stopWriting is called by the reader when the connection has ended, before
// anybody hears of it. It returns when nothing is written any more, so that
// Unwritten tells exactly what was not.
func (t *Transport) stopWriting() {
	t.mu.Lock()
	if t.finish {
		t.mu.Unlock()
		return // nobody wants to know
	}
	t.stopped = true
	_ = t.conn.SetWriteDeadline(time.Unix(1, 0)) // for a write under way
	t.mu.Unlock()
	t.writing.Lock()
	defer t.writing.Unlock()
}

// Position is the offset in the stream of what is sent next.
func (t *Transport) Position() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written + uint64(len(t.unsent))
}

// Waiting is how many bytes wait to be written.
func (t *Transport) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.unsent)
}

// Unwritten reports whether nothing from an offset on was written, and nothing
// ever will be.
func (t *Transport) Unwritten(at uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return (t.closed || t.stopped || t.broken != nil) && at >= t.written
}

// fail is called when writing has failed with so many bytes left. The reader reports the end of the
// connection, because what it still reads tells more: acknowledgements of what
// was written before may be among it.
func (t *Transport) fail(err error, left int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written -= uint64(left)
	if t.finish {
		t.abortLocked()
		return
	}
	t.broken = err
	_ = t.conn.SetReadDeadline(time.Now().Add(lastWords))
	if t.poller.unpark(t) {
		t.resume()
	}
}

func (t *Transport) writeError(otherwise error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	return otherwise
}

// NewTrID returns the next transaction ID: 1, 2, 3 … and 1 again after the
// largest. 0 marks what servers send unasked.
func (t *Transport) NewTrID() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trid++
	if t.trid == 0 {
		t.trid = 1
	}
	return t.trid
}

// Send queues a command. It never waits. The error is wire.ErrUnsafe when cmd
// cannot be sent as one command, and otherwise says that the connection is over.
func (t *Transport) Send(cmd wire.Command) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.finish || t.broken != nil {
		return errs.ErrNotConnected
	}
	longer, err := wire.Append(t.unsent, cmd)
	if err != nil {
		return err
	}
	if len(longer) > maxUnsent {
		return ErrUnread
	}
	t.unsent = longer
	if !t.busy && !t.stopped {
		n := t.socket.writeNow(t.unsent)
		t.written += uint64(n)
		if t.unsent = t.unsent[n:]; len(t.unsent) == 0 {
			t.unsent = nil
			return nil
		}
	}
	t.startWriting()
	return nil
}

// startWriting has what waits written. t.mu is held.
func (t *Transport) startWriting() {
	if !t.busy {
		t.busy = true
		t.group.Go(t.write)
	}
}

// write writes what waits.
func (t *Transport) write() {
	t.writing.Lock()
	defer t.writing.Unlock()
	for {
		data := t.take()
		if len(data) == 0 {
			return
		}
		if n, err := t.conn.Write(data); err != nil {
			t.fail(fmt.Errorf("msn: write: %w", err), len(data)-n)
			return
		}
	}
}

// take returns what is to be written next, which counts as written from then on. With
// nothing the writer ends.
func (t *Transport) take() (data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed || t.stopped:
		return nil // and none is started any more
	case len(t.unsent) == 0:
		t.busy = false
		if t.finish {
			t.abortLocked()
		}
		return nil
	}
	timeout := t.writeTimeout
	if t.finish {
		timeout = min(timeout, closeTimeout)
	}
	_ = t.conn.SetWriteDeadline(time.Now().Add(timeout)) // fails only where Write does
	data, t.unsent = t.unsent, nil
	t.written += uint64(len(data))
	return data
}

// Close ends the connection when all that was sent is written. What is still
// read is thrown away.
func (t *Transport) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.finish {
		return
	}
	if t.broken != nil || t.stopped {
		t.abortLocked()
		return
	}
	t.finish = true
	_ = t.conn.SetWriteDeadline(time.Now().Add(closeTimeout)) // for a write under way
	t.startWriting()
}

// Abort ends the connection at once. It may be called more than once.
func (t *Transport) Abort() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.abortLocked()
}

func (t *Transport) abortLocked() {
	if t.closed {
		return
	}
	t.closed = true
	close(t.quit)
	_ = t.conn.Close() // there is nobody to tell
	if t.poller.unpark(t) {
		t.resume()
	}
}
