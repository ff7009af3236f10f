package msntest

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// The recorded clients' part of every recording of MSNP2 to MSNP18 is played
// against this server, which follows Escargot here; its answers must equal the
// recorded ones, command by command and parameter by parameter, but for what
// differences_test.go lists with the reason. Recordings from elsewhere
// (MSN_TRANSCRIPTS) are not played: they can hold differences that nobody has
// judged yet.
func TestAnswersEqualTheRecordedOnes(t *testing.T) {
	t.Parallel()
	paths, err := transcript.Find(filepath.Join("..", "testdata", "transcripts"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatal("no recordings")
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			rec, err := transcript.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if reason := unplayable(rec); reason != "" {
				t.Skip(reason)
			}
			p := newReplay(t, rec)
			p.pipelined = strings.Contains(path, "libpurple")
			p.run()
		})
	}
}

// unplayable says why a recording cannot be played against this server.
func unplayable(rec transcript.Recording) string {
	played := false
	for _, r := range rec.Records {
		if r.Conn == "HTTP" {
			return "the HTTP gateway is tried in gateway_test.go"
		}
		if strings.HasPrefix(rec.Name, "msnp1") && strings.HasSuffix(rec.Name, "-offline-message") {
			return "it asks for the ID that the recorded server gave the message"
		}
		if r.Kind != transcript.FromServer || !strings.HasPrefix(r.Text, "VER ") {
			continue
		}
		d, ok := wire.ParseDialect(strings.Fields(r.Text)[2])
		if ok && d > maxDialect && !strings.HasPrefix(rec.Name, "any-version") {
			return d.String() + " is not spoken by this server"
		}
		played = true
	}
	if !played {
		return "no notification server in this recording"
	}
	return ""
}

// replayPassword is the password of every account in the recordings.
const replayPassword = "secret123"

// replay plays one recording.
type replay struct {
	t         *testing.T
	rec       transcript.Recording
	srv       *Server
	ctx       context.Context
	ends      map[string]*end
	names     map[int]string            // of connections, by their number
	ours      map[string]string         // what the recorded server made up, and what ours did
	pipelined bool                      // the client does not wait for answers
	circle    *strings.Replacer         // puts the ID of our circle in place of the recorded one
	answered  map[int]bool              // answers of web services that were compared
	early     map[string][]wire.Command // what ours said that the recording has later
}

// end is the client's end of a connection.
type end struct {
	nc   net.Conn
	conn *conn
	r    *wire.Reader
}

func newReplay(t *testing.T, rec transcript.Recording) *replay {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	opts := []Option{WithCompat(Escargot)}
	if strings.Contains(rec.Name, "challenge") {
		opts = append(opts, WithChallenges(0))
	}
	p := &replay{
		t: t, rec: rec, srv: NewServer(t, opts...), ctx: ctx,
		ends: make(map[string]*end), names: make(map[int]string), ours: make(map[string]string),
		early: make(map[string][]wire.Command), answered: make(map[int]bool), circle: strings.NewReplacer(),
	}
	seed(p.srv, rec)
	return p
}

// step is something a client does and what the server answers to everybody.
type step struct {
	do      transcript.Record
	answers map[string][]wire.Command // by connection
	closes  map[string]bool
}

func (p *replay) run() {
	var current *step
	dialects := make(map[string]wire.Dialect)
	for _, r := range p.rec.Records {
		place := r.Who + "/" + r.Conn
		switch {
		case r.Kind == transcript.Remark || strings.HasPrefix(r.Conn, "HTTP") && !played(r):
		case r.Kind == transcript.FromServer:
			cmd, err := wire.NewReader(strings.NewReader(r.Text), wire.FromServer).Read()
			if err != nil {
				p.t.Fatalf("%v: %v", r, err)
			}
			if d, ok := wire.ParseDialect(cmd.Arg(1)); ok && cmd.Verb == "VER" {
				dialects[r.Who] = d
			}
			current.answers[place] = append(current.answers[place], cmd)
		case r.Text == transcript.ClosedByServer:
			current.closes[place] = true
		default:
			if current != nil {
				p.play(current)
			}
			current = &step{do: r, answers: make(map[string][]wire.Command), closes: make(map[string]bool)}
		}
		if p.t.Failed() {
			return
		}
	}
	if current == nil {
		return
	}
	p.play(current)
	for place := range p.early {
		p.checkEarly(current, place)
	}
}

// play does what the client did and compares what the server says.
func (p *replay) play(s *step) {
	mark := p.srv.Mark()
	place := s.do.Who + "/" + s.do.Conn
	switch {
	case s.do.Text == transcript.Open:
		p.checkEarly(s, place)
		p.open(s.do, place)
	case s.do.Text == transcript.ClosedByClient:
		p.close(place)
	case s.do.Conn == "HTTPS":
		p.call(s)
	case !p.send(s, place):
		return
	}
	got := make(map[string][]wire.Command)
	for _, r := range p.srv.Records() {
		if r.Seq > mark && r.From == wire.FromServer && r.Kind != HTTPS {
			got[p.names[r.Conn]] = append(got[p.names[r.Conn]], r.Command)
		}
	}
	places := make(map[string]bool)
	for name := range got {
		places[name] = true
	}
	for name := range s.answers {
		places[name] = true
	}
	for name := range places {
		p.early[name] = p.compare(s, name, s.answers[name], append(p.early[name], got[name]...))
	}
	for name, e := range p.ends {
		if over := p.isOver(e); over != s.closes[name] && !allowedClose(p.rec.Name, s.do, over) {
			p.t.Errorf("%v: %s is closed by the server: %v, recorded: %v", s.do, name, over, s.closes[name])
		}
		if p.isOver(e) {
			delete(p.ends, name)
		}
	}
}

// checkEarly reports what ours said on a connection that has ended and the
// recording never has.
func (p *replay) checkEarly(s *step, place string) {
	for _, cmd := range p.early[place] {
		if !missing(cmd) {
			p.t.Errorf("%v: to %s\nnot recorded %s", s.do, place, p.normal(cmd, false))
		}
	}
	delete(p.early, place)
}

func (p *replay) isOver(e *end) bool {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	return e.conn.over
}

func (p *replay) open(r transcript.Record, place string) {
	l := p.srv.ns
	if strings.HasPrefix(r.Conn, "SB") {
		l = p.srv.sb
	}
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = nc.Close() })
	e := &end{nc: nc, r: wire.NewReader(nc, wire.FromServer)}
	p.until(func() bool {
		for c := range p.srv.conns {
			// The system gives one port to connections that lead to different ones.
			if c.nc.RemoteAddr().String() == nc.LocalAddr().String() && c.nc.LocalAddr().String() == nc.RemoteAddr().String() {
				e.conn = c
			}
		}
		return e.conn != nil
	})
	p.ends[place] = e
	p.names[e.conn.id] = place
}

func (p *replay) until(cond func() bool) {
	p.t.Helper()
	if err := p.srv.wait(p.ctx, cond); err != nil {
		p.t.Fatal(err)
	}
}

func (p *replay) close(place string) {
	e := p.ends[place]
	if e == nil {
		return // our server closed it earlier, which was compared then
	}
	delete(p.ends, place)
	_ = e.nc.Close()
	p.until(func() bool { return e.conn.over })
}

// send sends a unit, adapted to what our server made up, and waits until it has
// been handled. It reports false when the connection has been closed.
func (p *replay) send(s *step, place string) bool {
	e := p.ends[place]
	if e == nil {
		return false
	}
	r := wire.NewReader(strings.NewReader(s.do.Text), wire.FromClient)
	var last wire.Command
	for {
		cmd, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.t.Fatalf("%v: %v", s.do, err)
		}
		cmd = p.adapt(s.do.Who, e, cmd)
		mark := p.srv.Mark()
		unit, err := wire.Append(nil, cmd)
		if err != nil {
			p.t.Fatal(err)
		}
		if _, err := e.nc.Write(unit); err != nil {
			p.t.Fatal(err)
		}
		if cmd.Verb == "FOO" || cmd.Verb == "LKP" {
			continue // not commands: the server may pass them over
		}
		last = cmd
		_, err = p.srv.AwaitAfter(p.ctx, mark, func(r Record) bool {
			return r.Conn == e.conn.id && r.From == wire.FromClient && r.Command.Verb == last.Verb
		})
		if err != nil {
			p.t.Fatalf("%v was not read: %v", s.do, err)
		}
	}
	return true
}

// adapt puts our server's tickets, session IDs and GUIDs in place of the
// recorded ones, and computes the answers to our challenges.
func (p *replay) adapt(who string, e *end, cmd wire.Command) wire.Command {
	args := append([]string(nil), cmd.Args...)
	for i, arg := range args {
		prefix, value := "", arg
		if strings.HasPrefix(arg, "C=") {
			prefix, value = "C=", arg[2:]
		}
		if ours, ok := p.ours[value]; ok {
			args[i] = prefix + ours
		}
	}
	cmd.Payload = p.circle.Replace(cmd.Payload)
	switch {
	case cmd.Verb == "USR" && cmd.Arg(1) == "MD5" && cmd.Arg(2) == "S":
		args[3] = p.md5(cmd.Arg(3), e)
	case cmd.Verb == "USR" && cmd.Arg(1) == "SSO" && cmd.Arg(2) == "S":
		p.proof(args, e)
	case cmd.Verb == "USR" && cmd.Arg(1) == "SHA" && p.ours[cmd.Arg(3)] == "":
		// The download that it is from was not recorded.
		p.srv.mu.Lock()
		args[3] = base64.StdEncoding.EncodeToString([]byte(p.srv.circleTicket(e.conn.session.account)))
		p.srv.mu.Unlock()
	case cmd.Verb == "USR" && cmd.Arg(1) == "TWN" && cmd.Arg(2) == "S":
		args[3] = p.ticket(cmd.Arg(3), e)
	case cmd.Verb == "QRY":
		p.srv.mu.Lock()
		product, ok := passport.ProductByID(cmd.Arg(1))
		if ok && strings.Trim(cmd.Payload, "0") != "" {
			cmd.Payload = passport.ChallengeAnswer(e.conn.dialect, product, e.conn.expects)
		}
		p.srv.mu.Unlock()
	}
	cmd.Args = args
	return cmd
}

// md5 answers our salt if the recorded client answered the recorded one rightly.
func (p *replay) md5(recorded string, e *end) string {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	for theirs := range p.ours {
		if passport.MD5Response(theirs, replayPassword) == recorded {
			return passport.MD5Response(e.conn.salt, replayPassword)
		}
	}
	return recorded
}

// ticket gets a log-in ticket of our server where the recorded client had one.
func (p *replay) ticket(recorded string, e *end) string {
	if ours, ok := p.ours[recorded]; ok {
		return ours
	}
	if recorded == "no-ticket" {
		return recorded
	}
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	a := p.srv.loginAccount(e.conn.claimed)
	if a == nil {
		return recorded
	}
	p.ours[recorded] = p.srv.newLoginTicket(a)
	return p.ours[recorded]
}
