package bridge

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// newCircleBridge starts a bridge that speaks MSNP18 with a server on which alice, bob
// and carol belong to the circle "Walkers".
func newCircleBridge(t *testing.T, prepare func(srv *msntest.Server, circle string)) (b *testBridge, circle string) {
	srv := newTestServer(t)
	circle = srv.AddCircle("Walkers", bob, alice, carol)
	if prepare != nil {
		prepare(srv, circle)
	}
	// Without a room for alerts: made at the same time as that of a circle, the
	// framework touches the user's ghost from both.
	return newTestBridge(t, srv, speaking(srv, "MSNP18"), func(b *testBridge) {
		home := b.config
		b.config = func(c *config.Config) {
			home(c)
			c.Alerts = config.AlertsInManagement
		}
	}), circle
}

// Who wants to leave a circle twice at once, and cannot, still belongs to it.
func TestCircleThatCannotBeLeftIsKept(t *testing.T) {
	t.Parallel()
	b, _ := newCircleBridge(t, nil)
	own := b.srv.AddCircle("Readers", alice, bob)
	login := b.login()
	client := login.Client.(*Client)
	b.circleRoom(login.ID, own)
	b.eventually("the circle to be noted", func() bool { return client.account.Stored().Circles[own] == "member" })
	all := client.session.Current().Circles()
	of := all[slices.IndexFunc(all, func(c msn.Circle) bool { return c.ID == own })]
	var leaving sync.WaitGroup
	for range 4 {
		leaving.Go(func() {
			if said := client.circles.Answer(b.ctx, client.session.Current(), of, "leave"); strings.Contains(said, "You have left") {
				t.Errorf("it is said that %s", said)
			}
		})
	}
	leaving.Wait()
	if state := client.account.Stored().Circles[own]; state != "member" {
		t.Errorf("the user is %q to the circle", state)
	}
}

// speaking has the bridge speak a dialect that needs web services.
func speaking(srv *msntest.Server, dialect string) func(*testBridge) {
	return withHome(func(home *config.ServiceConfig) {
		home.Dialects = []string{dialect}
		home.Web = strings.TrimSuffix(srv.Web().Login, msntest.RSTPath)
	})
}

// circleRoom waits until a circle has a room.
func (b *testBridge) circleRoom(login networkid.UserLoginID, circle string) (room id.RoomID) {
	b.Helper()
	b.eventually("the room of the circle", func() bool {
		room = b.roomOfPortal(msnid.MakeCirclePortalKey(login, circle))
		return room != ""
	})
	return room
}

// inCircle plays a member of a circle, who is in it, when alice is.
func (b *testBridge) inCircle(account, circle string) (member *msntest.Bot, heard <-chan string) {
	b.Helper()
	texts := make(chan string, 100)
	member = b.srv.Play(account, msntest.Script{CircleText: func(_, from, text string) { texts <- from + ": " + text }})
	if err := member.EnterCircle(circle); err != nil {
		b.Fatal(err)
	}
	b.eventually("alice in the circle", func() bool { return slices.Contains(b.srv.CirclePresent(circle), alice) })
	return member, texts
}

// name returns the name of a room on the Matrix side.
func (b *testBridge) roomName(circle string) string {
	portal, err := b.br.DB.Portal.GetByKey(b.ctx, msnid.MakeCirclePortalKey(loginID(alice), circle))
	if err != nil {
		b.Fatal(err)
	}
	if portal == nil {
		return ""
	}
	return portal.Name
}

func TestCircleHasARoomWithItsNameAndMembers(t *testing.T) {
	t.Parallel()
	b, circle := newCircleBridge(t, nil)
	login := b.login()
	room := b.circleRoom(login.ID, circle)
	b.eventually("the members", func() bool { return slices.Equal(b.members(room), []string{bob, carol}) })
	if name := b.roomName(circle); name != "Walkers" {
		t.Errorf("the room is called %q", name)
	}
	bobs, heard := b.inCircle(bob, circle)
	if err := bobs.SayInCircle(circle, "Who comes along on Sunday?"); err != nil {
		t.Fatal(err)
	}
	if said, _ := b.waitMessage(0, "Who comes along on Sunday?"); said.room != room || said.body != "Who comes along on Sunday?" {
		t.Errorf("shown %q in %s, the room is %s", said.body, said.room, room)
	}
	b.write(room, "Me ♥")
	b.receive(heard, alice+": Me ♥")
	at := b.matrix.position()
	b.srv.RenameCircle(circle, "Runners\n")
	b.eventually("the new name", func() bool { return b.roomName(circle) == "Runners" })
	if err := bobs.TypeInCircle(circle); err != nil {
		t.Fatal(err)
	}
	b.matrix.wait(t, at, "typing", func(r record) bool { return r.kind == "typing" && r.room == room })
	if rooms := b.matrix.all(func(r record) bool { return r.kind == "room" }); len(rooms) != 1 {
		t.Errorf("rooms made: %v", rooms)
	}
}

// Who leaves the room of a circle is not called back by the next sign-in or a new name,
// but when something is said there.
func TestRoomOfACircleThatWasLeft(t *testing.T) {
	t.Parallel()
	b, circle := newCircleBridge(t, nil)
	login := b.login()
	room := b.circleRoom(login.ID, circle)
	b.eventually("the circle to be noted", func() bool {
		return login.Client.(*Client).account.Stored().Circles[circle] == "member"
	})
	b.eventually("the members", func() bool { return b.isIn(room) && slices.Equal(b.members(room), []string{bob, carol}) })
	// Servers tell new names to those who are in the circle.
	b.eventually("alice in the circle", func() bool { return slices.Contains(b.srv.CirclePresent(circle), alice) })
	// The name is stored when all that came before is done with.
	b.srv.RenameCircle(circle, "Hikers")
	b.eventually("the new name", func() bool { return b.roomName(circle) == "Hikers" })
	b.leave(room)
	b.srv.RenameCircle(circle, "Runners")
	// Circles come in the order of the list: this one's room is made when the rooms of
	// the others are up to date.
	second := b.srv.AddCircle("Cooks", bob, alice)
	b.restart()
	b.circleRoom(login.ID, second)
	bobs, _ := b.inCircle(bob, circle)
	if b.isIn(room) {
		t.Error("the user is called back")
	}
	if err := bobs.SayInCircle(circle, "Are you there?"); err != nil {
		t.Fatal(err)
	}
	if said, _ := b.waitMessage(0, "Are you there?"); said.room != room || !b.isIn(room) {
		t.Errorf("said in %s, the room is %s", said.room, room)
	}
}

func TestInvitationIntoACircleIsToldAndAnswered(t *testing.T) {
	t.Parallel()
	var invited string
	b, _ := newCircleBridge(t, func(srv *msntest.Server, _ string) {
		invited = srv.AddCircle("Cooks & Bakers", carol)
		srv.InviteToCircle(invited, alice)
	})
	login := b.login()
	b.waitMessage(0, "You are invited into the circle “Cooks & Bakers” at Home.")
	b.eventually("alice to be let in", func() bool {
		walkers := login.Client.(*Client).session.Current().Circles()
		return slices.ContainsFunc(walkers, func(c msn.Circle) bool { return c.Name == "Walkers" && c.Entered && c.Complete })
	})
	list := b.ask(b.management(), "!circles")
	if !strings.Contains(list.body, "“Walkers”: you and 2 more, 0 of them there now") || !strings.Contains(list.body, "“Cooks & Bakers”: you are invited") {
		t.Errorf("listed:\n%s", list.body)
	}
	for command, want := range map[string]string{
		"!circles accept":          "Which one?",
		"!circles accept 17":       "There is no invitation into a circle with the number or name “17”",
		"!circles accept Walkers":  "There is no invitation",
		"!circles dance":           "Write `!circles`",
		"!circles create":          "A circle needs a name",
		"!circles leave":           "Which one?",
		"!circles leave Cooks":     "There is no circle that you belong to",
		"!circles decline Walkers": "There is no invitation",
	} {
		if answer := b.ask(b.management(), command); !strings.Contains(answer.body, want) {
			t.Errorf("%s: %q", command, answer.body)
		}
	}
	if answer := b.ask(b.management(), "!circles accept cooks & bakers"); !strings.Contains(answer.body, "You belong to the circle “Cooks & Bakers” now") {
		t.Errorf("accept: %q", answer.body)
	}
	room := b.circleRoom(login.ID, invited)
	b.eventually("its members", func() bool { return slices.Equal(b.members(room), []string{carol}) })
	if state := b.srv.CircleMembers(invited)[alice]; state != "Accepted" {
		t.Errorf("at the service alice is %q", state)
	}
	// The command knows its room.
	left := b.matrix.position()
	b.write(room, "!circles leave")
	b.waitMessage(left, "You have left the circle “Cooks & Bakers”")
	at := b.matrix.position()
	b.write(room, "too late")
	b.waitMessage(at, "does not carry it to this circle")
	if told := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "You do not belong to this circle any more.") }); len(told) != 0 {
		t.Errorf("who leaves is told %v", told)
	}
}

func TestCircleIsMadeAndFriendsAreInvited(t *testing.T) {
	t.Parallel()
	b, _ := newCircleBridge(t, nil)
	login := b.login()
	if answer := b.ask(b.management(), "!circles create Cooks & Bakers"); !strings.Contains(answer.body, "There is a new circle “Cooks & Bakers”") {
		t.Fatalf("create: %q", answer.body)
	}
	var made string
	for _, circle := range login.Client.(*Client).session.Current().Circles() {
		if circle.Name == "Cooks & Bakers" {
			made = circle.ID
		}
	}
	room := b.circleRoom(login.ID, made)
	if answer := b.ask(room, "!invite "+bob+" Come and cook"); !strings.Contains(answer.body, "is invited into this circle, with your text") {
		t.Errorf("invite: %q", answer.body)
	}
	if answer := b.ask(room, "!invite "+bob+" "+strings.Repeat("x", msn.MaxRequest+1)); !strings.Contains(answer.body, "Shorten it") {
		t.Errorf("invite with a long text: %q", answer.body)
	}
	if state := b.srv.CircleMembers(made)[bob]; state != "WaitingResponse" {
		t.Errorf("bob is %q", state)
	}
	if answer := b.ask(b.management(), "!circles leave Cooks & Bakers"); !strings.Contains(answer.body, "only administrator") {
		t.Errorf("leave: %q", answer.body)
	}
}

// Below MSNP18 circles are said not to be carried.
func TestCirclesInAnOlderDialect(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	srv.AddCircle("Walkers", bob, alice)
	b := newTestBridge(t, srv, speaking(srv, "MSNP16"))
	b.login()
	if answer := b.ask(b.management(), "!circles"); !strings.Contains(answer.body, "carries no circles: that takes MSNP18") {
		t.Errorf("answer %q", answer.body)
	}
	if rooms := b.matrix.all(func(r record) bool { return r.kind == "room" && r.body == "Walkers" }); len(rooms) != 0 {
		t.Errorf("rooms made: %v", rooms)
	}
}

// A homeserver that cannot be reached delays a text of a circle, also over a restart,
// and loses none.
func TestTextOfACircleOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	b, circle := newCircleBridge(t, nil)
	login := b.login()
	room := b.circleRoom(login.ID, circle)
	bobs, _ := b.inCircle(bob, circle)
	b.matrix.failSending(context.DeadlineExceeded)
	if err := bobs.SayInCircle(circle, "kept"); err != nil {
		t.Fatal(err)
	}
	b.waitQueued(1)
	b.restart()
	if said, _ := b.waitMessage(0, "kept"); said.room != room || said.sender != b.matrix.FormatGhostMXID(msnid.MakeUserID(msnid.Identity{Service: "home", Account: bob})) {
		t.Errorf("shown in %s by %s", said.room, said.sender)
	}
}

// A homeserver that takes long for the room of a circle holds up nothing else, and one
// that refuses it is asked again.
func TestRoomOfACircleThatTakesLong(t *testing.T) {
	t.Parallel()
	b, circle := newCircleBridge(t, nil)
	begun, goOn := make(chan struct{}, 10), make(chan error)
	b.matrix.beforeRooms(func() error {
		begun <- struct{}{}
		return <-goOn
	})
	login := b.login()
	<-begun
	b.matrix.beforeRooms(nil)
	client := login.Client.(*Client)
	room := b.dm(login, bob)
	client.session.Dispatch(b.ctx, msn.TypingReceived{Conversation: new(msn.Conversation), From: bob})
	b.matrix.wait(t, 0, "typing", func(r record) bool { return r.kind == "typing" && r.room == room })
	goOn <- context.DeadlineExceeded
	client.session.Dispatch(b.ctx, msn.CirclesChanged{})
	b.circleRoom(login.ID, circle)
}

// That a circle is lost is said when the room takes it again.
func TestLostCircleIsToldAfterAnOutage(t *testing.T) {
	t.Parallel()
	b, circle := newCircleBridge(t, nil)
	login := b.login()
	client := login.Client.(*Client)
	room := b.circleRoom(login.ID, circle)
	b.eventually("the circle to be noted", func() bool { return client.account.Stored().Circles[circle] == "member" })
	b.matrix.failSending(context.DeadlineExceeded)
	// Its room is made after the other one was to be told.
	second := b.srv.AddCircle("Cooks", bob, alice)
	if err := client.session.Current().LeaveCircle(b.ctx, circle); err != nil {
		t.Fatal(err)
	}
	b.circleRoom(login.ID, second)
	b.matrix.failSending(nil)
	client.session.Dispatch(b.ctx, msn.CirclesChanged{})
	if told, _ := b.waitMessage(0, "You do not belong to this circle any more."); told.room != room {
		t.Errorf("told in %s, the room is %s", told.room, room)
	}
	b.eventually("the circle to be forgotten", func() bool { return client.account.Stored().Circles[circle] == "" })
}

// A bridge that was killed while it told of an invitation does not tell it twice.
func TestInvitationIntoACircleIsToldOnce(t *testing.T) {
	t.Parallel()
	var invited string
	b, circle := newCircleBridge(t, func(srv *msntest.Server, _ string) {
		invited = srv.AddCircle("Cooks", carol)
		srv.InviteToCircle(invited, alice)
	})
	login := b.login()
	client := login.Client.(*Client)
	b.waitMessage(0, "You are invited into the circle")
	b.eventually("the invitation to be noted", func() bool { return client.account.Stored().Circles[invited] == "invited" })
	alerts, err := b.conn.db.Alert.Last(b.ctx, login.ID, 10)
	if err != nil || len(alerts) != 1 {
		t.Fatalf("alerts %v, %v", alerts, err)
	}
	// As it is kept right before the notice.
	const mark = "2009-01-01T00:00:00Z"
	for range 2 {
		if err := client.account.Remember(b.ctx, func(kept *account.Record) {
			kept.Circles = map[string]account.CircleState{circle: "member", invited: "telling " + mark}
		}); err != nil {
			t.Fatal(err)
		}
		client.session.Dispatch(b.ctx, msn.CirclesChanged{})
		b.eventually("the invitation to be noted again", func() bool { return client.account.Stored().Circles[invited] == "invited" })
	}
	client.session.Dispatch(b.ctx, msn.CirclesChanged{})
	alerts, err = b.conn.db.Alert.Last(b.ctx, login.ID, 10)
	if err != nil || len(alerts) != 2 {
		t.Errorf("alerts %v, %v", alerts, err)
	}
}

// A number is that of the list that the user has seen, not of what there is now.
func TestNumberOfACircleIsThatOfTheListShown(t *testing.T) {
	t.Parallel()
	b, _ := newCircleBridge(t, nil)
	b.login()
	if answer := b.ask(b.management(), "!circles leave 1"); !strings.Contains(answer.body, "Write `!circles` first") {
		t.Errorf("without a list: %q", answer.body)
	}
	if list := b.ask(b.management(), "!circles"); !strings.Contains(list.body, "1. “Walkers”") {
		t.Fatalf("listed:\n%s", list.body)
	}
}

// Names that others choose pass for nothing that they are not.
func TestNamesOfCirclesAreNoLinksAndNoOtherRooms(t *testing.T) {
	t.Parallel()
	b, circle := newCircleBridge(t, nil)
	b.login()
	b.inCircle(bob, circle)
	b.srv.RenameCircle(circle, "MSN Alerts")
	b.eventually("the name of the room", func() bool { return b.roomName(circle) == "MSN Alerts (circle)" })
}

// Who leaves by a command is not told that they have left, whatever else is looked at in the same moment.
func TestCircleThatIsLeftWhileCirclesAreLookedAt(t *testing.T) {
	t.Parallel()
	for range 10 {
		b, circle := newCircleBridge(t, nil)
		login := b.login()
		client := login.Client.(*Client)
		room := b.circleRoom(login.ID, circle)
		b.eventually("the circle to be noted", func() bool { return client.account.Stored().Circles[circle] == "member" })
		over := make(chan struct{})
		var looking sync.WaitGroup
		looking.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					client.session.Dispatch(b.ctx, msn.CirclesChanged{})
				}
			}
		})
		from := b.matrix.position()
		b.write(room, "!circles leave")
		b.waitMessage(from, "You have left the circle")
		b.eventually("the circle to be forgotten", func() bool {
			for _, left := range client.session.Current().Circles() {
				if left.ID == circle {
					return false
				}
			}
			return client.account.Stored().Circles[circle] == ""
		})
		close(over)
		looking.Wait()
		b.write(room, "too late")
		b.waitMessage(from, "does not carry it to this circle")
		if told := b.matrix.all(func(r record) bool { return strings.Contains(r.body, "You do not belong to this circle any more.") }); len(told) != 0 {
			t.Fatalf("who leaves is told %v", told)
		}
		b.stop()
	}
}
