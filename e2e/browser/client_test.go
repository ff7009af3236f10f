package browser

import (
	"bytes"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// What somebody does in the first minutes, in a web client: they log in to MSN in a chat with the bot, open a chat with
// a contact, and talk.
func TestFirstMinutesInWebClient(t *testing.T) {
	needsBrowser(t)
	t.Parallel()
	p := newPeople(t, "first")
	bot := parts.Bridges[plainBridge].Bot()
	h := logIn(t, "Hydrogen", "alice-first", p.alice.Password)

	h.makeRoom("MSN", false)
	h.writes("/invite " + bot.String())
	h.sees("Hello, I'm a")
	h.says("login home")
	h.sees("enter your e-mail")
	h.says(p.aliceAccount)
	h.sees("enter your password")
	h.writes(msnPassword)
	h.sees("Three things to try")
	h.shot("bot-login")
	h.says("contacts")
	h.sees("Bob")
	h.shot("bot-contacts")
	h.says("help")
	h.sees("start-chat")
	h.shot("bot-help")

	h.says("start-chat " + p.bobAccount)
	h.enter("Bob")
	heard := p.bob.Mark()
	h.says("Hi Bob! Größe, žluť, 你好, 👋")
	p.hears(heard, "Hi Bob! Größe, žluť, 你好, 👋")
	p.says("Hi Alice! Still on MSN :)")
	h.sees("Hi Alice! Still on MSN 🙂")
	p.givesPicture("holiday.png")
	h.waits("the picture", `[...document.querySelectorAll('.Timeline_messageBody img')].some((e) => e.naturalWidth === 320)`)
	h.says("What a view!")
	h.shot("room")
}

// givesPicture has Bob send a picture, and returns when the bridge has it.
func (p *people) givesPicture(name string) {
	p.t.Helper()
	picture := msntest.Landscape("Bob")
	err := p.bob.Client.SendFile(p.t.Context(), p.aliceAccount, msn.File{Name: name, Size: uint64(len(picture))}, bytes.NewReader(picture), nil)
	if err != nil {
		p.t.Fatal(err)
	}
}
