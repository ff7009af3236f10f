package msn

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// slowLine is a connection whose way out takes a time, and lets so many bytes through in a second. A socket's
// buffer is before it.
type slowLine struct {
	net.Conn
	way     time.Duration
	rate    int
	mu      sync.Mutex
	free    time.Time // when the line has taken what was written
	packets chan linePacket
	ended   chan struct{}
	once    sync.Once
}

type linePacket struct {
	data []byte
	at   time.Time
}

// lineBuffer is how many bytes may wait before the line.
const lineBuffer = 64 << 10

func newSlowLine(inner net.Conn, way time.Duration, rate int) *slowLine {
	l := &slowLine{Conn: inner, way: way, rate: rate, packets: make(chan linePacket, 1000), ended: make(chan struct{})}
	go func() {
		for {
			select {
			case p := <-l.packets:
				time.Sleep(time.Until(p.at))
				_, _ = inner.Write(p.data)
			case <-l.ended:
				return
			}
		}
	}()
	return l
}

// segment is how many bytes arrive together.
const segment = 1400

func (l *slowLine) Write(b []byte) (n int, err error) {
	for ; len(b) > 0 && err == nil; b = b[min(len(b), segment):] {
		var written int
		written, err = l.writeSegment(b[:min(len(b), segment)])
		n += written
	}
	return n, err
}

func (l *slowLine) writeSegment(b []byte) (int, error) {
	l.mu.Lock()
	now := time.Now()
	if l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(len(b)) * time.Second / time.Duration(l.rate))
	at, ahead := l.free.Add(l.way), l.free.Sub(now)
	l.mu.Unlock()
	select {
	case l.packets <- linePacket{append([]byte(nil), b...), at}:
	case <-l.ended:
		return 0, net.ErrClosed
	}
	time.Sleep(ahead - lineBuffer*time.Second/time.Duration(l.rate)) // the buffer is full
	return len(b), nil
}

func (l *slowLine) Close() error {
	l.once.Do(func() { close(l.ended) })
	return l.Conn.Close()
}

// A text takes at most twice as long while a file goes the same way, and the two packets that the line is full with:
// the file fills it all the same, whatever its length.
func TestTextsAreHardlyLaterWhileAFileGoes(t *testing.T) {
	t.Parallel()
	for _, way := range []time.Duration{5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond} {
		t.Run(way.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { textsBesideAFile(t, way) })
		})
	}
}

func textsBesideAFile(t *testing.T, way time.Duration) {
	const rate = 500_000 // bytes a second
	network := msntest.NewNetwork()
	srv := msntest.NewServer(t, msntest.WithNetwork(network), msntest.WithPlainLogin(0))
	for _, account := range []string{"alice@example.com", "bob@example.com"} {
		srv.AddAccount(account, "secret123")
	}
	srv.Befriend("alice@example.com", "bob@example.com")
	heard := make(chan time.Time, 1)
	offers := make(chan *msntest.OfferedFile, 1)
	srv.Play("bob@example.com", msntest.Script{
		Text:      func(*msntest.Chat, string, string) { heard <- time.Now() },
		Messenger: &msntest.Messenger{Offered: func(o *msntest.OfferedFile) { offers <- o }},
	})
	web := memoryWeb(t, network)
	c, err := Login(t.Context(), Config{
		Account: "alice@example.com", Password: "secret123", Server: srv.Addr(), Dialects: []wire.Dialect{12}, NexusURL: srv.PlainNexusURL(),
		https: web, Trust: Trust{AllowPrivate: true},
		Dial: func(ctx context.Context, where, address string) (net.Conn, error) {
			inner, err := network.Dial(ctx, where, address)
			if err != nil {
				return nil, err
			}
			return newSlowLine(inner, way, rate), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(c)
	say := func() time.Duration {
		began := time.Now()
		if err := c.Conversation("bob@example.com").SendText(t.Context(), "hello", ""); err != nil {
			t.Fatal(err)
		}
		return (<-heard).Sub(began)
	}
	say()
	quiet := say()
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	var out atomic.Uint64
	go func() {
		sent <- c.SendFile(ctx, "bob@example.com", File{Name: "a", Size: 1 << 40}, zeros{}, out.Store)
	}()
	(<-offers).Accept()
	time.Sleep(5 * time.Second) // the line is full
	before, began := out.Load(), time.Now()
	slowest := time.Duration(0)
	for range 40 {
		time.Sleep(137 * time.Millisecond)
		slowest = max(slowest, say())
	}
	carried := float64(out.Load()-before) / time.Since(began).Seconds()
	t.Logf("%v alone, %v at most beside a file, of which %.0f bytes a second go", quiet, slowest, carried)
	if slowest > 2*quiet+2*segment*time.Second/rate {
		t.Errorf("a text took %v beside a file, and %v alone", slowest, quiet)
	}
	if carried < 0.75*rate {
		t.Errorf("the file goes with %.0f bytes a second over a line that takes %d", carried, rate)
	}
	cancel()
	<-sent
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
