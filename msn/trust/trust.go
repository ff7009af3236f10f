// Package trust decides which addresses may be dialled: what a server names by XFR, RNG and
// HTTP redirects, and what names resolve to.
package trust

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/net/publicsuffix"
)

// Trust says which hosts a server may send its clients to by XFR, RNG and HTTP
// redirects, besides those that are [Configured]. These, and everything in their
// registered domains, are trusted at the ports 80, 443 and 1863 to 1865 and at the
// configured port, if their addresses are public. An IP address is trusted only when it
// is configured, or when it is the one that the configured server was reached at.
//
// Loopback, private and other special addresses are refused, also behind a
// trusted name, unless the configured server or nexus is itself such an address
// or "localhost", or AllowPrivate is set.
type Trust struct {
	// Hosts are further trusted names and IP addresses; a name that begins with a
	// dot covers all below it. An entry may name a port: "sb.example.com:1900".
	Hosts []string
	// AllowPrivate lets trusted names have loopback and private addresses and
	// lifts the limit on ports, for servers in the operator's own network.
	AllowPrivate bool
}

// ErrUntrusted says that an address is not trusted.
var ErrUntrusted = errors.New("msn: address not trusted")

// DefaultPort is the port of dispatch, notification and switchboard servers that
// name none.
const DefaultPort = 1863

// Policy is a Trust together with what the configured addresses imply.
type Policy struct {
	hosts   []trusted
	anyPort bool
	private bool
}

// trusted is one entry of a policy.
type trusted struct {
	host string // lower case; an IP address in its canonical form
	tree bool   // all names below host too
	port int    // only this port; 0 means the usual ones
	more int    // this port besides the usual ones
}

// usualPort reports whether services of this kind live at port.
func usualPort(port int) bool {
	return port == 80 || port == 443 || port >= 1863 && port <= 1865
}

// Configured are the addresses that the configuration names. They are trusted.
type Configured struct {
	Server string   // host and port of the dispatch or notification server; the port may be left out
	URLs   []string // of web services, nexus and gateway
}

// New makes the policy of a configuration. The server's address is returned in the form
// that is dialled. The error says which address is invalid.
func New(configured Configured, further Trust) (p *Policy, address string, err error) {
	p = &Policy{anyPort: further.AllowPrivate, private: further.AllowPrivate}
	host, port, err := SplitAddress(configured.Server)
	if err != nil {
		return nil, "", fmt.Errorf("msn: server %q: %w", configured.Server, err)
	}
	p.trustConfigured(host, port)
	p.private = p.private || special(host)
	for _, address := range configured.URLs {
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" {
			return nil, "", fmt.Errorf("msn: the web service address %q is no URL", address)
		}
		p.trustConfigured(strings.ToLower(u.Hostname()), urlPort(u))
		p.private = p.private || special(u.Hostname())
	}
	for _, entry := range further.Hosts {
		t := trusted{host: strings.ToLower(entry)}
		if strings.Contains(entry, ":") && !isIP(entry) {
			if t.host, t.port, err = SplitAddress(entry); err != nil {
				return nil, "", fmt.Errorf("msn: trusted host %q: %w", entry, err)
			}
		}
		t.host, t.tree = strings.CutPrefix(t.host, ".")
		t.host = canonical(t.host)
		p.hosts = append(p.hosts, t)
	}
	return p, net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// trustConfigured trusts a host that the configuration names, and the registered
// domain it is in.
func (p *Policy) trustConfigured(host string, port int) {
	p.hosts = append(p.hosts, trusted{host: canonical(host), more: port})
	if isIP(host) {
		return
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		p.hosts = append(p.hosts, trusted{host: domain, tree: true, more: port})
	}
}

// TrustReached trusts the address at which the configured server was reached:
// servers name themselves by it.
func (p *Policy) TrustReached(remote net.Addr, port int) {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return
	}
	if ip, ok := netip.AddrFromSlice(tcp.IP); ok {
		p.hosts = append(p.hosts, trusted{host: ip.Unmap().String(), more: port})
	}
}

// Check returns the address in the form that is dialled, or an error that wraps
// ErrUntrusted. Names are not resolved here: Control sees what they resolve to.
func (p *Policy) Check(address string) (string, error) {
	host, port, err := SplitAddress(address)
	if err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrUntrusted, address, err)
	}
	if !p.covers(host, port) {
		return "", fmt.Errorf("%w: %q", ErrUntrusted, address)
	}
	if ip, err := netip.ParseAddr(host); err == nil && !p.private && !Public(ip) {
		return "", fmt.Errorf("%w: %q is no public address", ErrUntrusted, address)
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

func (p *Policy) covers(host string, port int) bool {
	host = canonical(host)
	for _, t := range p.hosts {
		if host != t.host && !(t.tree && strings.HasSuffix(host, "."+t.host)) {
			continue
		}
		if t.port == port || t.port == 0 && (p.anyPort || usualPort(port) || t.more == port) {
			return true
		}
	}
	return false
}

// CheckURL decides about an address that credentials are sent to: https to
// trusted hosts only, and http only to loopback where that is allowed.
func (p *Policy) CheckURL(u *url.URL) error {
	switch u.Scheme {
	case "https":
	case "http":
		if ip, err := netip.ParseAddr(u.Hostname()); !p.private ||
			u.Hostname() != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
			return fmt.Errorf("%w: no https", ErrUntrusted)
		}
	default:
		return fmt.Errorf("%w: scheme %q", ErrUntrusted, u.Scheme)
	}
	if u.User != nil {
		return fmt.Errorf("%w: user name in the address", ErrUntrusted)
	}
	_, err := p.Check(net.JoinHostPort(u.Hostname(), strconv.Itoa(urlPort(u))))
	return err
}

// Control is a net.Dialer's Control: it sees the address that a name was
// resolved to, right before it is dialled, so that no name leads into the
// operator's network.
func (p *Policy) Control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q", ErrUntrusted, address)
	}
	if !p.private && !Public(at.Addr()) {
		return fmt.Errorf("%w: %q is no public address", ErrUntrusted, address)
	}
	return nil
}

// CheckPeer decides about an address at which a contact's own program is to listen: a public one, unless
// private ones are allowed, and no port of a service of the system.
func (p *Policy) CheckPeer(at netip.AddrPort) error {
	if at.Port() < firstPeerPort {
		return fmt.Errorf("%w: port %d", ErrUntrusted, at.Port())
	}
	if !p.private && !Public(at.Addr()) {
		return fmt.Errorf("%w: %q is no public address", ErrUntrusted, at.Addr())
	}
	return nil
}

// firstPeerPort is the first port at which programs of users listen.
const firstPeerPort = 1024

// specialNets are address blocks that netip has no question for but that lead to
// no public host (IANA special-purpose registries), or that embed an IPv4
// address which could be any.
var specialNets = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2002::/16"), // 6to4
	netip.MustParsePrefix("2001::/32"), // Teredo
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("3fff::/20"), // documentation
}

// global6 is what the internet at large has of IPv6. Outside of it are the forms that carry an
// IPv4 address, of a host in the operator's network it may be: "::10.0.0.1", "::ffff:0:10.0.0.1",
// and those of NAT64.
var global6 = netip.MustParsePrefix("2000::/3")

// Public reports whether ip belongs to a host of the internet at large: not to the
// operator's own network, nor to a block that could lead there.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.Is6() && !global6.Contains(ip) || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, block := range specialNets {
		if block.Contains(ip) {
			return false
		}
	}
	return true
}

// special reports whether a configured host shows that the operator means an
// address that is not public.
func special(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !Public(ip)
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// canonical makes names and addresses comparable.
func canonical(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// SplitAddress cuts "host:port" or "host"; the port is DefaultPort then.
func SplitAddress(address string) (string, int, error) {
	host, portText := address, ""
	if !isIP(address) {
		if i := strings.LastIndexByte(address, ':'); i >= 0 {
			var err error
			if host, portText, err = net.SplitHostPort(address); err != nil {
				return "", 0, fmt.Errorf("msn: not an address: %w", err)
			}
		}
	}
	host = strings.ToLower(host)
	if !ValidHost(host) {
		return "", 0, fmt.Errorf("msn: no host name")
	}
	if portText == "" {
		return host, DefaultPort, nil
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return "", 0, fmt.Errorf("msn: no port number")
	}
	return host, int(port), nil
}

// ValidHost reports whether host can be an IP address or a DNS name. Internal
// names with underscores exist. Only link-local addresses have a zone, which is the name of an
// interface.
func ValidHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Zone() == "" || ip.IsLinkLocalUnicast() && !ip.Is4In6() && validName(ip.Zone())
	}
	return validName(host)
}

// validName reports whether a text has the form of a name in lower case.
func validName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for i := 0; i < len(host); i++ {
		c := host[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}

// urlPort returns the port that a URL leads to.
func urlPort(u *url.URL) int {
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}

// CheckGateway decides about the address of a gateway: http and https to hosts that are
// trusted. What goes there would go unencrypted without it, too.
func (p *Policy) CheckGateway(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return fmt.Errorf("%w: %q", ErrUntrusted, u.Redacted())
	}
	_, err := p.Check(net.JoinHostPort(u.Hostname(), strconv.Itoa(urlPort(u))))
	return err
}
