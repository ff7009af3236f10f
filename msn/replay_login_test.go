package msn

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

// config makes of the recorded sign-in a Config that should do the same.
func (r *replay) config() (Config, string) {
	cfg := Config{
		Password: recordedPassword,
		Server:   "127.0.0.1",
		NexusURL: "https://127.0.0.1/rdr/pprdr.asp",
		Trust:    Trust{AllowPrivate: true},
		Dial:     r.net.Dial,
		// A recording without an answer must not take long.
		Timeouts: Timeouts{Request: 5 * time.Second, Login: 10 * time.Second, Silence: 100 * time.Millisecond},
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
			if cfg.Status == "" && Status(i.cmd.Arg(1)).Settable() {
				cfg.Status = Status(i.cmd.Arg(1))
				caps, _, _ := strings.Cut(i.cmd.Arg(2), ":")
				if n, err := strconv.ParseUint(caps, 10, 32); err == nil {
					cfg.Capabilities = uint32(n)
				}
			}
		}
	}
	if _, ok := clean.Account(cfg.Account); !ok {
		return cfg, "the recorded client does not get as far as naming an account"
	}
	if len(cfg.Dialects) == 0 {
		return cfg, "the recorded client offers no dialect that this one speaks"
	}
	r.account = cfg.Account
	cfg.https = r.passport(ticket)
	if r.rec.dialect >= wire.FirstSOAP {
		r.webConfig(&cfg)
	}
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
				if cmd.Verb == "USR" && cmd.Arg(1) == "SHA" {
					// The ticket of the circles, which recorded clients send later: the
					// sign-in is complete.
					return waitLogin(r.t, result)
				}
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
				select {
				case <-ended:
				case cmd := <-commands:
					// The ticket of the circles, which recorded clients send later.
					if cmd.Verb != "USR" || cmd.Arg(1) != "SHA" {
						r.t.Errorf("after signing in the client sends %q", lineOf(cmd))
					}
				}
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
	if r.rec.dialect >= wire.FirstSOAP {
		at = r.findLike(cmd)
	}
	if at < 0 {
		if r.rec.dialect >= wire.FirstSOAP && r.unrecorded(cmd) {
			return true
		}
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
	answer := r.answerFrom
	if r.rec.dialect >= wire.FirstSOAP {
		answer = r.answerCommand
	}
	if closed := answer(at); closed {
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

// salt is what the server gave for the MD5 proof.
func (r *replay) salt() string {
	for _, i := range r.rec.records {
		if i.server() && i.cmd.Verb == "USR" && i.cmd.Arg(1) == "MD5" {
			return i.cmd.Arg(3)
		}
	}
	return ""
}

// checkLoginError holds the error of Login against how the recorded sign-in
// ended.
func (r *replay) checkLoginError(err error) {
	r.t.Helper()
	if err == nil {
		r.t.Fatal("no error and no Client")
	}
	r.t.Logf("signing in ends with: %v", err)
	if r.unknown || errors.Is(err, ErrTimeout) {
		return // an answer was not recorded
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
		if (errors.Is(err, ErrBadCredentials) || errors.Is(err, ErrTicket)) && number == 911 {
			return
		}
		if !errors.As(err, &refused) || refused.Number != number {
			r.t.Errorf("the server said %d, Login %v", number, err)
		}
		return
	}
}
