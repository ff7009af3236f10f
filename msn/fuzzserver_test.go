package msn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// tape is bytes that decide what happens. Behind its end all is as it should be.
type tape struct {
	mu    sync.Mutex
	bytes []byte
}

func (p *tape) next() byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.bytes) == 0 {
		return 0
	}
	b := p.bytes[0]
	p.bytes = p.bytes[1:]
	return b
}

func (p *tape) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.bytes) == 0
}

// pick returns one of several.
func pick[T any](p *tape, of []T) T { return of[int(p.next())%len(of)] }

// recorded are the units that servers have sent in the recordings.
type recorded struct {
	ns, sb map[wire.Dialect][]string
}

// readRecorded reads the recordings, with those of several dialects in each of them.
func readRecorded(f testing.TB) recorded {
	f.Helper()
	units := recorded{make(map[wire.Dialect][]string), make(map[wire.Dialect][]string)}
	paths, err := transcript.Find("testdata/transcripts")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no recordings: %v", err)
	}
	seen := make(map[string]bool)
	for _, path := range paths {
		recording, err := transcript.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, dialect := range []wire.Dialect{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18} {
			if !strings.Contains(recording.Name+"-", strings.ToLower(dialect.String())+"-") {
				continue
			}
			for _, record := range recording.Records {
				if record.Kind != transcript.FromServer || !record.MSN() || seen[dialect.String()+record.Text] {
					continue
				}
				seen[dialect.String()+record.Text] = true
				if strings.HasPrefix(record.Conn, "SB") {
					units.sb[dialect] = append(units.sb[dialect], record.Text)
				} else {
					units.ns[dialect] = append(units.ns[dialect], record.Text)
				}
			}
		}
	}
	return units
}

// of returns what servers of a dialect have sent, or of the next one that there is a
// recording of.
func of(units map[wire.Dialect][]string, d wire.Dialect) []string {
	for ; d <= MaxDialect; d++ {
		if len(units[d]) > 0 {
			return units[d]
		}
	}
	return []string{"MSG Hotmail Hotmail 5\r\nhello"}
}

// oddities are what is put in the place of parameters.
var oddities = []string{
	"", "0", "1", "2", "-1", "4294967295", "4294967296", "99999999999999999999", "0x10", "1e3", "OK", "SB", "NS", "NLN", "FLN", "HDN", "XYZ", "FL", "RL", "PL", "CKI",
	"bob@example.com", "alice@example.com", "Alice@Example.com", "carol@example.com", "1:bob@example.com", "1:alice@example.com", "bob@example.com;{a11ce001-0001-4001-8001-000000000001}",
	"1:bob@example.com;{a11ce001-0001-4001-8001-000000000001}", "9:00000000-0000-0000-0009-000000000001@live.com", "@", ";", ":", "%", "%00", "%0D%0AOUT", "%FF%FE", "\xff\xfe", "a%20b",
	fakeServer, fakeSB, "127.0.0.1:1863", "10.0.0.1:1863", "[::1]:1863", "evil.example.net:1863", "down.msn.example.com:1863", "silent.msn.example.com:1863", "ns.msn.example.com:0",
	"N=bob@example.com", "F=", "C=c1f9a363-4ee9-4a33-a434-b056a4c55b98", "C=", "=", "Bob", strings.Repeat("A", 400), strings.Repeat("%41", 2000), strings.Repeat("x", wire.MaxLine),
}

// mutated changes a unit of the wire at one place or several.
func mutated(p *tape, unit string) string {
	for range int(p.next() % 4) {
		line, payload, _ := strings.Cut(unit, "\r\n")
		words := strings.Split(line, " ")
		at := int(p.next()) % len(words)
		switch p.next() % 10 {
		case 0, 1, 2, 3:
			words[at] = pick(p, oddities)
		case 4:
			words = append(words[:at], words[at+1:]...)
		case 5:
			words = append(words, pick(p, oddities))
		case 6:
			words[len(words)-1] = strconv.Itoa(int(p.next()) - 8 + len(payload)) // perhaps a wrong length
		case 7:
			if len(payload) > 0 {
				payload = payload[:int(p.next())*len(payload)/256]
				if n := len(words); n > 1 && p.next()%4 > 0 {
					words[n-1] = strconv.Itoa(len(payload))
				}
			}
		case 8:
			if len(payload) > 0 {
				from := int(p.next()) * len(payload) / 256
				payload = payload[:from] + pick(p, []string{"\x00", "\xff", "<", "&", "\r\n\r\n", "\n", ";", "]]>", "<!DOCTYPE x>", ""}) + payload[min(len(payload), from+1):]
				if n := len(words); n > 1 {
					words[n-1] = strconv.Itoa(len(payload))
				}
			}
		case 9:
			words[0] = pick(p, []string{"MSG", "USR", "ACK", "217", "911", "913", "XFR", "RNG", "UBX", "NOT", "IPG", "ADL", "RML", "FQY", "GCF", "SYN", "LST", "LSG", "PUT", "SDG", "NFY", "UBM", "JOI", "BYE", "IRO", "XYZ"})
		}
		unit = strings.Join(words, " ") + "\r\n" + payload
	}
	return unit
}

// fuzzServer is the servers of an account. They behave, except where the tapes say
// otherwise.
type fuzzServer struct {
	t       *testing.T
	dialect wire.Dialect
	units   recorded
	answers []byte // where each connection begins with a tape of its own
	web     *tape
	usual   *fakeWeb
	group   sync.WaitGroup

	mu     sync.Mutex
	conns  []*fuzzConn
	closed bool
	failed string
}

// fuzzConn is the server's end of one connection.
type fuzzConn struct {
	srv   *fuzzServer
	conn  net.Conn
	board bool
	tape  *tape
	out   chan func() string
	quit  chan struct{}
	once  sync.Once
}

// fail notes what is wrong; the goroutine of the test says so.
func (s *fuzzServer) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed += fmt.Sprintf(format, args...) + "\n"
}

// Dial is a Config.Dial.
func (s *fuzzServer) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host != "example.com" && !strings.HasSuffix(host, ".example.com") {
		s.fail("the client connects to %q", address)
	}
	if strings.HasPrefix(address, "down.") {
		return nil, errors.New("down")
	}
	if strings.HasPrefix(address, "silent.") {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	client, server := net.Pipe()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	c := &fuzzConn{srv: s, conn: server, board: strings.HasPrefix(host, "sb."), out: make(chan func() string, 1<<10), quit: make(chan struct{})}
	// Each begins elsewhere, so that the order in which they are opened changes little.
	from := 0
	if len(s.answers) > 0 {
		from = len(s.conns) * 16 % (len(s.answers) + 1)
	}
	c.tape = &tape{bytes: s.answers[from:]}
	s.conns = append(s.conns, c)
	s.group.Go(c.read)
	s.group.Go(c.write)
	return client, nil
}

// end closes all connections.
func (s *fuzzServer) end() {
	s.mu.Lock()
	s.closed = true
	conns := s.conns
	s.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	s.group.Wait()
}

// last returns the n-th latest connection of a kind, or nil.
func (s *fuzzServer) last(board bool, n int) *fuzzConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.conns) - 1; i >= 0; i-- {
		if s.conns[i].board == board {
			if n == 0 {
				return s.conns[i]
			}
			n--
		}
	}
	return nil
}

func (c *fuzzConn) close() {
	c.once.Do(func() { close(c.quit) })
	_ = c.conn.Close()
}

// send has something sent after a time. What waits in a queue that is full is lost.
func (c *fuzzConn) send(units ...string) {
	for _, unit := range units {
		c.then(func() string { return unit })
	}
}

func (c *fuzzConn) then(f func() string) {
	select {
	case c.out <- f:
	default:
	}
}

func (c *fuzzConn) write() {
	for {
		select {
		case f := <-c.out:
			text := f()
			if text == "" {
				continue
			}
			if _, err := io.WriteString(c.conn, text); err != nil {
				return
			}
		case <-c.quit:
			return
		}
	}
}

// wait waits in the bubble's time, or until the connection is closed.
func (c *fuzzConn) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.quit:
	}
}

// known are the verbs that a client may send.
const known = " VER CVR CVQ INF USR SYN CHG CHL BLP GTC PRP REA ADD REM ADC ADG RMG REG ADL RML FQY UUX UUM UUN QRY PNG XFR OUT SND SDC FND URL PAG PGD LST LSG SBP PUT DEL SDG NFY" +
	" ANS CAL MSG ACK "

// read reads what the client sends and answers.
func (c *fuzzConn) read() {
	reader := wire.NewReader(c.conn, wire.FromClient)
	if c.board {
		reader.SetDialect(c.srv.dialect)
	}
	for {
		cmd, err := reader.Read()
		if errors.Is(err, wire.ErrProtocol) {
			c.srv.fail("what the client sends cannot be read: %v", err)
		}
		if err != nil {
			c.close()
			return
		}
		if !strings.Contains(known, " "+cmd.Verb+" ") {
			c.srv.fail("the client sends %q", lineOf(cmd))
		}
		if cmd.Verb == "VER" {
			reader.SetDialect(c.srv.dialect)
		}
		answer := c.usual(cmd)
		if c.board {
			answer = c.usualBoard(cmd)
		}
		c.answer(cmd, answer)
	}
}

// answer sends the usual answer to a command, or what the tape says.
func (c *fuzzConn) answer(cmd wire.Command, usual []string) {
	trid := cmd.Arg(0)
	units := of(c.srv.units.ns, c.srv.dialect)
	if c.board {
		units = of(c.srv.units.sb, c.srv.dialect)
	}
	switch p := c.tape; p.next() % 20 {
	default:
		c.send(usual...)
	case 8: // nothing
	case 9:
		number := pick(p, []string{"200", "201", "205", "207", "208", "209", "215", "216", "217", "224", "241", "280", "281", "302", "500", "540", "600", "601", "710", "713", "715", "717", "800", "910", "911", "913", "918", "920", "921", "928", "931", "1000"})
		c.send(number+" "+trid+"\r\n", number+" "+trid+" 5\r\nhello")
	case 10:
		c.send(usual...)
		c.send(usual...)
	case 11:
		for _, unit := range usual {
			c.send(mutated(p, unit))
		}
	case 12:
		c.send(mutated(p, pick(p, units)))
		c.send(usual...)
	case 13:
		delay := pick(p, []time.Duration{time.Millisecond, time.Second, 20 * time.Second, 29 * time.Second, 31 * time.Second, 2 * time.Minute})
		c.then(func() string { c.wait(delay); return "" })
		c.send(usual...)
	case 14:
		c.send(usual...)
		c.then(func() string { c.close(); return "" })
	case 15:
		c.close()
	case 16:
		c.send(pick(p, []string{
			"XFR " + trid + " NS " + fakeServer + " 0 " + fakeServer + "\r\n", "XFR 0 NS 0\r\n", "XFR " + trid + " NS 127.0.0.1:1863 0\r\n", "XFR " + trid + " SB " + fakeServer + " CKI 1\r\n",
			"OUT OTH\r\n", "OUT SSD\r\n", "OUT RCT 1\r\n", "OUT\r\n", "CHL 0 1\r\n", "CHL 0\r\n", "USR " + trid + " OK alice@example.com Alice 1 0\r\n", "USR " + trid + " OK\r\n", "VER " + trid + " 0 CVR0\r\n",
		}))
	case 17: // one byte at a time
		for _, unit := range usual {
			for i := range min(len(unit), 200) {
				c.send(unit[i : i+1])
			}
			c.send(unit[min(len(unit), 200):])
		}
	case 18:
		raw := make([]byte, p.next())
		for i := range raw {
			raw[i] = p.next()
		}
		c.send(string(raw))
	case 19:
		for i := range 1 + int(p.next())%64 {
			c.send(strings.Replace(pick(p, units), "bob@", "bob"+strconv.Itoa(i)+"@", 1))
		}
		c.send(usual...)
	}
}

// usual is what a notification server answers that behaves.
func (c *fuzzConn) usual(cmd wire.Command) []string {
	d, trid := c.srv.dialect, cmd.Arg(0)
	line := func(format string, args ...any) []string { return []string{fmt.Sprintf(format, args...) + "\r\n"} }
	switch cmd.Verb {
	case "VER":
		return line("VER %s %s", trid, d)
	case "INF":
		return line("INF %s MD5", trid)
	case "CVR", "CVQ":
		return line("%s %s 7.0.0813 7.0.0813 6.0.0602", cmd.Verb, trid)
	case "USR":
		switch {
		case cmd.Arg(2) != "I" && d < 6:
			return line("USR %s OK alice@example.com Alice", trid)
		case cmd.Arg(2) != "I" && d < 10:
			return line("USR %s OK alice@example.com Alice 1 0", trid)
		case cmd.Arg(2) != "I":
			return line("USR %s OK alice@example.com 1 0", trid)
		case d < 8:
			return line("USR %s MD5 S 1013928519.693957190", trid)
		case d < wire.FirstSSO:
			return line("USR %s TWN S ct=1,rver=1", trid)
		}
		return line("USR %s SSO S %s %s", trid, passport.PolicyKeyOld, fakeNonce)
	case "SYN":
		var lines []string
		for _, l := range bobsList(d) {
			verb, rest, _ := strings.Cut(l, " ")
			if numbered, ok := strings.CutPrefix(rest, "5 "); ok {
				rest = trid + " " + numbered
			}
			lines = append(lines, verb+" "+rest+"\r\n")
		}
		return lines
	case "CHG":
		return append(line("%s", lineOf(cmd)), line("NLN NLN bob@example.com Bob")...)
	case "ADL", "RML", "SND", "SDC", "UUM", "UUN":
		return line("%s %s OK", cmd.Verb, trid)
	case "UUX":
		return line("UUX %s 0", trid)
	case "PNG":
		return line("QNG 50")
	case "QRY":
		return line("QRY %s", trid)
	case "XFR":
		return line("XFR %s SB %s CKI 17262740.1050826919.32308", trid, fakeSB)
	case "FND":
		return line("FND %s 1 1 fname=Bob lname=Builder city=X state=Y country=Z", trid)
	case "URL":
		return line("URL %s /cgi-bin/HoTMaiL https://login.msn.example.com/ppsecure/md5auth.srf 2", trid)
	case "PUT", "DEL":
		return line("%s %s OK 0", cmd.Verb, trid)
	case "OUT", "PAG", "PGD", "SDG", "NFY":
		return nil
	}
	return line("%s", lineOf(cmd))
}

// usualBoard is what a switchboard answers that behaves.
func (c *fuzzConn) usualBoard(cmd wire.Command) []string {
	trid := cmd.Arg(0)
	switch cmd.Verb {
	case "USR":
		return []string{"USR " + trid + " OK alice@example.com Alice\r\n"}
	case "ANS":
		return []string{"IRO " + trid + " 1 1 bob@example.com Bob\r\n", "ANS " + trid + " OK\r\n"}
	case "CAL":
		return []string{"CAL " + trid + " RINGING 11752013\r\n", "JOI " + cmd.Arg(1) + " Bob\r\n"}
	case "MSG":
		if cmd.Arg(1) == "A" || cmd.Arg(1) == "D" {
			return []string{"ACK " + trid + "\r\n"}
		}
	}
	return nil
}

// RoundTrip is the web services: they behave, except where their tape says otherwise.
func (s *fuzzServer) RoundTrip(r *http.Request) (*http.Response, error) {
	p := s.web
	action := p.next() % 16
	if action == 8 {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if action == 9 {
		return nil, os.ErrDeadlineExceeded
	}
	answer, err := s.usual.RoundTrip(r)
	if err != nil || action < 8 {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	switch action {
	case 10:
		answer.StatusCode = int(pick(p, []uint16{100, 204, 301, 302, 401, 403, 404, 500, 503}))
		answer.Header.Set("Location", pick(p, []string{"https://login.msn.example.com/x", "http://login.msn.example.com/x", "https://evil.example.net/", "https://127.0.0.1/", ""}))
	case 11:
		body = body[:len(body)*int(p.next())/256]
	case 12:
		body = []byte(soapFault(pick(p, []string{"soap:Client", "wsse:FailedAuthentication", "psf:Redirect", "wsse:BadRequest", "q0:AuthenticationFailed"}), "no", "<errorcode>"+pick(p, []string{"ABDoesNotExist", "ContactAlreadyExists", "PassportAuthFail", "x"})+"</errorcode>"))
	case 13:
		if i := bytes.IndexByte(body[min(len(body), int(p.next())*len(body)/256):], '>'); i >= 0 {
			body = append(body[:i:i], body[min(len(body), i+int(p.next())):]...)
		}
	case 14:
		select {
		case <-time.After(pick(p, []time.Duration{time.Second, 20 * time.Second, time.Minute})):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	case 15:
		body = []byte(pick(p, []string{"", "<", "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>", strings.Repeat("<a>", 5000), "\xff\xfe<"}))
		answer.Header = http.Header{}
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), -1
	return answer, nil
}
