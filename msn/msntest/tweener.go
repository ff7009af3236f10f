package msntest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// Tweener: the log-in of MSNP8 to MSNP12 over HTTPS (protocol/01-login.md,
// section 3.2).

// The paths of the two requests of the log-in.
const (
	NexusPath = "/rdr/pprdr.asp"
	LoginPath = "/login2.srf"
)

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recordWeb notes a request or an answer; the server is locked.
func (s *Server) recordWeb(account string, from wire.Direction, h *HTTPRecord) {
	s.rec.add(Record{Time: time.Now(), Kind: HTTPS, Account: account, From: from, HTTP: h})
}

// webAccount is the account that a log-in request names, or "".
func webAccount(r *http.Request) string {
	credentials, _ := passport.ParseCredentials(r.Header.Get(passport.HeaderAuthorization))
	return normalize(credentials.Account)
}

// answerTweener answers nexus and log-in.
func (s *Server) answerTweener(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		http.Error(w, "GET only", http.StatusMethodNotAllowed)
	case r.URL.Path == NexusPath || r.URL.Path == "/nexus-mock":
		setHeader(w, passport.HeaderURLs, passport.URLs{
			Login: s.loginFor(r),
			Others: []passport.Field{
				{Name: "DARealm", Value: "Passport.Net"},
				{Name: "DAReg", Value: "https://register.passport.net/uixpwiz.srf"},
				{Name: "ConfigVersion", Value: "11"},
			},
		}.String())
	case r.URL.Path == LoginPath || r.URL.Path == "/login":
		s.answerLogin(w, r)
	default:
		http.NotFound(w, r)
	}
}

// setHeader sets a header in exactly that spelling: clients of the period look
// for it as text.
func setHeader(w http.ResponseWriter, name, value string) { w.Header()[name] = []string{value} }

// loginFor is the log-in address for a client that found the nexus under the
// host it names.
func (s *Server) loginFor(r *http.Request) string {
	scheme := "https://"
	if r.TLS == nil {
		scheme = "http://"
	}
	return scheme + r.Host + LoginPath
}

func (s *Server) answerLogin(w http.ResponseWriter, r *http.Request) {
	credentials, ok := passport.ParseCredentials(r.Header.Get(passport.HeaderAuthorization))
	s.mu.Lock()
	a := s.loginAccount(credentials.Account)
	var ticket string
	if ok && a != nil && credentials.Password == a.password {
		ticket = s.newLoginTicket(a)
	}
	s.mu.Unlock()
	if ticket == "" {
		setHeader(w, passport.HeaderRefused, failedLogin("The e-mail address or password is incorrect."))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	info := passport.Info{Status: passport.StatusSuccess, Ticket: ticket}
	setHeader(w, passport.HeaderInfo, info.String())
}

// failedLogin is the WWW-Authenticate header of a refused log-in.
func failedLogin(text string) string {
	return passport.Info{Status: passport.StatusFailed, Reason: text}.String()
}

// statusOf is a hook's number as a status of HTTP.
func statusOf(number string) int {
	status := 0
	for _, digit := range number {
		status = status*10 + int(digit-'0')
	}
	if status < 200 || status > 999 {
		return http.StatusInternalServerError
	}
	return status
}

// closeWeb writes bytes in place of an HTTP answer and closes the connection.
func closeWeb(w http.ResponseWriter, data []byte) {
	nc, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_ = nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, _ = nc.Write(data)
	_ = nc.Close()
}

// loginURLs are where nexus and log-in are, and the beginnings of the addresses of
// other services.
type loginURLs struct{ nexus, plainNexus, login, host, plainHost string }

// NexusURL returns the https address of the nexus, the first request of the
// Tweener log-in.
func (s *Server) NexusURL() string { return s.urls.nexus }

// LoginURL returns the https address of the log-in that the nexus names.
func (s *Server) LoginURL() string { return s.urls.login }

// PlainNexusURL returns the http address of the nexus, "" without
// WithPlainLogin.
func (s *Server) PlainNexusURL() string { return s.urls.plainNexus }

func (s *Server) listenWeb(ctx context.Context) error {
	if err := s.makeCertificate(); err != nil {
		return err
	}
	secure, err := s.listenOn(ctx, s.opt.httpsPort)
	if err != nil {
		return err
	}
	host := addrFor(secure, nil)
	s.urls.nexus, s.urls.login = "https://"+host+NexusPath, "https://"+host+LoginPath
	s.urls.host = "https://" + host
	web := s.newWeb()
	web.TLSConfig = s.tlsConfig()
	s.wg.Go(func() { s.webEnded(web.ServeTLS(secure, "", "")) })
	if !s.opt.plainLogin {
		return nil
	}
	plain, err := s.listenOn(ctx, s.opt.httpPort)
	if err != nil {
		return err
	}
	s.urls.plainHost = "http://" + addrFor(plain, nil)
	s.urls.plainNexus = s.urls.plainHost + NexusPath
	plainWeb := s.newWeb()
	s.wg.Go(func() { s.webEnded(plainWeb.Serve(plain)) })
	return nil
}

// webTimeout bounds each part of an HTTPS request.
const webTimeout = 30 * time.Second

func (s *Server) newWeb() *http.Server {
	web := &http.Server{
		Handler:           http.HandlerFunc(s.serveWeb),
		ReadHeaderTimeout: webTimeout,
		IdleTimeout:       webTimeout,
		ErrorLog:          discardLog,
	}
	s.web = append(s.web, web)
	return web
}

func (s *Server) webEnded(err error) {
	if !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("log-in server ended", "err", err)
	}
}

// closeWeb ends the HTTPS servers and their connections.
func (s *Server) closeWeb() {
	for _, web := range s.web {
		_ = web.Close()
	}
	s.clients.close()
}
