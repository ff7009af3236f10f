package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

const (
	// headerTimeout bounds reading a request.
	headerTimeout = 10 * time.Second
	// maxHeader is how long the header of a request may be, in bytes.
	maxHeader = 16 << 10
	// atOnce is how many answers are gathered at a time: each looks at the database.
	atOnce = 2
	// maxProfile is for how long a profile may be taken, in seconds: taking one costs time, and a trace memory too.
	maxProfile = 60
)

// tooLong is said to who wants a longer one.
var tooLong = fmt.Sprintf("seconds may be %d at most: a profile costs time while it is taken, and a trace memory.", maxProfile)

// Server serves Metrics.
type Server struct {
	server  http.Server
	address net.Addr
	serving sync.WaitGroup
}

// Serve answers on an address, until Close: /metrics for Prometheus, and /debug/pprof/ for those who look for what
// takes time or memory. Web pages are kept out. The error is that of net.Listen.
func (m *Metrics) Serve(address string, log zerolog.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	name, _, _ := net.SplitHostPort(address)
	s := &Server{address: listener.Addr(), server: http.Server{Handler: guard(name, m.handler(log)), ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader}}
	s.serving.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Err(err).Msg("The metrics are not served any more")
		}
	})
	log.Info().Stringer("address", listener.Addr()).Msg("Metrics are served on /metrics")
	return s, nil
}

// Addr returns where the server answers.
func (s *Server) Addr() net.Addr { return s.address }

// Close ends what Serve began. It may be called on nil.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = s.server.Close()
	}
	s.serving.Wait()
	return err
}

// handler answers requests.
func (m *Metrics) handler(log zerolog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: logger{log}, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: atOnce, Registry: m.registry,
	}))
	mux.Handle("GET /debug/pprof/", bounded(pprof.Index))
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.Handle("GET /debug/pprof/profile", bounded(pprof.Profile))
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.Handle("GET /debug/pprof/trace", bounded(pprof.Trace))
	return mux
}

// bounded refuses to take a profile for longer than maxProfile. What is no number means the usual time to pprof, and is left to it.
func bounded(profile http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
		if (err == nil || errors.Is(err, strconv.ErrRange)) && !(seconds <= maxProfile) { // which NaN is not either
			http.Error(w, tooLong, http.StatusBadRequest)
			return
		}
		profile(w, r)
	})
}

// logger is where promhttp tells of errors.
type logger struct{ log zerolog.Logger }

func (l logger) Println(v ...any) { l.log.Warn().Any("error", v).Msg("Failed to gather metrics") }
