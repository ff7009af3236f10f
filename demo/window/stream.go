package window

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// aliveTime is how often a page is written to that there is no news for: so it is noticed when it is gone.
	aliveTime = 15 * time.Second
	// writeTime is how long a page may take to read.
	writeTime = 10 * time.Second
)

// serveEvents tells a page what there is, and then what changes, until it goes or the window closes.
func (w *Window) serveEvents(rw http.ResponseWriter, r *http.Request) {
	if !w.open() {
		http.Error(rw, fmt.Sprintf("The window is open in %d pages already. Close one of them.", maxPages), http.StatusServiceUnavailable)
		return
	}
	defer w.shut()
	rw.Header().Set("Content-Type", "text/event-stream")
	alive := time.NewTicker(aliveTime)
	defer alive.Stop()
	control := http.NewResponseController(rw)
	_ = control.SetReadDeadline(time.Time{}) // that of the request would end the answer
	id := r.Header.Get("Last-Event-ID")
	for text := "retry: 1000\n\n"; ; {
		changes, all, next, wait := w.state.since(id)
		id = next
		text += events(id, changes, all)
		if text != "" {
			_ = control.SetWriteDeadline(time.Now().Add(writeTime)) // where there is none, the page is ours
			if _, err := rw.Write([]byte(text)); err != nil {
				return
			}
			if control.Flush() != nil {
				return
			}
		}
		text = ""
		select {
		case <-wait:
		case <-alive.C:
			text = ": still there\n\n"
		case <-r.Context().Done():
			return
		case <-w.ctx.Done():
			return
		}
	}
}

// events writes what a page is told. The last of it has the id.
func events(id string, changes []string, all string) string {
	var b strings.Builder
	write := func(name, data string, last bool) {
		if last {
			fmt.Fprintf(&b, "id: %s\n", id)
		}
		fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, data)
	}
	if all != "" {
		write("all", all, true)
	}
	for i, change := range changes {
		write("change", change, i == len(changes)-1)
	}
	return b.String()
}

// open takes a place for a page.
func (w *Window) open() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.pages >= maxPages {
		return false
	}
	w.pages++
	w.work.Add(1)
	return true
}

func (w *Window) shut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages--
	w.work.Done()
}
