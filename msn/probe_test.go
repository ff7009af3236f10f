package msn_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// A probe agrees on the best dialect in common, names no account, and leaves nobody signed in.
func TestProbeAgreesOnADialect(t *testing.T) {
	t.Parallel()
	srv := newService(t, msntest.WithDialects(12, 9))
	cfg := configFor(srv, "", 18, 12, 9)
	cfg.Web = webConfig(srv, alice, 18).Web
	dialect, err := msn.Probe(t.Context(), cfg)
	if err != nil || dialect != 12 {
		t.Errorf("got %v, %v", dialect, err)
	}
	for _, record := range srv.Records() {
		switch record.Command.Verb {
		case "", "VER", "OUT": // the last is how a client hangs up
		default:
			t.Errorf("the server saw %v", record.Command)
		}
	}
	cfg.Dialects = []wire.Dialect{8}
	if _, err := msn.Probe(t.Context(), cfg); !errors.Is(err, msn.ErrNoDialect) {
		t.Errorf("without a dialect in common: %v", err)
	}
}

// A probe opens connections of its own, and leaves none of them, nor its waits, to the accounts of the service.
func TestProbeSharesNothing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	from := make(map[string]bool)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		from[r.RemoteAddr] = true
	}))
	defer srv.Close()
	cfg := msn.Config{Server: "127.0.0.1:1", NexusURL: srv.URL, Dialects: []wire.Dialect{8}, RootCAs: x509.NewCertPool(), Shared: new(msn.Shared)}
	cfg.RootCAs.AddCert(srv.Certificate())
	for range 2 {
		if _, err := msn.ProbeWeb(t.Context(), cfg, srv.URL); err != nil {
			t.Fatal(err)
		}
	}
	if len(from) != 2 {
		t.Errorf("two probes are made by %d connections", len(from))
	}
}

// What a sign-in would fail with, a probe fails with.
func TestProbeOfAServerThatIsAwayFails(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	cfg := configFor(srv, "", 12)
	srv.Close()
	_, err := msn.Probe(t.Context(), cfg)
	if _, ok := errors.AsType[*net.OpError](err); !ok {
		t.Errorf("got %v", err)
	}
	if _, err := msn.ProbeWeb(t.Context(), cfg, cfg.NexusURL); err == nil {
		t.Error("a web service that is away answers")
	}
}

// Web services are asked with the certificates that a sign-in trusts.
func TestProbeOfWebServices(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	cfg := webConfig(srv, "", 18)
	addresses := cfg.WebAddresses()
	if len(addresses) != 1+len(cfg.Web.All()) {
		t.Errorf("the addresses are %q", addresses)
	}
	for _, address := range addresses {
		answer, err := msn.ProbeWeb(t.Context(), cfg, address)
		if err != nil || answer.Status == 0 || answer.Status == 404 || answer.Expires.IsZero() {
			t.Errorf("%s: %+v, %v", address, answer, err)
		}
	}
	if answer, err := msn.ProbeWeb(t.Context(), cfg, cfg.NexusURL+"x"); err != nil || answer.Status != 404 && answer.Status != 405 {
		t.Errorf("an address where nothing is: %+v, %v", answer, err)
	}
	cfg.RootCAs = nil
	_, err := msn.ProbeWeb(t.Context(), cfg, cfg.NexusURL)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
}
