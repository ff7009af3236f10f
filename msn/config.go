package msn

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/proxy"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/trust"
	"matrix-msn/msn/wire"
)

// Config is what [Login] needs to know of an account and its service.
type Config struct {
	// Account is the e-mail address as it was registered; some servers compare
	// letter case. Password is sent as its MD5 with a salt (MSNP2 to MSNP7) or
	// over HTTPS (from MSNP8 on), never otherwise.
	Account, Password string

	// Server is the host and port of the dispatch or notification server. The
	// port may be left out; it is 1863 then.
	Server string

	// Dialects are those to offer, the best first. Empty means all that this
	// package speaks and the addresses below suffice for: NexusURL or Web.Login from
	// MSNP8 on, Web from MSNP13 on.
	Dialects []wire.Dialect

	// NexusURL is where the address of the login server is asked for,
	// from MSNP8 to MSNP12: https, except on loopback.
	NexusURL string

	// Web are the web services of MSNP12 and later.
	Web WebServices

	// FallBack has a sign-in go on with a dialect that needs no web services (MSNP12 and older, with NexusURL) where those
	// cannot be used: where it is not sure that their addresses are right. The log says so.
	FallBack bool

	// Gateway is the address of an HTTP gateway ("http://gateway.example.com/gateway/gateway.dll")
	// that carries the connections where TCP port 1863 is closed. Empty means none.
	Gateway string

	// MachineGUID names this endpoint among those where the account is signed in, from
	// MSNP16 on. It is to stay the same for an account from sign-in to sign-in: the
	// server takes another sign-in with it for the end of the first. Empty means a
	// new one; see NewMachineGUID.
	MachineGUID string

	// EndpointName is what the user's other endpoints show of this one, from MSNP16 on.
	EndpointName string

	// Trust says which addresses the server may send the client to.
	Trust Trust

	// RootCAs are the certificates that web services by HTTPS are trusted by. Nil means
	// the system's. Roots, if it is set, is asked for them before each request: they can
	// change while the Client lives.
	RootCAs *x509.CertPool
	Roots   func() *x509.CertPool

	// Proxy is the address of a proxy by way of which all connections go: "socks5" or
	// "http", with user name and password if it wants them. Nil means none. What servers
	// name is held against Trust as without it, but the proxy resolves the names: that none
	// of them leads into the proxy's own network is not checked. A server that names itself
	// by an IP address has to be among Trust.Hosts.
	Proxy *url.URL

	// Dial opens TCP connections, or with Proxy those to the proxy. Nil means a dialer that
	// also holds the resolved address against Trust. A Dial of one's own takes over that
	// duty. Web services do not use it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// https is what tests put in the place of the transport for logins.
	https http.RoundTripper

	// Identity is the client that is announced by CVR. The zero value means
	// OfficialIdentity of the dialect that is spoken, and so does each field that is
	// empty.
	Identity Identity

	// SkipVersion leaves CVR out where it is optional: up to MSNP7.
	SkipVersion bool

	// Locale is the language that URL and SND ask for, as a Windows locale. Zero
	// means 0x0409, English (US).
	Locale uint16

	// Groups are the group chats that the user keeps: the members of each by its ID, as
	// [Client.GroupChat] takes them. A service calls the user into conversations as soon as
	// they are online, and one that nobody has named by then gets a new ID.
	Groups map[string][]string

	// Paging says whom pages may be sent to.
	Paging Paging

	// Status is the status after signing in. Empty means Online.
	Status Status

	// Picture is the display picture after signing in, from MSNP9 on; see [Client.SetPicture].
	// Nil means none.
	Picture []byte

	// DirectFiles has files of Messengers of MSNP8 and older taken, which come by a connection to the address that
	// their sender names: a public one, unless Trust.AllowPrivate is set, and a port from 1024 on. The sender sees where
	// the client is. Without it they are declined, and so they are with a Gateway.
	DirectFiles bool

	// Capabilities is the client's capability number, sent from MSNP8 on
	// (protocol/03-presence.md, section 4). Zero means DefaultCapabilities of the
	// dialect. With other bits set, contacts try what this package does not do.
	Capabilities uint32

	// Shared is what the Client has in common with others of its service. Nil means nothing.
	Shared *Shared

	// Timeouts are the waits of a Client. Zero fields mean the defaults.
	Timeouts Timeouts

	// Logger gets what is worth knowing in an operator's log, without message
	// bodies, passwords or tickets. Nil means none.
	Logger *slog.Logger
}

// Timeouts are the waits of a Client. They are limits: what takes longer has
// failed.
type Timeouts struct {
	Dial      time.Duration // opening one TCP connection (default 15 s)
	Request   time.Duration // one answer of the server, once signed in (default 30 s)
	Login     time.Duration // signing in as a whole, redirects included (default 60 s)
	Write     time.Duration // one write (default 30 s)
	Ack       time.Duration // the acknowledgement of one message (default 30 s)
	Answer    time.Duration // from CAL to the contact's JOI (default 30 s)
	Ping      time.Duration // how long the user's side of the notification connection is quiet before PNG is sent (default 45 s); a shorter wish in QNG counts
	Pong      time.Duration // from PNG to any sign of life (default 30 s)
	Page      time.Duration // how long no error must come for a page to count as sent (default 30 s)
	Silence   time.Duration // how long a command may stay unanswered that services ignore: FND (default 10 s)
	IdleClose time.Duration // a switchboard without traffic is left after this (default 5 min)
}

// CheckProxy reports what keeps an address from being a Config.Proxy. The error does not repeat
// the address: there may be a password in it.
func CheckProxy(address *url.URL) error { return proxy.Check(address) }

// WebServices are the addresses of a service's web services: https, except on loopback.
type WebServices = web.Addresses

// Trust says which hosts the server may send the client to.
type Trust = trust.Trust

// trusted are the addresses that the configuration names.
func (c *Config) trusted() trust.Configured {
	urls := c.Web.All()
	for _, address := range []string{c.NexusURL, c.Gateway} {
		if address != "" {
			urls = append(urls, address)
		}
	}
	return trust.Configured{Server: c.Server, URLs: urls}
}

// missing says which address a dialect needs that is not set, or "".
func (c *Config) missing(d wire.Dialect) string {
	switch {
	case d >= wire.FirstSOAP && (c.Web.AddressBook == "" || c.Web.Sharing == ""):
		return "those of the address book services"
	case d >= wire.FirstSOAP && c.Web.Login == "":
		return "that of the login service"
	case d >= wire.FirstTweener && c.NexusURL == "" && c.Web.Login == "":
		return "a nexus address"
	}
	return ""
}

// prepare checks c and fills in what was left out.
func (c *Config) prepare() error {
	if _, ok := clean.Account(c.Account); !ok {
		return fmt.Errorf("%w: %q is no account", ErrConfig, c.Account)
	}
	if len(c.Dialects) == 0 {
		for d := MaxDialect; d >= MinDialect; d-- {
			if c.missing(d) == "" {
				c.Dialects = append(c.Dialects, d)
			}
		}
	}
	for _, d := range c.Dialects {
		if d < MinDialect || d > MaxDialect {
			return fmt.Errorf("%w: %v is not spoken", ErrConfig, d)
		}
		if address := c.missing(d); address != "" {
			return fmt.Errorf("%w: %v needs %s", ErrConfig, d, address)
		}
	}
	c.Dialects = slices.Clone(c.Dialects)
	if c.Status == "" {
		c.Status = Online
	}
	if !c.Status.Settable() {
		return fmt.Errorf("%w: %q is no status to set", ErrConfig, c.Status)
	}
	if c.Paging > PageNobody {
		return fmt.Errorf("%w: there is no paging choice %d", ErrConfig, c.Paging)
	}
	if c.Proxy != nil {
		if err := proxy.Check(c.Proxy); err != nil {
			return fmt.Errorf("%w: address of the proxy: %w", ErrConfig, err)
		}
	}
	if c.Roots == nil {
		roots := c.RootCAs
		c.Roots = func() *x509.CertPool { return roots }
	}
	if c.Locale == 0 {
		c.Locale = defaultLocale
	}
	if c.MachineGUID == "" {
		c.MachineGUID = NewMachineGUID()
	}
	if !clean.IsGUID(c.MachineGUID) {
		return fmt.Errorf("%w: %q is no GUID in braces", ErrConfig, c.MachineGUID)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Timeouts = c.Timeouts.withDefaults()
	return nil
}
