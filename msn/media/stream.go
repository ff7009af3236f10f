package media

import (
	"cmp"
	"context"
	"io"
	"sync"

	"matrix-msn/msn/p2p"
)

// Data comes and goes by the owner, who never waits, while readers and writers may take their time. In
// between is a stream of bounded length, and the goroutine that called works at its other end.

// maxStream is how much of a transfer is in memory, in bytes.
const maxStream = 256 << 10

// incoming is a Sink whose data a goroutine writes away.
type incoming struct {
	mu     sync.Mutex
	ready  chan struct{} // something has come, or all
	data   []byte
	full   chan struct{} // closed when there is room again, nil while there is
	closed bool
	err    error
}

func newIncoming() *incoming { return &incoming{ready: make(chan struct{}, 1)} }

// Write implements p2p.Sink.
func (s *incoming) Write(data string) (full <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append(s.data, data...)
	s.signal()
	if len(s.data) < maxStream {
		return nil
	}
	if s.full == nil {
		s.full = make(chan struct{})
	}
	return s.full
}

// Close implements p2p.Sink.
func (s *incoming) Close(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.err = true, err
	s.signal()
}

func (s *incoming) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// take returns what has come since, and whether that is all.
func (s *incoming) take(buffer []byte) (data []byte, over bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, s.data = s.data, buffer[:0]
	if s.full != nil {
		close(s.full)
		s.full = nil
	}
	return data, s.closed, s.err
}

// drain writes all that comes to w and returns when it is over. stop is called once when w takes no
// more, or ctx ends, also while w waits; what comes then is thrown away.
func (s *incoming) drain(ctx context.Context, w io.Writer, stop func()) error {
	stop = sync.OnceFunc(stop)
	defer context.AfterFunc(ctx, stop)()
	var failed error
	var buffer []byte
	for {
		<-s.ready // at the latest when it was stopped
		data, over, err := s.take(buffer)
		if failed == nil {
			failed = ctx.Err()
		}
		if failed == nil && len(data) > 0 {
			if _, err := w.Write(data); err != nil {
				failed = cmp.Or(ctx.Err(), err)
				stop()
			}
		}
		buffer = data
		if over {
			if failed != nil {
				return failed
			}
			return err
		}
	}
}

// outgoing is a Source whose data a goroutine reads.
type outgoing struct {
	mu     sync.Mutex
	wanted chan struct{} // there is room
	data   []byte
	at     int   // what of it was taken
	err    error // what ends it
	waits  bool  // the owner was told to come again
	closed chan struct{}
	result error
}

func newOutgoing() *outgoing {
	return &outgoing{wanted: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Read implements p2p.Source.
func (s *outgoing) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == len(s.data) {
		if s.err != nil {
			return 0, s.err
		}
		s.waits = true
		s.want()
		return 0, p2p.ErrWait
	}
	n := copy(b, s.data[s.at:])
	if s.at += n; s.at == len(s.data) {
		s.data, s.at = s.data[:0], 0
	}
	if len(s.data)-s.at < maxStream/2 {
		s.want()
	}
	return n, nil
}

func (s *outgoing) want() {
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// Close implements p2p.Source.
func (s *outgoing) Close(err error) {
	s.result = err
	close(s.closed)
}

// put adds data that was read, or what ended that, and reports whether the owner waits for it.
func (s *outgoing) put(data []byte, err error) (waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append(s.data[:copy(s.data, s.data[s.at:])], data...)
	s.at, s.err = 0, err
	waits, s.waits = s.waits, false
	return waits
}

// fill reads r as it is wanted and returns when the transfer is over. wake is called when the owner
// waits for data, stop when ctx ends, also while r waits.
func (s *outgoing) fill(ctx context.Context, r io.Reader, wake, stop func()) error {
	defer context.AfterFunc(ctx, stop)()
	buffer := make([]byte, maxStream/4)
	wanted := s.wanted
	var ended error // what ended the reading
	for {
		select {
		case <-s.closed:
			switch {
			case ctx.Err() != nil && s.result != nil:
				return ctx.Err()
			case ended != nil && s.result != nil:
				return ended
			}
			return s.result
		case <-wanted:
			n, err := io.ReadAtLeast(r, buffer, 1)
			if err != nil {
				wanted = nil
				if err != io.EOF {
					ended = err
				}
			}
			if s.put(buffer[:n], err) {
				wake()
			}
		}
	}
}
