package trust

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"testing"
)

// config is what a test configures.
type config struct {
	server, nexus string
	trust         Trust
}

func (c config) policy() (*Policy, string, error) {
	configured := Configured{Server: c.server}
	if c.nexus != "" {
		configured.URLs = []string{c.nexus}
	}
	return New(configured, c.trust)
}

func TestTrust(t *testing.T) {
	for _, test := range []struct {
		name    string
		cfg     config
		yes, no []string
	}{
		{"the registered domain", config{server: "m1.escargot.chat:1963"},
			[]string{"m1.escargot.chat", "m1.escargot.chat:1863", "M2.Escargot.Chat:1864", "escargot.chat:443", "a.b.escargot.chat:1963", "m1.escargot.chat.:1863"},
			[]string{"escargot.chat:22", "evilescargot.chat:1863", "escargot.chat.evil.net:1863", "chat:1863", "127.0.0.1:1863", "8.8.8.8:1863"}},
		{"a public suffix is no domain", config{server: "me.github.io"},
			[]string{"me.github.io", "x.me.github.io"}, []string{"you.github.io", "github.io"}},
		{"the nexus", config{server: "ns.example.com", nexus: "https://nexus.example.org:8443/rdr"},
			[]string{"nexus.example.org:8443", "login.example.org:443", "login.example.org:8443"}, []string{"login.example.org:8444", "ns.example.com:8443"}},
		{"further hosts", config{server: "ns.example.com", trust: Trust{Hosts: []string{"sb.example.net", ".example.org", "one.example.biz:1900", "198.41.0.4"}}},
			[]string{"sb.example.net:1864", "a.example.org", "example.org", "one.example.biz:1900", "198.41.0.4:1863"},
			[]string{"x.sb.example.net", "example.net", "one.example.biz:1863", "sb.example.net:1900"}},
		{"a public address", config{server: "198.41.0.4:1863"}, []string{"198.41.0.4:1864", "[::ffff:198.41.0.4]:1863"}, []string{"198.41.0.5", "127.0.0.1"}},
		{"loopback", config{server: "127.0.0.1:4000"}, []string{"127.0.0.1:4000", "127.0.0.1:1864"}, []string{"127.0.0.1:22", "localhost:1864", "10.0.0.1:1864"}},
		{"localhost", config{server: "localhost"}, []string{"localhost:1864"}, []string{"127.0.0.1:22"}},
		{"private network", config{server: "msn.lan", trust: Trust{AllowPrivate: true, Hosts: []string{"10.1.1.1"}}},
			[]string{"msn.lan:5000", "10.1.1.1:5001"}, []string{"10.1.1.2", "other.lan"}},
	} {
		p, _, err := test.cfg.policy()
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range test.yes {
			if _, err := p.Check(address); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		for _, address := range test.no {
			if _, err := p.Check(address); !errors.Is(err, ErrUntrusted) {
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
		if _, got, err := (config{server: in}).policy(); err != nil || got != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
}

// A name that resolves into the operator's network is refused when it is dialled.
func TestTrustSeesResolvedAddresses(t *testing.T) {
	public, _, _ := config{server: "ns.example.com"}.policy()
	local, _, _ := config{server: "localhost"}.policy()
	for address, ok := range map[string]bool{
		"198.41.0.4:1863": true, "[2606:4700::1]:1863": true,
		"127.0.0.1:1863": false, "10.0.0.1:1863": false, "172.16.3.4:1863": false, "192.168.0.1:1863": false, "169.254.169.254:80": false,
		"[::1]:1863": false, "[fe80::1%lo]:1863": false, "[fd00::1]:1863": false, "[::ffff:10.0.0.1]:1863": false, "0.0.0.0:1": false,
		"[::10.0.0.1]:1863": false, "[::ffff:0:10.0.0.1]:1863": false, "[fec0::1]:1863": false, "[3fff::1]:1863": false,
		"100.64.0.1:1863": false, "224.0.0.1:1863": false, "[64:ff9b::a00:1]:1863": false, "255.255.255.255:1": false, "nonsense": false,
	} {
		if err := public.Control("tcp", address, nil); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := local.Control("tcp", "127.0.0.1:1863", nil); err != nil {
		t.Error(err)
	}
}

func TestTrustOfTheAddressThatWasReached(t *testing.T) {
	p, _, _ := config{server: "ns.example.com"}.policy()
	p.TrustReached(&net.TCPAddr{IP: net.ParseIP("198.41.0.4"), Port: 1863}, 1863)
	if _, err := p.Check("198.41.0.4:1864"); err != nil {
		t.Error(err)
	}
	if _, err := p.Check("198.41.0.4:22"); err == nil {
		t.Error("any port is trusted")
	}
	p.TrustReached(&net.TCPAddr{IP: net.ParseIP("10.0.0.1")}, 1863)
	if _, err := p.Check("10.0.0.1:1864"); err == nil {
		t.Error("a private address is trusted")
	}
}

func TestTrustOfURLs(t *testing.T) {
	public, _, _ := config{server: "ns.example.com", nexus: "https://nexus.example.com/"}.policy()
	local, _, _ := config{server: "127.0.0.1:1863", trust: Trust{AllowPrivate: true}}.policy()
	for _, test := range []struct {
		p   *Policy
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
		if err := test.p.CheckURL(u); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.url, err)
		}
	}
}

func TestTrustOfContactsMessengers(t *testing.T) {
	for _, private := range []bool{false, true} {
		p, _, err := New(Configured{Server: "msn.example.com"}, Trust{AllowPrivate: private})
		if err != nil {
			t.Fatal(err)
		}
		for address, public := range map[string]bool{
			"8.8.8.8:6891": true, "[2606:4700::1]:6891": true, "8.8.8.8:1024": true, "127.0.0.1:6891": false, "10.0.0.4:6891": false, "192.168.1.1:6891": false,
			"169.254.169.254:6891": false, "[::1]:6891": false, "[fe80::1]:6891": false, "[::ffff:10.0.0.1]:6891": false, "0.0.0.0:6891": false, "100.64.0.1:6891": false,
		} {
			if err := p.CheckPeer(netip.MustParseAddrPort(address)); (err == nil) != (public || private) || err != nil && !errors.Is(err, ErrUntrusted) {
				t.Errorf("private %t: %s: %v", private, address, err)
			}
		}
		for _, address := range []string{"8.8.8.8:0", "8.8.8.8:25", "8.8.8.8:80", "8.8.8.8:443", "8.8.8.8:1023"} {
			if err := p.CheckPeer(netip.MustParseAddrPort(address)); !errors.Is(err, ErrUntrusted) {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
}
