package window

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"matrix-msn/msn"
)

// fake is a friend without a server, for what is to be looked at in fake time.
type fake struct {
	mu       sync.Mutex
	sent     []string
	contacts []msn.Contact
	hold     chan struct{} // what is sent waits for that, if it is set
}

func (f *fake) Account() string                                                           { return bob }
func (f *fake) DisplayName() string                                                       { return "Bob" }
func (f *fake) Status() msn.Status                                                        { return msn.Online }
func (f *fake) Contacts() []msn.Contact                                                   { return f.contacts }
func (f *fake) SetStatus(context.Context, msn.Status) error                               { return nil }
func (f *fake) SetPersonal(context.Context, string) error                                 { return nil }
func (f *fake) line(string) line                                                          { return f }
func (f *fake) SendNudge(context.Context) error                                           { return nil }
func (f *fake) SendTyping(context.Context) error                                          { return nil }
func (f *fake) SendFile(context.Context, string, msn.File, io.Reader, func(uint64)) error { return nil }
func (f *fake) Fetch(context.Context, string, msn.Object, io.Writer, func(uint64)) error {
	return msn.ErrDeclined
}

func (f *fake) StartText(ctx context.Context, text, _ string) func() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, text)
	return func() error {
		if f.hold == nil {
			return nil
		}
		select {
		case <-f.hold:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// withAlice is a window whose contact list holds Alice.
func withAlice(t *testing.T, f *fake) *Window {
	t.Helper()
	f.contacts = []msn.Contact{{Account: alice, Name: "Alice", Status: msn.Online, Lists: msn.ListForward}}
	w := newWindow(t.Context(), f)
	t.Cleanup(w.Close)
	return w
}

// said has Alice say something.
func said(text string) msn.TextReceived {
	return msn.TextReceived{From: alice, FromName: "Alice", Text: text}
}

// writer is a page's end of an answer.
type writer struct {
	mu     sync.Mutex
	header http.Header
	status int
	bytes.Buffer
	stuck chan struct{} // nothing is read until it is closed, if it is set
}

func newWriter() *writer { return &writer{header: make(http.Header)} }

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
}

func (w *writer) Write(p []byte) (int, error) {
	if w.stuck != nil {
		<-w.stuck
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.Buffer.Write(p)
}

// Flush implements http.Flusher.
func (w *writer) Flush() {}

func (w *writer) state() (status int, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status, w.String()
}

// page opens a page, which knows what was there at an id, and closes it when ctx ends.
func openPage(ctx context.Context, w *Window, id string) *writer {
	out := newWriter()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events", nil)
	r.Host = "localhost:1"
	if id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	go w.Handler("localhost:1").ServeHTTP(out, r)
	return out
}
