package msn

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/trust"
)

const fakeGateway = "http://gateway.msn.example.com/gateway/gateway.dll"

// fakeGatewayServer is an HTTP gateway in front of a fakeNet.
type fakeGatewayServer struct {
	mu       sync.Mutex
	requests []string // "query", with the length of the body
	hosts    []string
	// answer gives the body and the X-MSN-Messenger header of the n-th answer, from 0.
	answer func(n int, r *http.Request, body string) (status int, header, content string)
}

func (g *fakeGatewayServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	n := len(g.requests)
	g.requests = append(g.requests, fmt.Sprintf("%s %d", r.URL.RawQuery, len(body)))
	g.hosts = append(g.hosts, r.URL.Host)
	g.mu.Unlock()
	status, header, content := g.answer(n, r, string(body))
	if status == 0 {
		<-r.Context().Done() // hangs
		return nil, r.Context().Err()
	}
	response := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(content)), Request: r}
	if header != "" {
		response.Header.Set("X-MSN-Messenger", header)
	}
	return response, nil
}

func (g *fakeGatewayServer) seen() ([]string, []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.requests...), append([]string(nil), g.hosts...)
}

// gatewayConfig is a Config that goes by a gateway in MSNP7.
func gatewayConfig(t *testing.T, g http.RoundTripper) Config {
	cfg := fakeConfig(newFakeNet(t), 7)
	cfg.Gateway, cfg.https, cfg.SkipVersion = fakeGateway, g, true
	return cfg
}

// dialogue is a server that answers a sign-in in MSNP7, request by request, and what
// comes after that with nothing.
func dialogue(_ int, r *http.Request, body string) (int, string, string) {
	host := r.URL.Query().Get("IP")
	header := "SessionID=123.456"
	if host != "" {
		header += "; GW-IP=gateway.msn.example.com"
	}
	content := ""
	for line := range strings.Lines(body) {
		trid := argAt(strings.Fields(line), 1)
		switch verb := argAt(strings.Fields(line), 0); verb {
		case "VER":
			content += "VER " + trid + " MSNP7\r\n"
		case "INF":
			content += "INF " + trid + " MD5\r\n"
		case "USR":
			if strings.Contains(line, " I ") {
				content += "USR " + trid + " MD5 S 1013928519.693957190\r\n"
			} else {
				content += "USR " + trid + " OK alice@example.com Alice 1\r\n"
			}
		case "SYN":
			content += "SYN " + trid + " 0 0\r\n"
		case "CHG":
			content += strings.TrimSpace(line) + "\r\n"
		case "OUT":
			header += "; Session=close"
		}
	}
	return 200, header, content
}

func TestGatewayCarriesASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &fakeGatewayServer{answer: dialogue}
		client, err := Login(t.Context(), gatewayConfig(t, g))
		if err != nil {
			t.Fatal(err)
		}
		requests, _ := g.seen()
		if requests[0] != "Action=open&IP=ns.msn.example.com&Server=NS 18" || !slices.Contains(requests, "SessionID=123.456 7") {
			t.Errorf("requests %q", requests)
		}
		time.Sleep(10 * time.Second)
		later, _ := g.seen()
		polls := later[len(requests):]
		if len(polls) < 9 || len(polls) > 11 || slices.ContainsFunc(polls, func(q string) bool { return q != "Action=poll&SessionID=123.456 0" }) {
			t.Errorf("in 10 seconds %q", polls)
		}
		go func() {
			for range client.Events() {
			}
		}()
		_ = client.Close()
		requests, _ = g.seen()
		if last := requests[len(requests)-1]; last != "SessionID=123.456 5" {
			t.Errorf("the last request is %q", last)
		}
	})
}

func TestGatewayThatMisbehavesWhileSigningIn(t *testing.T) {
	const fine = "SessionID=1.2; GW-IP=gateway.msn.example.com"
	for name, answer := range map[string]func(n int, r *http.Request, body string) (int, string, string){
		"no header":              func(int, *http.Request, string) (int, string, string) { return 200, "", "VER 1 MSNP7\r\n" },
		"no session":             func(int, *http.Request, string) (int, string, string) { return 200, "GW-IP=x", "" },
		"a session without name": func(int, *http.Request, string) (int, string, string) { return 200, "SessionID=; GW-IP=x", "" },
		"a session of a megabyte": func(int, *http.Request, string) (int, string, string) {
			return 200, "SessionID=" + strings.Repeat("x", 1<<20), ""
		},
		"500":      func(int, *http.Request, string) (int, string, string) { return 500, fine, "" },
		"404":      func(int, *http.Request, string) (int, string, string) { return 404, "", "not here" },
		"redirect": func(int, *http.Request, string) (int, string, string) { return 302, fine, "" },
		"100":      func(int, *http.Request, string) (int, string, string) { return 100, fine, "" },
		"closed":   func(int, *http.Request, string) (int, string, string) { return 200, "Session=close", "" },
		"a line of a megabyte": func(int, *http.Request, string) (int, string, string) {
			return 200, fine, strings.Repeat("x", 1<<20)
		},
		"no MSNP": func(int, *http.Request, string) (int, string, string) { return 200, fine, "<html>\r\n" },
		"half": func(int, *http.Request, string) (int, string, string) {
			return 200, fine + "; Session=close", "VER 1 MS"
		},
		"hangs":        func(int, *http.Request, string) (int, string, string) { return 0, "", "" },
		"says nothing": func(int, *http.Request, string) (int, string, string) { return 200, fine, "" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := Login(t.Context(), gatewayConfig(t, &fakeGatewayServer{answer: answer}))
				if err == nil {
					t.Error("no error")
				}
				if took := time.Since(start); took > defaultLogin+time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Who reads the error learns that it is the gateway.
func TestGatewayThatFailsIsNamedByTheError(t *testing.T) {
	for name, answer := range map[string]func(n int, r *http.Request) (int, string){
		"at once": func(int, *http.Request) (int, string) { return 404, "" },
		"later": func(n int, _ *http.Request) (int, string) {
			if n == 0 {
				return 200, "SessionID=1.2"
			}
			return 500, ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := gatewayConfig(t, &fakeGatewayServer{answer: func(n int, r *http.Request, _ string) (int, string, string) {
					status, header := answer(n, r)
					return status, header, ""
				}})
				_, err := Login(t.Context(), cfg)
				if !errors.Is(err, ErrGateway) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// A gateway that does not answer holds up the end of a session only shortly, and is
// still told of it.
func TestSigningOutDoesNotWaitForTheGateway(t *testing.T) {
	for name, hangs := range map[string]func(query string) bool{
		"a poll hangs":     func(query string) bool { return strings.HasPrefix(query, "Action=poll") },
		"everything hangs": func(string) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var signedIn atomic.Bool
				g := &fakeGatewayServer{answer: func(n int, r *http.Request, body string) (int, string, string) {
					if signedIn.Load() && hangs(r.URL.RawQuery) {
						return 0, "", ""
					}
					return dialogue(n, r, body)
				}}
				client, err := Login(t.Context(), gatewayConfig(t, g))
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					for range client.Events() {
					}
				}()
				signedIn.Store(true)
				time.Sleep(2 * transport.GatewayPoll) // a poll is under way
				began := time.Now()
				_ = client.Close()
				if took := time.Since(began); took > transport.GatewayParting {
					t.Errorf("it took %v", took)
				}
				requests, _ := g.seen()
				if last := requests[len(requests)-2:]; !slices.Equal(last, []string{"Action=poll&SessionID=123.456 0", "SessionID=123.456 5"}) {
					t.Errorf("the last requests are %q", last)
				}
			})
		})
	}
}

// What a gateway does in mid-session ends the Client, and all that it started.
func TestGatewayThatFailsInMidSession(t *testing.T) {
	for name, after := range map[string]func() (int, string, string){
		"closed":    func() (int, string, string) { return 200, "SessionID=123.456; Session=close", "" },
		"500":       func() (int, string, string) { return 500, "", "" },
		"no header": func() (int, string, string) { return 200, "", "" },
		"hangs":     func() (int, string, string) { return 0, "", "" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				signedIn := false
				g := &fakeGatewayServer{answer: func(n int, r *http.Request, body string) (int, string, string) {
					mu.Lock()
					defer mu.Unlock()
					if signedIn {
						return after()
					}
					return dialogue(n, r, body)
				}}
				client, err := Login(t.Context(), gatewayConfig(t, g))
				if err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				signedIn = true
				mu.Unlock()
				for {
					if e, over := nextEventWithin(t, client, 3*time.Minute).(Disconnected); over {
						if !errors.Is(e.Err, ErrNotConnected) {
							t.Errorf("ended by %v", e.Err)
						}
						break
					}
				}
				_ = client.Close()
			})
		})
	}
}

func nextEventWithin(t *testing.T, c *Client, d time.Duration) Event {
	t.Helper()
	select {
	case e := <-c.Events():
		return e
	case <-time.After(d):
		t.Fatal("no event")
		return nil
	}
}

// The host that a gateway names is used only when it is trusted.
func TestHostileGatewayHost(t *testing.T) {
	for host, want := range map[string]string{
		"gw2.msn.example.com": "gw2.msn.example.com", "evil.example.net": "gateway.msn.example.com", "127.0.0.1": "gateway.msn.example.com",
		"169.254.169.254": "gateway.msn.example.com", "a/b": "gateway.msn.example.com", "u@gw2.msn.example.com": "gateway.msn.example.com",
	} {
		t.Run(host, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &fakeGatewayServer{answer: func(n int, r *http.Request, body string) (int, string, string) {
					status, _, content := dialogue(n, r, body)
					return status, "SessionID=1.2; GW-IP=" + host, content
				}}
				client, err := Login(t.Context(), gatewayConfig(t, g))
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					for range client.Events() {
					}
				}()
				_ = client.Close()
				if _, hosts := g.seen(); hosts[1] != want {
					t.Errorf("then %q is asked", hosts[1])
				}
			})
		})
	}
	for _, address := range []string{"ftp://gateway.msn.example.com/", "http://169.254.169.254/gateway.dll", "http://evil.example.net/x", "http://user@gateway.msn.example.com/"} {
		cfg := gatewayConfig(t, &fakeGatewayServer{answer: dialogue})
		p, _, err := trust.New(cfg.trusted(), cfg.Trust)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.CheckGateway(u); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
