package bridge

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// madeRoom is a room that a user has made for a contact, into which they have written before the contact's ghost was there.
type madeRoom struct {
	*testBridge
	room  id.RoomID
	ghost id.UserID
	texts <-chan string
}

func newMadeRoom(t *testing.T) *madeRoom {
	t.Helper()
	m := &madeRoom{testBridge: newTestBridge(t, newTestServer(t)), room: "!made:example.test"}
	_, m.texts = m.friend()
	login := m.login()
	m.eventually("the sign-in", func() bool { return m.signedIn(login.ID) })
	m.ghost = m.testBridge.ghost(bob)
	m.matrix.setMember(m.room, fakeUser, event.MembershipJoin)
	m.matrix.setMember(m.room, m.ghost, event.MembershipInvite)
	return m
}

// invite has the homeserver push the invitation, and a text that was written when the ghost was there.
func (m *madeRoom) invite() {
	m.Helper()
	var f framework
	invitation := pushed{"event_id": "$invites", "room_id": m.room, "type": "m.room.member", "sender": fakeUser, "state_key": m.ghost,
		"content": map[string]any{"membership": "invite", "is_direct": true}}
	if code := m.push(&f, "1", invitation, said("$third", m.room, "three")); code != http.StatusOK {
		m.Fatalf("answered %d", code)
	}
}

// written is what is in the room behind the invitation.
func (m *madeRoom) written(room id.RoomID, behind id.EventID) ([]*event.Event, error) {
	if room != m.room || behind != "$invites" {
		return nil, errors.New("another room is read")
	}
	var events []*event.Event
	for evt, body := range map[id.EventID]string{"$1st": "one", "$2nd": "two", "$third": "three"} {
		events = append(events, &event.Event{ID: evt, Type: event.EventMessage, Sender: fakeUser, RoomID: room, Content: event.Content{Raw: map[string]any{"msgtype": "m.text", "body": body}}})
	}
	slices.SortFunc(events, func(a, b *event.Event) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return events, nil
}

func (m *madeRoom) reads(unpushed func(id.RoomID, id.EventID) ([]*event.Event, error)) {
	m.matrix.mu.Lock()
	defer m.matrix.mu.Unlock()
	m.matrix.unpushed = unpushed
}

func (m *madeRoom) hears(texts ...string) {
	m.Helper()
	for _, text := range texts {
		m.receive(m.texts, alice+": "+text)
	}
	m.eventually("the invitation to be done with", func() bool { return m.finished("$invites") })
	m.write(m.room, "the end")
	m.receive(m.texts, alice+": the end")
}

// What a user has written before the ghost that they invite was there arrives, before what they wrote then, also when the homeserver does not
// show it at first.
func TestTextsThatWereNotPushedArrive(t *testing.T) {
	t.Parallel()
	m := newMadeRoom(t)
	failed := false
	m.reads(func(room id.RoomID, behind id.EventID) ([]*event.Event, error) {
		if !failed {
			failed = true
			return nil, errors.New("the homeserver is restarting")
		}
		return m.written(room, behind)
	})
	m.invite()
	m.hears("one", "two", "three")
}

// A stop while the room cannot be read loses nothing: the next start reads it.
func TestTextsThatWereNotPushedOutlastAStop(t *testing.T) {
	t.Parallel()
	m := newMadeRoom(t)
	tried := make(chan struct{}, 100)
	m.reads(func(id.RoomID, id.EventID) ([]*event.Event, error) {
		tried <- struct{}{}
		return nil, errors.New("the homeserver is away")
	})
	m.invite()
	<-tried
	m.stop()
	m.startWith(func() { m.reads(m.written) })
	m.hears("one", "two", "three")
}

// A room over which reading breaks down ends nothing.
func TestRoomThatBreaksReadingDownEndsNothing(t *testing.T) {
	t.Parallel()
	m := newMadeRoom(t)
	m.reads(func(id.RoomID, id.EventID) ([]*event.Event, error) { panic("what is in the room") })
	m.invite()
	m.hears("three")
}

// A homeserver that does not show the room keeps nothing else from being sent.
func TestRoomThatMayNotBeReadIsLeft(t *testing.T) {
	t.Parallel()
	m := newMadeRoom(t)
	m.reads(func(id.RoomID, id.EventID) ([]*event.Event, error) {
		return nil, mautrix.HTTPError{RespError: &mautrix.MForbidden, Response: &http.Response{StatusCode: http.StatusForbidden}}
	})
	m.invite()
	m.hears("three")
}

// A few rooms are read at a time, so many wait at most, and a stop ends all of it.
func TestRoomsAreReadAFewAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var v invitations
		begun, ended, refused := 0, 0, 0
		for range maxAside + 10 {
			if !v.read(t.Context(), func(ctx context.Context) {
				v.mu.Lock()
				begun++
				v.mu.Unlock()
				<-ctx.Done()
				v.mu.Lock()
				ended++
				v.mu.Unlock()
			}) {
				refused++
			}
		}
		synctest.Wait()
		if begun != maxReading || refused != 10 {
			t.Errorf("%d are read at a time, %d are refused", begun, refused)
		}
		v.stop()
		synctest.Wait()
		if ended != begun || v.reads != 0 {
			t.Errorf("%d of %d have ended, %d are left", ended, begun, v.reads)
		}
		if !v.read(t.Context(), func(context.Context) { t.Error("something is read after a stop") }) {
			t.Error("what comes after a stop counts as handled")
		}
		synctest.Wait()
	})
}
