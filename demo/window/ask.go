package window

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"matrix-msn/msn"
)

const (
	// maxRequest is the longest body of a request but a file, in bytes: a text, and what JSON makes of it.
	maxRequest = 6*msn.MaxText + 1024
	// changeTime is how long the server may take to confirm a status.
	changeTime = 20 * time.Second
)

// request is what a page asks for.
type request struct {
	Talk   string `json:"talk"`
	Text   string `json:"text"`
	Status string `json:"status"`
	// Key is the same when a request is sent again.
	Key string `json:"key"`
}

// refuse answers with a sentence, which the page shows.
func refuse(rw http.ResponseWriter, status int, format string, args ...any) {
	http.Error(rw, fmt.Sprintf(format, args...), status)
}

// read reads what a page asks for, or refuses it.
func read(rw http.ResponseWriter, r *http.Request) (asked request, ok bool) {
	// A form of another site cannot name this type without the browser asking first.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(rw, http.StatusUnsupportedMediaType, "What is asked for has to be application/json.")
		return asked, false
	}
	err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxRequest)).Decode(&asked)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(rw, http.StatusRequestEntityTooLarge, "%s", words(msn.ErrTooLong))
	case err != nil, len(asked.Key) > maxKey:
		refuse(rw, http.StatusBadRequest, "What is asked for cannot be read.")
	default:
		return asked, true
	}
	return asked, false
}

// known refuses what is for a conversation that is not there.
func (w *Window) known(rw http.ResponseWriter, key string) bool {
	if !w.state.knows(key) {
		refuse(rw, http.StatusNotFound, "There is no such conversation. Choose a contact.")
		return false
	}
	return true
}

// play notes that a person writes now, and no script.
func (w *Window) play() { w.state.setSelf(func(me *Self) { me.Scripted = false }) }

// once does what a request asks for, unless one with its key has come before, and answers with the ID of the message.
// begin makes the message, and returns how to send it.
func (w *Window) once(rw http.ResponseWriter, key string, begin func() (id uint64, send func() error)) {
	w.play()
	w.asking.Lock()
	defer w.asking.Unlock()
	id, _ := w.keys.id(key, func() uint64 {
		if !take(w.sends) {
			return 0
		}
		id, send := begin()
		if !w.begin(func() {
			defer give(w.sends)
			_ = send() // the message shows it
		}) {
			give(w.sends)
			_ = send() // which fails, as the window is closed
		}
		return id
	})
	if id == 0 {
		refuse(rw, http.StatusTooManyRequests, "%s", words(msn.ErrTooMany))
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(rw, encode(map[string]uint64{"id": id}))
}

func (w *Window) takeText(rw http.ResponseWriter, r *http.Request) {
	asked, ok := read(rw, r)
	switch {
	case !ok || !w.known(rw, asked.Talk):
	case strings.TrimSpace(asked.Text) == "":
		refuse(rw, http.StatusBadRequest, "%s", words(msn.ErrEmpty))
	case len(asked.Text) > msn.MaxText:
		refuse(rw, http.StatusRequestEntityTooLarge, "%s", words(msn.ErrTooLong))
	default:
		w.once(rw, asked.Key, func() (uint64, func() error) { return w.say(w.ctx, asked.Talk, asked.Text) })
	}
}

func (w *Window) takeNudge(rw http.ResponseWriter, r *http.Request) {
	asked, ok := read(rw, r)
	if ok && w.known(rw, asked.Talk) {
		w.once(rw, asked.Key, func() (uint64, func() error) {
			id, send := w.nudge(asked.Talk)
			return id, func() error { return send(w.ctx) }
		})
	}
}

func (w *Window) takeTyping(rw http.ResponseWriter, r *http.Request) {
	asked, ok := read(rw, r)
	if !ok || !w.known(rw, asked.Talk) {
		return
	}
	w.play()
	if err := w.friend.line(asked.Talk).SendTyping(r.Context()); err != nil {
		refuse(rw, http.StatusBadGateway, "%s", words(err))
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// takeFile sends the body of the request as a file; conversation, name and key are in the query.
func (w *Window) takeFile(rw http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	key, to := query.Get("key"), query.Get("talk")
	switch {
	case r.Header.Get("Content-Type") != "application/octet-stream":
		refuse(rw, http.StatusUnsupportedMediaType, "A file has to be application/octet-stream.")
		return
	case len(key) > maxKey:
		refuse(rw, http.StatusBadRequest, "What is asked for cannot be read.")
		return
	case !w.known(rw, to):
		return
	case !strings.HasPrefix(to, personKey):
		refuse(rw, http.StatusConflict, "MSN sends files to one person only. Choose a contact.")
		return
	case r.ContentLength > maxFile:
		refuse(rw, http.StatusRequestEntityTooLarge, "The file is too large: this page sends up to %d MB.", maxFile>>20)
		return
	case !take(w.transfers):
		refuse(rw, http.StatusTooManyRequests, "%s", words(msn.ErrManyFiles))
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxFile))
	if err != nil || len(data) == 0 {
		give(w.transfers)
		refuse(rw, http.StatusBadRequest, "The file is empty, or did not come as a whole.")
		return
	}
	begun := false
	w.once(rw, key, func() (uint64, func() error) {
		begun = true
		id, send := w.sendFile(to, query.Get("name"), data)
		return id, func() error {
			defer give(w.transfers)
			return send(w.ctx)
		}
	})
	if !begun {
		give(w.transfers)
	}
}

func (w *Window) takeStatus(rw http.ResponseWriter, r *http.Request) {
	asked, ok := read(rw, r)
	if !ok {
		return
	}
	status := statuses[asked.Status]
	if !status.Settable() {
		refuse(rw, http.StatusBadRequest, "There is no such status. Choose one of the list.")
		return
	}
	w.set(rw, func(ctx context.Context) error { return w.friend.SetStatus(ctx, status) }, func(me *Self) { me.Status = asked.Status })
}

func (w *Window) takePersonal(rw http.ResponseWriter, r *http.Request) {
	if asked, ok := read(rw, r); ok {
		w.set(rw, func(ctx context.Context) error { return w.friend.SetPersonal(ctx, asked.Text) }, func(me *Self) { me.Personal = asked.Text })
	}
}

// set changes something of the account, and shows that, also when the page that has asked for it is gone meanwhile.
func (w *Window) set(rw http.ResponseWriter, change func(context.Context) error, show func(*Self)) {
	ctx, cancel := context.WithTimeout(w.ctx, changeTime)
	defer cancel()
	// Of two that are asked for at once the last is shown.
	w.setting.Lock()
	defer w.setting.Unlock()
	if err := change(ctx); err != nil {
		refuse(rw, http.StatusBadGateway, "%s", words(err))
		return
	}
	w.state.setSelf(show)
	rw.WriteHeader(http.StatusNoContent)
}

// serveMedia answers with a picture or a file. What it is, its bytes say: nothing in it is run.
func (w *Window) serveMedia(rw http.ResponseWriter, r *http.Request) {
	t := w.pictures.get(r.PathValue("id"))
	if t == nil {
		t = w.files.get(r.PathValue("id"))
	}
	if t == nil {
		refuse(rw, http.StatusNotFound, "This is not kept any more.")
		return
	}
	header := rw.Header()
	header.Set("Content-Type", t.mediaType)
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Cache-Control", "private, max-age=3600, immutable")
	disposition := "inline"
	if t.show == showFile || r.URL.Query().Has("save") {
		disposition = "attachment"
	}
	if t.name != "" {
		disposition = mime.FormatMediaType(disposition, map[string]string{"filename": t.name})
	}
	header.Set("Content-Disposition", disposition)
	http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(t.data))
}
