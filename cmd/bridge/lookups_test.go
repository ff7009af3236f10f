package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
	"maunium.net/go/mautrix/id"
)

// someAccounts knows that bob can exist.
type someAccounts struct{}

const bobsUser = id.UserID("@msn_home=2fbob=40example.com:example.org")

func (someAccounts) CanExist(_ context.Context, user id.UserID) (string, bool) {
	return "Bob", user == bobsUser
}

func (someAccounts) UsersOf(address string) []id.UserID {
	if address == "bob@example.com" {
		return []id.UserID{bobsUser}
	}
	return nil
}

func (someAccounts) AddressOf(user id.UserID) (string, string, bool) {
	return "bob@example.com", "home", user == bobsUser
}

// The homeserver is answered in JSON whatever it looks up, and users whom it asks for are made, as many as are
// made at a time.
func TestLookupsAreAnsweredInJSON(t *testing.T) {
	t.Parallel()
	log := zerolog.Nop()
	var made []string
	l := &lookups{
		accounts: someAccounts{}, log: &log, limit: rate.NewLimiter(0, 2),
		allowed: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{}`))
				return false
			}
			return true
		},
		register: func(_ context.Context, user id.UserID, name string) error {
			made = append(made, string(user)+" "+name)
			return nil
		},
		services: func() map[string]string { return map[string]string{"home": "Home"} },
		icon:     func() id.ContentURIString { return "mxc://example.org/icon" },
	}
	router := http.NewServeMux()
	l.serve(router)
	const app = "/_matrix/app/v1/"
	for _, test := range []struct {
		path string
		code int
		want string
	}{
		{"users/" + string(bobsUser), http.StatusOK, `{}`},
		{"users/@msn_nobody:example.org", http.StatusNotFound, `M_NOT_FOUND`},
		{"users/" + string(bobsUser), http.StatusOK, `{}`},
		{"users/" + string(bobsUser), http.StatusTooManyRequests, `M_LIMIT_EXCEEDED`},
		{"thirdparty/protocol/msn", http.StatusOK, `"instances":[{"desc":"Home","network_id":"home","fields":{"service":"home"}}]`},
		{"thirdparty/protocol/irc", http.StatusNotFound, `M_NOT_FOUND`},
		{"thirdparty/user/msn?email=bob@example.com", http.StatusOK, `[{"userid":"` + string(bobsUser) + `","protocol":"msn","fields":{"email":"bob@example.com","service":"home"}}]`},
		{"thirdparty/user/msn?email=x", http.StatusNotFound, `M_NOT_FOUND`}, {"thirdparty/user/irc?email=bob@example.com", http.StatusNotFound, `M_NOT_FOUND`},
		{"thirdparty/user?userid=" + string(bobsUser), http.StatusOK, `"email":"bob@example.com"`}, {"thirdparty/user?userid=x", http.StatusNotFound, `M_NOT_FOUND`},
		{"thirdparty/location/msn", http.StatusNotFound, `M_NOT_FOUND`}, {"thirdparty/location", http.StatusNotFound, `M_NOT_FOUND`},
	} {
		for _, token := range []string{"Bearer x", ""} {
			request, answered := httptest.NewRequest(http.MethodGet, app+test.path, nil), httptest.NewRecorder()
			request.Header.Set("Authorization", token)
			router.ServeHTTP(answered, request)
			code, want := test.code, test.want
			if token == "" {
				code, want = http.StatusForbidden, `{}`
			}
			if answered.Code != code || !strings.Contains(answered.Body.String(), want) || !json.Valid(answered.Body.Bytes()) {
				t.Errorf("%s is answered by %d, %s", test.path, answered.Code, answered.Body)
			}
		}
	}
	if strings.Join(made, ", ") != string(bobsUser)+" Bob, "+string(bobsUser)+" Bob" {
		t.Errorf("made %q", made)
	}
}
