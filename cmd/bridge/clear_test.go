package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// put is what a homeserver was asked to put somewhere.
type put struct{ path, body string }

// secretive is an appservice at a homeserver of its own that tells what it is asked to put. In !secret:x all is encrypted, in !clear:x
// nothing, in !unread:x the keys are missing, and of !unknown:x nobody knows.
func secretive(t *testing.T) (as *appservice.AppService, puts chan put) {
	t.Helper()
	puts = make(chan put, 10)
	homeserver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPut {
			var body json.RawMessage
			if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			puts <- put{req.URL.Path, string(body)}
		}
		_, _ = w.Write([]byte(`{"event_id":"$e","room_id":"!room:x"}`))
	}))
	t.Cleanup(homeserver.Close)
	registration := appservice.CreateRegistration()
	registration.SenderLocalpart = "bot"
	as, err := appservice.CreateFull(appservice.CreateOpts{
		Registration: registration, HomeserverDomain: "x", HomeserverURL: homeserver.URL + "/under/a path",
		HostConfig: appservice.HostConfig{Hostname: "127.0.0.1", Port: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	as.HTTPClient.Transport = secretTransport{
		next: http.DefaultTransport,
		isEncrypted: func(_ context.Context, room id.RoomID) (bool, error) {
			if room == "!unknown:x" {
				return false, errors.New("the database is away")
			}
			return room != "!clear:x", nil
		},
		encrypt: func(_ context.Context, room id.RoomID, kind event.Type, content *event.Content) error {
			if room != "!secret:x" {
				return errors.New("there are no keys")
			}
			inside, err := json.Marshal(content)
			if err != nil {
				return err
			}
			// The test can read it, and nobody else would.
			*content = event.Content{Parsed: &event.EncryptedEventContent{
				Algorithm: id.AlgorithmMegolmV1, MegolmCiphertext: []byte(ciphertext(kind.Type + string(inside))), RelatesTo: content.AsMessage().RelatesTo,
			}}
			return nil
		},
	}
	return as, puts
}

func ciphertext(text string) string { return base64.RawStdEncoding.EncodeToString([]byte(text)) }

func TestWhatIsSentInClearIsEncryptedInEncryptedRooms(t *testing.T) {
	t.Parallel()
	as, puts := secretive(t)
	bot := as.BotIntent()
	content := map[string]any{"body": "hi", "msgtype": "m.text", "own": map[string]any{"field": 1}}
	const (
		under = "/under/a path/_matrix/client/v3/rooms/"
		clear = `{"body":"hi","msgtype":"m.text","own":{"field":1}}`
	)
	encrypted := func(kind string) string {
		return `{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"` + ciphertext(kind+clear) + `"}`
	}
	for name, test := range map[string]struct {
		room id.RoomID
		kind event.Type
		want put // nothing for an error
	}{
		"a message":                            {"!secret:x", event.EventMessage, put{under + "!secret:x/send/m.room.encrypted/txn/1", encrypted("m.room.message")}},
		"an event of an unknown kind":          {"!secret:x", event.Type{Type: "com.example/kind", Class: event.MessageEventType}, put{under + "!secret:x/send/m.room.encrypted/txn/1", encrypted("com.example/kind")}},
		"a message in a room in clear":         {"!clear:x", event.EventMessage, put{under + "!clear:x/send/m.room.message/txn/1", clear}},
		"what is encrypted already":            {"!secret:x", event.EventEncrypted, put{under + "!secret:x/send/m.room.encrypted/txn/1", clear}},
		"a reaction":                           {"!secret:x", event.EventReaction, put{under + "!secret:x/send/m.reaction/txn/1", clear}},
		"a redaction":                          {"!secret:x", event.EventRedaction, put{under + "!secret:x/send/m.room.redaction/txn/1", clear}},
		"a status":                             {"!secret:x", event.BeeperMessageStatus, put{under + "!secret:x/send/com.beeper.message_send_status/txn/1", clear}},
		"a message that cannot be encrypted":   {"!unread:x", event.EventMessage, put{}},
		"a message when nobody knows the room": {"!unknown:x", event.EventMessage, put{}},
	} {
		ctx := mautrix.WithMaxRetries(t.Context(), 0)
		_, err := bot.Client.SendMessageEvent(ctx, test.room, test.kind, content, mautrix.ReqSendEvent{TransactionID: "txn/1"})
		var got put
		select {
		case got = <-puts:
		default:
		}
		if got != test.want || (err != nil) != (test.want == put{}) {
			t.Errorf("%s: sent is %q, %v, not %q", name, got, err, test.want)
		}
	}

	// State has no encryption.
	if _, err := bot.Client.SendStateEvent(t.Context(), "!secret:x", event.StateTopic, "", map[string]any{"topic": "hi"}); err != nil {
		t.Fatal(err)
	}
	if len(puts) == 0 {
		t.Fatal("no topic is set")
	}
	if got, want := <-puts, (put{under + "!secret:x/state/m.room.topic/", `{"topic":"hi"}`}); got != want {
		t.Errorf("the topic is %q, not %q", got, want)
	}
}

// The framework's own notice goes past what it encrypts by.
func TestNoticeOfWhatWasNotBridgedIsEncrypted(t *testing.T) {
	t.Parallel()
	as, puts := secretive(t)
	br := &matrix.Connector{AS: as, Bot: as.BotIntent(), Config: &bridgeconfig.Config{Matrix: bridgeconfig.MatrixConfig{MessageErrorNotices: true}}}
	br.SendMessageStatus(t.Context(), &bridgev2.MessageStatus{Status: event.MessageStatusFail, Message: "nobody is there", SendNotice: true},
		&bridgev2.MessageStatusEventInfo{RoomID: "!secret:x", SourceEventID: "$lost", EventType: event.EventMessage, Sender: "@alice:x"})
	var sent put
	select {
	case sent = <-puts:
	case <-time.After(10 * time.Second):
		t.Fatal("there is no notice")
	}
	var content struct {
		Ciphertext string          `json:"ciphertext"`
		RelatesTo  event.RelatesTo `json:"m.relates_to"`
	}
	if err := json.Unmarshal([]byte(sent.body), &content); err != nil {
		t.Fatal(err)
	}
	inside, err := base64.RawStdEncoding.DecodeString(content.Ciphertext)
	if err != nil || !strings.Contains(string(inside), "nobody is there") {
		t.Errorf("the notice says %q, %v", inside, err)
	}
	if !strings.Contains(sent.path, "/send/m.room.encrypted/") || content.RelatesTo.GetReplyTo() != "$lost" {
		t.Errorf("the notice is sent as %q", sent)
	}
}

// Where the admin requires encryption, a room of which nothing is stored is encrypted too.
func TestRequiredEncryptionHoldsForRoomsOfWhichNothingIsStored(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, id.RoomID) (bool, error) { return false, nil }
	for _, required := range []bool{false, true} {
		if got, err := encrypted(required, nothing)(t.Context(), "!r:x"); got != required || err != nil {
			t.Errorf("required %v: got %v, %v", required, got, err)
		}
	}
}
