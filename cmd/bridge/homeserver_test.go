package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// A message is found in its room, whether it is encrypted or not; what others have encrypted, and what cannot be
// decrypted, is passed by.
func TestFindLooksIntoWhatTheBridgeHasEncrypted(t *testing.T) {
	const encrypted = `{"type":"m.room.encrypted","event_id":"%s","sender":"%s","content":{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"AAAA","session_id":"%s"}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"start":"a","chunk":[%s,%s,%s,%s]}`,
			fmt.Sprintf(encrypted, "$user", "@alice:x", "one"),
			fmt.Sprintf(encrypted, "$broken", "@msn_bob:x", "none"),
			fmt.Sprintf(encrypted, "$ours", "@msn_bob:x", "two"),
			`{"type":"m.room.message","event_id":"$plain","sender":"@msn_bob:x","content":{"msgtype":"m.text","body":"hi","name":"three"}}`)
	}))
	defer server.Close()
	bot, err := mautrix.NewClient(server.URL, "@bot:x", "token")
	if err != nil {
		t.Fatal(err)
	}
	h := homeserver{
		bot:  bot,
		ours: func(user id.UserID) bool { return user == "@msn_bob:x" },
		decrypt: func(_ context.Context, evt *event.Event) (*event.Event, error) {
			session := string(evt.Content.AsEncrypted().SessionID)
			if session == "none" {
				return nil, errors.New("no such session")
			}
			return &event.Event{Content: event.Content{Raw: map[string]any{"name": session}}}, nil
		},
	}
	find := func(h homeserver, name string) id.EventID {
		t.Helper()
		evt, err := h.Find(t.Context(), "!room:x", "name", name, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if evt == nil {
			return ""
		}
		return evt.ID
	}
	for name, want := range map[string]id.EventID{"one": "", "two": "$ours", "three": "$plain", "four": ""} {
		if got := find(h, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	h.decrypt = nil
	if got := find(h, "two"); got != "" {
		t.Errorf("a bridge without keys has found %q", got)
	}
}
