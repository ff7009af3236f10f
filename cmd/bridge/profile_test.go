package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/presence"
)

// profiles is a homeserver that takes fields in profiles and checks a status as MSC4426 has it.
type profiles struct {
	mu     sync.Mutex
	fields map[string]string // by user and name
}

func (p *profiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const prefix = "/_matrix/client/v3/profile/"
	key := strings.TrimPrefix(r.URL.Path, prefix)
	answer, code := `{}`, http.StatusOK
	switch {
	case strings.HasSuffix(r.URL.Path, "/register"):
	case !strings.HasPrefix(r.URL.Path, prefix):
		answer, code = `{"errcode":"M_UNRECOGNIZED"}`, http.StatusNotFound
	case r.Method == http.MethodPut:
		body, _ := io.ReadAll(r.Body)
		var field map[string]struct{ Emoji, Text *string }
		_, name, _ := strings.Cut(key, "/")
		if err := json.Unmarshal(body, &field); err != nil || field[name].Emoji == nil || field[name].Text == nil {
			answer, code = `{"errcode":"M_BAD_JSON"}`, http.StatusBadRequest
			break
		}
		p.fields[key] = *field[name].Emoji + " " + *field[name].Text
	case r.Method == http.MethodDelete && p.fields[key] == "":
		answer, code = `{"errcode":"M_NOT_FOUND"}`, http.StatusNotFound
	case r.Method == http.MethodDelete:
		delete(p.fields, key)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, answer)
}

// A status is set under the name that clients read today and under the one to come, and is taken
// back, also when there is none.
func TestStatusGoesIntoTheProfile(t *testing.T) {
	t.Parallel()
	const ghost = id.UserID("@msn_bob:example.org")
	server := &profiles{fields: make(map[string]string)}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	as := appservice.Create()
	as.HomeserverDomain = "example.org"
	as.Registration = appservice.CreateRegistration()
	as.SpecVersions = &mautrix.RespVersions{Versions: []mautrix.SpecVersion{mautrix.SpecV116}}
	if err := as.SetHomeserverURL(web.URL); err != nil {
		t.Fatal(err)
	}
	profile := profileOf{func(networkid.UserID) *appservice.IntentAPI { return as.Intent(ghost) }, new(registrations)}
	if err := profile.SetPresence(t.Context(), "home/bob", presence.State{Presence: event.PresenceUnavailable, Text: "Busy", Emoji: "⛔"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m.status", "org.matrix.msc4426.status"} {
		if got := server.fields[string(ghost)+"/"+name]; got != "⛔ Busy" {
			t.Errorf("%s is %q", name, got)
		}
	}
	for range 2 {
		if err := profile.SetPresence(t.Context(), "home/bob", presence.State{Presence: event.PresenceOffline}); err != nil {
			t.Fatal(err)
		}
	}
	if len(server.fields) > 0 {
		t.Errorf("%v are left", server.fields)
	}
}
