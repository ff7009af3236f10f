package bridge

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"matrix-msn/bridge/names"
	"matrix-msn/msn/msntest"
)

// hostileNames are names that people could give themselves.
var hostileNames = map[string]string{
	"directions": "\u202ebob\u2066\u200f\u202d evil",
	"lines":      "Bob\r\nmallory@example.com: (online)\u2028• x",
	"long":       strings.Repeat("♥x ", 10<<10/5),
	"the bot":    "MSN Messenger bridge bot",
	"markup":     "<h1>**[click](https://evil.example)**</h1>",
	"mention":    "@room @alice:example.test",
	"nothing":    "\u200b\u00ad",
	"control":    "a\x00\x1b[31mb",
	"plus":       "[c=4]·$4\x0304",
}

// Whatever contacts call themselves, each is one line of a list and one short name, whole and
// without what changes the direction of what stands behind it: in rooms, commands and notices.
func TestHostileNamesOfContacts(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	accounts := make(map[string]string)
	for what, name := range hostileNames {
		accounts[what] = strings.ReplaceAll(what, " ", "") + "@example.com"
		srv.AddAccount(accounts[what], pass, msntest.Name(name))
		srv.Play(accounts[what], msntest.Script{}).SetPersonalMessage(name)
		srv.Befriend(alice, accounts[what])
	}
	b := newTestBridge(t, srv)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	chat := b.management()
	clean := func(what, where, text string, most int) {
		t.Helper()
		if strings.ContainsAny(text, "\u202e\u202d\u2066\u200f\u2028\x00\x1b\x03") || !utf8.ValidString(text) || utf8.RuneCountInString(text) > most || strings.Contains(text, strings.Repeat("♥x ", names.Max)) {
			t.Errorf("%s, %s: %d characters, %.200q", what, where, utf8.RuneCountInString(text), text)
		}
	}
	list := b.ask(chat, "!contacts")
	for what, account := range accounts {
		lines := 0
		for line := range strings.Lines(list.body) {
			if strings.Contains(line, account) {
				lines++
				clean(what, "in the list", strings.TrimSuffix(line, "\n"), 600)
			}
		}
		if lines != 1 {
			t.Errorf("%s is in %d lines of the list:\n%s", what, lines, list.body)
		}
		whois := b.ask(chat, "!whois "+account)
		clean(what, "in whois", strings.ReplaceAll(whois.body, "\n", ""), 2000)
		for _, answer := range []record{list, whois} {
			if strings.Contains(answer.html, "<h1>") || strings.Contains(answer.html, `href="https://evil`) || len(answer.calls) > 0 {
				t.Errorf("%s makes %.500q, which calls %v", what, answer.html, answer.calls)
			}
		}
		room := b.dm(login, account)
		shown := b.matrix.displayNames()[b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(account))]
		clean(what, "as a ghost", shown, names.Max+len(account)+len(" (MSN) ()"))
		if strings.TrimSpace(shown) == "" || strings.Contains(shown, "bridge bot") && !strings.Contains(shown, account) {
			t.Errorf("%s is shown as %q", what, shown)
		}
		for _, r := range b.matrix.all(func(r record) bool { return r.room == room && (r.kind == "room" || r.kind == "message") }) {
			clean(what, "in the room", r.body, 600)
		}
	}
}

// Somebody else adds the user every 10 ms, for a minute: a few notices, and nothing that grows.
func TestHostileRequestsEvery10Milliseconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := emptyWorld(t)
		w.start()
		if _, err := w.b.tryLogin(alice, pass); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		const requests = 2000
		for i := range requests {
			w.srv.AddAccount(fmt.Sprintf("adder%d@example.com", i), pass, msntest.Name("\u202eAdder\n")).Add(alice)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		said := w.matrix.all(func(r record) bool { return r.kind == "message" && strings.Contains(r.body, "added you") })
		if len(said) == 0 || len(said) > 8 {
			t.Errorf("%d notices", len(said))
		}
		for _, r := range said {
			if strings.ContainsAny(r.body, "\u202e\n") {
				t.Errorf("the notice %q", r.body)
			}
		}
		if rooms := w.matrix.all(func(r record) bool { return r.kind == "room" && strings.Contains(r.body, "dder") }); len(rooms) > 0 {
			t.Errorf("%d rooms are made", len(rooms))
		}
		w.b.stop()
	})
}
