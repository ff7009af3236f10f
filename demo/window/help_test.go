package window

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

const (
	bob   = "bob@example.com"
	alice = "alice@example.com"
	carol = "carol@example.com"

	password = "correct horse"
	// waitTime is far above what anything here takes.
	waitTime = 20 * time.Second
)

// newService is a server on which the three know each other.
func newService(t *testing.T) *msntest.Server {
	t.Helper()
	srv := msntest.NewServer(t)
	for account, name := range map[string]string{bob: "Bob", alice: "Alice", carol: "Carol"} {
		srv.AddAccount(account, password, msntest.Name(name))
	}
	srv.Befriend(bob, alice, carol)
	return srv
}

// signIn signs somebody in, without a window.
func signIn(t *testing.T, srv *msntest.Server, account string) *msn.Client {
	t.Helper()
	c, err := msn.Login(t.Context(), msn.Config{
		Account: account, Password: password, Server: srv.Addr(), NexusURL: srv.NexusURL(),
		Trust: msn.Trust{AllowPrivate: true}, RootCAs: srv.CertPool(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// heardBy is what somebody without a window hears.
type heardBy struct {
	t      *testing.T
	events <-chan msn.Event
}

// next returns the next event for which f returns true.
func (h heardBy) next(what string, f func(msn.Event) bool) {
	h.t.Helper()
	timeout := time.After(waitTime)
	for {
		select {
		case e, ok := <-h.events:
			if !ok {
				h.t.Fatalf("the connection ended before %s", what)
			}
			if f(e) {
				return
			}
		case <-timeout:
			h.t.Fatalf("%s has not come", what)
		}
	}
}

// text waits for a text.
func (h heardBy) text(want string) {
	h.t.Helper()
	h.next("the text "+want, func(e msn.Event) bool {
		text, ok := e.(msn.TextReceived)
		return ok && text.Text == want
	})
}

// show opens a window of a client that is signed in, and has it hear everything.
func show(t *testing.T, c *msn.Client) (*Window, *site) {
	t.Helper()
	w := New(t.Context(), c)
	var hearing sync.WaitGroup
	hearing.Go(func() {
		for e := range c.Events() {
			w.Hear(e)
		}
	})
	t.Cleanup(func() {
		w.Close()
		_ = c.Close()
		hearing.Wait()
	})
	return w, serve(t, w)
}

// site is a window that is served.
type site struct {
	t    *testing.T
	url  string
	host string
}

func serve(t *testing.T, w *Window) *site {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	host := server.Listener.Addr().String()
	server.Config.Handler = w.Handler(host, "localhost:1")
	server.Start()
	t.Cleanup(func() {
		w.Close() // which ends its pages: the server waits for them
		server.Close()
	})
	return &site{t: t, url: "http://" + host, host: host}
}

// ask sends a request and returns the status and what was answered.
func (s *site) ask(r *http.Request) (status int, body string) {
	s.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (s *site) request(method, path, kind, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Origin", s.url)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (s *site) post(path string, asked request) (status int, body string) {
	s.t.Helper()
	return s.ask(s.request(http.MethodPost, path, "application/json", encode(asked)))
}

// must fails the test unless the answer has this status.
func (s *site) must(want, status int, body string) {
	s.t.Helper()
	if status != want {
		s.t.Fatalf("the answer is %d: %s", status, body)
	}
}

func (s *site) say(to, text string) {
	s.t.Helper()
	status, body := s.post("/text", request{Talk: personKey + to, Text: text})
	s.must(http.StatusAccepted, status, body)
}

// view is what a page has been told, put together as the page does it.
type view struct {
	id       string // of the last event
	self     Self
	contacts map[string]Contact
	talks    map[string]Talk
	messages map[uint64]Message
	typing   []typing
	all      int      // how often it was told everything
	changes  []string // in the order in which they came
}

func (v *view) take(event, data string) error {
	if event == "all" {
		var all snapshot
		if err := json.Unmarshal([]byte(data), &all); err != nil {
			return err
		}
		v.all++
		v.self, v.contacts, v.talks, v.messages = all.Self, make(map[string]Contact), make(map[string]Talk), make(map[uint64]Message)
		for _, c := range all.Contacts {
			v.contacts[c.Account] = c
		}
		for _, t := range all.Talks {
			v.talks[t.Key] = t
		}
		for _, m := range all.Messages {
			v.messages[m.ID] = m
		}
		return nil
	}
	var change struct {
		Kind string
		Data json.RawMessage
	}
	if err := json.Unmarshal([]byte(data), &change); err != nil {
		return err
	}
	v.changes = append(v.changes, data)
	switch change.Kind {
	case "self":
		return json.Unmarshal(change.Data, &v.self)
	case "contact":
		var c Contact
		err := json.Unmarshal(change.Data, &c)
		v.contacts[c.Account] = c
		return err
	case "contact gone":
		var account string
		err := json.Unmarshal(change.Data, &account)
		delete(v.contacts, account)
		return err
	case "talk":
		var t Talk
		err := json.Unmarshal(change.Data, &t)
		v.talks[t.Key] = t
		return err
	case "talk gone":
		var key string
		err := json.Unmarshal(change.Data, &key)
		delete(v.talks, key)
		for id, m := range v.messages {
			if m.Talk == key {
				delete(v.messages, id)
			}
		}
		return err
	case "message":
		var m Message
		err := json.Unmarshal(change.Data, &m)
		v.messages[m.ID] = m
		return err
	case "typing":
		var t typing
		err := json.Unmarshal(change.Data, &t)
		v.typing = append(v.typing, t)
		return err
	}
	return fmt.Errorf("a change of the kind %q", change.Kind)
}

// said are the texts of a conversation, in their order.
func (v *view) said(key string) (texts []string) {
	var ids []uint64
	for id, m := range v.messages {
		if m.Talk == key {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		text := ""
		for _, part := range v.messages[id].Parts {
			text += part.Text
		}
		texts = append(texts, text)
	}
	return texts
}

// stream is a page that is open.
type stream struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Reader
	*view
}

// open opens a page, which knows what was there at an id.
func (s *site) open(id string) *stream {
	s.t.Helper()
	p, answer := s.tryOpen(id)
	if p == nil {
		s.t.Fatalf("the page is refused: %s", answer)
	}
	return p
}

func (s *site) tryOpen(id string) (p *stream, refused string) {
	s.t.Helper()
	r := s.request(http.MethodGet, "/events", "", "")
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*waitTime)
	s.t.Cleanup(cancel)
	if id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	answer, err := http.DefaultClient.Do(r.WithContext(ctx))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return nil, fmt.Sprintf("%d %s", answer.StatusCode, text)
	}
	return &stream{t: s.t, body: answer.Body, lines: bufio.NewReader(answer.Body), view: new(view)}, ""
}

// errEnded says that a page is told nothing any more.
var errEnded = errors.New("the stream has ended")

// event reads the next event.
func (p *stream) event() error {
	event, data := "", ""
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			return errors.Join(errEnded, err)
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && event != "":
			return p.take(event, data)
		case line == "", name == "", name == "retry":
		case name == "id":
			p.id = value
		case name == "event":
			event = value
		case name == "data":
			data += value
		default:
			return fmt.Errorf("a line of the stream is %q", line)
		}
	}
}

// until reads until a condition holds.
func (p *stream) until(what string, holds func(v *view) bool) {
	p.t.Helper()
	for p.all == 0 && p.id == "" || !holds(p.view) {
		if err := p.event(); err != nil {
			p.t.Fatalf("the page has not shown %s: %v; it shows %+v", what, err, p.view)
		}
	}
}

// shows reads until a text is shown in a conversation.
func (p *stream) shows(key, text string) {
	p.t.Helper()
	p.until(text, func(v *view) bool { return slices.Contains(v.said(key), text) })
}
