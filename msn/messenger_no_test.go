package msn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"matrix-msn/msn/msntest"
)

// friend is a client, and bob whom the server plays.
type friend struct {
	*Client
	bot    *msntest.Bot
	offers chan *msntest.OfferedFile
}

func (f *friend) call(t *testing.T, to string) *msntest.Chat {
	t.Helper()
	chat, err := f.bot.Call(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	return chat
}

// Each side can say no, take back what it offers, and end what is under way. What is under way is in the middle for sure: the network in
// memory holds nothing, where sockets may hold a file of some megabytes before any of it is read.
func TestMessengerSaysNo(t *testing.T) {
	const alice, bob, size = "alice@example.com", "bob@example.com", 400_000
	content := func(n int) []byte { return bytes.Repeat([]byte("content "), n/8) }
	for name, test := range map[string]func(t *testing.T, p *friend){
		"the user declines": func(t *testing.T, p *friend) {
			sent, chat := make(chan error, 1), p.call(t, alice)
			go func() { sent <- chat.GiveFile(t.Context(), alice, "a", content(size)) }()
			waitFor[FileOffered](t, p.Client).Offer.Decline()
			if err := <-sent; !errors.Is(err, msntest.ErrRefused) {
				t.Errorf("bob: %v", err)
			}
		},
		"bob takes it back": func(t *testing.T, p *friend) {
			ctx, cancel := context.WithCancel(t.Context())
			sent, chat := make(chan error, 1), p.call(t, alice)
			go func() { sent <- chat.GiveFile(ctx, alice, "a", content(size)) }()
			o := waitFor[FileOffered](t, p.Client).Offer
			cancel()
			<-sent
			<-o.Ended()
			if !errors.Is(o.Why(), ErrCancelled) {
				t.Errorf("ended: %v", o.Why())
			}
			if err := o.Accept(t.Context(), io.Discard, nil); !errors.Is(err, ErrNoOffer) {
				t.Errorf("accepted: %v", err)
			}
		},
		"bob stops in the middle": func(t *testing.T, p *friend) {
			ctx, cancel := context.WithCancel(t.Context())
			sent, chat := make(chan error, 1), p.call(t, alice)
			go func() { sent <- chat.GiveFile(ctx, alice, "a", content(size)) }()
			err := waitFor[FileOffered](t, p.Client).Offer.Accept(t.Context(), writerFunc(sync.OnceFunc(func() {
				cancel()
				<-sent
			})), nil)
			if !errors.Is(err, ErrCancelled) && err != nil {
				t.Errorf("received: %v", err)
			}
		},
		"the user stops in the middle": func(t *testing.T, p *friend) {
			ctx, cancel := context.WithCancel(t.Context())
			sent, chat := make(chan error, 1), p.call(t, alice)
			go func() { sent <- chat.GiveFile(t.Context(), alice, "a", content(1<<20)) }()
			var bobs error
			err := waitFor[FileOffered](t, p.Client).Offer.Accept(ctx, writerFunc(sync.OnceFunc(func() {
				cancel()
				bobs = <-sent // before more of it arrives
			})), nil)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("received: %v", err)
			}
			if !errors.Is(bobs, msntest.ErrCancelled) {
				t.Errorf("bob: %v", bobs)
			}
		},
		"bob declines": func(t *testing.T, p *friend) {
			sent := make(chan error, 1)
			go func() {
				sent <- p.SendFile(t.Context(), bob, File{Name: "a", Size: size}, bytes.NewReader(content(size)), nil)
			}()
			(<-p.offers).Decline()
			if err := <-sent; !errors.Is(err, ErrDeclined) {
				t.Errorf("sent: %v", err)
			}
		},
		"the user takes it back": func(t *testing.T, p *friend) {
			ctx, cancel := context.WithCancel(t.Context())
			sent := make(chan error, 1)
			go func() {
				sent <- p.SendFile(ctx, bob, File{Name: "a", Size: size}, bytes.NewReader(content(size)), nil)
			}()
			o := <-p.offers
			cancel()
			if err := <-sent; !errors.Is(err, context.Canceled) {
				t.Errorf("sent: %v", err)
			}
			if _, err := o.Wait(t.Context()); !errors.Is(err, msntest.ErrCancelled) {
				t.Errorf("bob: %v", err)
			}
		},
		"bob cancels in the middle": func(t *testing.T, p *friend) {
			sent, reader := make(chan error, 1), make(chan struct{})
			var o *msntest.OfferedFile
			go func() {
				sent <- p.SendFile(t.Context(), bob, File{Name: "a", Size: size}, io.MultiReader(bytes.NewReader(content(size/2)), readerFunc(sync.OnceFunc(func() {
					o.Cancel()
					close(reader)
				}))), nil)
			}()
			o = <-p.offers
			o.Accept()
			<-reader
			if err := <-sent; !errors.Is(err, ErrCancelled) {
				t.Errorf("sent: %v", err)
			}
		},
		"bob leaves in the middle": func(t *testing.T, p *friend) {
			chat := p.call(t, alice)
			go func() { _ = chat.GiveFile(t.Context(), alice, "a", content(1<<20)) }()
			err := waitFor[FileOffered](t, p.Client).Offer.Accept(t.Context(), writerFunc(chat.Leave), nil)
			if !errors.Is(err, ErrGone) {
				t.Errorf("received: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothAges(t, func(t *testing.T, later bool) {
				p := &friend{offers: make(chan *msntest.OfferedFile, 1)}
				p.Client, p.bot = inBubble(t, msntest.Messenger{Later: later, Offered: func(o *msntest.OfferedFile) { p.offers <- o }})
				if contact, _ := p.Contact(bob); contact.Status == Offline {
					waitFor[PresenceChanged](t, p.Client)
				}
				test(t, p)
				nothingLeft(t, p.bot)
			})
		})
	}
}

// writerFunc is called whenever something is written.
type writerFunc func()

func (f writerFunc) Write(b []byte) (int, error) {
	f()
	return len(b), nil
}

// readerFunc is called whenever something is read, and has no end.
type readerFunc func()

func (f readerFunc) Read(b []byte) (int, error) {
	f()
	return len(b), nil
}
