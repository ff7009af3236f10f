package intake_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/intake"
)

// That a room is encrypted is noted when the homeserver is answered, whatever becomes of the bridge then, and the homeserver brings it
// again when it could not be noted.
func TestThatARoomIsEncryptedIsNotedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	var noted []id.RoomID
	var trouble error
	store := newStore(t)
	i := intake.New(intake.Config{
		Store: store, Log: zerolog.Nop(),
		Ours:   func(id.UserID) bool { return false },
		Secret: func(context.Context, id.UserID, id.RoomID) bool { return false },
		NoteEncrypted: func(_ context.Context, room id.RoomID, content *event.EncryptionEventContent) error {
			if trouble == nil && content.Algorithm == id.AlgorithmMegolmV1 {
				noted = append(noted, room)
			}
			return trouble
		},
	})
	i.Accept() // and nothing is handed on
	push := func(want int, events ...string) {
		t.Helper()
		answer := httptest.NewRecorder()
		i.Receive(http.NotFoundHandler(), func(*http.Request) bool { return true }).ServeHTTP(answer,
			httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(`{"events":[`+strings.Join(events, ",")+`]}`)))
		if answer.Code != want {
			t.Errorf("answered %d, want %d", answer.Code, want)
		}
	}
	encrypts := func(room, rest string) string {
		return `{"event_id":"$` + room + `","room_id":"` + room + `","type":"m.room.encryption","sender":"@u:x",` + rest + `}`
	}
	const megolm = `"content":{"algorithm":"m.megolm.v1.aes-sha2"}`
	text := `{"event_id":"$1","room_id":"!a:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}}`
	trouble = errors.New("the database is away")
	push(http.StatusServiceUnavailable, text, encrypts("!a:x", `"state_key":"",`+megolm))
	trouble = nil
	push(http.StatusOK, text, encrypts("!a:x", `"state_key":"",`+megolm))
	if !slices.Equal(noted, []id.RoomID{"!a:x"}) {
		t.Errorf("noted is %q", noted)
	}
	if row, err := store.Get(t.Context(), "$1"); err != nil || row == nil {
		t.Errorf("the text beside it is stored as %v, %v", row, err)
	}
	// What says nothing of the kind.
	push(http.StatusOK, encrypts("!b:x", megolm), encrypts("!c:x", `"state_key":"@u:x",`+megolm), encrypts("!d:x", `"state_key":"","content":{"algorithm":7}`),
		encrypts("!e:x", `"state_key":"","content":{}`))
	if len(noted) != 1 {
		t.Errorf("noted is %q", noted)
	}
	push(http.StatusOK, encrypts("!f:x", `"state_key":"","content":{"algorithm":"m.megolm.v1.aes-sha2","rotation_period_ms":"a week","rotation_period_msgs":1e40}`))
	if len(noted) != 2 || noted[1] != "!f:x" {
		t.Errorf("noted is %q after one whose rotation cannot be read", noted)
	}
}
