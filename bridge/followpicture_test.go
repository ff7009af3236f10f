package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"strings"
	"sync/atomic"
	"testing"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// takesPicture gives the user a picture in Matrix, as the homeserver would tell.
func (b *testBridge) takesPicture(url id.ContentURIString) {
	b.Helper()
	b.matrix.mu.Lock()
	if b.matrix.avatars == nil {
		b.matrix.avatars = make(map[id.UserID]id.ContentURIString)
	}
	b.matrix.avatars[fakeUser] = url
	b.matrix.mu.Unlock()
	b.conn.Member(b.ctx, &event.Event{
		Type: event.StateMember, Sender: fakeUser, StateKey: ptr.Ptr(string(fakeUser)),
		Content: event.Content{Parsed: &event.MemberEventContent{Membership: event.MembershipJoin, AvatarURL: url}},
	})
}

// looks returns the colour of the picture that a contact sees of the user, nil for none.
func (m *messenger) looks(t testing.TB) color.Color {
	t.Helper()
	contact, _ := m.Contact(alice)
	if contact.Object == "" {
		return nil
	}
	o, err := msn.ParseObject(contact.Object)
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	if err := m.Fetch(t.Context(), alice, o, &data, nil); err != nil {
		return nil // it has just changed
	}
	picture, err := png.Decode(&data)
	if err != nil {
		t.Fatal(err)
	}
	return color.NRGBAModel.Convert(picture.At(48, 48))
}

var (
	red  = color.NRGBA{R: 255, A: 255}
	blue = color.NRGBA{B: 255, A: 255}
)

// Who follows shows their picture of Matrix, as soon as it changes and after an outage of the homeserver; one that
// they choose ends that, also for the next sign-in, until they follow again.
func TestPictureFollowsMatrix(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowPicture = true }
	})
	redAt, blueAt := b.emoji(painted(t, 200, 100, red)), b.emoji(painted(t, 64, 64, blue))
	b.takesPicture(redAt)
	b.login()
	friend := b.messenger(bob)
	sees := func(want color.Color) {
		t.Helper()
		b.eventually("the picture", func() bool { return friend.looks(t) == want })
	}
	sees(red)
	b.matrix.failNames(errors.New("the homeserver is down"))
	b.takesPicture(blueAt)
	b.matrix.failNames(nil)
	sees(blue)
	if got := b.ask(b.management(), "!picture").body; !strings.Contains(got, "see your picture of Matrix") {
		t.Errorf("answered %q", got)
	}
	text := b.emoji([]byte("hello"))
	b.takesPicture(text)
	b.told("Your contacts do not see your picture of Matrix: the bridge cannot read it.")
	sees(blue)
	b.takesPicture("")
	sees(nil)
	b.matrix.mu.Lock()
	b.matrix.media = map[id.ContentURIString][]byte{"mxc://example.test/red": painted(t, 96, 96, red)}
	b.matrix.mu.Unlock()
	if got := b.answerPicture(&event.MessageEventContent{MsgType: event.MsgImage, Body: "x", URL: "mxc://example.test/red"}, "!picture"); !strings.Contains(got, "see this picture now") {
		t.Errorf("answered %q", got)
	}
	sees(red)
	b.takesPicture(blueAt)
	b.restart()
	b.waitState("CONNECTED")
	b.takesPicture(b.emoji(painted(t, 64, 64, blue))) // the homeserver of the test has forgotten it
	sees(red)
	if got := b.ask(b.management(), "!picture --follow").body; !strings.Contains(got, "picture of Matrix from now on") {
		t.Errorf("answered %q", got)
	}
	sees(blue)
	if got := b.ask(b.management(), "!picture remove").body; !strings.Contains(got, "no picture of you any more") {
		t.Errorf("answered %q", got)
	}
	sees(nil)
}

// Of the pictures of many users, which are all read when they are to be followed from now on, few are in memory at the same time.
func TestPicturesOfManyUsersAreReadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	b := newTestBridge(t, srv, func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowPicture = true }
	})
	b.takesPicture(b.emoji(painted(t, 96, 96, red)))
	var reading, read, most atomic.Int32
	release := make(chan struct{})
	b.matrix.mu.Lock()
	b.matrix.loading = func() {
		if n := reading.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-release
		reading.Add(-1)
		read.Add(1)
	}
	b.matrix.mu.Unlock()
	const users = 5
	for n := range users {
		account := fmt.Sprintf("user%d@example.com", n)
		srv.AddAccount(account, pass)
		if _, err := b.tryLogin(account, pass); err != nil {
			t.Fatal(err)
		}
	}
	for n := range int32(users) {
		b.eventually("two to be read, or the last", func() bool { return reading.Load() == min(2, users-n) })
		release <- struct{}{}
		b.eventually("one to be read", func() bool { return read.Load() == n+1 })
	}
	if n := most.Load(); n > 2 {
		t.Errorf("%d were read at a time", n)
	}
}

// Who does not follow shows none.
func TestPictureOfMatrixIsNotShownUnasked(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.takesPicture(b.emoji(painted(t, 64, 64, blue)))
	b.login()
	friend := b.messenger(bob)
	b.takesPicture(b.emoji(painted(t, 64, 64, red)))
	b.ask(b.management(), "!picture")
	if got := friend.looks(t); got != nil {
		t.Errorf("they see %v", got)
	}
}

// A change that the service does not take is tried again while the user is signed in.
func TestPictureThatTheServiceDoesNotTakeAtFirst(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.FollowPicture = true }
	})
	b.takesPicture(b.emoji(painted(t, 64, 64, red)))
	b.login()
	friend := b.messenger(bob)
	b.eventually("the picture", func() bool { return friend.looks(t) == red })
	before, _ := friend.Contact(alice)
	var refused atomic.Bool
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Kind == msntest.NS && r.Command.Verb == "CHG" && r.Account == alice && !refused.Swap(true) {
			return msntest.Refuse("500")
		}
		return msntest.Action{}
	})
	b.takesPicture(b.emoji(painted(t, 64, 64, blue)))
	b.eventually("another picture", func() bool {
		now, _ := friend.Contact(alice)
		return now.Object != before.Object
	})
	if got := friend.looks(t); got != blue || !refused.Load() {
		t.Errorf("they see %v; refused at first: %t", got, refused.Load())
	}
}
