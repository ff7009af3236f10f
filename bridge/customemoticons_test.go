package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// offers is a contact's Messenger, with an emoticon of the contact's.
func (m *messenger) offers(t testing.TB, shortcut string, picture []byte) msn.Emoticon {
	t.Helper()
	o, err := m.OfferEmoticon(picture)
	if err != nil {
		t.Fatal(err)
	}
	return msn.Emoticon{Shortcut: shortcut, Object: o}
}

// says has a contact say something with emoticons.
func (m *messenger) says(t testing.TB, to, text string, emoticons ...msn.Emoticon) {
	t.Helper()
	if err := m.Conversation(to).StartTextWith(t.Context(), nil, emoticons, text, "")(); err != nil {
		t.Fatal(err)
	}
}

func inline(url id.ContentURIString, shortcut string) string {
	return fmt.Sprintf(`<img data-mx-emoticon src="%s" alt="%s" title="%s" height="32">`, url, shortcut, shortcut)
}

// waitPictures waits for a text with pictures, at first or when it is shown once more.
func (b *testBridge) waitPictures() record {
	b.Helper()
	r, _ := b.matrix.wait(b.T, 0, "the picture", func(r record) bool { return r.kind == "message" && strings.Contains(r.html, "<img") })
	return r
}

// Emoticons of a contact's own are shown in their text: it is there at once, and once more with the pictures when
// they are there. Those that the homeserver has are in the text at first.
func TestCustomEmoticonsOfAContact(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	slow := make(chan struct{})
	b.matrix.mu.Lock()
	b.matrix.slowUpload = slow
	b.matrix.mu.Unlock()
	cat, dog := painted(t, 19, 19, color.White), painted(t, 50, 50, color.Black)
	friend.says(t, alice, "look (cat) and (dog)s", friend.offers(t, "(cat)", cat), friend.offers(t, "(dog)", dog))
	text, at := b.matrix.wait(b.T, 0, "the text", func(r record) bool { return r.kind == "message" && r.body == "look (cat) and (dog)s" })
	if text.html != "" {
		t.Errorf("it waited for the pictures: %s", text.html)
	}
	close(slow)
	edit, at := b.matrix.wait(b.T, at, "the pictures", func(r record) bool { return r.kind == "message" && r.edits == text.id })
	b.matrix.mu.Lock()
	catAt, dogAt := uploaded(1), uploaded(2)
	if len(b.matrix.uploads) == 2 && bytes.Equal(b.matrix.uploads[0], dog) {
		catAt, dogAt = dogAt, catAt
	}
	b.matrix.mu.Unlock()
	if want := "look " + inline(catAt, "(cat)") + " and " + inline(dogAt, "(dog)") + "s"; !strings.HasSuffix(edit.html, want) {
		t.Errorf("shown is %s, want %s", edit.html, want)
	}
	if edit.sender != text.sender {
		t.Errorf("%s shows what %s has written", edit.sender, text.sender)
	}
	friend.says(t, alice, "again (cat)", friend.offers(t, "(cat)", cat))
	again, at := b.waitMessage(at, "again (cat)")
	if want := "again " + inline(catAt, "(cat)"); again.html != want || again.edits != "" {
		t.Errorf("shown is %s, want %s", again.html, want)
	}
	friend.says(t, alice, "without (cat)")
	if last, _ := b.waitMessage(at, "without (cat)"); last.html != "" {
		t.Errorf("a text without pictures is %s", last.html)
	}
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if len(b.matrix.uploads) != 2 {
		t.Errorf("%d pictures were uploaded", len(b.matrix.uploads))
	}
}

// What is no picture, or too large, or does not come leaves the text as it was, and other pictures in it are shown.
func TestCustomEmoticonsThatCannotBeShown(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	large, none := friend.offers(t, "(large)", painted(t, 600, 1, color.White)), friend.offers(t, "(none)", []byte("<svg onload=alert(1)>"))
	long := friend.offers(t, "(long)", bytes.Repeat([]byte("GIF89a"), 60<<10))
	away := friend.offers(t, "(away)", []byte("x"))
	away.Object.Hash[0]++
	away.Object.Text = ""
	good := friend.offers(t, "(good)", painted(t, 9, 9, color.White))
	friend.says(t, alice, "(large)(none)(long)(away)(good)", large, none, long, away, good)
	shown := b.waitPictures()
	if want := "(large)(none)(long)(away)" + inline(uploaded(1), "(good)"); shown.html != want {
		t.Errorf("shown is %s, want %s", shown.html, want)
	}
}

// Of somebody whom the user blocks, and of a stranger, nothing is asked for.
func TestCustomEmoticonsOfStrangersAreNotFetched(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	stranger := b.messenger(carol)
	stranger.says(t, alice, "look (cat)", stranger.offers(t, "(cat)", painted(t, 9, 9, color.White)))
	friend := b.messenger(bob)
	friend.says(t, alice, "(dog)", friend.offers(t, "(dog)", painted(t, 9, 9, color.Black)))
	b.waitPictures()
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if len(b.matrix.uploads) != 1 {
		t.Errorf("%d pictures were uploaded", len(b.matrix.uploads))
	}
}

// A text that waits for the homeserver has its pictures at once when they have come meanwhile, and is not edited.
func TestCustomEmoticonsDuringAnOutage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.dm(login, bob)
	friend := b.messenger(bob)
	from := b.matrix.position()
	b.matrix.failSending(errors.New("the homeserver is down"))
	friend.says(t, alice, "before it") // so that nobody has taken up the other one yet
	friend.says(t, alice, "(cat)", friend.offers(t, "(cat)", painted(t, 9, 9, color.White)))
	b.eventually("the picture", func() bool {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		return len(b.matrix.uploads) == 1
	})
	db := login.Client.(*Client).account.DB
	b.eventually("what brings it", func() bool {
		n, err := db.MSNQueue.Count(b.ctx, login.ID, login.Client.(*Client).account.PortalKey(bob).ID)
		return err == nil && n == 3
	})
	b.matrix.failSending(nil)
	friend.says(t, alice, "the next")
	b.waitMessage(from, "the next")
	b.eventually("an empty queue", func() bool {
		n, err := db.MSNQueue.Count(b.ctx, login.ID, login.Client.(*Client).account.PortalKey(bob).ID)
		return err == nil && n == 0
	})
	got := b.matrix.all(func(r record) bool { return r.kind == "message" && strings.Contains(r.body, "(cat)") })
	if len(got) != 1 || got[0].html != inline(uploaded(1), "(cat)") {
		t.Errorf("shown is %+v", got)
	}
}

// An emoticon that moves stays what it is.
func TestCustomEmoticonThatMoves(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	var moving bytes.Buffer
	if err := gif.EncodeAll(&moving, movingPicture(19, 19)); err != nil {
		t.Fatal(err)
	}
	emoticon := friend.offers(t, "(run)", moving.Bytes())
	emoticon.Animated = true
	friend.says(t, alice, "(run)", emoticon)
	b.waitPictures()
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if !bytes.Equal(b.matrix.uploads[0], moving.Bytes()) {
		t.Error("it is another one")
	}
}

// movingPicture is two pictures after each other.
func movingPicture(width, height int) *gif.GIF {
	frame := func(c color.Color) *image.Paletted {
		return image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{c})
	}
	return &gif.GIF{Image: []*image.Paletted{frame(color.White), frame(color.Black)}, Delay: []int{10, 10}}
}

// Two texts at once with the same emoticon have it uploaded once.
func TestCustomEmoticonInTwoTextsAtOnce(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	cat := friend.offers(t, "(cat)", painted(t, 50, 50, color.White))
	first := friend.Conversation(alice).StartTextWith(t.Context(), nil, []msn.Emoticon{cat}, "one (cat)", "")
	second := friend.Conversation(alice).StartTextWith(t.Context(), nil, []msn.Emoticon{cat}, "two (cat)", "")
	if err := errors.Join(first(), second()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one ", "two "} {
		b.matrix.wait(b.T, 0, "the picture", func(r record) bool {
			return r.kind == "message" && r.html == text+inline(uploaded(1), "(cat)")
		})
	}
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if len(b.matrix.uploads) != 1 {
		t.Errorf("%d pictures were uploaded", len(b.matrix.uploads))
	}
}

// Pictures that come when the user has left the room call nobody back.
func TestPicturesCallNobodyBack(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.messenger(bob).says(t, alice, "(cat)")
	text, from := b.waitMessage(0, "(cat)")
	client := login.Client.(*Client)
	portal := client.account.PortalKey(bob).ID
	b.eventually("the text to be done with", func() bool { return client.inbox.Idle(portal) })
	stored, err := b.br.DB.Message.GetPartByMXID(b.ctx, text.id)
	if err != nil || stored == nil {
		t.Fatalf("the text is not known: %v", err)
	}
	if err := client.account.DB.Object.Put(b.ctx, &database.Object{Hash: "cat", MXC: "mxc://example.test/cat", MimeType: "image/png"}); err != nil {
		t.Fatal(err)
	}
	b.leave(room)
	client.inbox.Put(b.ctx, &database.QueuedMessage{
		LoginID: login.ID, MessageID: "pictures", Replaces: stored.ID, PortalID: portal, Sender: bob, At: time.Now(), Body: "(cat)", GroupSize: 1,
		Kind: database.QueuedEdit, Emoticons: database.Emoticons{{Shortcut: "(cat)", Picture: "cat"}},
	})
	b.eventually("the pictures to be done with", func() bool { return client.inbox.Idle(portal) })
	if got := b.matrix.memberships()[room][fakeUser]; got != event.MembershipLeave {
		t.Errorf("the user is %q to the room", got)
	}
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	for _, r := range b.matrix.records[from:] {
		if r.edits != "" {
			t.Errorf("shown again: %+v", r)
		}
	}
}

// A contact who does not give what stands in their texts holds up no pictures of others.
func TestContactWhoGivesNoPictures(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	b.login()
	var asked atomic.Int64
	chat := b.callAlice(b.srv.Play(bob, msntest.Script{ // a program that answers nothing
		Message: func(_ *msntest.Chat, _ string, m wire.Message) {
			if m.Header.Get("Content-Type") == "application/x-msnmsgrp2p" {
				asked.Add(1)
			}
		},
	}))
	none := msn.Object{Creator: bob, Size: 9, Type: msn.ObjectEmoticon, Location: "0", Friendly: "AAA="}
	for i := range 5 {
		var body strings.Builder
		for n := range 5 {
			none.Hash[0], none.Hash[1] = byte(i), byte(n)
			fmt.Fprintf(&body, "(%d)\t%s\t", n, none)
		}
		announced := wire.Message{Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/x-mms-emoticon"), Body: body.String()}
		if err := errors.Join(chat.Send(announced), chat.Say(fmt.Sprintf("%d: (0)(1)(2)(3)(4)", i))); err != nil {
			t.Fatal(err)
		}
	}
	b.waitMessage(0, "4: (0)(1)(2)(3)(4)")
	b.eventually("somebody asks for them", func() bool { return asked.Load() >= 2 })
	other := b.messenger(carol)
	other.says(t, alice, "(cat)", other.offers(t, "(cat)", painted(t, 9, 9, color.White)))
	if got := b.waitPictures(); got.html != "* "+inline(uploaded(1), "(cat)") && got.html != inline(uploaded(1), "(cat)") {
		t.Errorf("shown is %s", got.html)
	}
}
