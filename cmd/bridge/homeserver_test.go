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

// A message is read as it was written, whoever has encrypted it.
func TestEventIsDecrypted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/_matrix/client/v3/rooms/!room:x/event/$plain":
			fmt.Fprint(w, `{"type":"m.room.message","event_id":"$plain","sender":"@alice:x","content":{"msgtype":"m.text","body":"hi"}}`)
		case "/_matrix/client/v3/rooms/!room:x/event/$secret":
			fmt.Fprint(w, `{"type":"m.room.encrypted","event_id":"$secret","sender":"@alice:x","content":{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"AAAA","session_id":"one"}}`)
		case "/_matrix/client/v3/rooms/!room:x/event/$poll":
			fmt.Fprint(w, `{"type":"m.poll.start","event_id":"$poll","sender":"@alice:x","content":{}}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"errcode":"M_NOT_FOUND"}`)
		}
	}))
	defer server.Close()
	bot, err := mautrix.NewClient(server.URL, "@bot:x", "token")
	if err != nil {
		t.Fatal(err)
	}
	h := homeserver{bot: bot, decrypt: func(_ context.Context, evt *event.Event) (*event.Event, error) {
		return &event.Event{Type: event.EventMessage, Sender: evt.Sender, Content: event.Content{Parsed: &event.MessageEventContent{Body: string(evt.Content.AsEncrypted().SessionID)}}}, nil
	}}
	for evt, want := range map[id.EventID]string{"$plain": "hi", "$secret": "one"} {
		got, err := h.Event(t.Context(), "!room:x", evt)
		if err != nil {
			t.Fatal(err)
		}
		if content, ok := got.Content.Parsed.(*event.MessageEventContent); !ok || content.Body != want || got.Sender != "@alice:x" {
			t.Errorf("%s is %+v", evt, got)
		}
	}
	if got, err := h.Event(t.Context(), "!room:x", "$poll"); err != nil || got.Type.Type != "m.poll.start" {
		t.Errorf("what has no known type is %+v, %v", got, err)
	}
	if _, err := h.Event(t.Context(), "!room:x", "$gone"); !errors.Is(err, mautrix.MNotFound) {
		t.Errorf("what is not there is %v", err)
	}
}
