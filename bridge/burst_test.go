package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// Hundreds come into a conversation of several people and leave it one after the other, and the homeserver
// is slow with them: what the others write waits for none of them, nobody is shown who has gone already, and
// the room is told once that it shows no more.
func TestTextsDoNotWaitForWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	login := b.login()
	bobs, carols := b.messenger(bob), b.messenger(carol)
	talk := bobs.GroupChat("friends", alice, carol)
	if err := talk.SendText(b.ctx, "hello", ""); err != nil {
		t.Fatal(err)
	}
	b.waitMessage(0, "hello")
	room := b.groupRoom(login, 1)
	b.eventually("the friends to be shown", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	isMallory := func(user string) bool { return strings.HasPrefix(user, "@msn_home=2fmallory") }
	free := make(chan struct{})
	b.matrix.beforeStates(func(_ id.RoomID, key string) error {
		if isMallory(key) {
			<-free
		}
		return nil
	})
	from := b.matrix.position()
	const many = 6 * msn.MaxMembers
	for i := range many {
		mallory := fmt.Sprintf("mallory%d@example.com", i)
		b.srv.PushChat(alice, wire.New("JOI", mallory, "Mallory"))
		b.srv.PushChat(alice, wire.New("BYE", mallory))
	}
	said, _ := b.matrix.wait(t, from, "the line about the others", func(r record) bool {
		return r.kind == "message" && strings.HasPrefix(r.body, "More than 50 people have come into this conversation.")
	})
	if said.room != room || said.sender != fakeBot {
		t.Errorf("it is said by %s in %s", said.sender, said.room)
	}
	for _, text := range []string{"is anybody still there?", "just us?"} {
		if err := talk.SendText(b.ctx, text, ""); err != nil {
			t.Fatal(err)
		}
		b.waitMessage(from, text)
	}
	seen := func() (people []id.UserID) {
		for _, r := range b.matrix.all(func(r record) bool { return r.kind == "member" && isMallory(string(r.sender)) }) {
			people = append(people, r.sender)
		}
		return people
	}
	if got := seen(); len(got) > 0 {
		t.Errorf("the texts waited for %v", got)
	}
	close(free)
	// Shown behind what was being shown when the homeserver hung.
	_ = carols.Close()
	b.waitLeft(room, carol)
	b.eventually("the one who is there to be shown", func() bool { return slices.Equal(b.members(room), []string{bob}) })
	if got := seen(); len(got) > 4 { // one was being shown when the homeserver hung, and has left since
		t.Errorf("shown are %v", got)
	}
	if again := b.matrix.all(func(r record) bool { return r.kind == "message" && strings.HasPrefix(r.body, "More than 50 people") }); len(again) != 1 {
		t.Errorf("it is said %d times", len(again))
	}
}
