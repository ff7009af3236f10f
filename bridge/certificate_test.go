package bridge

import (
	"os"
	"path/filepath"
	"testing"

	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/config"
	"matrix-msn/msn/msntest"
)

// A service that has another certificate now needs no restart of the bridge: the file of its
// certificates is read again.
func TestServiceWithAnotherCertificateNeedsNoRestart(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	write := func(certificate []byte) {
		if err := os.WriteFile(file, certificate, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(srv.CertPEM())
	b := newTestBridge(t, srv, withHome(func(home *config.ServiceConfig) { home.CAFile = file }))
	b.login()
	from := b.matrix.position()
	write(msntest.NewServer(t).CertPEM())
	if err := srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	_, from = b.matrix.wait(t, from, "the certificate that is not trusted", func(r record) bool {
		return r.bridge.Error == "msn-certificate"
	})
	write(srv.CertPEM())
	b.matrix.wait(t, from, "the return", func(r record) bool { return r.bridge.StateEvent == status.StateConnected })
}
