package bridge

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/msn/msntest"
)

// absences returns what a room was told of messages that are kept.
func (f *fakeMatrix) absences(room id.RoomID) (told []string) {
	for _, r := range f.all(func(r record) bool { return r.kind == "message" && r.room == room && r.msg == event.MsgNotice }) {
		if strings.Contains(r.body, "is offline. The bridge keeps") || strings.Contains(r.body, "is offline. Home keeps") || strings.HasPrefix(r.body, "Delivered to ") || strings.Contains(r.body, "is there again") {
			told = append(told, r.body)
		}
	}
	return told
}

// tells sees that a room is told of absences as wanted, and of nothing else.
func (b *testBridge) tells(room id.RoomID, want ...string) {
	b.Helper()
	told := func() []string { return b.matrix.absences(room) }
	b.eventually(fmt.Sprintf("%d notices", len(want)), func() bool { return len(told()) >= len(want) })
	if !slices.EqualFunc(told(), want, strings.Contains) {
		b.Errorf("told %q, want %q", told(), want)
	}
}

// noted waits until it is stored that the rooms were told: what was said before that is said again after a restart, for
// the homeserver to take once.
func (b *testBridge) noted() {
	b.Helper()
	b.eventually("what was told to be noted", func() bool {
		var open int
		err := b.conn.db.Contact.GetDB().QueryRow(b.ctx, "SELECT COUNT(*) FROM absence WHERE NOT told").Scan(&open)
		return err == nil && open == 0
	})
}

// That messages are kept is said once while a contact is away, over restarts too, and what was delivered
// once when they are back. Their next absence is another one.
func TestAbsenceIsToldOnceAndItsEnd(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	room := b.dm(b.login(), bob)
	for i, text := range []string{"one", "two", "three"} {
		b.write(room, text)
		b.eventually(text+" to be kept", func() bool { return len(b.kept()) == i+1 })
	}
	b.tells(room, "The bridge keeps your message and sends it when they are seen online, within 7 days.")
	b.noted()
	b.restart() // what was told before is not among what is looked at from here on
	b.waitState("CONNECTED")
	b.write(room, "four")
	b.eventually("the fourth to be kept", func() bool { return len(b.kept()) == 1 })
	bot, texts := b.friend()
	for _, text := range []string{"one", "two", "three", "four"} {
		b.receive(texts, alice+": "+text)
	}
	b.tells(room, "Delivered to Bob Builder (bob@example.com): 4 messages.")
	b.write(room, "five")
	b.receive(texts, alice+": five")
	b.away(bot, bob)
	b.write(room, "six")
	b.tells(room, "4 messages.", "The bridge keeps your message")
	b.noted()
	b.restart()
	_, texts = b.friend()
	b.receive(texts, alice+": six")
	b.tells(room, ": 1 message.")
}

// What the service keeps is told of as what the bridge keeps, and how it goes out is as the service does it.
func TestAbsenceIsToldOnceWhereTheServiceKeepsMessages(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, msntest.WithDialects(15))
	b := newTestBridge(t, srv, speaking(srv, "MSNP15"))
	room := b.dm(b.login(), bob)
	write := func(text string) {
		t.Helper()
		from := b.matrix.position()
		b.write(room, text)
		if told, _ := b.waitStatus(from); told.status != event.MessageStatusSuccess {
			t.Errorf("of %s is told %+v", text, told)
		}
	}
	write("one")
	write("two")
	b.tells(room, "is offline. Home keeps your message for them.")
	b.noted()
	b.restart()
	b.waitState("CONNECTED")
	write("three")
	bot, _ := b.friend()
	b.tells(room, "Bob Builder (bob@example.com) is there again: Home hands over the 3 messages that it has kept.")
	b.away(bot, bob)
	write("four")
	b.friend()
	b.tells(room, "3 messages", "is offline. Home keeps", "Home hands over the message that it has kept.")
}

// A contact who comes while the service is given a message is seen all the same.
func TestContactComesWhileTheServiceIsGivenAMessage(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, msntest.WithDialects(15))
	b := newTestBridge(t, srv, speaking(srv, "MSNP15"))
	room := b.dm(b.login(), bob)
	given, came := make(chan struct{}, 1), make(chan struct{})
	srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Operation == "Store" {
			given <- struct{}{}
			<-came
		}
		return msntest.Action{}
	})
	b.write(room, "one")
	<-given
	b.plays(bob)
	close(came)
	b.tells(room, "is offline. Home keeps", "Home hands over the message that it has kept.")
}

// Nothing is said of what was taken back, and the next absence is told of.
func TestAbsenceOfWhichNothingIsLeft(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.write(room, "one")
	b.tells(room, "keeps")
	b.delete(room, "$user1")
	b.eventually("the absence to end", func() bool {
		left, err := b.conn.db.Absence.Portals(b.ctx, login.ID)
		return err == nil && len(left) == 0
	})
	b.write(room, "two")
	b.tells(room, "keeps", "keeps")
	_, texts := b.friend()
	b.receive(texts, alice+": two")
	b.tells(room, "keeps", "keeps", ": 1 message.")
}

// Two users write to the same contact: each is told of their own.
func TestAbsenceIsToldToEachUser(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newCircleOfFriends(t))
	first, err := b.tryLogin(alice, pass)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.tryLogin(carol, pass)
	if err != nil {
		t.Fatal(err)
	}
	rooms := []id.RoomID{b.dm(first, bob), b.dm(second, bob)}
	if rooms[0] == rooms[1] {
		t.Fatal("both have one room")
	}
	b.write(rooms[0], "from alice")
	b.write(rooms[0], "again")
	b.write(rooms[1], "from carol")
	b.eventually("all to be kept", func() bool { return len(b.kept()) == 3 })
	for _, room := range rooms {
		b.tells(room, "keeps")
	}
	b.plays(bob)
	b.tells(rooms[0], "keeps", ": 2 messages.")
	b.tells(rooms[1], "keeps", ": 1 message.")
}

// A homeserver that takes what it is told and does not say so is told once all the same, and what it did not
// take is told later, though the bridge was started anew meanwhile.
func TestAbsenceIsToldOnceByAHomeserverThatFails(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	room := b.dm(b.login(), bob)
	b.matrix.failSending(errors.New("down"))
	b.write(room, "one")
	b.eventually("it to be kept", func() bool { return len(b.kept()) == 1 })
	b.tells(room)
	b.restart() // behind which it answers again
	b.tells(room, "keeps")
}

// Whatever order texts, comings, goings and restarts come in, with a homeserver that now and then does not
// answer: of each contact it is told in turn that messages are kept and that they were delivered. All that
// was kept is counted once, but for what was delivered before the homeserver took that it is kept.
func TestAbsencesAgainstTheirModel(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	for seed := range uint64(10) {
		for _, faulty := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed=%d faulty=%t", seed, faulty), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { absencesAgainstTheirModel(t, seed, faulty) })
			})
		}
	}
}

func absencesAgainstTheirModel(t *testing.T, seed uint64, faulty bool) {
	random := rand.New(rand.NewPCG(seed, 2))
	w := newWorld(t, func(at place, n int) verdict {
		if at != atHomeserver {
			return works
		}
		return []verdict{works, works, works, fails, unheard}[rand.New(rand.NewPCG(seed, uint64(n))).IntN(5)]
	})
	w.ledger.restless = true
	w.start()
	w.trouble.arm(faulty)
	for n := range 60 {
		contact := contacts[random.IntN(len(contacts))]
		switch choice := random.IntN(10); {
		case choice < 5:
			w.text(contact, fmt.Sprint("text ", n))
		case choice < 7:
			w.online(contact, w.bots[contact] == nil)
		case choice == 7:
			w.restart()
		default:
			w.pass(time.Duration(random.IntN(60)) * time.Second)
		}
		if random.IntN(2) == 0 {
			w.push()
		}
		if !faulty {
			w.rest()
		}
	}
	w.end()
	for _, contact := range contacts {
		kept, delivered, lost := make(map[id.EventID]bool), make(map[id.EventID]bool), 0
		for _, r := range w.matrix.all(func(r record) bool { return r.kind == "status" && r.room == w.rooms[contact] }) {
			switch {
			case strings.Contains(r.body, "The bridge keeps your message"):
				kept[r.answer] = true
			case kept[r.answer] && r.status == event.MessageStatusSuccess:
				delivered[r.answer] = true
			case kept[r.answer]: // a restart came while it was under way
				lost++
			}
		}
		told, counted, keeping := w.matrix.absences(w.rooms[contact]), 0, false
		for _, notice := range told {
			var n int
			switch {
			case strings.Contains(notice, "The bridge keeps your message"):
				if keeping {
					lost-- // nothing is said of an absence of which nothing arrived
				}
				keeping = true
				continue
			case !keeping:
				t.Errorf("%s: told %q", contact, told)
			}
			if _, err := fmt.Sscanf(notice[strings.LastIndex(notice, ":")+1:], "%d message", &n); err != nil {
				t.Error(notice, err)
			}
			counted, keeping = counted+n, false
		}
		if keeping {
			lost--
		}
		if counted > len(delivered) || counted < len(delivered) && !faulty || lost < 0 && !faulty {
			t.Errorf("%s: of %d that were kept %d were delivered, and told %q", contact, len(kept), len(delivered), told)
		}
	}
}
