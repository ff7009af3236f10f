package msn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

// TestReplay plays the server's part of every recording to a Client, user by
// user and sign-in by sign-in, and holds what the Client sends against what the
// recorded client sent, and what it tells against what the server had said. What
// the recorded client did and this interface never does is left out, with the
// reason in the log.
func TestReplay(t *testing.T) {
	transcript.Run(t, func(t *testing.T, rec transcript.Recording) {
		played := 0
		for _, s := range signIns(rec) {
			name := fmt.Sprintf("%s from line %d", s.who, s.records[0].Line)
			switch {
			case s.dialect == 0:
				t.Logf("%s: not replayed: no dialect was agreed on", name)
			case s.dialect > MaxDialect:
				t.Logf("%s: not replayed: %v is not spoken by package msn yet", name, s.dialect)
			default:
				played++
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					newReplay(t, s).run()
				})
			}
		}
		if played == 0 {
			t.Skip("no sign-in in MSNP2 to MSNP12 in this recording; later dialects are not replayed yet")
		}
	}, "testdata/transcripts")
}

// recordedSignIn is what one user's client and the server said from one opening of
// the notification connection to its end, switchboards and HTTPS included.
type recordedSignIn struct {
	who     string
	dialect wire.Dialect
	records []item
}

// item is one record, with its command where it is one.
type item struct {
	transcript.Record
	cmd       wire.Command
	malformed bool // not one command as the specification has it
}

func (i item) client() bool { return i.Kind == transcript.FromClient }
func (i item) server() bool { return i.Kind == transcript.FromServer }

// parseItem reads the command of a record.
func parseItem(r transcript.Record) item {
	i := item{Record: r}
	if !r.MSN() {
		return i
	}
	from := wire.FromClient
	if i.server() {
		from = wire.FromServer
	}
	reader := wire.NewReader(strings.NewReader(r.Text), from)
	var err error
	i.cmd, err = reader.Read()
	if err != nil {
		i.malformed = true
		return i
	}
	if _, err := reader.Read(); !errors.Is(err, io.EOF) || reader.Skipped() > 0 {
		i.malformed = true
	}
	return i
}

// signIns cuts a recording. A notification connection that ends in a redirect
// goes on with the next one.
func signIns(rec transcript.Recording) []recordedSignIn {
	var all []recordedSignIn
	current := make(map[string]int)
	redirected := make(map[string]bool)
	for _, r := range rec.Records {
		if r.Kind == transcript.Remark {
			continue
		}
		i := parseItem(r)
		if r.Kind == transcript.Connection && r.Text == transcript.Open && isNotification(r.Conn) && !redirected[r.Who] {
			current[r.Who] = len(all)
			all = append(all, recordedSignIn{who: r.Who})
		}
		at, ok := current[r.Who]
		if !ok {
			continue
		}
		s := &all[at]
		s.records = append(s.records, i)
		if i.server() && isNotification(r.Conn) {
			switch {
			case i.cmd.Verb == "VER":
				redirected[r.Who] = false
				if d, ok := wire.ParseDialect(i.cmd.Arg(1)); ok {
					s.dialect = d
				}
			case i.cmd.Verb == "XFR" && i.cmd.Arg(1) == "NS" && i.cmd.Arg(2) != "0":
				redirected[r.Who] = true
			}
		}
	}
	return all
}

func isNotification(conn string) bool {
	return strings.HasPrefix(conn, "NS") || strings.HasPrefix(conn, "DS")
}

// replay plays one recordedSignIn.
type replay struct {
	t       *testing.T
	rec     recordedSignIn
	used    []bool // records that were played or left out
	net     *replayNet
	client  *Client
	account string // as the recorded client wrote it
	ns      *replayConn
	boards  map[string]*replayConn // by the recorded name; nil: not played
	last    int                    // the latest record of the sign-in itself
	sawCVR  bool
	unknown bool          // signing in needed an answer that was not recorded
	due     []expectation // events that have to come, in order
	known   map[string]bool
	calls   map[*replayConn][]*replayCall
	status  *replayCall
	over    bool
}

// replayConn is the server's end of one connection.
type replayConn struct {
	*fakeConn
	pipe   net.Conn          // the client's end
	name   string            // in the recording
	trids  map[string]string // recorded to real
	people []string
	peer   string
	opened int  // line of the record that opened the session
	gone   bool // the client has left
	cause  item // the RNG that it answers
}

// replayNet hands the client's connections to the replay.
type replayNet struct {
	t     *testing.T
	conns chan *replayConn
}

func (n *replayNet) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	conn := &replayConn{
		fakeConn: &fakeConn{t: n.t, conn: server, reader: wire.NewReader(server, wire.FromClient)},
		pipe:     client,
		trids:    make(map[string]string),
	}
	select {
	case n.conns <- conn:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *replayNet) accept(name string) *replayConn {
	n.t.Helper()
	select {
	case conn := <-n.conns:
		conn.name = name
		n.t.Cleanup(conn.close)
		return conn
	case <-time.After(patience):
		n.t.Fatalf("the client does not connect for %s", name)
		return nil
	}
}

func newReplay(t *testing.T, rec recordedSignIn) *replay {
	return &replay{
		t: t, rec: rec, used: make([]bool, len(rec.records)),
		net:    &replayNet{t: t, conns: make(chan *replayConn)},
		boards: make(map[string]*replayConn),
		known:  make(map[string]bool),
		calls:  make(map[*replayConn][]*replayCall),
	}
}

func (r *replay) run() {
	cfg, why := r.config()
	if why != "" {
		r.t.Skip(why)
	}
	result := goLogin(r.t, cfg)
	client, err := r.login(result)
	if client == nil {
		r.checkLoginError(err)
		return
	}
	r.client = client
	r.t.Cleanup(func() { quit(client, r.ns.fakeConn) })
	r.checkLists()
	r.session()
}

// config makes of the recorded sign-in a Config that should do the same.
func (r *replay) config() (Config, string) {
	cfg := Config{
		Password: recordedPassword,
		Server:   "127.0.0.1",
		NexusURL: "https://127.0.0.1/rdr/pprdr.asp",
		Trust:    Trust{AllowPrivate: true},
		Dial:     r.net.Dial,
	}
	ticket := ""
	for _, i := range r.rec.records {
		if i.server() && isNotification(i.Conn) || i.Kind == transcript.Connection {
			for _, arg := range i.cmd.Args {
				if host, _, err := net.SplitHostPort(arg); err == nil && (i.cmd.Verb == "XFR" || i.cmd.Verb == "RNG") {
					cfg.Trust.Hosts = append(cfg.Trust.Hosts, host)
				}
			}
			continue
		}
		if !i.client() || !isNotification(i.Conn) || i.malformed {
			continue
		}
		switch args := i.cmd.Args; i.cmd.Verb {
		case "VER":
			if cfg.Dialects == nil && len(args) > 0 {
				for _, name := range spoken(args[1:]) {
					d, _ := wire.ParseDialect(name)
					cfg.Dialects = append(cfg.Dialects, d)
				}
			}
		case "CVR":
			if cfg.Identity == (Identity{}) && len(args) >= 7 {
				cfg.Identity = Identity{args[1], args[2], args[3], args[4], args[5], args[6], argAt(args, 7)}
			}
		case "USR":
			if i.cmd.Arg(2) == "I" && cfg.Account == "" {
				cfg.Account = i.cmd.Arg(3)
			}
			if i.cmd.Arg(1) == "TWN" && i.cmd.Arg(2) == "S" {
				ticket = i.cmd.Arg(3)
			}
		case "CHG":
			if cfg.Status == "" && Status(i.cmd.Arg(1)).settable() {
				cfg.Status = Status(i.cmd.Arg(1))
				caps, _, _ := strings.Cut(i.cmd.Arg(2), ":")
				if n, err := strconv.ParseUint(caps, 10, 32); err == nil {
					cfg.Capabilities = uint32(n)
				}
			}
		}
	}
	if _, ok := parseAccount(cfg.Account); !ok {
		return cfg, "the recorded client does not get as far as naming an account"
	}
	if len(cfg.Dialects) == 0 {
		return cfg, "the recorded client offers no dialect that this one speaks"
	}
	r.account = cfg.Account
	cfg.https = r.passport(ticket)
	return cfg, ""
}

// passport answers HTTPS as recorded, or, where that was left out, gives out the
// ticket that the recorded client had.
func (r *replay) passport(ticket string) roundTripper {
	var mu sync.Mutex
	var answers []string
	for _, i := range r.rec.records {
		if i.server() && i.Conn == "HTTPS" && passportAnswer(i.Text) {
			answers = append(answers, i.Text)
		}
	}
	recorded := len(answers) > 0
	return func(request *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		if recorded {
			if len(answers) == 0 {
				return nil, errors.New("nothing more was recorded")
			}
			text := answers[0]
			answers = answers[1:]
			return http.ReadResponse(bufio.NewReader(strings.NewReader(text)), request)
		}
		header := http.Header{}
		if request.Header.Get("Authorization") == "" {
			header.Set("PassportURLs", "DALogin=https://127.0.0.1/login")
		} else {
			header.Set("Authentication-Info", "Passport1.4 da-status=success,from-PP='"+ticket+"'")
		}
		return &http.Response{StatusCode: 200, Header: header, Body: http.NoBody, Request: request}, nil
	}
}

// passportAnswer reports whether an HTTP response is one of the ticket login.
func passportAnswer(text string) bool {
	header, _, _ := strings.Cut(strings.ToLower(text), "\r\n\r\n")
	return strings.Contains(header, "\r\npassporturls:") || strings.Contains(header, ": passport1.4 ")
}

// login follows the Client through the dialogue of signing in: for each command
// that it sends, the recorded one is found, and what the server had said after
// that is sent.
func (r *replay) login(result <-chan loginResult) (*Client, error) {
	r.t.Helper()
	r.ns = r.net.accept(r.rec.records[0].Conn)
	var done *loginResult
	for {
		commands := make(chan wire.Command, 1)
		ended := make(chan error, 1)
		ns := r.ns
		_ = ns.conn.SetReadDeadline(time.Now().Add(patience))
		go func() {
			cmd, err := ns.reader.Read()
			if err != nil {
				ended <- err
				return
			}
			commands <- cmd
		}()
		// The last thing that a client of these dialects sends is CVR, which it
		// does not wait for.
		if done == nil || r.rec.dialect < 8 && !r.sawCVR {
			select {
			case cmd := <-commands:
				if !r.loginCommand(cmd) {
					_, err := waitLogin(r.t, result)
					return nil, err
				}
				continue
			case <-ended:
				if done != nil {
					return nil, done.err
				}
			case got := <-result:
				done = &got
			}
		}
		if done != nil && done.err == nil {
			if r.rec.dialect >= 8 || r.sawCVR {
				_ = ns.conn.SetReadDeadline(time.Now())
				<-ended
				return done.client, nil
			}
			if cmd := <-commands; r.loginCommand(cmd) {
				continue
			}
		}
		if done != nil {
			return nil, done.err
		}
		select {
		case r.ns = <-r.net.conns:
			r.t.Cleanup(r.ns.close)
			r.ns.name = ns.name
		case got := <-result:
			if got.client != nil {
				r.t.Fatal("the connection ended and Login succeeded")
			}
			return nil, got.err
		case <-time.After(patience):
			r.t.Fatal("Login hangs")
		}
	}
}

// loginCommand handles one command of the Client while it signs in. It reports
// false when the connection was closed for lack of an answer.
func (r *replay) loginCommand(cmd wire.Command) bool {
	r.t.Helper()
	if cmd.Verb == "CVR" {
		r.sawCVR = true
	}
	at := r.find(cmd.Verb)
	if at < 0 {
		if cmd.Verb == "CVR" && r.rec.dialect < 8 {
			return true // optional
		}
		r.t.Logf("left: the recorded client never sends %s, so that no answer is known", cmd.Verb)
		r.unknown = true
		r.ns.close()
		return false
	}
	r.compare(r.rec.records[at], cmd)
	r.ns.trids[r.rec.records[at].cmd.Arg(0)] = cmd.Arg(0)
	r.used[at] = true
	r.last = max(r.last, at)
	if closed := r.answerFrom(at); closed {
		r.ns.close()
		return false
	}
	return true
}

// find returns the next recorded command with a verb on the notification
// connection, or -1.
func (r *replay) find(verb string) int {
	for n, i := range r.rec.records {
		if !r.used[n] && i.client() && isNotification(i.Conn) && i.cmd.Verb == verb && !i.malformed {
			return n
		}
	}
	return -1
}

// answerFrom sends what the server said after record at until the client's next
// command, and reports whether the connection was closed then. Answers to
// commands that this client sends at another place wait for that.
func (r *replay) answerFrom(at int) bool {
	elsewhere := func(i item) bool { return place(r.rec.dialect, i.cmd.Verb) != "" }
	for n := at + 1; n < len(r.rec.records); n++ {
		i := r.rec.records[n]
		switch {
		case !isNotification(i.Conn) || r.used[n]:
		case i.client():
			if !elsewhere(i) {
				return false
			}
		case i.Kind == transcript.Connection:
			if i.Text != transcript.Open {
				return true
			}
		default:
			cause, ok := r.cause(i)
			if ok && elsewhere(cause) != elsewhere(r.rec.records[at]) ||
				ok && elsewhere(cause) && cause.Line != r.rec.records[at].Line ||
				!ok && elsewhere(r.rec.records[at]) {
				continue
			}
			r.used[n] = true
			r.expectEvents(i)
			r.ns.sendText(r.translate(r.ns, i))
			if ok && cause.cmd.Verb == "CHG" && i.cmd.Verb != "ILN" {
				return false // signed in: the rest is played as a session
			}
		}
	}
	return false
}

// reached returns when the client has handled all that was sent before, or false
// when it has closed the connection.
func (f *replayConn) reached() bool {
	f.t.Helper()
	if !f.sendText("CHL 0 15570131571988941333\r\n") {
		return false
	}
	_ = f.conn.SetReadDeadline(time.Now().Add(patience))
	cmd, err := f.reader.Read()
	if err == nil && cmd.Verb != "QRY" {
		f.t.Fatalf("the client sent %v at a barrier", cmd)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		f.t.Fatal("the client does not answer at a barrier")
	}
	return err == nil
}

// sendText sends bytes; the client may have closed.
func (f *replayConn) sendText(text string) bool {
	_ = f.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(f.conn, text)
	return err == nil
}

// compare holds a command of the client against the recorded one.
func (r *replay) compare(recorded item, sent wire.Command) {
	r.t.Helper()
	if equalCommands(recorded.cmd, sent) {
		return
	}
	if why := difference(r.rec.dialect, recorded.cmd, sent); why != "" {
		if recorded.cmd.Verb != "USR" || otherPassword(r.salt(), recorded.cmd.Arg(3)) {
			r.t.Logf("line %d: %s: %s", recorded.Line, recorded.cmd.Verb, why)
			return
		}
	}
	r.t.Errorf("line %d: the client sent\n%q %q\nthe recorded one\n%q %q", recorded.Line,
		lineOf(sent), sent.Payload, lineOf(recorded.cmd), recorded.cmd.Payload)
}

// salt is what the server gave for the MD5 proof.
func (r *replay) salt() string {
	for _, i := range r.rec.records {
		if i.server() && i.cmd.Verb == "USR" && i.cmd.Arg(1) == "MD5" {
			return i.cmd.Arg(3)
		}
	}
	return ""
}

// equalCommands compares verb, parameters but the TrID, and payload.
func equalCommands(a, b wire.Command) bool {
	if a.Verb != b.Verb || len(a.Args) != len(b.Args) || a.HasPayload != b.HasPayload || a.Payload != b.Payload {
		return false
	}
	return len(a.Args) == 0 || slices.Equal(a.Args[1:], b.Args[1:])
}

// replyVerbs are server commands that repeat the TrID of the command they follow
// from, by the verb of that command; a command answers itself too.
var replyVerbs = map[string][]string{
	"SYN": {"GTC", "BLP", "LST", "LSG"},
	"CHG": {"ILN"},
	"ANS": {"IRO"},
	"MSG": {"ACK", "NAK"},
	"USR": {"XFR"},
	"CVR": {"CVQ"},
}

// cause finds the recorded command on the same connection that a server command
// answers.
func (r *replay) cause(i item) (item, bool) {
	trid := i.cmd.Arg(0)
	if !isNumber(trid) || trid == "0" {
		return item{}, false
	}
	_, isError := i.cmd.ErrorNumber()
	for n := len(r.rec.records) - 1; n >= 0; n-- {
		c := r.rec.records[n]
		if c.Line >= i.Line || !c.client() || c.Conn != i.Conn || c.cmd.Arg(0) != trid {
			continue
		}
		if isError || c.cmd.Verb == i.cmd.Verb || slices.Contains(replyVerbs[c.cmd.Verb], i.cmd.Verb) {
			return c, true
		}
	}
	return item{}, false
}

// translate puts the client's TrID into a server command that answers one.
func (r *replay) translate(conn *replayConn, i item) string {
	if i.malformed {
		return i.Text
	}
	if _, ok := r.cause(i); !ok {
		return i.Text
	}
	real, ok := conn.trids[i.cmd.Arg(0)]
	if !ok {
		return i.Text
	}
	return strings.Replace(i.Text, " "+i.cmd.Arg(0), " "+real, 1)
}

// checkLoginError holds the error of Login against how the recorded sign-in
// ended.
func (r *replay) checkLoginError(err error) {
	r.t.Helper()
	if err == nil {
		r.t.Fatal("no error and no Client")
	}
	r.t.Logf("signing in ends with: %v", err)
	if r.unknown {
		return
	}
	for _, i := range r.rec.records {
		number, ok := i.cmd.ErrorNumber()
		if !ok || !isNotification(i.Conn) || !i.server() {
			continue
		}
		if cause, ok := r.cause(i); !ok || cause.cmd.Verb != "USR" {
			continue
		}
		var refused *ServerError
		if errors.Is(err, ErrBadCredentials) && number == 911 {
			return
		}
		if !errors.As(err, &refused) || refused.Number != number {
			r.t.Errorf("the server said %d, Login %v", number, err)
		}
		return
	}
}
