package msn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"matrix-msn/msn/wire"
)

// The addresses of the fake network. They are in one registered domain.
const (
	fakeServer = "ns.msn.example.com:1863"
	fakeSB     = "sb.msn.example.com:1864"
	fakeNexus  = "https://nexus.msn.example.com/rdr/pprdr.asp"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// fakeNet is a network in memory. A test plays its servers line by line.
type fakeNet struct {
	t      testing.TB
	mu     sync.Mutex
	queues map[string]chan *fakeConn
	dialed []string
}

func newFakeNet(t *testing.T) *fakeNet {
	return &fakeNet{t: t, queues: make(map[string]chan *fakeConn)}
}

func (n *fakeNet) queue(address string) chan *fakeConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.queues[address] == nil {
		n.queues[address] = make(chan *fakeConn, 2000)
	}
	return n.queues[address]
}

// Dial is a Config.Dial.
func (n *fakeNet) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, address)
	n.mu.Unlock()
	if strings.HasPrefix(address, "down.") {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	if strings.HasPrefix(address, "silent.") {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if strings.HasPrefix(address, "far.") {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ETIMEDOUT}
	}
	client, server := net.Pipe()
	n.queue(address) <- &fakeConn{t: n.t, conn: server, reader: wire.NewReader(server, wire.FromClient)}
	return client, nil
}

// accept returns the next connection to address.
func (n *fakeNet) accept(address string) *fakeConn {
	n.t.Helper()
	select {
	case conn := <-n.queue(address):
		n.t.Cleanup(conn.close)
		return conn
	case <-time.After(patience):
		n.t.Fatalf("nobody connects to %s", address)
		return nil
	}
}

func (n *fakeNet) addresses() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.dialed...)
}

// fakeConn is the server's end of a connection.
type fakeConn struct {
	t      testing.TB
	conn   net.Conn
	reader *wire.Reader
}

func (f *fakeConn) close() { _ = f.conn.Close() }

// read returns the next command of the client.
func (f *fakeConn) read() wire.Command {
	f.t.Helper()
	_ = f.conn.SetReadDeadline(time.Now().Add(patience))
	cmd, err := f.reader.Read()
	if err != nil {
		f.t.Fatalf("reading from the client: %v", err)
	}
	return cmd
}

// expect reads the next command and holds its line against want, which leaves out
// the length of a payload.
func (f *fakeConn) expect(want string) wire.Command {
	f.t.Helper()
	cmd := f.read()
	if got := lineOf(cmd); got != want {
		f.t.Fatalf("the client sent %q, want %q", got, want)
	}
	return cmd
}

func lineOf(cmd wire.Command) string {
	return strings.Join(append([]string{cmd.Verb}, cmd.Args...), " ")
}

// expectEnd waits until the client has closed the connection, reading what still
// comes.
func (f *fakeConn) expectEnd() []string {
	f.t.Helper()
	_ = f.conn.SetReadDeadline(time.Now().Add(patience))
	var lines []string
	for {
		cmd, err := f.reader.Read()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return lines
		}
		if err != nil {
			f.t.Fatalf("waiting for the end: %v", err)
		}
		lines = append(lines, lineOf(cmd))
	}
}

// send sends lines; a payload stands behind "\r\n" in a line.
func (f *fakeConn) send(lines ...string) {
	f.t.Helper()
	_ = f.conn.SetWriteDeadline(time.Now().Add(patience))
	for _, line := range lines {
		if !strings.Contains(line, "\n") {
			line += "\r\n"
		}
		if _, err := io.WriteString(f.conn, line); err != nil {
			f.t.Fatalf("sending %q: %v", line, err)
		}
	}
}

// sendMessage sends a MSG with a payload.
func (f *fakeConn) sendMessage(account, name, payload string) {
	f.t.Helper()
	f.send(fmt.Sprintf("MSG %s %s %d\r\n%s", account, name, len(payload), payload))
}

func textPayload(text string) string {
	return "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n" + text
}

// barrier returns when the client has handled all that was sent before: it makes
// the client answer something.
func (f *fakeConn) barrier() {
	f.t.Helper()
	f.send("CHL 0 15570131571988941333")
	if cmd := f.read(); cmd.Verb != "QRY" {
		f.t.Fatalf("the client sent %v at a barrier", cmd)
	}
}

// roundTripper is a http.RoundTripper made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// fakePassport is a nexus and login server that gives out a ticket for the
// password "secret".
func fakePassport(r *http.Request) (*http.Response, error) {
	header := http.Header{}
	answer := &http.Response{StatusCode: 200, Header: header, Body: http.NoBody, Request: r}
	switch r.URL.Path {
	case "/rdr/pprdr.asp":
		header["Passporturls"] = []string{"DALogin=https://login.msn.example.com/login"}
	case "/login":
		if strings.Contains(r.Header.Get("Authorization"), ",pwd=secret,") {
			header.Set("Authentication-Info", "Passport1.4 da-status=success,from-PP='t=abc&p=def'")
		} else {
			answer.StatusCode = 401
			header.Set("WWW-Authenticate", "Passport1.4 da-status=failed,srealm=Passport.NET,cbtxt=Wrong%20password")
		}
	}
	return answer, nil
}

// fakeConfig is a Config for the fake network.
func fakeConfig(n *fakeNet, dialects ...wire.Dialect) Config {
	cfg := Config{
		Account:  "alice@example.com",
		Password: "secret",
		Server:   fakeServer,
		Dialects: dialects,
		NexusURL: fakeNexus,
		Dial:     n.Dial,
		https:    roundTripper(fakePassport),
	}
	if slices.ContainsFunc(dialects, func(d wire.Dialect) bool { return d >= wire.FirstSOAP }) {
		cfg.Web, cfg.MachineGUID, cfg.https = fakeWebServices, fakeGUID, newFakeWeb(n.t)
	}
	return cfg
}

// loginResult is what Login returned.
type loginResult struct {
	client *Client
	err    error
}

// goLogin calls Login in the background.
func goLogin(t testing.TB, cfg Config) <-chan loginResult {
	result := make(chan loginResult, 1)
	go func() {
		client, err := Login(t.Context(), cfg)
		result <- loginResult{client, err}
	}()
	return result
}

func waitLogin(t testing.TB, result <-chan loginResult) (*Client, error) {
	t.Helper()
	select {
	case r := <-result:
		return r.client, r.err
	case <-time.After(patience):
		t.Fatal("Login hangs")
		return nil, nil
	}
}

// greet plays the server's part up to the download of the lists, for any dialect.
// It returns the TrID of SYN, where that is how they are asked for.
func (f *fakeConn) greet(d wire.Dialect) string {
	f.t.Helper()
	if ver := f.read(); ver.Verb != "VER" {
		f.t.Fatalf("first command is %v", ver)
	}
	f.send("VER 1 " + d.String())
	if d < 8 {
		f.expect("INF 2")
		f.send("INF 2 MD5")
		f.expect("USR 3 MD5 I alice@example.com")
		f.send("USR 3 MD5 S 1013928519.693957190")
		f.expect("USR 4 MD5 S 0dc38e0c96e5ef37eb9451a0b2d5aaf9")
	} else {
		if cvr := f.read(); cvr.Verb != "CVR" || len(cvr.Args) != 9 {
			f.t.Fatalf("CVR has wrong form: %v", cvr)
		}
		f.send("CVR 2 7.0.0813 7.0.0813 6.0.0602")
		if d >= wire.FirstSOAP {
			f.greetWeb(d)
			return ""
		}
		f.expect("USR 3 TWN I alice@example.com")
		f.send("USR 3 TWN S ct=1,rver=1")
		f.expect("USR 4 TWN S t=abc&p=def")
	}
	switch {
	case d < 6:
		f.send("USR 4 OK alice@example.com Alice%20A")
	case d < 8:
		f.send("USR 4 OK alice@example.com Alice%20A 1")
	case d < 10:
		f.send("USR 4 OK alice@example.com Alice%20A 1 0")
	default:
		f.send("USR 4 OK alice@example.com 1 0")
	}
	if d < 10 {
		f.expect("SYN 5 0")
	} else {
		f.expect("SYN 5 0 0")
	}
	return "5"
}

// bobsList are SYN replies with bob on FL, AL and RL.
func bobsList(d wire.Dialect) []string {
	switch {
	case d >= wire.FirstSOAP:
		return nil // the web services tell
	case d < 8:
		return []string{"SYN 5 1", "GTC 5 1 A", "BLP 5 1 AL",
			"LST 5 FL 1 1 1 bob@example.com Bob", "LST 5 AL 1 1 1 bob@example.com Bob",
			"LST 5 BL 1 0 0", "LST 5 RL 1 1 1 bob@example.com Bob"}
	case d < 10:
		return []string{"SYN 5 1 1 0", "GTC A", "BLP AL", "LST bob@example.com Bob 11 0"}
	default:
		return []string{"SYN 5 0 0 1 0", "GTC A", "BLP AL", "PRP MFN Alice%20A",
			"LST N=bob@example.com F=Bob C=c1f9a363-4ee9-4a33-a434-b056a4c55b98 11"}
	}
}

// finish plays the rest of the sign-in: the first CHG, and CVR where it comes
// then.
func (f *fakeConn) finish(d wire.Dialect) {
	f.t.Helper()
	if d >= wire.FirstSOAP {
		f.lists()
		f.present(d)
		return
	}
	if d < 8 {
		f.expect("CHG 6 NLN")
		f.send("CHG 6 NLN")
		if cvr := f.read(); cvr.Verb != "CVR" {
			f.t.Fatalf("no CVR after CHG but %v", cvr)
		}
		return
	}
	f.expect("CHG 6 NLN 1073741856")
	f.send("CHG 6 NLN 1073741856")
}

// signedIn returns a Client that is signed in, with bob on its list, and the
// server's end of its connection.
func signedIn(t *testing.T, n *fakeNet, d wire.Dialect, change ...func(*Config)) (*Client, *fakeConn) {
	t.Helper()
	cfg := fakeConfig(n, d)
	for _, f := range change {
		f(&cfg)
	}
	result := goLogin(t, cfg)
	ns := n.accept(cfg.Server)
	ns.greet(d)
	ns.send(bobsList(d)...)
	ns.finish(d)
	client, err := waitLogin(t, result)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quit(client, ns) })
	return client, ns
}

// quit closes a Client while somebody reads what it still sends and tells.
func quit(client *Client, ns *fakeConn) {
	var readers sync.WaitGroup
	readers.Go(func() {
		_ = ns.conn.SetReadDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, ns.conn)
	})
	readers.Go(func() {
		for range client.Events() {
		}
	})
	_ = client.Close()
	readers.Wait()
}

// nextEvent returns the next event.
func nextEvent(t testing.TB, c *Client) Event {
	t.Helper()
	select {
	case e, ok := <-c.Events():
		if !ok {
			t.Fatal("the events have ended")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event")
		return nil
	}
}

// waitFor returns the next event of a type, passing over others.
func waitFor[E Event](t testing.TB, c *Client) E {
	t.Helper()
	for {
		e := nextEvent(t, c)
		if found, ok := e.(E); ok {
			return found
		}
		if over, ok := e.(Disconnected); ok {
			t.Fatalf("disconnected: %v", over.Err)
		}
	}
}

// argAt returns an argument, or "" where there are fewer.
func argAt(args []string, i int) string {
	if i >= len(args) {
		return ""
	}
	return args[i]
}
