package msntest_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// deadline bounds every wait of these tests; it only passes when one fails.
const deadline = 20 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// rawClient is one connection of a client that knows nothing: the test writes
// every line.
type rawClient struct {
	t       *testing.T
	srv     *msntest.Server
	nc      net.Conn
	r       *wire.Reader
	trid    int
	dialect wire.Dialect
}

func dial(t *testing.T, srv *msntest.Server, addr string) *rawClient {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	patient := patientConn{nc}
	return &rawClient{t: t, srv: srv, nc: patient, r: wire.NewReader(patient, wire.FromServer)}
}

// patientConn is a connection of which each wait is bounded, and not all of them together.
type patientConn struct{ net.Conn }

func (c patientConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c patientConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(deadline)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *rawClient) send(lines ...string) {
	c.t.Helper()
	for _, line := range lines {
		if !strings.Contains(line, "\r\n") {
			line += "\r\n"
		}
		if _, err := io.WriteString(c.nc, line); err != nil {
			c.t.Fatalf("sending %q: %v", line, err)
		}
	}
}

func (c *rawClient) read() wire.Command {
	c.t.Helper()
	cmd, err := c.r.Read()
	if err != nil {
		c.t.Fatalf("reading: %v", err)
	}
	return cmd
}

func line(cmd wire.Command) string {
	b, err := wire.Append(nil, cmd)
	if err != nil {
		return err.Error()
	}
	head, _, _ := strings.Cut(string(b), "\r\n")
	return head
}

// want reads commands and compares their lines; a "*" stands for any parameter,
// "..." for any rest.
func (c *rawClient) want(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if got := line(c.read()); !matches(got, want) {
			c.t.Fatalf("got  %q\nwant %q", got, want)
		}
	}
}

func matches(got, want string) bool {
	g, w := strings.Split(got, " "), strings.Split(want, " ")
	for i := range w {
		switch {
		case w[i] == "...":
			return true
		case i >= len(g), w[i] != "*" && w[i] != g[i]:
			return false
		}
	}
	return len(g) == len(w)
}

// wantClosed reads until the server closes; nothing may come before.
func (c *rawClient) wantClosed() {
	c.t.Helper()
	cmd, err := c.r.Read()
	if err == nil {
		c.t.Fatalf("got %q, want the connection closed", line(cmd))
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		c.t.Fatal("the connection is still open")
	}
}

// barrier checks that nothing is left to read: PNG is answered next.
func (c *rawClient) barrier() {
	c.t.Helper()
	c.send("PNG")
	c.want("QNG ...")
}

func md5Hex(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

// login signs in on a new notification connection, up to the profile message.
func login(t *testing.T, srv *msntest.Server, d wire.Dialect, email, password string) *rawClient {
	t.Helper()
	c := dial(t, srv, srv.NotificationAddr())
	c.login(d, email, password)
	return c
}

func (c *rawClient) login(d wire.Dialect, email, password string) {
	c.t.Helper()
	c.dialect = d
	c.send(fmt.Sprintf("VER 1 %s CVR0", d))
	c.want(fmt.Sprintf("VER 1 %s", d))
	if d >= 8 {
		c.send("CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 7.0.0777 msmsgs " + email)
		c.want("CVR 2 7.0.0777 ...")
		c.send("USR 3 TWN I " + email)
		policy := c.read()
		if policy.Arg(1) != "TWN" || policy.Arg(2) != "S" {
			c.t.Fatalf("got %q", line(policy))
		}
		c.send("USR 4 TWN S " + fetchTicket(c.t, c.srv, email, password, policy.Arg(3)))
	} else {
		c.send("INF 2")
		c.want("INF 2 MD5")
		c.send("USR 3 MD5 I " + email)
		salt := c.read()
		c.send("USR 4 MD5 S " + md5Hex(salt.Arg(3)+password))
	}
	if ok := c.read(); ok.Verb != "USR" || ok.Arg(1) != "OK" {
		c.t.Fatalf("got %q, want USR OK", line(ok))
	}
	if d >= 11 {
		c.want("SBS 0 null")
	}
	c.want("MSG Hotmail Hotmail *")
	c.trid = 4
}

// fetchTicket does the HTTPS part of the Tweener log-in.
func fetchTicket(t *testing.T, srv *msntest.Server, email, password, policy string) string {
	t.Helper()
	res := loginRequest(t, srv, email, password, policy)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("log-in: %s", res.Status)
	}
	_, ticket, _ := strings.Cut(res.Header.Get("Authentication-Info"), "from-PP='")
	ticket, _, _ = strings.Cut(ticket, "'")
	if ticket == "" {
		t.Fatalf("no ticket in %q", res.Header)
	}
	return ticket
}

func loginRequest(t *testing.T, srv *msntest.Server, email, password, policy string) *http.Response {
	t.Helper()
	client := srv.HTTPClient()
	client.Timeout = deadline
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Get(srv.NexusURL())
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	_, login, _ := strings.Cut(res.Header.Get("PassportURLs"), "DALogin=")
	login, _, _ = strings.Cut(login, ",")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, login, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,sign-in="+
		url.QueryEscape(email)+",pwd="+url.QueryEscape(password)+","+policy)
	if res, err = client.Do(req); err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// online signs in, downloads the lists and sets the status NLN; everything the
// server says is read.
func online(t *testing.T, srv *msntest.Server, d wire.Dialect, email string) *rawClient {
	t.Helper()
	c := login(t, srv, d, email, "secret")
	c.send("SYN 5 0 0")
	c.send(map[bool]string{false: "CHG 6 NLN", true: "CHG 6 NLN 1073791084"}[d >= 8])
	c.drain()
	return c
}

// drain reads whatever is there, up to the answer to PNG, and returns the lines.
func (c *rawClient) drain() []string {
	c.t.Helper()
	c.send("PNG")
	var lines []string
	for {
		cmd := c.read()
		if cmd.Verb == "QNG" {
			return lines
		}
		lines = append(lines, line(cmd))
	}
}

// switchboard opens a switchboard connection with XFR and USR.
func (c *rawClient) switchboard(email string) *rawClient {
	c.t.Helper()
	c.send("XFR 20 SB")
	xfr := c.read()
	if xfr.Verb != "XFR" || xfr.Arg(3) != "CKI" {
		c.t.Fatalf("got %q, want XFR SB", line(xfr))
	}
	sb := dial(c.t, c.srv, xfr.Arg(2))
	sb.send("USR 1 " + email + " " + xfr.Arg(4))
	sb.want("USR 1 OK " + email + " *")
	return sb
}

// answer takes the RNG that comes next and goes to its switchboard.
func (c *rawClient) answer(email string) *rawClient {
	c.t.Helper()
	rng := c.read()
	if rng.Verb != "RNG" {
		c.t.Fatalf("got %q, want RNG", line(rng))
	}
	sb := dial(c.t, c.srv, rng.Arg(1))
	sb.send("ANS 1 " + email + " " + rng.Arg(3) + " " + rng.Arg(0))
	return sb
}

const (
	alice = "alice@example.com"
	bob   = "bob@example.com"
	carol = "carol@example.com"
)

// friends starts a server where alice, bob and carol have each other on all
// lists.
func friends(t *testing.T, opts ...msntest.Option) *msntest.Server {
	t.Helper()
	srv := msntest.NewServer(t, append([]msntest.Option{msntest.WithChallenges(-1)}, opts...)...)
	srv.AddAccount(alice, "secret", msntest.Name("Alice"))
	srv.AddAccount(bob, "secret", msntest.Name("Bob Builder"))
	srv.AddAccount(carol, "secret", msntest.Name("Carol"))
	srv.Befriend(alice, bob, carol)
	return srv
}

// msg is a MSG command as a client sends it.
func msg(trid int, mode, payload string) string {
	return fmt.Sprintf("MSG %d %s %d\r\n%s", trid, mode, len(payload), payload)
}

// next receives with a deadline.
func next[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(deadline):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
