package msn_test

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Messengers leave a session as soon as they have what they wanted. What was on its way to them then has not arrived.

// leavingBefore has bob leave the session when the client has sent its first packet in it, before that arrives. happens
// is called then, by the server.
func (p *partner) leavingBefore(t *testing.T, happens func()) {
	t.Helper()
	chat := p.call(t)
	if err := chat.Say("hello"); err != nil {
		t.Fatal(err)
	}
	p.waitText("hello") // the session is open
	var left atomic.Bool
	p.srv.Hook(msntest.For(alice, func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "MSG" && wire.ParseMessage(r.Command.Payload).MediaType() == slp.MediaType && left.CompareAndSwap(false, true) {
			chat.Leave()
			happens()
		}
		return msntest.Action{}
	}))
}

func TestMessengerThatLeavesBeforeItIsAsked(t *testing.T) {
	pairings(t, func(t *testing.T, d wire.Dialect, later bool) {
		picture, file := content(5505), content(30_001)
		offers := make(chan *msntest.OfferedFile, 1)
		p := withPartner(t, d, msntest.Messenger{Later: later, Picture: picture, Offered: func(o *msntest.OfferedFile) {
			o.Accept()
			offers <- o
		}})
		p.leavingBefore(t, func() {})
		results := make(chan error, 3)
		for range 2 {
			go func() {
				var got bytes.Buffer
				err := p.Fetch(t.Context(), bob, p.object, &got, nil)
				if err == nil && !bytes.Equal(got.Bytes(), picture) {
					err = errors.New("it is another picture")
				}
				results <- err
			}()
		}
		go func() {
			results <- p.SendFile(t.Context(), bob, msn.File{Name: "a", Size: uint64(len(file))}, bytes.NewReader(file), nil)
		}()
		for range 3 {
			if err := <-results; err != nil {
				t.Fatalf("it ended: %v", err)
			}
		}
		if data, err := (<-offers).Wait(t.Context()); err != nil || !bytes.Equal(data, file) {
			t.Errorf("bob has got %d bytes of %d, %v", len(data), len(file), err)
		}
	})
}

// Whatever else happens at that moment, it ends; and nothing is in its way that is of no concern to it.
func TestMessengerThatLeavesWhileTheUserDoes(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(p *partner)
		arrives bool // else it may
	}{
		"signs out":      {func(p *partner) { _ = p.Close() }, false},
		"leaves as well": {func(p *partner) { p.Conversation(bob).Close() }, false},
		"says something": {func(p *partner) { _ = p.Conversation(bob).SendText(t.Context(), "still there?", "") }, true},
		"is called":      {func(p *partner) { _, _ = p.bot.Call(t.Context(), alice) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withPartner(t, 18, msntest.Messenger{Later: true, Picture: content(5505)})
			done := make(chan struct{})
			p.leavingBefore(t, func() {
				go func() {
					test.happens(p)
					close(done)
				}()
			})
			if err := p.Fetch(t.Context(), bob, p.object, io.Discard, nil); err != nil && test.arrives {
				t.Errorf("the picture did not come: %v", err)
			}
			<-done
		})
	}
}
