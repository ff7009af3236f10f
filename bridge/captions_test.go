package bridge

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/status"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// outage cuts the user's connection and keeps it away until over is called.
func (b *testBridge) outage() (over func()) {
	b.Helper()
	var away atomic.Bool
	away.Store(true)
	b.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if away.Load() && r.Command.Verb == "USR" {
			return msntest.Drop()
		}
		return msntest.Action{}
	}))
	from := b.matrix.position()
	if err := b.srv.Drop(alice); err != nil {
		b.Fatal(err)
	}
	b.matrix.wait(b.T, from, "the outage", func(r record) bool { return r.bridge.StateEvent == status.StateTransientDisconnect })
	return func() { away.Store(false) }
}

// The words under a file that was sent in an outage come behind the texts that were written before it.
func TestWordsUnderAFileOvertakeNoText(t *testing.T) {
	t.Parallel()
	b, m, room := fileChat(t)
	over := b.outage()
	const texts = 30
	for i := range texts {
		b.write(room, fmt.Sprint("text ", i))
	}
	b.sendsFile(room, event.MsgFile, "cat.txt", "my cat", []byte("meow"), false)
	b.sendsFile(room, event.MsgFile, "dog.txt", "", []byte("woof"), false)
	over()
	for i := range texts {
		b.receive(m.texts, fmt.Sprint("text ", i))
	}
	b.receive(m.texts, "my cat")
	for range 2 {
		if got := b.accept(m.offered(b)); got != "meow" && got != "woof" {
			t.Errorf("the file holds %q", got)
		}
	}
	b.eventually("the queue to be empty", func() bool { return b.rows("file_queue") == 0 })
}

// A text that waits for its recipient does not keep the words under a file, nor does one that was deleted.
func TestWordsUnderAFileDoNotWaitForWhatIsHeld(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	from := b.matrix.position()
	b.write(room, "are you there?") // bob is offline
	b.matrix.wait(t, from, "that it is kept", func(r record) bool { return r.kind == "message" && r.room == room })
	from = b.matrix.position()
	b.sendsFile(room, event.MsgFile, "cat.txt", "my cat", []byte("meow"), false)
	b.matrix.wait(t, from, "what becomes of the file", func(r record) bool {
		return r.kind == "message" && r.room == room && strings.Contains(r.body, "file")
	})
}

// Whoever sends a file in an outage is told that it waits, once with the texts that do.
func TestFileThatWaitsForTheConnectionIsToldOf(t *testing.T) {
	signingIn(t, func(w *world, _ id.RoomID, come func(), _ func() []string) {
		room := w.rooms[bob]
		told := func() (n int) {
			synctest.Wait()
			return len(w.matrix.all(func(r record) bool {
				return r.kind == "message" && r.room == room && strings.Contains(r.body, "What you write here waits")
			}))
		}
		w.b.sendsFile(room, event.MsgFile, "cat.txt", "", []byte("meow"), false)
		time.Sleep(9 * time.Second)
		if n := told(); n != 0 {
			t.Errorf("told %d times at once", n)
		}
		time.Sleep(5 * time.Second)
		if n := told(); n != 1 {
			t.Errorf("told %d times", n)
		}
		w.b.write(room, "and a text")
		time.Sleep(20 * time.Second)
		if n := told(); n != 1 {
			t.Errorf("told %d times, with a text", n)
		}
		come()
	})
}
