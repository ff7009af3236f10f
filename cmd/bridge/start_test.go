package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/matrix"
)

// What keeps a bridge from working ends its start with a sentence that names the setting. A homeserver
// that does not answer yet is waited for.
func TestStartEndsWithASentence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, server, domain, token string
		ignore                      bool
		code                        int
		want                        string
	}{
		{"all is well", "Synapse/1.120.0", "example.org", "right", false, 0, ""},
		{"old Synapse", "Synapse/1.49.2", "example.org", "right", false, 18, "Synapse 1.49.2"},
		{"old Synapse that is wanted", "Synapse/1.49.2", "example.org", "right", true, 0, "Synapse 1.49.2"},
		{"domain", "Synapse/1.120.0", "other.example", "right", false, 16, "homeserver.domain is"},
		{"token", "Synapse/1.120.0", "example.org", "another", false, 16, "appservice.as_token"},
		{"not there yet", "", "", "", false, 0, "nothing listens at homeserver.address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Server", test.server)
				switch {
				case strings.HasSuffix(r.URL.Path, "/versions"):
					fmt.Fprint(w, `{"versions":["v1.2","v1.11"]}`)
				case r.Header.Get("Authorization") == "Bearer "+test.token:
					fmt.Fprintf(w, `{"user_id":"@sender:%s"}`, test.domain)
				default:
					w.WriteHeader(http.StatusUnauthorized)
					fmt.Fprint(w, `{"errcode":"M_UNKNOWN_TOKEN"}`)
				}
			}))
			defer server.Close()
			if test.server == "" {
				server.Close()
			}
			c := &matrix.Connector{Config: new(bridgeconfig.Config), IgnoreUnsupportedServer: test.ignore}
			c.Config.Homeserver.Address, c.Config.Homeserver.Domain, c.Config.AppService.ASToken = server.URL, "example.org", "right"
			var told bytes.Buffer
			err := new(meeting).check(zerolog.New(&told).WithContext(t.Context()), c)
			exit, _ := errors.AsType[matrix.ExitError](err)
			if exit.ExitCode != test.code || (err == nil) != (test.code == 0) || !strings.Contains(told.String(), test.want) || test.want == "" && told.Len() > 0 {
				t.Errorf("want %d, %q; got %v and\n%s", test.code, test.want, err, &told)
			}
		})
	}
}
