package intake_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/intake"
	"matrix-msn/database"
)

// inviting is an Intake, and what it has handed on.
type inviting struct {
	*testing.T
	*intake.Intake
	mu        sync.Mutex
	delivered []string
	others    int // transactions with what is not stored
}

func newInviting(t *testing.T, store *database.IntakeQuery) *inviting {
	v := &inviting{T: t}
	v.Intake = intake.New(intake.Config{
		Store: store, Log: zerolog.Nop(),
		Deliver: func(_ context.Context, evt *event.Event) error {
			if (evt.Type.Class == event.StateEventType) != (evt.StateKey != nil) {
				t.Errorf("%s is handed on as %v", evt.ID, evt.Type)
			}
			v.mu.Lock()
			defer v.mu.Unlock()
			v.delivered = append(v.delivered, string(evt.ID))
			return nil
		},
		Ours:       func(user id.UserID) bool { return strings.HasPrefix(string(user), "@msn_") },
		Secret:     func(context.Context, id.UserID, id.RoomID) bool { return false },
		Unfinished: func(context.Context, *database.Received) error { return nil }, Asked: func(context.Context) {},
	})
	v.Accept()
	v.Start(t.Context())
	return v
}

// push has the homeserver push events.
func (v *inviting) push(events ...string) {
	v.Helper()
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { v.others++ })
	w := httptest.NewRecorder()
	v.Receive(next, func(*http.Request) bool { return true }).
		ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(`{"events":[`+strings.Join(events, ",")+`]}`)))
	if w.Code != http.StatusOK {
		v.Fatalf("answered %d", w.Code)
	}
}

// seen returns what was handed on.
func (v *inviting) seen() []string {
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.delivered)
}

// expect fails the test unless just these were handed on.
func (v *inviting) expect(when string, events ...string) {
	v.Helper()
	if got := v.seen(); !slices.Equal(got, events) {
		v.Errorf("%s %q are handed on, want %q", when, got, events)
	}
}

func memberEvent(evt, sender, member, membership string) string {
	return `{"event_id":"` + evt + `","room_id":"!new:x","type":"m.room.member","sender":"` + sender + `","state_key":"` + member +
		`","content":{"membership":"` + membership + `","is_direct":true}}`
}

func textEvent(evt, room, sender string) string {
	return `{"event_id":"` + evt + `","room_id":"` + room + `","type":"m.room.message","sender":"` + sender + `","content":{"msgtype":"m.text","body":"x"}}`
}

var theInvitation = &event.Event{ID: "$invites", Sender: "@u:x", RoomID: "!new:x"}

// What a user writes in a room into which they have invited a ghost waits until that is handled, and nobody else does: for a while, should nobody
// say that it is.
func TestTextsWaitForTheInvitationBeforeThem(t *testing.T) {
	for name, handled := range map[string]bool{"handled": true, "forgotten": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newInviting(t, newStore(t))
				defer v.Stop()
				v.push(memberEvent("$invites", "@u:x", "@msn_bob:x", "invite"), memberEvent("$joins", "@v:x", "@v:x", "join"),
					textEvent("$new", "!new:x", "@u:x"), textEvent("$theirs", "!new:x", "@v:x"), textEvent("$other", "!old:x", "@u:x"),
					memberEvent("$invites", "@u:x", "@msn_bob:x", "invite"))
				v.expect("while it is handled", "$invites", "$theirs", "$other")
				if v.others != 1 || !v.Invites("$invites") || v.Invites("$new") || v.Invites("$joins") {
					t.Errorf("%d transactions of what is not stored, or one is taken for another", v.others)
				}
				if handled {
					v.Invited(t.Context(), &event.Event{ID: "$joins", Sender: "@v:x", RoomID: "!new:x"})
					v.Invited(t.Context(), theInvitation)
				} else {
					time.Sleep(intake.InvitationTimeout + time.Minute)
				}
				v.expect("in the end", "$invites", "$theirs", "$other", "$new")
				v.push(memberEvent("$invites", "@u:x", "@msn_bob:x", "invite"))
				v.expect("when it is repeated", "$invites", "$theirs", "$other", "$new")
			})
		})
	}
}

// The bridge is stopped while an invitation is handled: the next run hands it on once more, and what is behind it waits again. What was handled is
// not handed on.
func TestInvitationOutlastsAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		v := newInviting(t, store)
		v.push(memberEvent("$handled", "@u:x", "@msn_carol:x", "invite"))
		v.expect("at first", "$handled")
		v.Invited(t.Context(), &event.Event{ID: "$handled", Sender: "@u:x", RoomID: "!new:x"})
		v.push(memberEvent("$invites", "@u:x", "@msn_bob:x", "invite"), textEvent("$new", "!new:x", "@u:x"))
		v.expect("before the stop", "$handled", "$invites")
		v.Stop()
		next := newInviting(t, store)
		defer next.Stop()
		next.expect("after the stop", "$invites")
		next.Invited(t.Context(), theInvitation)
		next.expect("in the end", "$invites", "$new")
	})
}

// What was written while nobody of the bridge was in the room is handed on once, in order and before what came since; and so it is after a stop.
func TestWhatWasNotPushedComesBeforeWhatWas(t *testing.T) {
	for name, stops := range map[string]bool{"at once": false, "after a stop": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				v := newInviting(t, store)
				v.push(memberEvent("$invites", "@u:x", "@msn_bob:x", "invite"), textEvent("$pushed", "!new:x", "@u:x"))
				synctest.Wait()
				text := func(evt id.EventID, sender id.UserID) *event.Event {
					return &event.Event{ID: evt, Type: event.EventMessage, Sender: sender, RoomID: "!new:x", Content: event.Content{Raw: map[string]any{"msgtype": "m.text", "body": "x"}}}
				}
				gone := text("$gone", "@u:x")
				gone.Unsigned.RedactedBecause = &event.Event{}
				key := "@v:x"
				joins := &event.Event{ID: "$joins", Type: event.StateMember, Sender: "@u:x", StateKey: &key, RoomID: "!new:x"}
				elsewhere := text("$elsewhere", "@u:x")
				elsewhere.RoomID = "!old:x"
				written := []*event.Event{text("$first", "@u:x"), joins, text("$theirs", "@v:x"), text("$ghosts", "@msn_bob:x"), gone, elsewhere, text("$second", "@u:x"), text("$pushed", "@u:x")}
				for range 2 {
					if err := v.Unpushed(t.Context(), theInvitation, written); err != nil {
						t.Fatal(err)
					}
				}
				v.expect("while it is handled", "$invites")
				if stops {
					v.Stop()
					v = newInviting(t, store)
					v.expect("after the stop", "$invites")
					if err := v.Unpushed(t.Context(), theInvitation, written); err != nil {
						t.Fatal(err)
					}
				}
				defer v.Stop()
				v.push(textEvent("$late", "!new:x", "@u:x"))
				v.Invited(t.Context(), theInvitation)
				v.expect("in the end", "$invites", "$first", "$second", "$pushed", "$late")
				if err := v.Unpushed(t.Context(), theInvitation, written); err != nil {
					t.Fatal(err)
				}
				v.expect("when it was handled", "$invites", "$first", "$second", "$pushed", "$late")
			})
		})
	}
}
