package doctor

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		{"certificate", func(_ *msntest.Server, c *config.ServiceConfig) { c.CAFile = "" }, Bad, []string{"The certificate of the host in network.services.home.nexus is not trusted", "network.services.home.ca_file",
			"network.services.home.dialects: [MSNP12, MSNP11, MSNP10, MSNP9, MSNP8]"}},
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
		}, Bad, []string{"Home is out of order at network.services.home.web_services.address_book", "HTTP 503"}},
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
