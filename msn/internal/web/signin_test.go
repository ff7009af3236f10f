package web

import (
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/trust"
)

const nexusURL = "https://nexus.msn.example.com/rdr/pprdr.asp"

// roundTripper is a http.RoundTripper made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A trusted name of a login server that resolves into the operator's network is
// refused when it is dialled, whatever certificates are trusted: the password
// stays here.
func TestTrustSeesResolvedLoginServers(t *testing.T) {
	for _, test := range []struct {
		name       string
		private    bool
		redirected bool // by Location, else named by the nexus
		want       error
	}{
		{"DALogin", false, false, trust.ErrUntrusted},
		{"Location", false, true, trust.ErrUntrusted},
		{"DALogin, allowed", true, false, nil},
		{"Location, allowed", true, true, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := msntest.NewServer(t)
			srv.AddAccount("alice@example.com", "secret")
			var asked atomic.Bool
			srv.Hook(func(r *msntest.Request) msntest.Action {
				if r.Kind == msntest.HTTPS {
					asked.Store(true)
				}
				return msntest.Action{}
			})
			nexus, err := url.Parse(srv.NexusURL())
			if err != nil {
				t.Fatal(err)
			}
			inside := "localhost:" + nexus.Port()
			at := "https://" + inside + msntest.LoginPath
			policy, _, err := trust.New(trust.Configured{Server: "ns.msn.example.com", URLs: []string{nexusURL}},
				trust.Trust{Hosts: []string{inside}, AllowPrivate: test.private})
			if err != nil {
				t.Fatal(err)
			}
			s := New(Config{Account: "alice@example.com", Password: "secret", NexusURL: nexusURL,
				Policy: policy, Roots: srv.CertPool, Dial: 10 * time.Second, Request: 10 * time.Second})
			transport := newTransport(s.cfg, srv.CertPool())
			if transport.Proxy != nil || transport.MaxResponseHeaderBytes == 0 {
				t.Error("the transport is not limited")
			}
			s.cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				answer := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
				switch {
				case r.URL.Host == inside:
					defer transport.CloseIdleConnections()
					return transport.RoundTrip(r)
				case r.URL.String() != nexusURL:
					answer.StatusCode = 302
					answer.Header.Set("Location", at)
				case test.redirected:
					answer.Header.Set("PassportURLs", "DALogin=https://login.msn.example.com/login")
				default:
					answer.Header.Set("PassportURLs", "DALogin="+at)
				}
				return answer, nil
			})
			_, err = s.Tweener(t.Context(), 8, "ct=1")
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if got := asked.Load(); got != test.private {
				t.Errorf("the login server was asked: %v", got)
			}
		})
	}
}
