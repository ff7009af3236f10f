package msn

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"matrix-msn/msn/wire"
)

// inbound is what a transport's reader hands over: a command, or the error that
// ended the connection. It is the last one then.
type inbound struct {
	from *transport
	cmd  wire.Command
	err  error
}

// transport is one connection to a notification server or a switchboard. One
// goroutine reads and one writes; neither knows what commands mean. All
// transports of a Client hand over to the same channel, so that a Client that
// stops receiving stops reading everywhere.
//
// Reads carry no deadline of their own: the owner watches each connection with
// PNG or an idle timer and aborts it, which counts whole commands, so that a
// trickle of single bytes keeps no connection alive.
type transport struct {
	conn         net.Conn
	reader       *wire.Reader
	writeTimeout time.Duration
	sink         chan<- inbound
	quit         chan struct{} // closed when nobody wants to hear of this any more
	wake         chan struct{} // tells the writer that unsent has grown or finish is set

	// mu guards what the writer shares with its callers; it is never held while
	// anything waits.
	mu      sync.Mutex
	unsent  []byte
	finish  bool   // by close: the connection ends when unsent is written
	closed  bool   // by abort
	stopped bool   // by the reader: the connection has ended
	broken  error  // what made writing fail
	written uint64 // bytes that are or may be on the wire
	trid    uint32

	// writing is held while a write is under way.
	writing sync.Mutex
}

// closeTimeout bounds the last write of a connection, which only says good-bye.
const closeTimeout = 5 * time.Second

// lastWords is how long is still read from a connection that cannot be written to
// any more.
const lastWords = time.Second

// errUnread is what ends a connection whose other side does not read.
var errUnread = errors.New("msn: the server has stopped reading")

// startTransport takes over conn. What is read goes to sink. group counts the two
// goroutines.
func startTransport(conn net.Conn, group *sync.WaitGroup, sink chan<- inbound, writeTimeout time.Duration) *transport {
	t := &transport{
		conn:         conn,
		reader:       wire.NewReader(conn, wire.FromServer),
		writeTimeout: writeTimeout,
		sink:         sink,
		quit:         make(chan struct{}),
		wake:         make(chan struct{}, 1),
	}
	group.Go(t.read)
	group.Go(t.write)
	return t
}

func (t *transport) read() {
	for {
		cmd, err := t.reader.Read()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = t.writeError(err)
			}
			t.stopWriting()
		}
		select {
		case t.sink <- inbound{from: t, cmd: cmd, err: err}:
		case <-t.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// stopWriting is called by the reader when the connection has ended, before
// anybody hears of it. It returns when nothing is written any more, so that
// unwritten tells exactly what was not.
func (t *transport) stopWriting() {
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

// position is the offset in the stream of what is sent next.
func (t *transport) position() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.written + uint64(len(t.unsent))
}

// unwritten reports whether nothing from an offset on was written, and nothing
// ever will be.
func (t *transport) unwritten(at uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return (t.closed || t.stopped || t.broken != nil) && at >= t.written
}

// fail is called when writing has failed with so many bytes left. The reader reports the end of the
// connection, because what it still reads tells more: acknowledgements of what
// was written before may be among it.
func (t *transport) fail(err error, left int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written -= uint64(left)
	if t.finish {
		t.abortLocked()
		return
	}
	t.broken = err
	_ = t.conn.SetReadDeadline(time.Now().Add(lastWords))
}

func (t *transport) writeError(otherwise error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	return otherwise
}

// newTrID returns the next transaction ID: 1, 2, 3 … and 1 again after the
// largest. 0 marks what servers send unasked.
func (t *transport) newTrID() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trid++
	if t.trid == 0 {
		t.trid = 1
	}
	return t.trid
}

// send queues a command. It never waits. The error is wire.ErrUnsafe when cmd
// cannot be sent as one command, and otherwise says that the connection is over.
func (t *transport) send(cmd wire.Command) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.finish || t.broken != nil {
		return ErrNotConnected
	}
	longer, err := wire.Append(t.unsent, cmd)
	if err != nil {
		return err
	}
	if len(longer) > maxUnsent {
		return errUnread
	}
	t.unsent = longer
	t.signal()
	return nil
}

func (t *transport) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *transport) write() {
	for range t.wake {
		if over := t.writeUnsent(); over {
			return
		}
	}
}

// writeUnsent writes what waits. It reports whether the connection is over.
func (t *transport) writeUnsent() (over bool) {
	t.writing.Lock()
	defer t.writing.Unlock()
	for {
		data, over := t.take()
		if len(data) == 0 {
			return over
		}
		if n, err := t.conn.Write(data); err != nil {
			t.fail(fmt.Errorf("msn: write: %w", err), len(data)-n)
			return true
		}
	}
}

// take returns what is to be written next, and whether the connection is over.
// From then on it counts as written.
func (t *transport) take() (data []byte, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed || t.stopped:
		return nil, true
	case len(t.unsent) == 0:
		if t.finish {
			t.abortLocked()
		}
		return nil, t.finish
	}
	timeout := t.writeTimeout
	if t.finish {
		timeout = min(timeout, closeTimeout)
	}
	_ = t.conn.SetWriteDeadline(time.Now().Add(timeout)) // fails only where Write does
	data, t.unsent = t.unsent, nil
	t.written += uint64(len(data))
	return data, false
}

// close ends the connection when all that was sent is written. What is still
// read is thrown away.
func (t *transport) close() {
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
	t.signal()
}

// abort ends the connection at once. It may be called more than once.
func (t *transport) abort() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.abortLocked()
}

func (t *transport) abortLocked() {
	if t.closed {
		return
	}
	t.closed = true
	close(t.quit)
	_ = t.conn.Close() // there is nobody to tell
	t.signal()
}
