package web

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/trust"
	"matrix-msn/msn/wire"
)

// A request after the end is refused, also when there was none before.
func TestRequestsAfterTheEnd(t *testing.T) {
	t.Parallel()
	policy, _, err := trust.New(trust.Configured{Server: "ns.example.com", URLs: []string{"https://web.example.com/"}}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Policy: policy})
	s.Close()
	s.Close()
	client := http.Client{Transport: s}
	if _, err := client.Get("https://web.example.com/"); !errors.Is(err, errs.ErrClosed) || !NeverConnected(err) {
		t.Errorf("error %v", err)
	}
}

// shared starts a service, and returns what accounts of it have in common.
func shared(t *testing.T, srv *httptest.Server) (*trust.Policy, *x509.CertPool, *Pool) {
	t.Helper()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	policy, _, err := trust.New(trust.Configured{Server: "127.0.0.1", URLs: []string{srv.URL}}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	pool := new(Pool)
	t.Cleanup(pool.Close)
	return policy, roots, pool
}

// Accounts that share a pool use one connection in turn, and one whose account is gone asks nothing more.
func TestAccountsThatShareConnections(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("From", r.RemoteAddr) }))
	policy, roots, pool := shared(t, srv)
	from := func(s *Services) (string, error) {
		answer, err := (&http.Client{Transport: s}).Get(srv.URL)
		if err != nil {
			return "", err
		}
		return answer.Header.Get("From"), answer.Body.Close()
	}
	services := make([]*Services, 3)
	for i := range services {
		services[i] = New(Config{Policy: policy, Dial: time.Minute, Request: time.Minute, Pool: pool, Roots: func() *x509.CertPool { return roots }})
	}
	first, err := from(services[0])
	if err != nil {
		t.Fatal(err)
	}
	services[0].Close()
	if _, err := from(services[0]); !errors.Is(err, errs.ErrClosed) {
		t.Errorf("who is gone is answered: %v", err)
	}
	for _, s := range services[1:] {
		if got, err := from(s); err != nil || got != first {
			t.Errorf("another account comes from %q, %v, the first from %q", got, err, first)
		}
	}
}

// A service that closes a connection just when an account signs in by it, which another one has left, keeps nobody out. What changes
// something is not asked for twice.
func TestServiceHasEnoughOfASharedConnection(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked, changes := make(map[string]int), 0
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.RemoteAddr]++
		enough := asked[r.RemoteAddr] > 1
		if r.Header.Get("SOAPAction") != "" {
			changes++
		}
		if _, shown := r.Header["X-Idempotency-Key"]; shown {
			t.Error("the service is told what is for net/http")
		}
		mu.Unlock()
		if _, _ = io.Copy(io.Discard, r.Body); enough {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `<Envelope><Body><RequestSecurityTokenResponse><AppliesTo><EndpointReference><Address>messenger.msn.com</Address></EndpointReference></AppliesTo>`+
			`<RequestedSecurityToken><BinarySecurityToken>t=a</BinarySecurityToken></RequestedSecurityToken></RequestSecurityTokenResponse></Body></Envelope>`)
	}))
	policy, roots, pool := shared(t, srv)
	account := func() *Services {
		return New(Config{Account: "alice@example.com", Password: "secret", Addresses: Addresses{Login: srv.URL + "/RST.srf"}, Policy: policy,
			Dial: time.Minute, Request: time.Minute, Pool: pool, Roots: func() *x509.CertPool { return roots }})
	}
	for range 3 {
		if ticket, err := account().Tweener(t.Context(), wire.FirstSOAP, "ct=1"); err != nil || ticket != "t=a" {
			t.Errorf("the ticket is %q, %v", ticket, err)
		}
	}
	caller := account().Caller()
	if err := caller.Call(t.Context(), soap.Request{URL: srv.URL, Action: "ABContactAdd", Body: soap.Raw("<x/>")}, nil, nil); err == nil {
		t.Error("a connection that is closed is an answer")
	}
	if changes != 1 {
		t.Errorf("%d changes are asked for", changes)
	}
}

// A connection that all accounts ask by, and by which nothing comes any more, is given up with the first request.
func TestSharedConnectionDies(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("By", r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	// What is between the two forwards the first connection until it is dead, and then takes what comes and says nothing.
	between, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := make(chan struct{})
	var forwarding sync.WaitGroup
	defer forwarding.Wait()
	defer between.Close()
	forwarding.Go(func() {
		for first := true; ; first = false {
			near, err := between.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			mortal := first
			forwarding.Go(func() {
				defer near.Close()
				_, _ = io.Copy(far, near)
				_ = far.Close()
			})
			forwarding.Go(func() {
				buffer := make([]byte, 4096)
				for {
					n, err := far.Read(buffer)
					if err != nil {
						return
					}
					select {
					case <-dead:
						if mortal {
							continue
						}
					default:
					}
					if _, err := near.Write(buffer[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	address := "https://" + between.Addr().String()
	policy, _, err := trust.New(trust.Configured{Server: "127.0.0.1", URLs: []string{address}}, trust.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	pool := new(Pool)
	defer pool.Close()
	const limit = 4 * time.Second
	ask := func() error {
		s := New(Config{Policy: policy, Dial: time.Minute, Request: limit, Pool: pool, Roots: func() *x509.CertPool { return roots }})
		answer, err := (&http.Client{Transport: s, Timeout: limit}).Get(address)
		if err != nil {
			return err
		}
		if by := answer.Header.Get("By"); by != "HTTP/2.0" {
			t.Errorf("asked by %s", by)
		}
		return answer.Body.Close()
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	close(dead)
	_ = ask() // it may be lost
	if err := ask(); err != nil {
		t.Errorf("after the first request by a dead connection the next one fails: %v", err)
	}
}
