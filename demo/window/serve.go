package window

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"time"
)

//go:embed page
var page embed.FS

const (
	// headerTime is how long a request may take to say what it wants, bodyTime with what it brings.
	headerTime, bodyTime = 10 * time.Second, time.Minute
	// maxHeader is how long its head may be, in bytes.
	maxHeader = 16 << 10
	// endTime is how long answers that are under way may take when the window closes.
	endTime = 2 * time.Second
)

// Serve answers at a listener until ctx ends or the window is closed, and closes the listener. Pages reach it as
// localhost or by the listener's own address, which is one of TCP. Under other names it answers nothing, so that no page
// of another site can have the browser take it for one of its own. The error says why it ended by itself.
func (w *Window) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	address := listener.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.Join(fmt.Errorf("serve the page at %s: %w", address, err), listener.Close())
	}
	server := &http.Server{
		Handler:           w.Handler(address, net.JoinHostPort("localhost", port)),
		ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the page: %w", err)
	case <-ctx.Done():
	}
	// The pages that are open have heard it by their context.
	stopping, stop := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer stop()
	if err = server.Shutdown(stopping); err != nil {
		err = server.Close()
	}
	<-ended
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("end the page: %w", err)
	}
	return nil
}

// Handler answers requests for the page under these hosts, each a name or address with a port, as browsers write it.
func (w *Window) Handler(hosts ...string) http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // it is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /events", w.serveEvents)
	mux.HandleFunc("GET "+mediaPath+"{id}", w.serveMedia)
	mux.HandleFunc("POST /text", w.takeText)
	mux.HandleFunc("POST /nudge", w.takeNudge)
	mux.HandleFunc("POST /typing", w.takeTyping)
	mux.HandleFunc("POST /file", w.takeFile)
	mux.HandleFunc("POST /status", w.takeStatus)
	mux.HandleFunc("POST /personal", w.takePersonal)
	return guard(hosts, mux)
}
