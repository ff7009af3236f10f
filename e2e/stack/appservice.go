package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
	"maunium.net/go/mautrix/id"
)

// Appservice is one that does nothing but to keep what the homeserver passes on to it: what a kind of homeserver does
// for bridges can be seen there, without a bridge. Its methods may be called from any goroutine.
type Appservice struct {
	// RegistrationPath is the registration file for the homeserver.
	RegistrationPath string

	id, token, serverToken string
	server                 *httptest.Server
	passed                 *record[Passed]
}

// Passed is something that a homeserver has passed on to an appservice.
type Passed struct {
	// Where is the part of the transaction in which it came: "events", "ephemeral" or "to_device"; or a
	// request of its own: "ping", or "users" for a user whom the homeserver does not know.
	Where string
	// Type is that of the event.
	Type string
	// Content is that of the event, and Sender who has sent it.
	Content map[string]any
	Sender  id.UserID
	// Redacts is the event that is redacted.
	Redacts id.EventID
}

// PassedOn matches an event of a type that came in a part of a transaction.
func PassedOn(where, kind string) func(Passed) bool {
	return func(p Passed) bool { return p.Where == where && p.Type == kind }
}

// StartAppservice listens on 127.0.0.1 as an appservice of this ID, which asks for all that homeservers pass on, and writes its
// registration into dir. It ends with Close.
func StartAppservice(dir, as string) (*Appservice, error) {
	a := &Appservice{
		RegistrationPath: filepath.Join(dir, as+".yaml"),
		id:               as, token: newToken(), serverToken: newToken(),
		passed: newRecord("the appservice "+as, func(p Passed) string { return fmt.Sprintf("%s %s of %s", p.Where, p.Type, p.Sender) }),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /_matrix/app/v1/transactions/{id}", a.take)
	mux.HandleFunc("POST /_matrix/app/v1/ping", func(w http.ResponseWriter, _ *http.Request) {
		a.passed.add(Passed{Where: "ping"})
		_, _ = w.Write([]byte("{}"))
	})
	mux.HandleFunc("GET /_matrix/app/v1/users/{id}", func(w http.ResponseWriter, _ *http.Request) {
		a.passed.add(Passed{Where: "users"})
		w.WriteHeader(http.StatusNotFound)
	})
	a.server = httptest.NewServer(mux)
	text, err := yaml.Marshal(map[string]any{
		"id": as, "url": a.server.URL, "as_token": a.token, "hs_token": a.serverToken,
		"sender_localpart": as, "rate_limited": false,
		"namespaces": map[string]any{"users": []any{map[string]any{"regex": "@" + as + "(_.*)?:" + ServerName, "exclusive": true}}},
		// Both names: homeservers look for the one or the other.
		"receive_ephemeral": true, "de.sorunome.msc2409.push_ephemeral": true,
		"org.matrix.msc3202": true, "io.element.msc4190": true,
	})
	if err == nil {
		err = os.WriteFile(a.RegistrationPath, text, 0o600)
	}
	if err != nil {
		a.Close()
		return nil, fmt.Errorf("write the registration of the appservice %s: %w", as, err)
	}
	return a, nil
}

// Close ends it.
func (a *Appservice) Close() { a.server.Close() }

// User returns the only user of the appservice.
func (a *Appservice) User() id.UserID { return id.NewUserID(a.id, ServerName) }

// Do makes a request to the homeserver as the appservice's user, with a path such as
// "/_matrix/client/v3/register". Any answer but one of success is an error.
func (a *Appservice) Do(ctx context.Context, homeserver *Homeserver, method, path string, body any) error {
	as := url.Values{"user_id": {a.User().String()}}
	return requestJSON(ctx, method, homeserver.URL+path+"?"+as.Encode(), a.token, body, nil)
}

// Wait returns the first that matches of what was or will be passed on. See [User.WaitEvent].
func (a *Appservice) Wait(ctx context.Context, what string, match func(Passed) bool) (Passed, error) {
	return a.passed.wait(ctx, 0, what, match)
}

// take keeps a transaction.
func (a *Appservice) take(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+a.serverToken {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	type event struct {
		Type    string         `json:"type"`
		Sender  id.UserID      `json:"sender"`
		Content map[string]any `json:"content"`
		Redacts id.EventID     `json:"redacts"`
	}
	var transaction map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&transaction); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for name, where := range map[string]string{
		"events": "events", "ephemeral": "ephemeral", "de.sorunome.msc2409.ephemeral": "ephemeral",
		"to_device": "to_device", "de.sorunome.msc2409.to_device": "to_device",
	} {
		var events []event
		if transaction[name] == nil || json.Unmarshal(transaction[name], &events) != nil {
			continue
		}
		for _, e := range events {
			a.passed.add(Passed{Where: where, Type: e.Type, Sender: e.Sender, Content: e.Content, Redacts: e.Redacts})
		}
	}
	_, _ = w.Write([]byte("{}"))
}
