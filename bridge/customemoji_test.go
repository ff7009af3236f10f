package bridge

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"sync"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// emoji returns a message with custom emoji: its HTML is made of what are pictures and what are texts.
func emojiMessage(body string, parts ...any) *event.MessageEventContent {
	content := &event.MessageEventContent{MsgType: event.MsgText, Body: body, Format: event.FormatHTML}
	for _, part := range parts {
		if url, ok := part.(id.ContentURIString); ok {
			content.FormattedBody += fmt.Sprintf(`<img data-mx-emoticon src="%s" alt=":%s:" title=":%s:" height="32">`, url, url[len(url)-1:], url[len(url)-1:])
		} else {
			content.FormattedBody += fmt.Sprint(part)
		}
	}
	return content
}

// emoji has the homeserver have a custom emoji. It is called as the last sign of its address.
func (b *testBridge) emoji(data []byte) id.ContentURIString {
	url, _ := b.matrix.upload(data, false)
	return url
}

// fetched returns the pictures of a text, by their shortcuts.
func (m *messenger) fetched(t testing.TB, from string, text msn.TextReceived) map[string]image.Config {
	t.Helper()
	found := make(map[string]image.Config)
	for _, e := range text.Emoticons {
		var data bytes.Buffer
		if err := m.Fetch(t.Context(), from, e.Object, &data, nil); err != nil {
			t.Fatalf("%s: %v", e.Shortcut, err)
		}
		config, _, err := image.DecodeConfig(&data)
		if err != nil {
			t.Fatalf("%s: %v", e.Shortcut, err)
		}
		found[e.Shortcut] = config
	}
	return found
}

// Custom emoji of a text are emoticons on MSN: small enough, at most five; what cannot be one stays a word.
func TestCustomEmojiGoToMSN(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	friend := b.messenger(bob)
	b.sees(bob)
	room := b.dm(login, bob)
	small, large := b.emoji(painted(t, 19, 19, color.White)), b.emoji(painted(t, 512, 256, color.Black))
	none, huge := b.emoji([]byte("<svg/>")), b.emoji(painted(t, 1500, 1, color.White))
	var moving bytes.Buffer
	if err := gif.EncodeAll(&moving, movingPicture(30, 20)); err != nil {
		t.Fatal(err)
	}
	runs := b.emoji(moving.Bytes())
	b.writeContent(room, emojiMessage(":0: and :1:", small, " and ", large, none, huge, runs, id.ContentURIString("mxc://example.test/9")))
	text := friend.expect(t, alice, ":0: and :1::2::3::4::9:")
	got := friend.fetched(t, alice, text)
	if len(got) != 3 || got[":0:"].Width != 19 || got[":1:"].Width != 50 || got[":1:"].Height != 25 || got[":4:"].Width != 30 {
		t.Errorf("the pictures are %+v", got)
	}
	for _, e := range text.Emoticons {
		if e.Animated != (e.Shortcut == ":4:") {
			t.Errorf("%s moves: %t", e.Shortcut, e.Animated)
		}
	}
	many := []any{}
	for range 4 { // :5: to :8:
		many = append(many, b.emoji(painted(t, 9, 9, color.White)))
	}
	b.writeContent(room, emojiMessage(":5:", append(many, small, large)...))
	text = friend.expect(t, alice, ":5::6::7::8::0::1:")
	if len(text.Emoticons) != msn.MaxEmoticons {
		t.Errorf("%d pictures are announced", len(text.Emoticons))
	}
	b.write(room, ":0: alone")
	if text = friend.expect(t, alice, ":0: alone"); len(text.Emoticons) != 0 {
		t.Errorf("a text without pictures has %d", len(text.Emoticons))
	}
}

// A text that waits while the bridge is stopped has its pictures when it goes out, and whoever reads it can have them.
func TestCustomEmojiOutlastARestart(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	cat := b.emoji(painted(t, 19, 19, color.White))
	from := b.matrix.position()
	b.writeContent(room, emojiMessage(":0:", cat)) // bob is offline: it waits for him
	b.matrix.wait(t, from, "that it waits", func(r record) bool { return r.kind == "message" && r.room == room })
	b.restart()
	b.waitState("CONNECTED")
	friend := b.messenger(bob)
	text := friend.expect(t, alice, ":0:")
	if got := friend.fetched(t, alice, text); got[":0:"].Width != 19 {
		t.Errorf("the pictures are %+v", got)
	}
}

// A text has its pictures also for a contact who comes online while they are called.
func TestCustomEmojiForWhoComesOnlineWhileTheyAreCalled(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	room := b.dm(b.login(), bob)
	cat := b.emoji(painted(t, 19, 19, color.White))
	called, online := make(chan struct{}), make(chan struct{})
	call, comes := sync.OnceFunc(func() { close(called) }), sync.OnceFunc(func() { close(online) })
	defer comes()
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Kind == msntest.SB && r.Command.Verb == "CAL" {
			call()
			<-online
		}
		return msntest.Action{}
	})
	b.writeContent(room, emojiMessage(":0:", cat))
	<-called
	friend := b.messenger(bob)
	comes()
	if got := friend.fetched(t, alice, friend.expect(t, alice, ":0:")); got[":0:"].Width != 19 {
		t.Errorf("the pictures are %+v", got)
	}
}

// The custom emoji of the words under a file are emoticons too: before the file, and in the place of one that cannot go.
func TestCustomEmojiUnderAFile(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	friend := b.messenger(bob)
	b.sees(bob)
	room := b.dm(login, bob)
	cat := b.emoji(painted(t, 19, 19, color.White))
	send := func(in id.RoomID, file id.ContentURIString) {
		content := emojiMessage("my :0:", "my ", cat)
		content.MsgType, content.FileName, content.URL = event.MsgFile, "cat.txt", file
		b.writeContent(in, content)
	}
	meow := b.emoji([]byte("meow"))
	for _, file := range []id.ContentURIString{meow, "mxc://example.test/none"} {
		send(room, file)
		text := friend.expect(t, alice, "my :0:")
		if got := friend.fetched(t, alice, text); got[":0:"].Width != 19 {
			t.Errorf("%s: the pictures are %+v", file, got)
		}
	}
	b.matrix.mu.Lock()
	b.matrix.links = true
	b.matrix.mu.Unlock()
	b.messenger(carol)
	b.sees(carol)
	send(b.makeGroup(login, bob, carol), meow)
	text := friend.expect(t, alice, "my :0:\ncat.txt: https://bridge.example.test/"+string(meow)[len("mxc://"):])
	if got := friend.fetched(t, alice, text); got[":0:"].Width != 19 {
		t.Errorf("among several people the pictures are %+v", got)
	}
}

// A text that waits and is edited goes out with the custom emoji of the edit, and none of those that it had.
func TestCustomEmojiOfATextThatIsEditedWhileItWaits(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	cat, dog := b.emoji(painted(t, 19, 19, color.White)), b.emoji(painted(t, 30, 30, color.White))
	from := b.matrix.position()
	b.writeContent(room, emojiMessage(":0:", cat)) // bob is offline: it waits for him
	first := b.latest()
	b.matrix.wait(t, from, "that it waits", func(r record) bool { return r.kind == "message" && r.room == room })
	edit := emojiMessage("* a :1:, no :0:", "* a ", dog, ", no :0:")
	edit.RelatesTo, edit.NewContent = (&event.RelatesTo{}).SetReplace(first), emojiMessage("a :1:, no :0:", "a ", dog, ", no :0:")
	from = b.matrix.position()
	b.writeContent(room, edit)
	b.waitStatus(from)
	friend := b.messenger(bob)
	text := friend.expect(t, alice, "a :1:, no :0:")
	if got := friend.fetched(t, alice, text); len(got) != 1 || got[":1:"].Width != 30 {
		t.Errorf("the pictures are %+v", got)
	}
}

// In a group chat everybody has the pictures of everybody: those of the user, and those of a contact in its room.
func TestCustomEmojiAmongSeveralPeople(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	b.sees(bob)
	b.sees(carol)
	room := b.makeGroup(login, bob, carol)
	cat := b.emoji(painted(t, 19, 19, color.White))
	b.writeContent(room, emojiMessage("look :0:", "look ", cat))
	for _, friend := range []*messenger{bobs, carols} {
		text := friend.expect(t, alice, "look :0:")
		if got := friend.fetched(t, alice, text); got[":0:"].Width != 19 {
			t.Errorf("%s has the pictures %+v", friend.Account(), got)
		}
	}
	chat := bobs.GroupChat("others", alice, carol)
	dog := bobs.offers(t, "(dog)", painted(t, 30, 30, color.Black))
	if err := chat.StartTextWith(t.Context(), nil, []msn.Emoticon{dog}, "a (dog)", "")(); err != nil {
		t.Fatal(err)
	}
	shown := b.waitPictures()
	if want := "a " + inline(uploaded(1), "(dog)"); shown.html != want && shown.html != "* "+want || shown.sender != b.ghost(bob) {
		t.Errorf("shown is %+v", shown)
	}
	carols.expect(t, bob, "a (dog)")
}
