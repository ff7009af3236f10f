package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/wire"
)

// tcp returns both ends of a TCP connection.
func tcp(t testing.TB) (near, far net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if near, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	return near, far
}

// What goes out at once, what goes out in part and what waits arrive in order, each once, and Position tells where the next begins.
func TestWhatIsWrittenAtOnceAndWhatWaitsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	var group sync.WaitGroup
	link := Start(near, &group, func(in Inbound, _ <-chan struct{}) bool { return in.Err == nil }, time.Minute, nil)
	var sent bytes.Buffer
	send := func() error {
		cmd := wire.New("SND", strings.Repeat("x", 1+sent.Len()%977))
		err := link.Send(cmd)
		if err == nil {
			line, _ := wire.Append(nil, cmd)
			sent.Write(line)
		}
		if at := link.Position(); at != uint64(sent.Len()) {
			t.Fatalf("the next command is at %d, not at %d", at, sent.Len())
		}
		return err
	}
	for err := send(); !errors.Is(err, ErrUnread); err = send() { // nobody reads
		if err != nil {
			t.Fatal(err)
		}
	}
	received := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(far)
		received <- all
	}()
	for range 1000 {
		if err := send(); err != nil && !errors.Is(err, ErrUnread) {
			t.Fatal(err)
		}
	}
	link.Close()
	if got := <-received; !bytes.Equal(got, sent.Bytes()) {
		t.Errorf("%d bytes arrived of %d, or others", len(got), sent.Len())
	}
	group.Wait()
}

// What is sent to a connection that the other side has ended was not written, or may have been, but no more than that is said.
func TestNothingIsWrittenAfterTheReaderHasSeenTheEnd(t *testing.T) {
	t.Parallel()
	near, far := tcp(t)
	var group sync.WaitGroup
	ended := make(chan struct{})
	link := Start(near, &group, func(in Inbound, _ <-chan struct{}) bool {
		if in.Err != nil {
			close(ended)
		}
		return in.Err == nil
	}, time.Minute, nil)
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
	at := link.Position()
	if err := link.Send(wire.New("PNG")); err != nil {
		t.Fatal(err)
	}
	if !link.Unwritten(at) {
		t.Error("the command counts as written")
	}
	link.Abort()
	group.Wait()
}
