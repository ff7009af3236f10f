package web

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrix-msn/msn/trust"
)

// Certificates that change while an account lives count for its next request, also where a
// connection to the service is open, and for those of several at once.
func TestCertificatesThatChange(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	policy, _, err := trust.New(trust.Configured{Server: "127.0.0.1", URLs: []string{srv.URL}}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	var roots atomic.Pointer[x509.CertPool]
	none, own := x509.NewCertPool(), x509.NewCertPool()
	own.AddCert(srv.Certificate())
	s := New(Config{Policy: policy, Roots: roots.Load, Dial: time.Minute, Request: time.Minute})
	defer s.Close()
	get := func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.RoundTrip(request)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	}
	for _, step := range []struct {
		pool    *x509.CertPool
		trusted bool
	}{{none, false}, {own, true}, {own.Clone(), true}, {none, false}, {own, true}, {nil, false}} {
		roots.Store(step.pool)
		results := make(chan error)
		for range 2 {
			go func() { results <- get() }()
		}
		for range 2 {
			err := <-results
			if _, refused := errors.AsType[*tls.CertificateVerificationError](err); refused == step.trusted || (err == nil) != step.trusted {
				t.Errorf("error %v, want trust %v", err, step.trusted)
			}
		}
	}
}

// The same certificates in another pool are no change: connections stay open.
func TestCertificatesThatStayTheSame(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("From", r.RemoteAddr) }))
	srv.StartTLS()
	defer srv.Close()
	policy, _, err := trust.New(trust.Configured{Server: "127.0.0.1", URLs: []string{srv.URL}}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Policy: policy, Dial: time.Minute, Request: time.Minute, Roots: func() *x509.CertPool {
		opened.Add(1)
		pool := x509.NewCertPool()
		pool.AddCert(srv.Certificate())
		return pool
	}})
	defer s.Close()
	var from []string
	for range 3 {
		answer, err := (&http.Client{Transport: s}).Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		from = append(from, answer.Header.Get("From"))
	}
	if opened.Load() != 3 || strings.Join(from, " ") != strings.Repeat(from[0]+" ", 2)+from[0] {
		t.Errorf("requests come from %q", from)
	}
}
