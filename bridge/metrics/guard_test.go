package metrics

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMetricsAreNotForWebPages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what, name, host, site string
		code                   int
	}{
		{"address", "127.0.0.1", "127.0.0.1:9464", "", http.StatusOK},
		{"address of a network", "", "192.0.2.7:9464", "", http.StatusOK},
		{"address without port", "127.0.0.1", "127.0.0.1", "", http.StatusOK},
		{"address of IPv6", "::1", "[::1]:9464", "", http.StatusOK},
		{"address of IPv6 without port", "::1", "[::1]", "", http.StatusOK},
		{"address with a zone", "", "[fe80::1%eth0]:9464", "", http.StatusOK},
		{"localhost", "127.0.0.1", "localhost:9464", "", http.StatusOK},
		{"localhost in capitals", "127.0.0.1", "LocalHost", "", http.StatusOK},
		{"name of the setting", "bridge.example.com", "Bridge.example.com:9464", "", http.StatusOK},
		{"the same with a dot", "bridge.example.com", "bridge.example.com.:9464", "", http.StatusOK},
		{"typed into a browser", "127.0.0.1", "localhost:9464", "none", http.StatusOK},
		{"a link on the page of profiles", "127.0.0.1", "localhost:9464", "same-origin", http.StatusOK},

		{"another name", "127.0.0.1", "rebound.example.com:9464", "", http.StatusMisdirectedRequest},
		{"another name than that of the setting", "bridge.example.com", "rebound.example.com", "", http.StatusMisdirectedRequest},
		{"name that ends as that of the setting", "bridge.example.com", "evil-bridge.example.com", "", http.StatusMisdirectedRequest},
		{"name below localhost", "127.0.0.1", "localhost.example.com", "", http.StatusMisdirectedRequest},
		{"name that looks like an address", "127.0.0.1", "127.0.0.1.example.com", "", http.StatusMisdirectedRequest},
		{"a number that browsers take for an address", "127.0.0.1", "2130706433", "", http.StatusMisdirectedRequest},
		{"no name", "", "", "", http.StatusMisdirectedRequest},
		{"a dot, where everybody is listened to", "", ".", "", http.StatusMisdirectedRequest},
		{"a port alone", "", ":9464", "", http.StatusMisdirectedRequest},
		{"another page under another name", "127.0.0.1", "rebound.example.com", "same-origin", http.StatusMisdirectedRequest},
		{"another page", "127.0.0.1", "127.0.0.1:9464", "cross-site", http.StatusForbidden},
		{"a page on another port", "127.0.0.1", "127.0.0.1:9464", "same-site", http.StatusForbidden},
		{"a page that a browser says nothing of but its origin", "127.0.0.1", "127.0.0.1:9464", "origin", http.StatusForbidden},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline"} {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				req.Host = test.host
				if test.site == "origin" {
					req.Header.Set("Origin", "http://evil.example.com")
				} else if test.site != "" {
					req.Header.Set("Sec-Fetch-Site", test.site)
				}
				answer := httptest.NewRecorder()
				guard(test.name, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") })).ServeHTTP(answer, req)
				if body := answer.Body.String(); answer.Code != test.code || strings.Contains(body, "figures") != (test.code == http.StatusOK) || body == "" {
					t.Errorf("%s: %d %q", path, answer.Code, body)
				}
			}
		})
	}
}

// What is served is behind the guard.
func TestServerAnswersUnderItsOwnNamesAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, New("1"))
	ask := func(host string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String()+"/debug/pprof/cmdline", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if code := ask("rebound.example.com"); code != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %d", code)
	}
	if code := ask("localhost"); code != http.StatusOK {
		t.Errorf("under its own: %d", code)
	}
}
