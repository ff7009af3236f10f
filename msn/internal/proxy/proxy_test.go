package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/internal/proxy/proxytest"
)

var kinds = []struct {
	scheme      string
	credentials bool
}{{"socks5", false}, {"socks5", true}, {"http", false}, {"http", true}}

func eachKind(t *testing.T, test func(t *testing.T, p *proxytest.Proxy)) {
	for _, kind := range kinds {
		t.Run(fmt.Sprint(kind.scheme, " ", kind.credentials), func(t *testing.T) {
			t.Parallel()
			test(t, proxytest.Start(t, kind.scheme, kind.credentials))
		})
	}
}

// listen returns the port of a server that handles each connection with serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func echo(conn net.Conn) { _, _ = io.Copy(conn, conn) }

// Two at once go to whom they are meant for, and the proxy is given the names.
func TestConnections(t *testing.T) {
	port := listen(t, echo)
	eachKind(t, func(t *testing.T, p *proxytest.Proxy) {
		d := New(p.URL, nil)
		var both sync.WaitGroup
		for i := range 2 {
			both.Go(func() {
				conn, err := d.DialContext(t.Context(), "tcp", "host.invalid:"+port)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				want := fmt.Sprintf("hello %d\n", i)
				if _, err := io.WriteString(conn, want); err != nil {
					t.Error(err)
				}
				if got, err := bufio.NewReader(conn).ReadString('\n'); got != want {
					t.Errorf("read %q, %v", got, err)
				}
			})
		}
		both.Wait()
		if asked := p.Asked(); len(asked) != 1 || asked[0] != "host.invalid:"+port {
			t.Errorf("asked for %q", asked)
		}
	})
}

// What the server says first is not lost behind the proxy's answer.
func TestServerThatSpeaksFirst(t *testing.T) {
	t.Parallel()
	port := listen(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nwelcome")
		}
	})
	conn, err := New(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port}, nil).DialContext(t.Context(), "tcp", "x:1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); string(got) != "welcome" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	_ = conn.Close()
}

// The errors say that there was no connection, and nothing of the credentials.
func TestProxyThatRefuses(t *testing.T) {
	closed := listen(t, func(net.Conn) {})
	noProxy := listen(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-x\r\n") })
	endless := listen(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(conn, "A: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
				return
			}
		}
	})
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nobody.Close()
	eachKind(t, func(t *testing.T, p *proxytest.Proxy) {
		wrong := *p.URL
		wrong.User = url.UserPassword("somebody", "their secret")
		for name, at := range map[string]string{
			"no such server": p.URL.Host, "no proxy there": nobody.Addr().String(), "closes": "127.0.0.1:" + closed,
			"is none": "127.0.0.1:" + noProxy, "never ends": "127.0.0.1:" + endless,
		} {
			by := wrong
			by.Host = at
			if name == "no such server" {
				by.User = p.URL.User
			}
			conn, err := New(&by, nil).DialContext(t.Context(), "tcp", nobody.Addr().String())
			if err == nil {
				_ = conn.Close()
				t.Errorf("%s: connected", name)
				continue
			}
			known, ok := errors.AsType[*net.OpError](err)
			if !ok || known.Op != Op {
				t.Errorf("%s: error %v", name, err)
			}
			for _, secret := range []string{"their secret", "somebody", proxytest.User, proxytest.Password} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: the error names the credentials: %v", name, err)
				}
			}
		}
		if p.URL.User != nil {
			if _, err := New(&wrong, nil).DialContext(t.Context(), "tcp", "x:1"); err == nil {
				t.Error("connected with the wrong password")
			}
		}
	})
}

// A proxy that hangs is given up with the context.
func TestProxyThatHangs(t *testing.T) {
	port := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	for _, scheme := range []string{"socks5", "http"} {
		for name, limit := range map[string]func(context.Context) (context.Context, context.CancelFunc){
			"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(50*time.Millisecond, cancel)
				return ctx, cancel
			},
			"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 50*time.Millisecond)
			},
		} {
			t.Run(scheme+" "+name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := limit(t.Context())
				defer cancel()
				conn, err := New(&url.URL{Scheme: scheme, Host: "127.0.0.1:" + port}, nil).DialContext(ctx, "tcp", "x:1")
				if err == nil {
					_ = conn.Close()
					t.Error("connected")
				}
				if ctx.Err() == nil {
					t.Errorf("ended before its context: %v", err)
				}
			})
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"socks5://proxy.example.com": true, "socks5h://127.0.0.1:9050": true, "http://u:p@proxy.example.com:3128/": true, "socks5://u:p@[::1]:1": true,
		"http://u@proxy": true, "https://proxy": false, "proxy:1080": false, "socks4://proxy": false, "socks5://": false, "http://:3128": false,
		"socks5://proxy/path": false, "http://proxy/?q": false, "socks5://u@proxy": false, "http://proxy:0": false, "http://proxy:99999": false,
		"socks5://u:" + strings.Repeat("p", 256) + "@proxy": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(u); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Web requests go by the proxy too, in whatever way is theirs, and its refusal is told apart
// from the server's.
func TestTransport(t *testing.T) {
	eachKind(t, func(t *testing.T, p *proxytest.Proxy) {
		server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Proxy-Authorization") != "" {
				t.Error("the server sees the credentials of the proxy")
			}
			_, _ = io.WriteString(w, "hello")
		})}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		transport := &http.Transport{}
		Transport(transport, p.URL, time.Minute)
		defer transport.CloseIdleConnections()
		client := http.Client{Transport: transport}
		answer, err := client.Get("http://web.invalid:" + port + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if string(body) != "hello" || err != nil {
			t.Errorf("read %q, %v", body, err)
		}
		_ = listener.Close()
		p.Close()
		if _, err := client.Get("https://web.invalid:" + port + "/"); err == nil {
			t.Error("an answer without a proxy")
		} else if strings.Contains(err.Error(), "word") {
			t.Errorf("the error names the credentials: %v", err)
		}
	})
}
