package msn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// content is data of a length.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// withObjects are dialects that have pictures and files, of each kind of sign-in and address.
var withObjects = []wire.Dialect{9, 12, 15, 16, 18}

func configWith(srv *msntest.Server, account string, d wire.Dialect) msn.Config {
	if d >= wire.FirstSOAP {
		return webConfig(srv, account, d)
	}
	return configFor(srv, account, d)
}

// pairOf is two users who see each other.
func pairOf(t *testing.T, one, other wire.Dialect) (a, b *user) {
	srv := newService(t)
	a, b = signIn(t, configWith(srv, alice, one)), signIn(t, configWith(srv, bob, other))
	a.waitPresence(bob, msn.Online)
	return a, b
}

func TestPictureOfAContact(t *testing.T) {
	for _, d := range withObjects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			a, b := pairOf(t, d, withObjects[(int(d)+1)%len(withObjects)])
			picture := content(5505)
			object, err := b.SetPicture(t.Context(), picture)
			if err != nil {
				t.Fatal(err)
			}
			seen := wait(a, "the picture", func(e msn.PresenceChanged) bool { return e.Contact.Account == bob && e.Contact.Object != "" })
			o, err := msn.ParseObject(seen.Contact.Object)
			if err != nil || o.Hash != object.Hash || o.Size != uint64(len(picture)) || o.Type != msn.ObjectPicture {
				t.Fatalf("object %+v, %v", o, err)
			}
			var got bytes.Buffer
			if err := a.Fetch(t.Context(), bob, o, &got, nil); err != nil || !bytes.Equal(got.Bytes(), picture) {
				t.Errorf("%d bytes, %v", got.Len(), err)
			}
			// Another one, which nobody has.
			if err := a.Fetch(t.Context(), bob, msn.Object{Creator: bob, Type: msn.ObjectEmoticon, Size: 9}, io.Discard, nil); !errors.Is(err, msn.ErrDeclined) {
				t.Errorf("an object that is not there: %v", err)
			}
			if _, err := b.SetPicture(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			wait(a, "no picture", func(e msn.PresenceChanged) bool { return e.Contact.Account == bob && e.Contact.Object == "" })
			if err := a.Fetch(t.Context(), bob, o, io.Discard, nil); !errors.Is(err, msn.ErrDeclined) {
				t.Errorf("the picture that was taken away: %v", err)
			}
		})
	}
}

func TestPictureAtSignIn(t *testing.T) {
	srv := newService(t)
	a := signIn(t, configFor(srv, alice, 12))
	cfg := configFor(srv, bob, 12)
	cfg.Picture = content(1000)
	signIn(t, cfg)
	seen := a.waitPresence(bob, msn.Online)
	o, err := msn.ParseObject(seen.Contact.Object)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := a.Fetch(t.Context(), bob, o, &got, nil); err != nil || !bytes.Equal(got.Bytes(), cfg.Picture) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
}

func TestFileToAContact(t *testing.T) {
	for _, d := range withObjects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			a, b := pairOf(t, d, withObjects[(int(d)+1)%len(withObjects)])
			data := content(1 << 20)
			var told atomic.Uint64
			sent := make(chan error, 1)
			go func() {
				sent <- a.SendFile(t.Context(), bob, msn.File{Name: "Über.bin", Size: uint64(len(data))}, bytes.NewReader(data), told.Store)
			}()
			offered := wait(b, "the offer", anyOf[msn.FileOffered])
			if offered.From != alice || offered.Name != "Über.bin" || offered.Bytes != uint64(len(data)) || offered.Conversation.Peer() != alice {
				t.Errorf("offered %+v", offered)
			}
			var got bytes.Buffer
			received := make(chan error, 1)
			go func() { received <- offered.Offer.Accept(t.Context(), &got, nil) }()
			a.say(bob, "meanwhile")
			b.waitText("meanwhile")
			if err := <-received; err != nil || !bytes.Equal(got.Bytes(), data) {
				t.Errorf("%d bytes of %d, %v", got.Len(), len(data), err)
			}
			if err := <-sent; err != nil || told.Load() != uint64(len(data)) {
				t.Errorf("sent: %v, told %d", err, told.Load())
			}
			if err := offered.Offer.Accept(t.Context(), io.Discard, nil); !errors.Is(err, msn.ErrNoOffer) {
				t.Errorf("accepted again: %v", err)
			}
		})
	}
}

// failing is a reader or writer that fails after so many bytes.
type failing struct {
	left int
	err  error
}

func (f *failing) Read(b []byte) (int, error) {
	if f.left <= 0 {
		return 0, f.err
	}
	n := min(len(b), f.left)
	f.left -= n
	return n, nil
}

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, f.err
	}
	return len(b), nil
}

// Everything that can end a file, and what both sides are told.
func TestFileThatDoesNotArrive(t *testing.T) {
	failed := errors.New("it fails")
	const size = 300_000
	send := func(t *testing.T, from *user, r io.Reader) (<-chan error, context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		sent := make(chan error, 1)
		go func() { sent <- from.SendFile(ctx, bob, msn.File{Name: "a", Size: size}, r, nil) }()
		return sent, cancel
	}
	accept := func(t *testing.T, o *msn.FileOffer, w io.Writer) (<-chan error, context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		received := make(chan error, 1)
		go func() { received <- o.Accept(ctx, w, nil) }()
		return received, cancel
	}
	blocking := func() (io.Reader, *io.PipeWriter) { return io.Pipe() }
	for name, test := range map[string]func(t *testing.T, a, b *user){
		"declined": func(t *testing.T, a, b *user) {
			sent, _ := send(t, a, bytes.NewReader(content(size)))
			wait(b, "the offer", anyOf[msn.FileOffered]).Offer.Decline()
			if err := <-sent; !errors.Is(err, msn.ErrDeclined) {
				t.Errorf("sent: %v", err)
			}
		},
		"taken back": func(t *testing.T, a, b *user) {
			sent, cancel := send(t, a, bytes.NewReader(content(size)))
			o := wait(b, "the offer", anyOf[msn.FileOffered]).Offer
			cancel()
			if err := <-sent; !errors.Is(err, context.Canceled) {
				t.Errorf("sent: %v", err)
			}
			<-o.Ended()
			if !errors.Is(o.Why(), msn.ErrCancelled) {
				t.Errorf("ended: %v", o.Why())
			}
		},
		"the reader fails": func(t *testing.T, a, b *user) {
			sent, _ := send(t, a, &failing{size / 2, failed})
			received, _ := accept(t, wait(b, "the offer", anyOf[msn.FileOffered]).Offer, io.Discard)
			if one, other := <-sent, <-received; !errors.Is(one, failed) || !errors.Is(other, msn.ErrCancelled) {
				t.Errorf("sent: %v, received: %v", one, other)
			}
		},
		"the reader is short": func(t *testing.T, a, b *user) {
			sent, _ := send(t, a, bytes.NewReader(content(size/2)))
			received, _ := accept(t, wait(b, "the offer", anyOf[msn.FileOffered]).Offer, io.Discard)
			if one, other := <-sent, <-received; !errors.Is(one, io.ErrUnexpectedEOF) && !errors.Is(one, io.EOF) || !errors.Is(other, msn.ErrCancelled) {
				t.Errorf("sent: %v, received: %v", one, other)
			}
		},
		"the writer fails": func(t *testing.T, a, b *user) {
			sent, _ := send(t, a, bytes.NewReader(content(size)))
			received, _ := accept(t, wait(b, "the offer", anyOf[msn.FileOffered]).Offer, &failing{size / 2, failed})
			if one, other := <-sent, <-received; !errors.Is(one, msn.ErrCancelled) || !errors.Is(other, failed) {
				t.Errorf("sent: %v, received: %v", one, other)
			}
		},
		"the receiver stops": func(t *testing.T, a, b *user) {
			reader, writer := blocking()
			sent, _ := send(t, a, reader)
			received, cancel := accept(t, wait(b, "the offer", anyOf[msn.FileOffered]).Offer, io.Discard)
			_, _ = writer.Write(content(1000))
			cancel()
			if err := <-received; !errors.Is(err, context.Canceled) {
				t.Errorf("received: %v", err)
			}
			_ = writer.CloseWithError(io.ErrClosedPipe)
			if err := <-sent; err == nil {
				t.Error("sent without an error")
			}
		},
		"the receiver signs out": func(t *testing.T, a, b *user) {
			reader, writer := blocking()
			sent, _ := send(t, a, reader)
			received, _ := accept(t, wait(b, "the offer", anyOf[msn.FileOffered]).Offer, io.Discard)
			_, _ = writer.Write(content(1000))
			b.quit()
			if err := <-received; err == nil {
				t.Error("received without an error")
			}
			_ = writer.CloseWithError(io.ErrClosedPipe)
			if err := <-sent; !errors.Is(err, msn.ErrGone) && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("sent: %v", err)
			}
		},
		"the sender signs out": func(t *testing.T, a, b *user) {
			reader, writer := blocking()
			sent, _ := send(t, a, reader)
			received, _ := accept(t, wait(b, "the offer", anyOf[msn.FileOffered]).Offer, io.Discard)
			_, _ = writer.Write(content(1000))
			a.quit()
			_ = writer.CloseWithError(io.ErrClosedPipe)
			if one, other := <-sent, <-received; one == nil || !errors.Is(other, msn.ErrGone) {
				t.Errorf("sent: %v, received: %v", one, other)
			}
		},
		"nobody is there": func(t *testing.T, a, b *user) {
			b.quit()
			a.waitPresence(bob, msn.Offline)
			sent, _ := send(t, a, bytes.NewReader(content(size)))
			if err := <-sent; !errors.Is(err, msn.ErrOffline) {
				t.Errorf("sent: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pairOf(t, 12, 15)
			test(t, a, b)
		})
	}
}

// Whoever blocks the other one in the middle of a file ends it at once, at both sides.
func TestBlockingInTheMiddleOfAFile(t *testing.T) {
	for _, d := range []wire.Dialect{9, 12, 15, 18} {
		for _, sender := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, by the sender %t", d, sender), func(t *testing.T) {
				t.Parallel()
				a, b := pairOf(t, d, d)
				sent, received, under := make(chan error, 1), make(chan error, 1), make(chan struct{})
				go func() { sent <- a.SendFile(t.Context(), bob, msn.File{Name: "a", Size: 1 << 40}, endless{}, nil) }()
				offered := wait(b, "the offer", anyOf[msn.FileOffered])
				begun := sync.OnceFunc(func() { close(under) })
				go func() { received <- offered.Offer.Accept(t.Context(), io.Discard, func(uint64) { begun() }) }()
				<-under
				wantSent, wantReceived := msn.ErrBlocks, msn.ErrCancelled
				if sender {
					if err := a.Block(t.Context(), bob); err != nil {
						t.Fatal(err)
					}
				} else {
					if err := b.Block(t.Context(), alice); err != nil {
						t.Fatal(err)
					}
					wantSent, wantReceived = msn.ErrCancelled, msn.ErrBlocks
				}
				if err := <-received; !errors.Is(err, wantReceived) {
					t.Errorf("received: %v", err)
				}
				if err := <-sent; !errors.Is(err, wantSent) {
					t.Errorf("sent: %v", err)
				}
			})
		}
	}
}

// A contact whom the user blocks gets nothing, and nothing is heard of them.
func TestBlockedContactsGetNothing(t *testing.T) {
	a, b := pairOf(t, 12, 12)
	picture := content(100)
	if _, err := a.SetPicture(t.Context(), picture); err != nil {
		t.Fatal(err)
	}
	seen := wait(b, "the picture", func(e msn.PresenceChanged) bool { return e.Contact.Account == alice && e.Contact.Object != "" })
	o, err := msn.ParseObject(seen.Contact.Object)
	if err != nil {
		t.Fatal(err)
	}
	b.say(alice, "hello") // a session that stays
	a.waitText("hello")
	if err := a.Block(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	if err := a.SendFile(t.Context(), bob, msn.File{Name: "a", Size: 1}, strings.NewReader("a"), nil); !errors.Is(err, msn.ErrBlocks) {
		t.Errorf("a file to somebody who is blocked: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	fetched := make(chan error, 1)
	go func() { fetched <- b.Fetch(ctx, alice, o, io.Discard, nil) }()
	b.say(alice, "after it") // behind the request in the same session
	a.waitText("after it")
	cancel()
	if err := <-fetched; !errors.Is(err, context.Canceled) {
		t.Errorf("fetched: %v", err)
	}
}
