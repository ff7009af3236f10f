package transport

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/wire"
)

// heard is what came by one connection of these tests.
type heard struct {
	commands chan wire.Command
	ended    chan error
}

func (h heard) sink(in Inbound, _ <-chan struct{}) bool {
	if in.Err != nil {
		h.ended <- in.Err
		return false
	}
	h.commands <- in.Command
	return true
}

func start(near net.Conn, group *sync.WaitGroup, poller *Poller) (*Transport, heard) {
	h := heard{make(chan wire.Command, 1000), make(chan error, 2)}
	return Start(near, group, h.sink, time.Minute, poller), h
}

// Whatever many connections of one poller say and however they end, each hears all of its own in order, and of its end once.
func TestConnectionsThatShareAPoller(t *testing.T) {
	t.Parallel()
	poller := new(Poller)
	defer poller.Close()
	var group, sides sync.WaitGroup
	for seed := range uint64(60) {
		near, far := tcp(t)
		sides.Go(func() {
			random := rand.New(rand.NewPCG(seed, 0))
			link, h := start(near, &group, poller)
			want := 0
			for range 40 {
				for n := random.IntN(3); n > 0; n-- {
					if _, err := fmt.Fprintf(far, "CHL 0 %d\r\n", want); err != nil {
						t.Error(err)
						return
					}
					want++
				}
				if random.IntN(3) == 0 {
					runtime.Gosched()
				}
			}
			switch {
			case seed%4 == 0:
				_ = far.Close()
			case seed%4 == 1:
				_ = far.(*net.TCPConn).CloseWrite()
			default: // in the middle of what was said, or behind it
				for seed%4 == 2 && len(h.commands) < want {
					runtime.Gosched()
				}
				link.Abort()
			}
			err := <-h.ended
			if seed%4 < 2 && !errors.Is(err, io.EOF) {
				t.Errorf("connection %d ended with %v", seed, err)
			}
			link.Abort()
			if len(h.commands) > want || seed%4 < 3 && len(h.commands) != want {
				t.Errorf("connection %d heard %d commands of %d", seed, len(h.commands), want)
			}
			for i := 0; len(h.commands) > 0; i++ {
				if cmd := <-h.commands; cmd.Arg(1) != fmt.Sprint(i) {
					t.Errorf("connection %d heard %v in place of %d", seed, cmd, i)
				}
			}
		})
	}
	sides.Wait()
	group.Wait() // nothing is left that would be read
	if len(poller.parked) > 0 {
		t.Errorf("%d connections are still waited for", len(poller.parked))
	}
}

// Connections on which nothing is said have no goroutine.
func TestConnectionsThatRestHaveNoGoroutine(t *testing.T) {
	if _, err := newEpoll(); err != nil {
		t.Skip("this system waits for each connection: ", err)
	}
	poller := new(Poller)
	defer poller.Close()
	var group sync.WaitGroup
	before := runtime.NumGoroutine()
	links := make([]*Transport, 100)
	for i := range links {
		near, _ := tcp(t)
		links[i], _ = start(near, &group, poller)
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before+1 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > before+1 {
		t.Errorf("%d goroutines more", now-before)
	}
	for _, link := range links {
		link.Abort()
	}
	group.Wait()
}

// A connection that rests, and that cannot be written to any more, is still read for its last words, and not for ever.
func TestConnectionThatRestsAndFails(t *testing.T) {
	t.Parallel()
	poller := new(Poller)
	defer poller.Close()
	var group sync.WaitGroup
	near, _ := tcp(t)
	link, h := start(near, &group, poller)
	link.fail(errors.New("broken"), 0)
	if err := <-h.ended; err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
	link.Abort()
	group.Wait()
}

// Where the system has nothing to wait with, and where a connection is no socket, each waits for itself.
func TestConnectionThatCannotBePolled(t *testing.T) {
	t.Parallel()
	for _, poller := range []*Poller{nil, {failed: true}} {
		var group sync.WaitGroup
		near, far := tcp(t)
		link, h := start(near, &group, poller)
		if _, err := io.WriteString(far, "CHL 0 1\r\n"); err != nil {
			t.Fatal(err)
		}
		<-h.commands
		link.Abort()
		group.Wait()
	}
	var group sync.WaitGroup
	near, far := net.Pipe()
	link, h := start(near, &group, new(Poller))
	if _, err := io.WriteString(far, "CHL 0 1\r\n"); err != nil {
		t.Fatal(err)
	}
	<-h.commands
	link.Abort()
	group.Wait()
}

// A connection that the system does not take to be waited for waits for itself.
func TestConnectionThatTheSystemDoesNotTake(t *testing.T) {
	t.Parallel()
	poller := new(Poller)
	defer poller.Close()
	if !poller.open() {
		t.Skip("this system waits for each connection")
	}
	near, far := tcp(t)
	// It takes none twice.
	if err := poller.epoll.arm(socketOf(near).raw, 0, false); err != nil {
		t.Fatal(err)
	}
	if err := poller.epoll.arm(socketOf(near).raw, 0, false); err == nil {
		t.Error("the system takes a socket twice, or its error is lost")
	}
	var group sync.WaitGroup
	link, h := start(near, &group, poller)
	for n := range 3 {
		if _, err := fmt.Fprintf(far, "CHL 0 %d\r\n", n); err != nil {
			t.Fatal(err)
		}
		if cmd := <-h.commands; cmd.Arg(1) != fmt.Sprint(n) {
			t.Errorf("heard %v", cmd)
		}
	}
	link.Abort()
	group.Wait()
}

// Connections that rest go on when the system does not say any more by which of them something has come, and when the poller is closed, and so do
// those that come later.
func TestConnectionsWhosePollerEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Poller){
		"it fails":     func(p *Poller) { p.epoll.close() },
		"it is closed": func(p *Poller) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			poller := new(Poller)
			defer poller.Close()
			if !poller.open() {
				t.Skip("this system waits for each connection")
			}
			connectionsGoOn(t, poller, func() { end(poller) })
		})
	}
}

func connectionsGoOn(t *testing.T, poller *Poller, end func()) {
	var group sync.WaitGroup
	var links []*Transport
	say := func(far net.Conn, h heard) {
		t.Helper()
		if _, err := io.WriteString(far, "CHL 0 1\r\n"); err != nil {
			t.Fatal(err)
		}
		<-h.commands
	}
	var before []func()
	for range 10 {
		near, far := tcp(t)
		link, h := start(near, &group, poller)
		links, before = append(links, link), append(before, func() { say(far, h) })
	}
	end()
	for _, say := range before {
		say()
		say()
	}
	near, far := tcp(t)
	link, h := start(near, &group, poller)
	say(far, h)
	for _, link := range append(links, link) {
		link.Abort()
	}
	group.Wait()
}
