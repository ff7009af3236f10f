package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrix-msn/bridge/config"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestEveryTroubleWithAServiceHasItsSentence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		make  func(*msntest.Server, *config.ServiceConfig)
		level Level
		want  []string
	}{
		{"all is well", func(*msntest.Server, *config.ServiceConfig) {}, Fine, []string{"speaks MSNP18", "its web services answer: nexus, login, address_book, sharing, mailbox, post, storage, with certificates that are good until 20"}},
		{"older dialects", func(s *msntest.Server, c *config.ServiceConfig) { c.Dialects = []string{"MSNP9", "MSNP8"} }, Fine, []string{"speaks MSNP9"}},
		{"no dialect in common", func(s *msntest.Server, c *config.ServiceConfig) {
			s.Hook(func(r *msntest.Request) msntest.Action {
				if r.Command.Verb == "VER" {
					return msntest.Reply(wire.New("VER", r.TrID(), "0"))
				}
				return msntest.Action{}
			})
		}, Bad, []string{"speaks none of the versions of the protocol in network.services.home.dialects"}},
		{"certificate", func(_ *msntest.Server, c *config.ServiceConfig) { c.CAFile = "" }, Bad, []string{"The certificate of the host in network.services.home.nexus is not trusted", "network.services.home.ca_file"}},
		{"away", func(s *msntest.Server, _ *config.ServiceConfig) { s.Close() }, Bad, []string{"Nothing listens at the host and port in network.services.home.server"}},
		{"path", func(s *msntest.Server, _ *config.ServiceConfig) {
			s.Hook(func(r *msntest.Request) msntest.Action {
				if r.HTTP != nil && strings.HasSuffix(r.HTTP.URL.Path, "oim.asmx") {
					return msntest.Respond(http.StatusNotFound, nil, "")
				}
				return msntest.Action{}
			})
		}, Warning, []string{"There is nothing at the path of network.services.home.web_services.post"}},
		{"out of order", func(s *msntest.Server, _ *config.ServiceConfig) {
			s.Hook(func(r *msntest.Request) msntest.Action {
				if r.HTTP != nil && strings.HasSuffix(r.HTTP.URL.Path, "abservice.asmx") {
					return msntest.Respond(http.StatusServiceUnavailable, nil, "")
				}
				return msntest.Action{}
			})
		}, Bad, []string{"Home is out of order at network.services.home.web_services.address_book", "HTTP 503",
			"network.services.home.dialects: [MSNP12, MSNP11, MSNP10, MSNP9, MSNP8]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := msntest.NewServer(t)
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, srv.CertPEM(), 0o600); err != nil {
				t.Fatal(err)
			}
			service := config.ServiceConfig{
				Name: "Home", Server: srv.Addr(), Nexus: srv.NexusURL(), CAFile: ca, AllowPrivate: true,
				Web: strings.TrimSuffix(srv.Web().Login, msntest.RSTPath),
			}
			test.make(srv, &service)
			c := &config.Config{CredentialKey: "0123456789abcdef", DisplaynameTemplate: "{{.Account}}", Services: map[string]config.ServiceConfig{"home": service}}
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			found := CheckService(t.Context(), c.Service("home"))
			all := said(found)
			worst := Fine
			for _, f := range found {
				worst = max(worst, f.Level)
			}
			for _, want := range test.want {
				if worst != test.level || !strings.Contains(all, want) {
					t.Errorf("want %v, %q; got\n%s", test.level, want, all)
				}
			}
			if test.name == "away" && strings.Count(all, "fail") > 2 {
				t.Errorf("one host is told of many times:\n%s", all)
			}
		})
	}
}

// certificate makes one for a name or an address, good until a time.
func certificate(t *testing.T, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	if ip := net.ParseIP(host); ip != nil {
		made.IPAddresses = []net.IP{ip}
	} else {
		made.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// What is wrong with a certificate is told once for a host. Dialects that need it as well are no way around that.
func TestCertificatesOfAService(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, host string
		until      time.Duration
		level      Level
		want       string
	}{
		{"expired", "127.0.0.1", -time.Hour, Bad, "The certificate of the host in network.services.home.nexus has expired"},
		{"for another name", "other.example", 60 * 24 * time.Hour, Bad, "The certificate of the host in network.services.home.nexus is for another name"},
		{"ends soon", "127.0.0.1", 24 * time.Hour, Warning, "the service has to renew it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := msntest.NewServer(t, msntest.WithCertificate(certificate(t, test.host, time.Now().Add(test.until))))
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, srv.CertPEM(), 0o600); err != nil {
				t.Fatal(err)
			}
			c := &config.Config{CredentialKey: "0123456789abcdef", DisplaynameTemplate: "{{.Account}}", Services: map[string]config.ServiceConfig{"home": {
				Name: "Home", Server: srv.Addr(), Nexus: srv.NexusURL(), CAFile: ca, AllowPrivate: true,
				Web: strings.TrimSuffix(srv.Web().Login, msntest.RSTPath),
			}}}
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			var told []Finding
			for _, f := range CheckService(t.Context(), c.Service("home")) {
				if f.Level != Fine {
					told = append(told, f)
				}
			}
			if len(told) != 1 || told[0].Level != test.level || !strings.Contains(told[0].Says, test.want) {
				t.Errorf("want %v, %q; got\n%s", test.level, test.want, said(told))
			}
		})
	}
}
