package msn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/internal/proxy/proxytest"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// safeBuffer is a log that several goroutines write to.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// proxied is a Config whose addresses lead nowhere without the proxy.
func proxied(t *testing.T, srv *msntest.Server, account string, p *proxytest.Proxy, d wire.Dialect) msn.Config {
	t.Helper()
	cfg := configFor(srv, account, d)
	if d >= wire.FirstSOAP {
		cfg = webConfig(srv, account, d)
	}
	elsewhere := func(address string) string { return strings.Replace(address, "127.0.0.1", "msn.invalid", 1) }
	cfg.Server, cfg.NexusURL = elsewhere(cfg.Server), elsewhere(cfg.NexusURL)
	cfg.Web.Login = elsewhere(cfg.Web.Login)
	cfg.Web.AddressBook, cfg.Web.Sharing = elsewhere(cfg.Web.AddressBook), elsewhere(cfg.Web.Sharing)
	cfg.Trust.Hosts = []string{"127.0.0.1"}
	cfg.Proxy = p.URL
	return cfg
}

// All that belongs to an account goes by way of its proxy: the notification server, the
// switchboards and the web services. Credentials of the proxy are in no log.
func TestAccountBehindAProxy(t *testing.T) {
	for _, scheme := range []string{"socks5", "http"} {
		for _, d := range []wire.Dialect{7, 12, 18} {
			t.Run(fmt.Sprint(scheme, " ", d), func(t *testing.T) {
				t.Parallel()
				srv := newService(t, msntest.WithCertificateHosts("msn.invalid", "127.0.0.1"))
				p := proxytest.Start(t, scheme, true)
				log := new(safeBuffer)
				cfg := proxied(t, srv, alice, p, d)
				cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				a := signIn(t, cfg)
				texts := make(chan string, 1)
				srv.Play(bob, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { texts <- text }})
				if err := a.Conversation(bob).SendText(t.Context(), "hello", ""); err != nil {
					t.Fatal(err)
				}
				if got := <-texts; got != "hello" {
					t.Errorf("bob got %q", got)
				}
				asked := p.Asked()
				if len(asked) < 2 || !slices.Contains(asked, cfg.Server) {
					t.Errorf("the proxy was asked for %q", asked)
				}
				nexus, err := url.Parse(cfg.NexusURL)
				if err != nil {
					t.Fatal(err)
				}
				if d >= wire.FirstTweener && !slices.Contains(asked, nexus.Host) {
					t.Errorf("of %q none is a web service", asked)
				}
				for _, secret := range []string{proxytest.User, proxytest.Password, p.URL.User.String()} {
					if strings.Contains(log.String(), secret) {
						t.Error("credentials of the proxy are in the log")
					}
				}
			})
		}
	}
}

// What servers name is held against Trust as without a proxy, and the proxy's own address is
// not taken for the server's.
func TestProxyWidensNoTrust(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	p := proxytest.Start(t, "socks5", false)
	cfg := proxied(t, srv, alice, p, 7)
	a := signIn(t, proxied(t, srv, bob, p, 7))
	remove := srv.Hook(msntest.On("XFR", msntest.Redirect("192.0.2.1:1864")))
	if err := a.Conversation(alice).SendText(t.Context(), "x", ""); !errors.Is(err, msn.ErrUntrusted) {
		t.Errorf("error %v", err)
	}
	for _, address := range p.Asked() {
		if strings.HasPrefix(address, "192.0.2.1") {
			t.Error("the proxy is asked for an address that is not trusted")
		}
	}
	// The server names itself by the address at which the proxy is reached, too.
	remove()
	cfg.Trust.Hosts, cfg.NexusURL = nil, ""
	b := signIn(t, cfg)
	srv.Hook(msntest.On("XFR", msntest.Redirect("127.0.0.1:1864")))
	if err := b.Conversation(bob).SendText(t.Context(), "x", ""); !errors.Is(err, msn.ErrUntrusted) {
		t.Errorf("the proxy's address is trusted: %v", err)
	}
}

// A proxy that is not there is an error of the network, and one that is none a wrong
// configuration.
func TestProxyThatIsNotThere(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	p := proxytest.Start(t, "socks5", true)
	cfg := proxied(t, srv, alice, p, 9)
	p.Close()
	_, err := msn.Login(t.Context(), cfg)
	if _, ok := errors.AsType[*net.OpError](err); !ok || strings.Contains(err.Error(), proxytest.Password) {
		t.Errorf("error %v", err)
	}
	cfg.Proxy = &url.URL{Scheme: "ftp", Host: "proxy.example.com", User: url.UserPassword("u", "secret-of-the-proxy")}
	if _, err := msn.Login(t.Context(), cfg); !errors.Is(err, msn.ErrConfig) || strings.Contains(err.Error(), "secret-of-the-proxy") {
		t.Errorf("error %v", err)
	}
}

// An account that is closed while its proxy hangs ends at once.
func TestCloseWhileTheProxyHangs(t *testing.T) {
	t.Parallel()
	hanging, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	for _, scheme := range []string{"socks5", "http"} {
		cfg := configFor(newService(t), alice, 9)
		cfg.Proxy = &url.URL{Scheme: scheme, Host: hanging.Addr().String()}
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := msn.Login(ctx, cfg)
			result <- err
		}()
		conn, err := hanging.Accept()
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", scheme, err)
		}
		_ = conn.Close()
	}
}
