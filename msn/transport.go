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
	mu     sync.Mutex
	unsent []byte
	finish bool  // by close: the connection ends when unsent is written
	closed bool  // by abort
	broken error // what made writing fail
	trid   uint32
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
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = t.writeError(err)
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

// fail is called when writing has failed. The reader reports the end of the
// connection, because what it still reads tells more: a server that closed in
// good order did not see what was written last.
func (t *transport) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
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
		for {
			t.mu.Lock()
			data, finish, closed := t.unsent, t.finish, t.closed
			t.unsent = nil
			t.mu.Unlock()
			if closed {
				return
			}
			if len(data) == 0 {
				if finish {
					t.abort()
					return
				}
				break
			}
			timeout := t.writeTimeout
			if finish {
				timeout = min(timeout, closeTimeout)
			}
			if err := t.writeAll(data, timeout); err != nil {
				t.fail(err)
				return
			}
		}
	}
}

func (t *transport) writeAll(data []byte, timeout time.Duration) error {
	if err := t.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return fmt.Errorf("msn: write: %w", err)
	}
	if _, err := t.conn.Write(data); err != nil {
		return fmt.Errorf("msn: write: %w", err)
	}
	return nil
}

// close ends the connection when all that was sent is written. What is still
// read is thrown away.
func (t *transport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.finish {
		return
	}
	if t.broken != nil {
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
