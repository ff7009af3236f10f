package passport

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Accounts that share what the nexus says ask it once, until that is old, or leads to nothing.
func TestNexusIsAskedOnceByMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		login, status := "https://login.example/a", http.StatusOK
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked[r.URL.String()]++
			answer := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}
			switch {
			case r.URL.Host != "login.example":
				answer.StatusCode = http.StatusOK
				answer.Header.Set(HeaderURLs, URLs{Login: login}.String())
			case status == http.StatusUnauthorized:
				answer.Header.Set(HeaderRefused, Info{Status: StatusFailed, Reason: "no"}.String())
			case status == http.StatusOK:
				answer.Header.Set(HeaderInfo, Info{Status: StatusSuccess, Ticket: "t"}.String())
			}
			return answer, nil
		})}
		var shared Nexus
		signIn := func(nexus string, want error) {
			t.Helper()
			tweener := Tweener{NexusURL: "https://" + nexus + "/", Client: client, Nexus: &shared, Allow: func(*url.URL) error { return nil }}
			if _, err := tweener.Ticket(t.Context(), "me@example.com", "p", "ct=1"); !errors.Is(err, want) {
				t.Errorf("error %v", err)
			}
		}
		check := func(what string, want map[string]int) {
			t.Helper()
			for at, n := range want {
				if asked[at] != n {
					t.Errorf("%s: %s was asked %d times: %v", what, at, asked[at], asked)
				}
			}
			clear(asked)
		}
		const nexus, other, a, b = "https://nexus.example/", "https://other.example/", "https://login.example/a", "https://login.example/b"
		for range 3 {
			signIn("nexus.example", nil)
		}
		check("three who sign in", map[string]int{nexus: 1, a: 3})
		login = b
		signIn("nexus.example", nil)
		check("one more", map[string]int{nexus: 0, a: 1})
		status = http.StatusUnauthorized
		signIn("nexus.example", ErrBadCredentials)
		status = http.StatusOK
		signIn("nexus.example", nil)
		check("after a wrong password", map[string]int{nexus: 0, a: 2})
		status = http.StatusBadGateway
		signIn("nexus.example", ErrLoginServer)
		status = http.StatusOK
		signIn("nexus.example", nil)
		check("after a login server that failed", map[string]int{nexus: 1, a: 1, b: 1})
		login = a
		time.Sleep(nexusAge + time.Second)
		signIn("nexus.example", nil)
		check("after a while", map[string]int{nexus: 1, a: 1, b: 0})
		signIn("other.example", nil)
		check("by another nexus", map[string]int{nexus: 0, other: 1, a: 1})
	})
}
