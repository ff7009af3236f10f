package bridge

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn"
)

// painted is a picture of one colour.
func painted(t testing.TB, width, height int, c color.Color) []byte {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			picture.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (b *testBridge) ghostMXID(login *bridgev2.UserLogin, account string) id.UserID {
	return b.matrix.FormatGhostMXID(login.Client.(*Client).account.GhostID(account))
}

// The picture of a contact is the avatar of their ghost, changes with it, and goes.
func TestPictureOfAContactIsTheirAvatar(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	friend := b.messenger(bob)
	ghost := b.ghostMXID(login, bob)
	show := func(data []byte) {
		t.Helper()
		if _, err := friend.SetPicture(t.Context(), data); err != nil {
			t.Fatal(err)
		}
		b.eventually("the picture", func() bool { return bytes.Equal(b.matrix.avatar(ghost), data) })
	}
	red, blue := painted(t, 96, 96, color.RGBA{R: 255, A: 255}), painted(t, 50, 20, color.RGBA{B: 255, A: 255})
	faces := func() (n int) {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		for _, kind := range b.matrix.states[room] {
			if kind == event.StateRoomAvatar {
				n++
			}
		}
		return n
	}
	for n, picture := range [][]byte{red, blue, red} { // which the homeserver has already
		show(picture)
		b.eventually("the picture of the room", func() bool { return faces() == n+1 })
	}
	b.matrix.mu.Lock()
	uploads := len(b.matrix.uploads)
	b.matrix.mu.Unlock()
	if uploads != 2 {
		t.Errorf("%d pictures were uploaded", uploads)
	}
	if _, err := friend.SetPicture(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	b.eventually("no picture", func() bool { return b.matrix.avatar(ghost) == nil })
	b.eventually("no picture of the room", func() bool { return faces() == 4 })
}

// A contact of several users is asked for a picture once, also when all see it at the same moment.
func TestPictureOfAContactOfSeveralUsersIsFetchedOnce(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.Befriend(carol, bob)
	b := newTestBridge(t, srv)
	first := b.login()
	second, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	for _, login := range []*bridgev2.UserLogin{first, second} {
		b.dm(login, bob)
	}
	friend := b.messenger(bob)
	for _, account := range []string{alice, carol} {
		b.eventually(account+" to be seen", func() bool {
			contact, _ := friend.Contact(account)
			return contact.Status == msn.Online
		})
	}
	data, slow := painted(t, 96, 96, color.RGBA{R: 255, A: 255}), make(chan struct{})
	b.matrix.mu.Lock()
	b.matrix.slowUpload = slow
	b.matrix.mu.Unlock()
	if _, err := friend.SetPicture(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	b.eventually("one to ask for it", func() bool { return friend.Switchboards() > 0 })
	for _, login := range []*bridgev2.UserLogin{first, second} {
		b.eventually("all to hear of it", func() bool {
			contact, _ := login.Client.(*Client).session.Current().Contact(bob)
			return contact.Object != ""
		})
	}
	close(slow)
	b.eventually("the picture", func() bool { return bytes.Equal(b.matrix.avatar(b.ghostMXID(first, bob)), data) })
	b.stop() // with all that is under way
	calls := 0
	for _, r := range srv.Records() {
		if r.Command.Verb == "CAL" && slices.Contains(r.Command.Args, bob) {
			calls++
		}
	}
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if got := len(b.matrix.uploads); got != 1 || calls != 1 {
		t.Errorf("it was asked for %d times, and uploaded %d times", calls, got)
	}
}

// A contact who is nobody's room has no picture fetched; it is there when the room is made, and asks for no
// room by itself.
func TestPictureIsFetchedWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	friend := b.messenger(bob)
	picture := painted(t, 10, 10, color.White)
	if _, err := friend.SetPicture(t.Context(), picture); err != nil {
		t.Fatal(err)
	}
	login := b.login()
	b.eventually("bob online", func() bool {
		contact, _ := login.Client.(*Client).session.Current().Contact(bob)
		return contact.Object != ""
	})
	if portal, err := b.br.GetExistingPortalByKey(b.ctx, login.Client.(*Client).account.PortalKey(bob)); err != nil || portal != nil && portal.MXID != "" {
		t.Errorf("there is a room: %v, %v", portal, err)
	}
	b.dm(login, bob)
	ghost := b.ghostMXID(login, bob)
	b.eventually("the picture", func() bool { return bytes.Equal(b.matrix.avatar(ghost), picture) })
}

// What cannot be a picture is shown to nobody, and what it is not is not decoded.
func TestPicturesThatAreNone(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	b.dm(login, bob)
	friend := b.messenger(bob)
	bomb := bytes.Clone(painted(t, 1, 1, color.Black))
	copy(bomb[16:24], "\x00\x01\x86\xa0\x00\x01\x86\xa0") // 100,000 by 100,000
	for name, data := range map[string][]byte{
		"a text": []byte("hello"), "half a picture": painted(t, 96, 96, color.White)[:20], "a bomb": bomb,
		"a page": []byte("<html><script>alert(1)</script></html>"),
	} {
		if _, err := friend.SetPicture(t.Context(), data); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	good := painted(t, 20, 20, color.White)
	if _, err := friend.SetPicture(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	ghost := b.ghostMXID(login, bob)
	b.eventually("the good picture", func() bool { return bytes.Equal(b.matrix.avatar(ghost), good) })
	b.matrix.mu.Lock()
	defer b.matrix.mu.Unlock()
	if len(b.matrix.uploads) != 1 {
		t.Errorf("%d pictures were uploaded", len(b.matrix.uploads))
	}
}

// answers sends a picture and the command that answers it.
func (b *testBridge) answerPicture(content *event.MessageEventContent, command string) string {
	b.Helper()
	room := b.management()
	b.events++
	evt := &event.Event{ID: b.latest(), RoomID: room, Sender: fakeUser, Type: event.EventMessage, Content: event.Content{Parsed: content}}
	b.matrix.keep(evt)
	from := b.matrix.position()
	b.writeContent(room, &event.MessageEventContent{MsgType: event.MsgText, Body: command,
		RelatesTo: &event.RelatesTo{InReplyTo: &event.InReplyTo{EventID: evt.ID}}})
	return b.answer(from, command).body
}

// The user's own picture: chosen in Matrix, seen by a contact as a PNG of 96 by 96, after a restart too,
// and taken away.
func TestOwnPicture(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	friend := b.messenger(bob)
	if got := b.ask(b.management(), "!picture").body; !strings.Contains(got, "no picture of you") {
		t.Errorf("answered %q", got)
	}
	b.matrix.mu.Lock()
	b.matrix.media = map[id.ContentURIString][]byte{
		"mxc://example.test/red": painted(t, 300, 200, color.RGBA{R: 255, A: 255}), "mxc://example.test/text": []byte("hello"),
	}
	b.matrix.mu.Unlock()
	sees := func(want bool) []byte {
		t.Helper()
		var o msn.Object
		b.eventually("the picture", func() bool {
			contact, _ := friend.Contact(alice)
			var err error
			o, err = msn.ParseObject(contact.Object)
			return (err == nil) == want && contact.Status != msn.Offline
		})
		if !want {
			return nil
		}
		var got bytes.Buffer
		if err := friend.Fetch(t.Context(), alice, o, &got, nil); err != nil {
			t.Fatal(err)
		}
		return got.Bytes()
	}
	for mxc, want := range map[id.ContentURIString]string{
		"mxc://example.test/text": "cannot read that picture", "mxc://example.test/none": "does not give the picture",
	} {
		if got := b.answerPicture(&event.MessageEventContent{MsgType: event.MsgImage, Body: "x", URL: mxc}, "!picture"); !strings.Contains(got, want) {
			t.Errorf("%s is answered by %q", mxc, got)
		}
	}
	if got := b.answerPicture(&event.MessageEventContent{MsgType: event.MsgText, Body: "x"}, "!picture"); !strings.Contains(got, "no picture") {
		t.Errorf("a text is answered by %q", got)
	}
	if got := b.answerPicture(&event.MessageEventContent{MsgType: event.MsgImage, Body: "x", URL: "mxc://example.test/red"}, "!picture"); !strings.Contains(got, "see this picture now") {
		t.Errorf("answered %q", got)
	}
	check := func(data []byte) {
		t.Helper()
		made, err := png.Decode(bytes.NewReader(data))
		if err != nil || made.Bounds().Dx() != 96 || made.Bounds().Dy() != 96 {
			t.Fatalf("%v, %v", made, err)
		}
		if r, g, _, _ := made.At(48, 48).RGBA(); r < 0xf000 || g > 0x0fff {
			t.Errorf("its colour is %v", made.At(48, 48))
		}
	}
	check(sees(true))
	b.restart()
	b.waitState("CONNECTED")
	check(sees(true))
	if got := b.ask(b.management(), "!picture remove").body; !strings.Contains(got, "no picture of you any more") {
		t.Errorf("answered %q", got)
	}
	sees(false)
}

// A picture that comes while the framework makes the room is that of the room all the same.
func TestPictureThatComesWhileTheRoomIsMade(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	friend := b.messenger(bob)
	if _, err := friend.SetPicture(t.Context(), painted(t, 10, 10, color.White)); err != nil {
		t.Fatal(err)
	}
	login := b.login()
	b.sees(bob)
	// The room is there when the picture is.
	b.matrix.beforeRooms(func() error {
		b.eventually("the picture", func() bool {
			b.matrix.mu.Lock()
			defer b.matrix.mu.Unlock()
			return len(b.matrix.uploads) > 0
		})
		return nil
	})
	room := b.dm(login, bob)
	b.eventually("the picture of the room", func() bool {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		return slices.Contains(b.matrix.states[room], event.StateRoomAvatar)
	})
}

// Who goes back to an earlier picture while the one in between is being shown is shown as they look now.
func TestPictureThatIsTakenBackWhileItIsShown(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	friend := b.messenger(bob)
	red, blue := painted(t, 20, 20, red), painted(t, 20, 20, blue)
	shows := func(data []byte) bool { return bytes.Equal(b.matrix.avatar(b.ghostMXID(login, bob)), data) }
	set := func(data []byte) {
		t.Helper()
		o, err := friend.SetPicture(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		b.eventually("the contact's picture", func() bool {
			contact, _ := login.Client.(*Client).session.Current().Contact(bob)
			return contact.Object == o.String()
		})
	}
	set(red)
	b.eventually("the picture of the room", func() bool {
		b.matrix.mu.Lock()
		defer b.matrix.mu.Unlock()
		return slices.Contains(b.matrix.states[room], event.StateRoomAvatar)
	})
	held, free := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(free) })
	defer release()
	hold := sync.OnceFunc(func() {
		close(held)
		<-free
	})
	b.matrix.mu.Lock()
	b.matrix.stating = func(in id.RoomID, _ string) error {
		if in == room {
			hold()
		}
		return nil
	}
	b.matrix.mu.Unlock()
	set(blue)
	<-held
	if !shows(blue) {
		t.Error("the picture in between is not shown")
	}
	set(red)
	if err := friend.Conversation(alice).SendText(t.Context(), "behind the picture", ""); err != nil {
		t.Fatal(err)
	}
	b.waitQueued(1)
	release()
	b.eventually("the picture that the contact has now", func() bool { return shows(red) })
	b.waitMessage(0, "behind the picture")
}
