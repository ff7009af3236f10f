package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"maunium.net/go/mautrix/event"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

// What somebody does in the first minutes, in a web client: they log in to MSN in a chat with the bot, open a chat with
// a contact, and talk.
func TestFirstMinutesInWebClient(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	p := newPeople(t, "first")
	h := logIn(t, "Hydrogen", "alice-first", p.alice.Password, false)

	h.logsInToMSN(p, parts.Bridges[plainBridge].Bot())
	h.shot("bot-login")
	h.says("contacts")
	h.sees("Contacts of " + p.aliceAccount)
	h.waits("a contact to click on", with(".Timeline_messageBody .pill", "Bob"))
	h.shot("bot-contacts")
	h.says("help")
	h.sees("version of this bridge")
	h.shot("bot-help")

	h.says("start-chat " + p.bobAccount)
	h.enter("Bob")
	heard := p.bob.Mark()
	h.says("Hi Bob! Größe, žluť, 你好, 👋")
	p.hears(heard, "Hi Bob! Größe, žluť, 你好, 👋")
	p.says("Hi Alice! Still on MSN :)")
	h.sees("Hi Alice! Still on MSN 🙂")

	// Hydrogen neither makes edits nor shows them: a program of hers does.
	mark := p.bob.Mark()
	sent, err := p.alice.WaitEvent(t.Context(), "what was written in the browser", stack.Text("", p.alice.ID(), "Hi Bob! Größe, žluť, 你好, 👋"))
	if err != nil {
		t.Fatal(err)
	}
	edit := &event.MessageEventContent{MsgType: event.MsgText, Body: "Hello Robert!"}
	edit.SetEdit(sent.ID)
	if _, err := p.alice.Client.SendMessageEvent(t.Context(), sent.RoomID, event.EventMessage, edit); err != nil {
		t.Fatal(err)
	}
	p.hears(mark, "* Hello Robert!")

	p.givesPicture("holiday.png")
	h.seesPicture()
}

// All that is said in an encrypted room is encrypted for the homeserver, and plain for the two.
func TestEncryptedRoomInWebClient(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	p := newPeople(t, "secret")
	h := logIn(t, "Hydrogen", "alice-secret", p.alice.Password, true)
	bridge := parts.Bridges[encryptingBridge]
	h.logsInToMSN(p, bridge.Bot())
	h.says("start-chat " + p.bobAccount)
	h.enter("Bob")
	heard := p.bob.Mark()
	h.says("Nobody in between reads this")
	p.hears(heard, "Nobody in between reads this")
	p.says("Nor this")
	h.sees("Nor this")
	p.givesPicture("secret.png")
	h.seesPicture()
	h.shot("encrypted")

	if err := p.alice.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	encrypted := func(s stack.Seen) bool { return s.Type == event.EventEncrypted }
	if n := p.alice.Count(0, encrypted); n < 8 {
		t.Errorf("the homeserver has %d encrypted events", n)
	}
	p.alice.Count(0, func(s stack.Seen) bool {
		if s.Type == event.EventMessage {
			t.Errorf("the homeserver can read what %s says: %s", s.Sender, s.Content.VeryRaw)
		}
		return false
	})
}

// One person plays both sides: Alice in a web client, Bob in his page.
func TestBothSidesInTheBrowser(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	home.AddPerson("carol@example.com", msnPassword, "Carol")
	home.AddPerson("dave@example.com", msnPassword, "Dave")
	carol := home.Play("carol@example.com", msntest.Script{})
	carol.SetStatus("AWY")
	carol.SetPersonalMessage("Gone sailing")
	p := newPeople(t, "", "carol@example.com", "dave@example.com")
	bot := parts.Bridges[plainBridge].Bot()
	management, err := p.alice.OpenChat(t.Context(), bot)
	if err != nil {
		t.Fatal(err)
	}
	dialog, err := p.alice.LogIn(t.Context(), management, bot, "home", p.aliceAccount, msnPassword)
	if err != nil || !dialog.LoggedIn() {
		t.Fatalf("the login: %v, %v", dialog.Answer.Content.Raw, err)
	}
	f := p.showBob()
	page := chrome.open(t, "page", wide, f.url())
	page.click("Alice in the list", with("#contacts button", "Alice"))
	page.waits("her picture", `document.querySelector('#their-face img')?.naturalWidth > 0`)
	page.click("the personal message", one("#my-words"))
	page.types("It is 2004 here, and I like it")
	page.press(kb.Enter)
	says := func(text string) {
		t.Helper()
		page.click("the field for messages", one("#text"))
		page.types(text)
		page.press(kb.Enter)
		page.waits("that the field is empty", `document.getElementById('text').value === ''`)
	}
	says("Hi Alice, long time no see! :D")

	h := logIn(t, "Hydrogen", "alice", p.alice.Password, false)
	h.enter("Bob")
	h.sees("Hi Alice, long time no see! 😀")
	h.says("Bob! Are you still on MSN?")
	page.waits("what she writes", with(".message .body", "Bob! Are you still on MSN?"))
	says("Always (Y) And you never have to leave Matrix?")
	h.sees("Always 👍 And you never have to leave Matrix?")
	h.says("Never. 你好, žluť and 🎂 go through, too.")
	page.waits("all signs of it", with(".message .body", "Never. 你好, žluť and 🎂 go through, too."))
	page.do("choose a file", chromedp.SetUploadFiles("#picture-file", []string{landscape(t)}, chromedp.NodeReady))
	h.seesPicture()
	page.waits("that the picture has arrived", with(".message.mine .what", "holiday.png")+`.textContent.endsWith('KB)')`)
	h.says("!nudge")
	page.waits("that it shakes", `document.getElementById('talk').classList.contains('shaking')`)
	page.waits("who shakes it", with(".message.nudge", "Alice has sent you a nudge"))
	says("Ouch (L)")
	h.sees("Ouch ❤️")
	page.shot("page")
	h.shot("room")
}

// landscape is a file with a picture.
func landscape(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "holiday.png")
	if err := os.WriteFile(path, msntest.Landscape("Bob"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
