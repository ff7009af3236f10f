package msn_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
