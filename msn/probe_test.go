package msn_test

import (
	"crypto/tls"
	"errors"
	"net"
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
