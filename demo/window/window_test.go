package window

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// Somebody plays Bob in a page, and Alice has a client of her own.
func TestPageShowsAndSaysAll(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	w, s := show(t, signIn(t, srv, bob))
	a := signIn(t, srv, alice)
	heard := heardBy{t, a.Events()}
	p := s.open("")

	p.until("Alice online", func(v *view) bool { return v.contacts[alice].Status == "online" && v.contacts[alice].Name == "Alice" })
	if p.contacts[carol].Status != "offline" {
		t.Errorf("Carol is %+v", p.contacts[carol])
	}
	for name, change := range map[string]func() error{
		"busy":    func() error { return a.SetStatus(t.Context(), msn.Busy) },
		"sailing": func() error { return a.SetPersonal(t.Context(), "sailing") },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		p.until(name, func(v *view) bool { return v.contacts[alice].Status == name || v.contacts[alice].Personal == name })
	}
	if _, err := a.SetPicture(t.Context(), msntest.Portrait("Alice")); err != nil {
		t.Fatal(err)
	}
	p.until("her picture", func(v *view) bool { return v.contacts[alice].Picture != "" })
	status, body := s.ask(s.request(http.MethodGet, p.contacts[alice].Picture, "", ""))
	s.must(http.StatusOK, status, body)
	if body != string(msntest.Portrait("Alice")) {
		t.Error("her picture is another one")
	}

	key := personKey + alice
	if err := a.Conversation(bob).SendText(t.Context(), "Hi Bob :) (Y)", ""); err != nil {
		t.Fatal(err)
	}
	p.shows(key, "Hi Bob 🙂 👍")
	if !p.self.Scripted || w.Played() {
		t.Error("somebody plays Bob already")
	}
	if err := a.Conversation(bob).SendTyping(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.until("that she writes", func(v *view) bool {
		return len(v.typing) == 1 && v.typing[0].Talk == key && v.typing[0].Name == "Alice"
	})

	status, body = s.post("/typing", request{Talk: key})
	s.must(http.StatusNoContent, status, body)
	heard.next("that Bob writes", func(e msn.Event) bool { _, ok := e.(msn.TypingReceived); return ok })
	if !w.Played() {
		t.Error("nobody plays Bob though somebody writes")
	}
	s.say(alice, "Hi Alice :)")
	heard.text("Hi Alice :)")
	p.until("that it was delivered", func(v *view) bool { m := v.messages[2]; return m.Mine && m.State == stateDone })
	if p.self.Scripted {
		t.Error("the page still says that a script answers")
	}

	if err := a.Conversation(bob).SendNudge(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.until("her nudge", func(v *view) bool { m := v.messages[3]; return m.Kind == kindNudge && !m.Mine && m.Name == "Alice" })
	status, body = s.post("/nudge", request{Talk: key})
	s.must(http.StatusAccepted, status, body)
	heard.next("a nudge", func(e msn.Event) bool { _, ok := e.(msn.NudgeReceived); return ok })
	status, body = s.post("/nudge", request{Talk: key})
	s.must(http.StatusAccepted, status, body)
	p.until("why not", func(v *view) bool {
		return v.messages[5].State == stateFailed && strings.Contains(v.messages[5].Problem, "too fast")
	})

	status, body = s.post("/status", request{Status: "lunch"})
	s.must(http.StatusNoContent, status, body)
	heard.next("that Bob eats", func(e msn.Event) bool {
		p, ok := e.(msn.PresenceChanged)
		return ok && p.Contact.Account == bob && p.Contact.Status == msn.OutToLunch
	})
	status, body = s.post("/personal", request{Text: "soup"})
	s.must(http.StatusNoContent, status, body)
	p.until("both", func(v *view) bool { return v.self.Status == "lunch" && v.self.Personal == "soup" })
	if status, body = s.post("/status", request{Status: "asleep"}); status != http.StatusBadRequest {
		t.Errorf("a status that does not exist: %d %s", status, body)
	}

	_ = a.Close()
	p.until("Alice gone", func(v *view) bool { return v.contacts[alice].Status == "offline" })
	s.say(alice, "Are you there?")
	p.until("that she is not", func(v *view) bool {
		return v.messages[6].State == stateFailed && strings.Contains(v.messages[6].Problem, "offline")
	})
}

func TestFilesComeAndGo(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	_, s := show(t, signIn(t, srv, bob))
	a := signIn(t, srv, alice)
	p := s.open("")
	p.until("Alice online", func(v *view) bool { return v.contacts[alice].Status == "online" })
	picture := msntest.Landscape("Alice")
	for name, c := range map[string]struct {
		data       []byte
		show, kept string
	}{
		"a.png":                   {picture, showImage, "a.png"},
		"x\u202egpj.exe":          {[]byte("MZ not a picture"), showFile, "xgpj.exe"},
		"../../b.html":            {[]byte("<script>alert(1)</script>"), showFile, "b.html"},
		"picture.svg":             {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), showFile, "picture.svg"},
		"c.wav":                   {[]byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"), showAudio, "c.wav"},
		strings.Repeat("ü", 90):   {[]byte("x"), showFile, strings.Repeat("ü", 60)},
		"bomb.png":                {hugePNG(), showFile, "bomb.png"},
		"\x01\x02\u200b \u2066..": {[]byte("y"), showFile, "file"},
	} {
		before := len(p.messages)
		if err := a.SendFile(t.Context(), bob, msn.File{Name: name, Size: uint64(len(c.data))}, bytes.NewReader(c.data), nil); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		id := uint64(before + 1)
		p.until("the file "+name, func(v *view) bool { return v.messages[id].State == stateDone })
		file := *p.messages[id].File
		if file.Show != c.show || file.Bytes != uint64(len(c.data)) || file.Name != c.kept {
			t.Errorf("%q is shown as %+v", name, file)
		}
		answer, err := http.Get(s.url + file.Path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !bytes.Equal(body, c.data) {
			t.Errorf("%q came as other bytes (%v)", name, err)
		}
		inline := strings.HasPrefix(answer.Header.Get("Content-Disposition"), "inline")
		if inline != (c.show != showFile) || !strings.Contains(answer.Header.Get("Content-Security-Policy"), "sandbox") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q is served with %v", name, answer.Header)
		}
	}

	// The other way, and twice the same request.
	var took bytes.Buffer
	given := make(chan error, 2)
	go func() {
		for e := range a.Events() {
			if offered, ok := e.(msn.FileOffered); ok {
				given <- offered.Offer.Accept(t.Context(), &took, nil)
			}
		}
	}()
	path := "/file?key=k&name=view.png&talk=" + personKey + alice
	for range 2 {
		status, body := s.ask(s.request(http.MethodPost, path, "application/octet-stream", string(picture)))
		s.must(http.StatusAccepted, status, body)
	}
	p.until("that she has it", func(v *view) bool {
		m := v.messages[uint64(len(v.messages))]
		return m.Mine && m.State == stateDone && m.File.Show == showImage
	})
	if err := <-given; err != nil || !bytes.Equal(took.Bytes(), picture) {
		t.Errorf("she has got %d bytes, %v", took.Len(), err)
	}
	if len(given) > 0 {
		t.Error("she was offered it again")
	}
	// What is too large is not taken.
	if err := a.SendFile(t.Context(), bob, msn.File{Name: "large", Size: maxFile + 1}, strings.NewReader(""), nil); err == nil {
		t.Error("a file was taken that is too large")
	}
	p.until("why", func(v *view) bool {
		m := v.messages[uint64(len(v.messages))]
		return m.Kind == kindNote && strings.Contains(m.Parts[0].Text, "larger than this page takes")
	})
}

// hugePNG says of itself that it has more points than a browser would survive.
func hugePNG() []byte {
	picture := bytes.Clone(msntest.Portrait("x"))
	head := picture[12:29]                             // its kind, both sides, and how points are written
	copy(head[4:], "\x00\x00\x1f\x00\x00\x00\x1f\x00") // sides of 7,936
	binary.BigEndian.PutUint32(picture[29:], crc32.ChecksumIEEE(head))
	return picture
}

// Two pages are open, and both are written in at once: both show the same in the same order, and so Alice hears it.
func TestTwoPagesShowTheSameInOneOrder(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	_, s := show(t, signIn(t, srv, bob))
	a := signIn(t, srv, alice)
	first, second := s.open(""), s.open("")
	first.until("Alice online", func(v *view) bool { return v.contacts[alice].Status == "online" })
	const each = 20
	var writing sync.WaitGroup
	for _, who := range []string{"one", "two"} {
		writing.Go(func() {
			for i := range each {
				s.say(alice, who+strings.Repeat("!", i))
			}
		})
	}
	key := personKey + alice
	all := func(v *view) bool { return len(v.said(key)) == 2*each }
	writing.Wait()
	first.until("all of it", all)
	second.until("all of it", all)
	heard := heardBy{t, a.Events()}
	for i, text := range first.said(key) {
		if other := second.said(key)[i]; other != text {
			t.Errorf("%d is %q in one page and %q in the other", i, text, other)
		}
		heard.next(text, func(e msn.Event) bool {
			got, ok := e.(msn.TextReceived)
			if ok && got.Text != text {
				t.Errorf("Alice hears %q in the place of %q", got.Text, text)
			}
			return ok
		})
	}
}

// What somebody writes into a conversation of several people is shown there, and what is written there they all hear.
func TestConversationOfSeveralPeople(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	_, s := show(t, signIn(t, srv, bob))
	a := signIn(t, srv, alice)
	heard := heardBy{t, a.Events()}
	heardText := make(chan string, 10)
	c := srv.Play(carol, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { heardText <- text }})
	heard.next("Carol", func(e msn.Event) bool {
		p, ok := e.(msn.PresenceChanged)
		return ok && p.Contact.Account == carol && p.Contact.Status == msn.Online
	})
	chat, err := c.Call(t.Context(), bob, alice)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Say("All here?"); err != nil {
		t.Fatal(err)
	}
	p := s.open("")
	var group Talk
	p.until("the conversation", func(v *view) bool {
		for _, talk := range v.talks {
			if talk.Group && len(v.said(talk.Key)) > 0 && strings.HasSuffix(strings.Join(v.said(talk.Key), "\n"), "All here?") {
				group = talk
				return true
			}
		}
		return false
	})
	if len(group.Members) != 2 {
		t.Errorf("its members are %q", group.Members)
	}
	status, body := s.post("/text", request{Talk: group.Key, Text: "Bob is"})
	s.must(http.StatusAccepted, status, body)
	heard.text("Bob is")
	if text := <-heardText; text != "Bob is" {
		t.Errorf("Carol hears %q", text)
	}
	// A file goes to one person.
	status, body = s.ask(s.request(http.MethodPost, "/file?talk="+group.Key, "application/octet-stream", "x"))
	s.must(http.StatusConflict, status, body)
}

// A text with pictures is there at once, and its pictures follow.
func TestEmoticonsOfOnesOwn(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	_, s := show(t, signIn(t, srv, bob))
	c := srv.Play(carol, msntest.Script{Messenger: new(msntest.Messenger)})
	chat, err := c.Call(t.Context(), bob)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.SayWithEmoticons("This is (me) :)", map[string][]byte{"(me)": msntest.Portrait("Carol")}); err != nil {
		t.Fatal(err)
	}
	p := s.open("")
	p.until("the picture in the text", func(v *view) bool {
		parts := v.messages[1].Parts
		return len(parts) == 3 && parts[0].Text == "This is " && parts[1].Text == "(me)" && parts[1].Picture != "" && parts[2].Text == " 🙂"
	})
}

// The page goes when it is to go, with pages open in browsers, and its place is free then.
func TestServingEndsWithPagesOpen(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *Window, cancel func()){
		"stopped": func(_ *Window, cancel func()) { cancel() },
		"closed":  func(w *Window, _ func()) { w.Close() },
	} {
		w := withAlice(t, new(fake))
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Serve(ctx, listener) }()
		s := &site{t: t, url: "http://" + listener.Addr().String()}
		p := s.open("")
		p.until("everything", func(v *view) bool { return v.all == 1 })
		end(w, cancel)
		if err := <-ended; err != nil {
			t.Errorf("%s: it ends with %v", name, err)
		}
		if err := p.event(); !errors.Is(err, errEnded) {
			t.Errorf("%s: the page that was open is told %v", name, err)
		}
		again, err := net.Listen("tcp", listener.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = again.Close()
		cancel()
	}
}
