package msn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// The client against Messengers that share nothing with it but how packets are written, of each age.

// partner is a client, and bob whom the server plays.
type partner struct {
	*user
	srv    *msntest.Server
	bot    *msntest.Bot
	offers chan *msntest.OfferedFile
	object msn.Object // bob's picture
}

// withPartner signs alice in with a dialect; bob has a Messenger.
func withPartner(t *testing.T, d wire.Dialect, m msntest.Messenger) *partner {
	t.Helper()
	srv := newService(t)
	p := &partner{srv: srv, offers: make(chan *msntest.OfferedFile, 4)}
	if m.Offered == nil {
		m.Offered = func(o *msntest.OfferedFile) { p.offers <- o }
	}
	p.user = signIn(t, configWith(srv, alice, d))
	p.bot = srv.Play(bob, msntest.Script{Messenger: &m})
	seen := p.waitPresence(bob, msn.Online)
	if len(m.Picture) > 0 {
		var err error
		if p.object, err = msn.ParseObject(seen.Contact.Object); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// pairings are the dialects of the client with both ages of Messengers.
func pairings(t *testing.T, test func(t *testing.T, d wire.Dialect, later bool)) {
	for _, d := range withObjects {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, later %t", d, later), func(t *testing.T) {
				t.Parallel()
				test(t, d, later)
			})
		}
	}
}

func (p *partner) call(t *testing.T) *msntest.Chat {
	t.Helper()
	chat, err := p.bot.Call(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	return chat
}

func TestMessengerGivesAndTakesPictures(t *testing.T) {
	pairings(t, func(t *testing.T, d wire.Dialect, later bool) {
		picture, own := content(5505), content(4933)
		p := withPartner(t, d, msntest.Messenger{Later: later, Picture: picture})
		var got bytes.Buffer
		if err := p.Fetch(t.Context(), bob, p.object, &got, nil); err != nil || !bytes.Equal(got.Bytes(), picture) {
			t.Errorf("%d bytes, %v", got.Len(), err)
		}
		o, err := p.SetPicture(t.Context(), own)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := p.call(t).Fetch(t.Context(), alice, o); err != nil || !bytes.Equal(data, own) {
			t.Errorf("bob has got %d bytes, %v", len(data), err)
		}
		if err := p.Fetch(t.Context(), bob, msn.Object{Creator: bob, Type: msn.ObjectEmoticon, Size: 9}, io.Discard, nil); !errors.Is(err, msn.ErrDeclined) {
			t.Errorf("an object that is not there: %v", err)
		}
		changed := content(1400)
		p.bot.SetPicture(changed)
		seen := wait(p.user, "another picture", func(e msn.PresenceChanged) bool {
			o, err := msn.ParseObject(e.Contact.Object)
			return err == nil && o.Hash != p.object.Hash
		})
		o, _ = msn.ParseObject(seen.Contact.Object)
		got.Reset()
		if err := p.Fetch(t.Context(), bob, o, &got, nil); err != nil || !bytes.Equal(got.Bytes(), changed) {
			t.Errorf("the other picture: %d bytes, %v", got.Len(), err)
		}
	})
}

func TestMessengerSendsAndTakesFiles(t *testing.T) {
	pairings(t, func(t *testing.T, d wire.Dialect, later bool) {
		p := withPartner(t, d, msntest.Messenger{Later: later})
		data, chat := content(300_000), p.call(t)
		sent := make(chan error, 1)
		go func() { sent <- chat.GiveFile(t.Context(), alice, "Über.bin", data) }()
		offered := wait(p.user, "the offer", anyOf[msn.FileOffered])
		if offered.Name != "Über.bin" || offered.Bytes != uint64(len(data)) {
			t.Errorf("offered %+v", offered)
		}
		var got bytes.Buffer
		if err := offered.Offer.Accept(t.Context(), &got, nil); err != nil || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("%d bytes of %d, %v", got.Len(), len(data), err)
		}
		if err := <-sent; err != nil {
			t.Errorf("bob's file: %v", err)
		}
		back := content(200_001)
		go func() {
			sent <- p.SendFile(t.Context(), bob, msn.File{Name: "back.bin", Size: uint64(len(back))}, bytes.NewReader(back), nil)
		}()
		o := <-p.offers
		if o.Name != "back.bin" || o.Size != uint64(len(back)) || o.From != alice {
			t.Errorf("bob is offered %+v", o)
		}
		o.Accept()
		if data, err := o.Wait(t.Context()); err != nil || !bytes.Equal(data, back) {
			t.Errorf("bob has got %d bytes of %d, %v", len(data), len(back), err)
		}
		if err := <-sent; err != nil {
			t.Errorf("sent: %v", err)
		}
	})
}

func TestMessengerSendsEmoticons(t *testing.T) {
	pairings(t, func(t *testing.T, d wire.Dialect, later bool) {
		p := withPartner(t, d, msntest.Messenger{Later: later})
		picture := content(563)
		if err := p.call(t).SayWithEmoticons("look :zz: here", map[string][]byte{":zz:": picture}); err != nil {
			t.Fatal(err)
		}
		e := wait(p.user, "the text", anyOf[msn.TextReceived])
		if e.Text != "look :zz: here" || len(e.Emoticons) != 1 || e.Emoticons[0].Shortcut != ":zz:" {
			t.Fatalf("%+v", e)
		}
		var got bytes.Buffer
		if err := p.Fetch(t.Context(), bob, e.Emoticons[0].Object, &got, nil); err != nil || !bytes.Equal(got.Bytes(), picture) {
			t.Errorf("%d bytes, %v", got.Len(), err)
		}
	})
}

// Each side can say no, take back what it offers, and end what is under way.
func TestMessengerSaysNo(t *testing.T) {
	const size = 400_000
	for name, test := range map[string]func(t *testing.T, p *partner){
		"the user declines": func(t *testing.T, p *partner) {
			sent, chat := make(chan error, 1), p.call(t)
			go func() { sent <- chat.GiveFile(t.Context(), alice, "a", content(size)) }()
			wait(p.user, "the offer", anyOf[msn.FileOffered]).Offer.Decline()
			if err := <-sent; !errors.Is(err, msntest.ErrRefused) {
				t.Errorf("bob: %v", err)
			}
		},
		"bob takes it back": func(t *testing.T, p *partner) {
			ctx, cancel := context.WithCancel(t.Context())
			sent, chat := make(chan error, 1), p.call(t)
			go func() { sent <- chat.GiveFile(ctx, alice, "a", content(size)) }()
			o := wait(p.user, "the offer", anyOf[msn.FileOffered]).Offer
			cancel()
			<-sent
			<-o.Ended()
			if !errors.Is(o.Why(), msn.ErrCancelled) {
				t.Errorf("ended: %v", o.Why())
			}
			if err := o.Accept(t.Context(), io.Discard, nil); !errors.Is(err, msn.ErrNoOffer) {
				t.Errorf("accepted: %v", err)
			}
		},
		"bob stops in the middle": func(t *testing.T, p *partner) {
			ctx, cancel := context.WithCancel(t.Context())
			sent, chat := make(chan error, 1), p.call(t)
			go func() { sent <- chat.GiveFile(ctx, alice, "a", content(size)) }()
			err := wait(p.user, "the offer", anyOf[msn.FileOffered]).Offer.Accept(t.Context(), writerFunc(sync.OnceFunc(func() {
				cancel()
				<-sent
			})), nil)
			if !errors.Is(err, msn.ErrCancelled) && err != nil {
				t.Errorf("received: %v", err)
			}
		},
		"the user stops in the middle": func(t *testing.T, p *partner) {
			ctx, cancel := context.WithCancel(t.Context())
			sent, chat := make(chan error, 1), p.call(t)
			go func() { sent <- chat.GiveFile(t.Context(), alice, "a", content(4<<20)) }()
			var bobs error
			err := wait(p.user, "the offer", anyOf[msn.FileOffered]).Offer.Accept(ctx, writerFunc(sync.OnceFunc(func() {
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
		"bob declines": func(t *testing.T, p *partner) {
			sent := make(chan error, 1)
			go func() {
				sent <- p.SendFile(t.Context(), bob, msn.File{Name: "a", Size: size}, bytes.NewReader(content(size)), nil)
			}()
			(<-p.offers).Decline()
			if err := <-sent; !errors.Is(err, msn.ErrDeclined) {
				t.Errorf("sent: %v", err)
			}
		},
		"the user takes it back": func(t *testing.T, p *partner) {
			ctx, cancel := context.WithCancel(t.Context())
			sent := make(chan error, 1)
			go func() {
				sent <- p.SendFile(ctx, bob, msn.File{Name: "a", Size: size}, bytes.NewReader(content(size)), nil)
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
		"bob cancels in the middle": func(t *testing.T, p *partner) {
			sent, reader := make(chan error, 1), make(chan struct{})
			var o *msntest.OfferedFile
			go func() {
				sent <- p.SendFile(t.Context(), bob, msn.File{Name: "a", Size: size}, io.MultiReader(bytes.NewReader(content(size/2)), readerFunc(sync.OnceFunc(func() {
					o.Cancel()
					close(reader)
				}))), nil)
			}()
			o = <-p.offers
			o.Accept()
			<-reader
			if err := <-sent; !errors.Is(err, msn.ErrCancelled) {
				t.Errorf("sent: %v", err)
			}
		},
		"bob leaves in the middle": func(t *testing.T, p *partner) {
			chat := p.call(t)
			go func() { _ = chat.GiveFile(t.Context(), alice, "a", content(4<<20)) }()
			err := wait(p.user, "the offer", anyOf[msn.FileOffered]).Offer.Accept(t.Context(), writerFunc(chat.Leave), nil)
			if !errors.Is(err, msn.ErrGone) {
				t.Errorf("received: %v", err)
			}
		},
	} {
		for _, later := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, later %t", name, later), func(t *testing.T) {
				t.Parallel()
				test(t, withPartner(t, 18, msntest.Messenger{Later: later}))
			})
		}
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

// Nothing is given but what the user has offered, by its hash, whatever a request names besides (CVE-2010-0013).
func TestRequestsThatNameAFileGetNothing(t *testing.T) {
	t.Parallel()
	p := withPartner(t, 12, msntest.Messenger{})
	picture := content(500)
	if _, err := p.SetPicture(t.Context(), picture); err != nil {
		t.Fatal(err)
	}
	chat := p.call(t)
	for _, location := range []string{`..\..\..\etc\passwd`, "../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "%2e%2e%2fetc%2fpasswd", "."} {
		o := msn.Object{Creator: alice, Type: msn.ObjectEmoticon, Size: 100, Location: location}
		if data, err := chat.Fetch(t.Context(), alice, o); !errors.Is(err, msntest.ErrRefused) {
			t.Errorf("%s: %d bytes, %v", location, len(data), err)
		}
		o.Type = msn.ObjectPicture // who asks for an earlier picture is given the one of now, and nothing else
		if data, err := chat.Fetch(t.Context(), alice, o); err == nil || len(data) > 0 && !bytes.HasPrefix(picture, data) {
			t.Errorf("%s as a picture: %d bytes, %v", location, len(data), err)
		}
	}
}
