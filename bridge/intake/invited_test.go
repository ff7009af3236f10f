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

// What a user writes in a room into which they have invited a ghost waits until that is handled, and nobody else does: for a while, should nobody
// say that it is.
func TestTextsWaitForTheInvitationBeforeThem(t *testing.T) {
	for name, handled := range map[string]bool{"handled": true, "forgotten": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				var mu sync.Mutex
				var delivered []string
				seen := func() []string {
					synctest.Wait()
					mu.Lock()
					defer mu.Unlock()
					return slices.Clone(delivered)
				}
				i := intake.New(intake.Config{
					Store: store, Log: zerolog.Nop(),
					Deliver: func(_ context.Context, evt *event.Event) error {
						mu.Lock()
						defer mu.Unlock()
						delivered = append(delivered, string(evt.ID))
						return nil
					},
					Ours:       func(user id.UserID) bool { return strings.HasPrefix(string(user), "@msn_") },
					Secret:     func(context.Context, id.UserID, id.RoomID) bool { return false },
					Unfinished: func(context.Context, *database.Received) error { return nil }, Asked: func(context.Context) {},
				})
				i.Accept()
				i.Start(t.Context())
				defer i.Stop()
				invited := 0
				next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { invited++ })
				body := `{"events":[` +
					`{"event_id":"$invites","room_id":"!new:x","type":"m.room.member","sender":"@u:x","state_key":"@msn_bob:x","content":{"membership":"invite","is_direct":true}},` +
					`{"event_id":"$joins","room_id":"!new:x","type":"m.room.member","sender":"@v:x","state_key":"@v:x","content":{"membership":"join"}},` +
					`{"event_id":"$new","room_id":"!new:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}},` +
					`{"event_id":"$theirs","room_id":"!new:x","type":"m.room.message","sender":"@v:x","content":{"msgtype":"m.text","body":"x"}},` +
					`{"event_id":"$other","room_id":"!old:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}}]}`
				w := httptest.NewRecorder()
				i.Receive(next, func(*http.Request) bool { return true }).
					ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(body)))
				if w.Code != http.StatusOK {
					t.Fatalf("answered %d", w.Code)
				}
				if got := seen(); invited != 1 || !slices.Equal(got, []string{"$theirs", "$other"}) {
					t.Errorf("the invitation is handed on %d times, and %q while it is handled", invited, got)
				}
				if handled {
					i.Invited(&event.Event{ID: "$joins", Sender: "@v:x", RoomID: "!new:x"})
					i.Invited(&event.Event{ID: "$invites", Sender: "@u:x", RoomID: "!new:x"})
				} else {
					time.Sleep(intake.InvitationTimeout + time.Minute)
				}
				if got := seen(); !slices.Equal(got, []string{"$theirs", "$other", "$new"}) {
					t.Errorf("handed on is %q in the end", got)
				}
			})
		})
	}
}
