package msn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// ownRecordings is where this repository keeps recordings.
const ownRecordings = "testdata/transcripts"

// TestReplay plays the server's part of every recording to a Client, user by
// user and sign-in by sign-in, and holds what the Client sends against what the
// recorded client sent, and what it tells against what the server had said. What
// the recorded client did and this interface never does is left out, with the
// reason in the log.
func TestReplay(t *testing.T) {
	transcript.Run(t, func(t *testing.T, rec transcript.Recording) {
		t.Parallel()
		played := 0
		for _, s := range signIns(rec) {
			name := fmt.Sprintf("%s from line %d", s.who, s.records[0].Line)
			switch {
			case s.dialect == 0:
				t.Logf("%s: not replayed: no dialect was agreed on", name)
			case s.dialect > MaxDialect:
				t.Logf("%s: not replayed: %v is not spoken by package msn", name, s.dialect)
			default:
				played++
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					r := newReplay(t, s)
					if _, ok := r.t.(lenient); ok && strings.HasPrefix(rec.Path, ownRecordings) {
						t.Error("a recording of this repository would be played leniently")
					}
					r.run()
				})
			}
		}
		if played == 0 {
			t.Skip("this recording holds no sign-in")
		}
	}, ownRecordings)
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
	t       testing.TB
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
	nudged  map[string]bool // whom a nudge went to
	status  *replayCall
	// requests are calls that wait for the answer to a recorded command, by its line.
	requests map[int]func(item)
	over     bool
	web      *replayWeb      // from MSNP13 on
	places   string          // of the user's own, as they were told last
	added    map[string]bool // who has the user on their list
}

// replayConn is the server's end of one connection.
type replayConn struct {
	*fakeConn
	pipe   net.Conn          // the client's end
	name   string            // in the recording
	trids  map[string]string // recorded to real
	people []string
	at     map[string]int // how many places of each are there, from MSNP16 on
	peer   string
	group  bool          // more than one was there besides the user
	opened int           // line of the record that opened the session
	gone   bool          // the client has left
	cause  item          // the RNG that it answers
	cv     *Conversation // as the last event told

	invited map[string]chan error // who was called into the group chat and has not come yet

	packets   slp.Joiner
	emoticons map[string][]slp.Emoticon // of the next text, by sender
	offers    map[string]bool           // that were told
}

// replayNet hands the client's connections to the replay.
type replayNet struct {
	t     testing.TB
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

func newReplay(test *testing.T, rec recordedSignIn) *replay {
	var t testing.TB = test
	for _, i := range rec.records {
		if i.server() && i.MSN() && (i.malformed || !wellFormed(i.cmd)) {
			test.Logf("%v: not as the specification has it: only survival counts", i.Record)
			t = lenient{test}
			break
		}
	}
	return &replay{
		t: t, rec: rec, used: make([]bool, len(rec.records)),
		net:    &replayNet{t: t, conns: make(chan *replayConn)},
		boards: make(map[string]*replayConn),
		known:  make(map[string]bool),
		calls:  make(map[*replayConn][]*replayCall),

		requests: make(map[int]func(item)),
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

// expectEnd is fakeConn's, for a server that closes the connection when it has read
// the good-bye, as servers do.
func (f *replayConn) expectEnd() []string {
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
		if cmd.Verb == "OUT" {
			f.close()
			return lines
		}
	}
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
	if sent.Arg(1) == "SSO" && sent.Arg(2) == "S" {
		r.compareProof(recorded, sent)
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
	if !clean.IsNumber(trid) || trid == "0" {
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
