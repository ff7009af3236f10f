package browser

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"matrix-msn/demo/window"
	"matrix-msn/e2e/stack"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// friendPage is a person's window, as the demo shows it.
type friendPage struct {
	t       *testing.T
	window  *window.Window
	address string // with the port
	end     func() // of the page, not of the window
}

// showBob opens Bob's window, and serves it.
func (p *people) showBob() *friendPage {
	p.t.Helper()
	f := &friendPage{t: p.t, window: window.New(context.WithoutCancel(p.t.Context()), p.bob.Client), address: "127.0.0.1:0"}
	f.window.Show(msntest.Portrait("Bob"))
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	var hearing sync.WaitGroup
	hearing.Go(func() {
		for heard := range p.bob.Follow(ctx, 0) {
			f.window.Hear(heard.Event)
		}
	})
	p.t.Cleanup(func() {
		f.end()
		cancel()
		f.window.Close()
		hearing.Wait()
	})
	f.serve()
	return f
}

// serve serves the window, at the address at which it was served before.
func (f *friendPage) serve() {
	f.t.Helper()
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.window.Serve(ctx, listener) }()
	f.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			f.t.Errorf("the page: %v", err)
		}
	})
}

func (f *friendPage) url() string { return "http://" + f.address + "/" }

// Somebody plays Bob in the page, with mouse and keyboard.
func TestFriendIsPlayedInThePage(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	p := newPeople(t, "window")
	f := p.showBob()
	alice := p.signInAlice()
	page := chrome.open(t, "window", wide, f.url())
	page.waits("Alice online", with("#contacts button", "Alice")+`.querySelector('.figure.online')`)
	page.waits("that a script answers", with("#banner", "until you write"))

	// By keyboard alone: to the contact, and a text.
	page.waits("the contact by keyboard", `(() => { const e = `+with("#contacts button", "Alice")+`; e.focus(); return document.activeElement === e })()`)
	page.press(kb.Enter)
	page.waits("the conversation", `document.activeElement === document.getElementById('text')`)
	mark := alice.Mark()
	page.types("Hi Alice :)")
	page.press(kb.Enter)
	hears(t, alice, mark, "Hi Alice :)", stack.HeardText(p.bobAccount, "Hi Alice :)"))
	page.waits("its own text, with an emoji", with(".message.mine .body", "Hi Alice 🙂"))
	page.waits("an empty field", `document.getElementById('text').value === ''`)
	page.waits("that nobody's script answers", `document.getElementById('banner').hidden`)

	if err := alice.Type(t.Context(), p.bobAccount); err != nil {
		t.Fatal(err)
	}
	page.waits("that she writes", with("#typing", "Alice is writing"))

	// Nudges shake it, both ways.
	mark = alice.Mark()
	page.click("the button for nudges", one("#nudge-button"))
	page.waits("that it shakes", `document.getElementById('talk').classList.contains('shaking')`)
	hears(t, alice, mark, "a nudge", func(h stack.Heard) bool { _, ok := h.Event.(msn.NudgeReceived); return ok })
	page.waits("that it has stopped to shake", `!document.getElementById('talk').classList.contains('shaking')`)
	if err := alice.Client.Conversation(p.bobAccount).SendNudge(t.Context()); err != nil {
		t.Fatal(err)
	}
	page.waits("that it shakes again", `document.getElementById('talk').classList.contains('shaking')`)
	page.waits("who has nudged", with(".message.nudge", "Alice has sent you a nudge"))

	// Names and texts are texts.
	hostile := `<img src=x onerror="document.title='broken'"><b>Alice</b>`
	if err := alice.Client.SetDisplayName(t.Context(), hostile); err != nil {
		t.Fatal(err)
	}
	if err := alice.Say(t.Context(), p.bobAccount, `<script>document.title='broken'</script> "quoted" & more`); err != nil {
		t.Fatal(err)
	}
	page.waits("the name as it is written", with("#title", hostile))
	page.waits("the text as it is written", with(".message .body", `<script>document.title='broken'</script> "quoted" & more`))
	if made := page.reads(`document.querySelectorAll('#contacts img, #contacts b, #title b, .message script, .message b').length`); made != "0" {
		t.Errorf("the name or the text has made %s elements", made)
	}
	if title := page.reads("document.title"); title != "Bob on MSN" {
		t.Errorf("the title is %q", title)
	}

	// Pictures, both ways.
	picture := msntest.Landscape("Alice")
	if err := alice.Client.SendFile(t.Context(), p.bobAccount, msn.File{Name: "view.png", Size: uint64(len(picture))}, bytes.NewReader(picture), nil); err != nil {
		t.Fatal(err)
	}
	page.waits("her picture", `[...document.querySelectorAll('.message:not(.mine) .shown')].some((e) => e.naturalWidth === 320)`)
	mark = alice.Mark()
	page.do("choose a file", chromedp.SetUploadFiles("#picture-file", []string{landscape(t)}, chromedp.NodeReady))
	offered := hears(t, alice, mark, "a file", func(h stack.Heard) bool { _, ok := h.Event.(msn.FileOffered); return ok }).Event.(msn.FileOffered)
	var took bytes.Buffer
	if err := offered.Offer.Accept(t.Context(), &took, nil); err != nil || !bytes.Equal(took.Bytes(), msntest.Landscape("Bob")) {
		t.Errorf("she has got %d bytes, %v", took.Len(), err)
	}
	page.waits("its own picture", `[...document.querySelectorAll('.message.mine .shown')].some((e) => e.naturalWidth === 320) && `+with(".message.mine .what", "holiday.png")+`.textContent.endsWith('KB)')`)

	// What is chosen from a list.
	mark = alice.Mark()
	page.do("choose a status", chromedp.Focus("#my-status"))
	page.press(kb.ArrowDown)
	hears(t, alice, mark, "that he is busy", stack.HeardStatus(p.bobAccount, msn.Busy))

	// A screen reader has a name for all that can be used.
	spoken := page.spoken()
	for role, want := range map[string][]string{
		"button": {"Send", "Nudge", "Emoticons", "Send a picture"}, "textbox": {"Your message", "Your personal message"},
		"combobox": {"Your status"}, "log": {"What was said"}, "navigation": {"Contacts and conversations"},
	} {
		for _, name := range want {
			if !slices.Contains(spoken[role], name) {
				t.Errorf("there is no %s %q for a screen reader, but %q", role, name, spoken[role])
			}
		}
		if slices.Contains(spoken[role], "") {
			t.Errorf("a screen reader has no name for a %s", role)
		}
	}

	// The demo goes and comes back: what was said meanwhile is there, once.
	f.end()
	page.waits("that nobody is there", with("#banner.bad", "does not answer"))
	if err := alice.Say(t.Context(), p.bobAccount, "Said meanwhile"); err != nil {
		t.Fatal(err)
	}
	f.serve()
	page.waits("what was said meanwhile", with(".message .body", "Said meanwhile"))
	page.waits("that all is well", `document.getElementById('banner').hidden && !document.getElementById('send').disabled`)
	if n := page.reads(`[...document.querySelectorAll('.message .body')].filter((e) => e.textContent === 'Said meanwhile').length`); n != "1" {
		t.Errorf("what was said meanwhile is there %s times", n)
	}
	for _, complaint := range page.complaints() {
		if !bytes.Contains([]byte(complaint), []byte("net::ERR_")) { // that nobody was there
			t.Errorf("the page complains: %s", complaint)
		}
	}
}

// On a telephone list and conversation are one behind the other.
func TestFriendsPageOnANarrowWindow(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	p := newPeople(t, "narrow")
	f := p.showBob()
	alice := p.signInAlice()
	page := chrome.open(t, "narrow", narrow, f.url())
	page.click("Alice in the list", with("#contacts button", "Alice"))
	page.waits("the conversation alone", one("#open")+` && !(`+one("#list")+`)`)
	page.click("the button for emoticons", one("#smile-button"))
	page.click("an emoticon", one("#smiles button[aria-label=heart]"))
	mark := alice.Mark()
	page.click("the button to send", one("#send"))
	hears(t, alice, mark, "a heart", stack.HeardText(p.bobAccount, "(L) "))
	page.waits("the heart", with(".message.mine .body", "❤"))
	if wide := page.reads(`document.documentElement.scrollWidth > innerWidth`); wide != "false" {
		t.Error("the page is wider than the window")
	}
	page.shot("narrow")
	page.click("the button back", one("#back"))
	page.waits("the list alone", one("#list")+` && !(`+one("#talk")+`)`)
	if err := alice.Say(t.Context(), p.bobAccount, "Psst"); err != nil {
		t.Fatal(err)
	}
	page.waits("that something is unread", with("#contacts .unread", "1"))
}

// hears waits for what somebody hears after mark.
func hears(t *testing.T, who *stack.Person, mark stack.Mark, what string, match func(stack.Heard) bool) stack.Heard {
	t.Helper()
	heard, err := who.WaitEventAfter(t.Context(), mark, what, match)
	if err != nil {
		t.Fatal(err)
	}
	return heard
}
