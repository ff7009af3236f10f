package bridge

import (
	"strings"
	"testing"

	"matrix-msn/bridge/config"
)

// Emoticons of MSN are emoji in Matrix, and emoji are emoticons there, for who wants it; it
// is kept.
func TestEmoticonsAreEmoji(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.Emoticons = true }
	})
	login := b.login()
	friend, texts := b.friend()
	room := b.dm(login, bob)
	b.write(room, "👍 ok 🎉")
	b.receive(texts, alice+": (Y) ok 🎉")
	if err := friend.Say(b.ctx, alice, "hi :) [c=4]there[/c]"); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(b.T, 0, "the text with emoji", func(r record) bool { return r.kind == "message" && r.body == "hi 🙂 there" })
	if got := b.ask(b.management(), "!emoticons off").body; !strings.Contains(got, "as they were written") {
		t.Errorf("the answer is %q", got)
	}
	if got := b.ask(b.management(), "!emoticons please").body; !strings.Contains(got, "Nothing was changed") {
		t.Errorf("the answer is %q", got)
	}
	b.restart()
	b.waitState("CONNECTED")
	if got := b.ask(b.management(), "!emoticons").body; !strings.Contains(got, "`!emoticons on`") {
		t.Errorf("the answer is %q", got)
	}
	b.write(room, "👍")
	b.receive(texts, alice+": 👍")
}
