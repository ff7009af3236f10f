package msn

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"matrix-msn/msn/msntest"
)

func TestTrust(t *testing.T) {
	for _, test := range []struct {
		name    string
		cfg     Config
		yes, no []string
	}{
		{"the registered domain", Config{Server: "m1.escargot.chat:1963"},
			[]string{"m1.escargot.chat", "m1.escargot.chat:1863", "M2.Escargot.Chat:1864", "escargot.chat:443", "a.b.escargot.chat:1963", "m1.escargot.chat.:1863"},
			[]string{"escargot.chat:22", "evilescargot.chat:1863", "escargot.chat.evil.net:1863", "chat:1863", "127.0.0.1:1863", "8.8.8.8:1863"}},
		{"a public suffix is no domain", Config{Server: "me.github.io"},
			[]string{"me.github.io", "x.me.github.io"}, []string{"you.github.io", "github.io"}},
		{"the nexus", Config{Server: "ns.example.com", NexusURL: "https://nexus.example.org:8443/rdr"},
			[]string{"nexus.example.org:8443", "login.example.org:443", "login.example.org:8443"}, []string{"login.example.org:8444", "ns.example.com:8443"}},
		{"further hosts", Config{Server: "ns.example.com", Trust: Trust{Hosts: []string{"sb.example.net", ".example.org", "one.example.biz:1900", "198.41.0.4"}}},
			[]string{"sb.example.net:1864", "a.example.org", "example.org", "one.example.biz:1900", "198.41.0.4:1863"},
			[]string{"x.sb.example.net", "example.net", "one.example.biz:1863", "sb.example.net:1900"}},
		{"a public address", Config{Server: "198.41.0.4:1863"}, []string{"198.41.0.4:1864", "[::ffff:198.41.0.4]:1863"}, []string{"198.41.0.5", "127.0.0.1"}},
		{"loopback", Config{Server: "127.0.0.1:4000"}, []string{"127.0.0.1:4000", "127.0.0.1:1864"}, []string{"127.0.0.1:22", "localhost:1864", "10.0.0.1:1864"}},
		{"localhost", Config{Server: "localhost"}, []string{"localhost:1864"}, []string{"127.0.0.1:22"}},
		{"private network", Config{Server: "msn.lan", Trust: Trust{AllowPrivate: true, Hosts: []string{"10.1.1.1"}}},
			[]string{"msn.lan:5000", "10.1.1.1:5001"}, []string{"10.1.1.2", "other.lan"}},
	} {
		p, _, err := newPolicy(&test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range test.yes {
			if _, err := p.check(address); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		for _, address := range test.no {
			if _, err := p.check(address); !errors.Is(err, ErrUntrusted) {
				t.Errorf("%s: %s is trusted: %v", test.name, address, err)
			}
		}
	}
}

func TestTrustDefaultPort(t *testing.T) {
	for in, want := range map[string]string{
		"ns.example.com": "ns.example.com:1863", "NS.example.com:1900": "ns.example.com:1900",
		"198.41.0.4": "198.41.0.4:1863", "2606:4700::1": "[2606:4700::1]:1863", "[2606:4700::1]:5": "[2606:4700::1]:5",
	} {
		if _, got, err := newPolicy(&Config{Server: in}); err != nil || got != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
}

// A name that resolves into the operator's network is refused when it is dialled.
func TestTrustSeesResolvedAddresses(t *testing.T) {
	public, _, _ := newPolicy(&Config{Server: "ns.example.com"})
	local, _, _ := newPolicy(&Config{Server: "localhost"})
	for address, ok := range map[string]bool{
		"198.41.0.4:1863": true, "[2606:4700::1]:1863": true,
		"127.0.0.1:1863": false, "10.0.0.1:1863": false, "172.16.3.4:1863": false, "192.168.0.1:1863": false, "169.254.169.254:80": false,
		"[::1]:1863": false, "[fe80::1%lo]:1863": false, "[fd00::1]:1863": false, "[::ffff:10.0.0.1]:1863": false, "0.0.0.0:1": false,
		"100.64.0.1:1863": false, "224.0.0.1:1863": false, "[64:ff9b::a00:1]:1863": false, "255.255.255.255:1": false, "nonsense": false,
	} {
		if err := public.control("tcp", address, nil); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := local.control("tcp", "127.0.0.1:1863", nil); err != nil {
		t.Error(err)
	}
}

func TestTrustResolvedAddressIsRefusedByLogin(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client := newTestClient()
	if conn, err := client.dial(t.Context(), "NS", listener.Addr().String()); !errors.Is(err, ErrUntrusted) {
		t.Errorf("connected to %v, %v", conn, err)
	}
}

func TestTrustOfTheAddressThatWasReached(t *testing.T) {
	p, _, _ := newPolicy(&Config{Server: "ns.example.com"})
	p.trustReached(&net.TCPAddr{IP: net.ParseIP("198.41.0.4"), Port: 1863}, 1863)
	if _, err := p.check("198.41.0.4:1864"); err != nil {
		t.Error(err)
	}
	if _, err := p.check("198.41.0.4:22"); err == nil {
		t.Error("any port is trusted")
	}
	p.trustReached(&net.TCPAddr{IP: net.ParseIP("10.0.0.1")}, 1863)
	if _, err := p.check("10.0.0.1:1864"); err == nil {
		t.Error("a private address is trusted")
	}
}

func TestTrustOfURLs(t *testing.T) {
	public, _, _ := newPolicy(&Config{Server: "ns.example.com", NexusURL: "https://nexus.example.com/"})
	local, _, _ := newPolicy(&Config{Server: "127.0.0.1:1863", Trust: Trust{AllowPrivate: true}})
	for _, test := range []struct {
		p   *policy
		url string
		ok  bool
	}{
		{public, "https://login.example.com/x", true}, {public, "http://login.example.com/x", false},
		{public, "https://evil.example.net/", false}, {public, "https://user:pw@login.example.com/", false},
		{public, "file:///etc/passwd", false}, {public, "//login.example.com/", false}, {public, "https://login.example.com:8443/", false},
		{local, "https://127.0.0.1:4433/", true}, {local, "http://127.0.0.1:8080/", true}, {local, "http://10.0.0.1/", false},
		{local, "http://login.example.com/", false},
	} {
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		if err := test.p.checkURL(u); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.url, err)
		}
	}
}

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
		{"DALogin", false, false, ErrUntrusted},
		{"Location", false, true, ErrUntrusted},
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
			cfg := fakeConfig(newFakeNet(t), 8)
			cfg.RootCAs = srv.CertPool()
			cfg.Trust = Trust{Hosts: []string{inside}, AllowPrivate: test.private}
			c, _, err := newClient(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			transport := c.loginTransport()
			if transport.Proxy != nil || transport.MaxResponseHeaderBytes == 0 {
				t.Error("the transport is not limited")
			}
			c.cfg.https = roundTripper(func(r *http.Request) (*http.Response, error) {
				answer := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
				switch {
				case r.URL.Host == inside:
					defer transport.CloseIdleConnections()
					return transport.RoundTrip(r)
				case r.URL.String() != fakeNexus:
					answer.StatusCode = 302
					answer.Header.Set("Location", at)
				case test.redirected:
					answer.Header.Set("PassportURLs", "DALogin=https://login.msn.example.com/login")
				default:
					answer.Header.Set("PassportURLs", "DALogin="+at)
				}
				return answer, nil
			})
			_, err = (&signIn{client: c}).tweenerTicket(t.Context(), "ct=1")
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if got := asked.Load(); got != test.private {
				t.Errorf("the login server was asked: %v", got)
			}
		})
	}
}
