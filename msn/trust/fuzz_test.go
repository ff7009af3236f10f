package trust

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzTrust asks policies about addresses and URLs that a server could name. What is let
// through is what a resolver and a dialer take for the same: a name below what is trusted or
// an IP address that is, at a port that is one. Asked again, it is let through unchanged.
func FuzzTrust(f *testing.F) {
	for _, s := range []string{
		"ns.example.com", "NS.Example.COM.:1863", "a.example.com:443", "evilexample.com", "example.com.evil.net", "127.0.0.1:1863", "127.1", "0177.0.0.1", "0x7f.0.0.1",
		"0x7f000001:1863", "2130706433", "127.0.0.1.", "[::1]:1863", "[::ffff:127.0.0.1]:1863", "::ffff:7f00:1", "[::ffff:0:127.0.0.1]:1863", "[fe80::1%25lo]:1863", "fe80::1%lo",
		"[::127.0.0.1]:1863", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "198.41.0.4:1863", "[::ffff:198.41.0.4]:1863", "[::ffff:198.41.0.4%1]:1863", "198.41.0.4%1",
		"user@ns.example.com", "ns.example.com:1863:1863", "ns.example.com:+1863", "ns.example.com:01863", "ns.example.com:http", ":1863", "[ns.example.com]:1863", "..example.com",
		"exämple.com", "xn--exmple-cua.com", "ns。example.com", "ns.example.com\u3002evil.net", "ns.example.com%00.evil.net", "ns.example.com/@evil.net", "ns.example.com#:1863", "*.example.com",
		"https://ns.example.com/", "https://user:pw@ns.example.com/", "https://ns.example.com:443@evil.net/", "https://evil.net\\@ns.example.com/", "http://127.0.0.1/", "https://[::1%25ns.example.com]/",
		"https://ns.example.com:1863\t/", "https:ns.example.com", "https:///ns.example.com", "https://ns.example.com.:443/", "https://169.254.169.254/latest", "ftp://ns.example.com/", "https://0:443/", "localhost", "a.localhost:1863",
	} {
		f.Add(s)
	}
	public, _, err := config{server: "ns.example.com", nexus: "https://nexus.example.org:8443/", trust: Trust{Hosts: []string{"198.41.0.4", ".tree.example.net", "one.example.biz:1900"}}}.policy()
	if err != nil {
		f.Fatal(err)
	}
	local, _, err := config{server: "127.0.0.1:4000"}.policy()
	if err != nil {
		f.Fatal(err)
	}
	private, _, err := config{server: "msn.lan", trust: Trust{AllowPrivate: true, Hosts: []string{"10.1.1.1"}}}.policy()
	if err != nil {
		f.Fatal(err)
	}
	policies := []struct {
		name  string
		p     *Policy
		hosts []string // those that are trusted; a name with a dot before it covers all below
		ports bool     // any port
		local bool     // addresses that are not public
	}{
		{"public", public, []string{"example.com", ".example.com", "example.org", ".example.org", "198.41.0.4", "tree.example.net", ".tree.example.net", "one.example.biz"}, false, false},
		{"local", local, []string{"127.0.0.1"}, false, true},
		{"private", private, []string{"msn.lan", "10.1.1.1"}, true, true},
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, policy := range policies {
			dialled, err := policy.p.Check(s)
			if err != nil && !errors.Is(err, ErrUntrusted) {
				t.Fatalf("%s: %q: %v", policy.name, s, err)
			}
			if err == nil {
				check(t, policy.name, s, dialled, policy.hosts, policy.ports, policy.local)
				if again, err := policy.p.Check(dialled); err != nil || again != dialled {
					t.Errorf("%s: %q is dialled as %q, which is dialled as %q, %v", policy.name, s, dialled, again, err)
				}
			}
			u, err := url.Parse(s)
			if err != nil {
				continue
			}
			_ = policy.p.CheckGateway(u)
			if policy.p.CheckURL(u) != nil {
				continue
			}
			// What an http.Client dials.
			port := u.Port()
			if port == "" {
				port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
			}
			check(t, policy.name, s, net.JoinHostPort(u.Hostname(), port), policy.hosts, policy.ports, policy.local)
			if u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !policy.local || !loopback(u.Hostname())) {
				t.Errorf("%s: credentials go to %q", policy.name, s)
			}
		}
	})
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// check holds an address that is let through against what is trusted, in another way than
// the policy does.
func check(t *testing.T, policy, named, dialled string, hosts []string, anyPort, local bool) {
	host, portText, err := net.SplitHostPort(dialled)
	if err != nil {
		t.Fatalf("%s: %q is dialled as %q: %v", policy, named, dialled, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 1 || port > 65535 {
		t.Errorf("%s: %q is dialled as %q", policy, named, dialled)
	}
	if !anyPort && !slices.Contains([]string{"80", "443", "1863", "1864", "1865", "1900", "4000", "8443"}, portText) {
		t.Errorf("%s: %q is dialled at a port of its own: %q", policy, named, dialled)
	}
	if ip := net.ParseIP(host); ip != nil {
		at := netip.AddrPortFrom(netip.MustParseAddr(ip.String()), uint16(port))
		if !local && !Public(at.Addr()) {
			t.Errorf("%s: %q is dialled as %q, which is not public", policy, named, dialled)
		}
		host = ip.String()
	} else if strings.ContainsAny(host, "%@/\\ \t\r\n\x00#?[]:") {
		t.Errorf("%s: %q is dialled as %q", policy, named, dialled)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, trusted := range hosts {
		if host == trusted || strings.HasPrefix(trusted, ".") && strings.HasSuffix(host, trusted) {
			return
		}
	}
	t.Errorf("%s: %q is dialled as %q", policy, named, dialled)
}

// FuzzControl asks about addresses that a name resolves to: what is let through is the
// address of a host of the internet at large, in whatever form it comes.
func FuzzControl(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "198.41.0.4", "2606:4700::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::", "::1", "::10.0.0.1", "fec0::1", "fe80::1"} {
		ip := netip.MustParseAddr(s).As16()
		f.Add(ip[:], "")
		f.Add(ip[:], "lo")
	}
	public, _, err := config{server: "ns.example.com"}.policy()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, zone string) {
		ip, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		address := net.JoinHostPort(ip.WithZone(zone).String(), "1863")
		if public.Control("tcp", address, nil) != nil {
			return
		}
		inner := []netip.Addr{ip.Unmap()}
		if ip.Is6() {
			b := ip.As16()
			inner = append(inner, netip.AddrFrom4([4]byte(b[12:])))
			if !strings.HasPrefix(ip.String(), "::") {
				inner = inner[:1] // only what is nothing but zeros before it is an address of version 4
			}
		}
		for _, at := range inner {
			if at.IsPrivate() || at.IsLoopback() || at.IsLinkLocalUnicast() || at.IsMulticast() || at.IsUnspecified() {
				t.Errorf("%q is dialled", address)
			}
		}
	})
}
