package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
	"maunium.net/go/mautrix/sqlstatestore"

	"matrix-msn/bridge/membership"
	"matrix-msn/bridge/presence"
)

// What is said in a room that is not encrypted is sent as it is, and never in one that is, also when it has just become so.
func TestNothingIsSentInClearIntoAnEncryptedRoom(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 10)
	homeserver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.URL.Path, "/send/") {
			var content event.MessageEventContent
			if err := json.NewDecoder(req.Body).Decode(&content); err != nil {
				t.Error(err)
			}
			sent <- req.URL.Path[:strings.LastIndex(req.URL.Path, "/")] + " " + req.URL.Query().Get("ts") + " " + content.Body
		}
		_, _ = w.Write([]byte(`{"event_id":"$e","room_id":"!room:x","user_id":"@ghost:x"}`))
	}))
	defer homeserver.Close()
	db, err := dbutil.NewFromConfig("", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: "file:" + filepath.Join(t.TempDir(), "test.db") + "?_txlock=immediate", MaxOpenConns: 5,
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	own := sqlstatestore.NewSQLStateStore(db, dbutil.NoopLogger, true)
	if err := own.Upgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	as, err := appservice.CreateFull(appservice.CreateOpts{
		Registration: appservice.CreateRegistration(), HomeserverDomain: "x", HomeserverURL: homeserver.URL, StateStore: membership.Remember(own),
		HostConfig: appservice.HostConfig{Hostname: "127.0.0.1", Port: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	ghost := new(registrations).of(&matrix.ASIntent{Matrix: as.Intent("@ghost:x"), Connector: &matrix.Connector{StateStore: own, Config: new(bridgeconfig.Config)}})
	say := func(text string) error {
		_, err := ghost.SendMessage(t.Context(), "!room:x", event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{MsgType: event.MsgText, Body: text}},
			&bridgev2.MatrixSendExtra{Timestamp: time.UnixMilli(1234)})
		return err
	}
	for _, text := range []string{"one", "two"} {
		if err := say(text); err != nil {
			t.Fatal(err)
		}
		if got, want := <-sent, "/_matrix/client/v3/rooms/!room:x/send/m.room.message 1234 "+text; got != want {
			t.Errorf("what is sent is %q, not %q", got, want)
		}
	}
	if err := as.StateStore.SetEncryptionEvent(t.Context(), "!room:x", &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}); err != nil {
		t.Fatal(err)
	}
	if err := say("secret"); err == nil || len(sent) > 0 { // this bridge cannot encrypt
		t.Errorf("what is said in an encrypted room has the error %v, and %d messages are sent", err, len(sent))
	}
}

// Whoever uses a ghost first, and however many do so at once: it is registered once, and nobody reads what another one writes.
func TestGhostIsRegisteredOnceByAllWhoUseIt(t *testing.T) {
	t.Parallel()
	var registered atomic.Int32
	homeserver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/register") {
			registered.Add(1)
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	defer homeserver.Close()
	as, err := appservice.CreateFull(appservice.CreateOpts{
		Registration: appservice.CreateRegistration(), HomeserverDomain: "x", HomeserverURL: homeserver.URL,
		HostConfig: appservice.HostConfig{Hostname: "127.0.0.1", Port: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	as.SpecVersions = &mautrix.RespVersions{Versions: []mautrix.SpecVersion{mautrix.SpecV116}}
	connector := &matrix.Connector{AS: as, Config: &bridgeconfig.Config{
		AppService: bridgeconfig.AppserviceConfig{UsernameTemplate: "{{.}}"}, Homeserver: bridgeconfig.HomeserverConfig{Domain: "x"},
	}}
	intent := as.Intent(connector.FormatGhostMXID("ghost")) // reads the template, as the framework does at its start
	ghosts := new(registrations)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for name, use := range map[string]func() error{
		"named": func() error {
			return ghosts.of(&matrix.ASIntent{Matrix: intent, Connector: connector}).SetDisplayName(t.Context(), "Ghost")
		},
		"online": func() error {
			return presenceOf{connector, ghosts}.SetPresence(t.Context(), "ghost", presence.State{Presence: event.PresenceOnline})
		},
		"described": func() error {
			return profileOf{func(networkid.UserID) *appservice.IntentAPI { return intent }, ghosts}.SetPresence(t.Context(), "ghost", presence.State{Text: "Busy"})
		},
		"looked up": func() error { return ghosts.ensure(t.Context(), intent) },
	} {
		for range 4 {
			all.Go(func() {
				<-begin
				if err := use(); err != nil {
					t.Errorf("the ghost cannot be %s: %v", name, err)
				}
			})
		}
	}
	close(begin)
	all.Wait()
	if n := registered.Load(); n != 1 {
		t.Errorf("it is registered %d times", n)
	}
}
