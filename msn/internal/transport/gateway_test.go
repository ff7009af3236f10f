package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/trust"
)

const fakeGateway = "http://gateway.msn.example.com/gateway/gateway.dll"

// hangingServer answers nothing.
type hangingServer struct{ requests []string }

func (s *hangingServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.requests = append(s.requests, r.URL.RawQuery)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Where no session was opened, none is opened for the last words.
func TestGatewayThatOpenedNoSessionIsNotToldOfItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &hangingServer{}
		at, err := url.Parse(fakeGateway)
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		g := &gateway{
			client: &http.Client{Transport: server}, check: func(*url.URL) error { return nil }, at: at, open: "Action=open",
			wait: time.Minute, pipe: far, wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		}
		g.parting, g.part = context.WithCancel(t.Context())
		conn := gatewayConn{near, g}
		ended := make(chan struct{})
		go g.read()
		go func() {
			g.exchange(t.Context())
			close(ended)
		}()
		if _, err := io.WriteString(conn, "USR 1 alice\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the request is under way
		if _, err := io.WriteString(conn, "OUT\r\n"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_ = conn.Close()
		<-ended
		if took := time.Since(began); took > GatewayParting {
			t.Errorf("it took %v", took)
		}
		if !slices.Equal(server.requests, []string{"Action=open"}) {
			t.Errorf("requests %q", server.requests)
		}
	})
}

// A gateway that hangs is told apart from one that answers as none does.
func TestGatewayThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy, _, err := trust.New(trust.Configured{Server: "ns.msn.example.com", URLs: []string{fakeGateway}}, trust.Trust{})
		if err != nil {
			t.Fatal(err)
		}
		d := Dialer{Policy: policy, Gateway: fakeGateway, HTTP: &hangingServer{}, Reply: time.Minute}
		conn, err := d.Open(t.Context(), Switchboard, "sb.msn.example.com:1863")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "USR 1 alice t\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, ErrGateway) || !errors.Is(err, errs.ErrTimeout) {
			t.Errorf("error %v", err)
		}
		_ = conn.Close()
		d.Wait()
	})
}

// slowReply is the body of a reply that comes in parts, with a pause before each, and hangs when there are no more.
type slowReply struct {
	ctx   context.Context
	pause time.Duration
	parts []string
}

func (r *slowReply) Read(b []byte) (int, error) {
	if len(r.parts) == 0 {
		<-r.ctx.Done()
		return 0, r.ctx.Err()
	}
	select {
	case <-time.After(r.pause):
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
	n := copy(b, r.parts[0])
	if r.parts[0] = r.parts[0][n:]; r.parts[0] == "" {
		r.parts = r.parts[1:]
	}
	return n, nil
}

func (r *slowReply) Close() error { return nil }

// replyServer answers each request with what body makes.
type replyServer struct {
	body func(ctx context.Context) io.ReadCloser
}

func (s replyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	header := http.Header{"X-Msn-Messenger": {"SessionID=1.2"}}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: s.body(r.Context()), Request: r}, nil
}

// dialReplies opens a connection by a gateway that replies so, and asks for the first reply.
func dialReplies(t *testing.T, body func(ctx context.Context) io.ReadCloser) net.Conn {
	t.Helper()
	policy, _, err := trust.New(trust.Configured{Server: "ns.msn.example.com", URLs: []string{fakeGateway}}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	d := Dialer{Policy: policy, Gateway: fakeGateway, HTTP: replyServer{body}, Reply: time.Minute}
	conn, err := d.Open(t.Context(), Switchboard, "sb.msn.example.com:1863")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Wait)
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "USR 1 alice t\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// What comes while a client waits for its next poll comes in one reply, such as a file that is sent fast.
func TestGatewayRepliesWithAWholeFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 5 << 20
		want := strings.Repeat("0123456789abcdef", size/16)
		rest := want
		conn := dialReplies(t, func(context.Context) io.ReadCloser {
			reply := rest
			rest = ""
			return io.NopCloser(strings.NewReader(reply))
		})
		got := make([]byte, size)
		if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// A reply that takes long comes whole while more of it comes; where nothing more does, it is given up.
func TestGatewayThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := dialReplies(t, func(ctx context.Context) io.ReadCloser {
			return &slowReply{ctx: ctx, pause: 40 * time.Second, parts: []string{"one", "two", "three"}}
		})
		got := make([]byte, len("onetwothree"))
		if n, err := io.ReadFull(conn, got); err != nil || string(got) != "onetwothree" {
			t.Fatalf("%q, %v", got[:n], err)
		}
		began := time.Now()
		if _, err := conn.Read(got); !errors.Is(err, ErrGateway) || !errors.Is(err, errs.ErrTimeout) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("given up after %v", took)
		}
	})
}

// Who reads slowly has what was in a reply all the same.
func TestGatewayWaitsForWhoReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rest := strings.Repeat("x", 3*gatewayPart)
		conn := dialReplies(t, func(ctx context.Context) io.ReadCloser {
			return &slowReply{ctx: ctx, parts: []string{rest}}
		})
		got := make([]byte, gatewayPart)
		for i := range 3 {
			time.Sleep(90 * time.Second)
			if _, err := io.ReadFull(conn, got); err != nil {
				t.Fatalf("part %d: %v", i, err)
			}
		}
	})
}

// FuzzGateway reads whatever a gateway says of its session.
func FuzzGateway(f *testing.F) {
	f.Add("SessionID=123.456; GW-IP=gateway.msn.example.com")
	f.Add("SessionID=1; Session=close")
	f.Add("sessionid=;gw-ip=;session=CLOSE;;==")
	f.Fuzz(func(t *testing.T, header string) {
		at, _ := url.Parse(fakeGateway)
		g := &gateway{at: at, asked: "ns.msn.example.com", check: func(u *url.URL) error {
			if u.Hostname() != "gw2.msn.example.com" {
				return trust.ErrUntrusted
			}
			return nil
		}}
		over, err := g.session(header)
		if err == nil && !over && (g.id == "" || len(g.id) > maxGatewayID) {
			t.Errorf("%q gives the session %q", header, g.id)
		}
		if host := g.at.Hostname(); host != "gateway.msn.example.com" && host != "gw2.msn.example.com" {
			t.Errorf("%q leads to %q", header, host)
		}
		if err != nil && !errors.Is(err, ErrGateway) {
			t.Errorf("error %v", err)
		}
	})
}
