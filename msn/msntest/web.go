package msntest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// The HTTPS side: which service a request is for, the record, and hooks.

// The paths of the web services.
const (
	RSTPath         = "/RST.srf"
	RST2Path        = "/RST2.srf"
	SharingPath     = "/abservice/SharingService.asmx"
	AddressBookPath = "/abservice/abservice.asmx"
	MailboxPath     = "/rsi/rsi.asmx"
	PostPath        = "/OimWS/oim.asmx"
	StoragePath     = "/storageservice/SchematizedStore.asmx"
	GatewayPath     = "/gateway/gateway.dll"
)

// WebURLs are the addresses of the web services.
type WebURLs struct {
	Login, Login2        string // RST and RST2
	AddressBook, Sharing string
	Mailbox, Post        string // offline messages: reading and sending
	Storage              string // roaming profile
	Gateway              string
}

// Web returns the addresses of the web services: https, to be trusted by CertPool.
func (s *Server) Web() WebURLs { return webURLs(s.urls.host) }

// PlainWeb returns their http addresses, the zero WebURLs without WithPlainLogin.
func (s *Server) PlainWeb() WebURLs {
	if s.urls.plainHost == "" {
		return WebURLs{}
	}
	return webURLs(s.urls.plainHost)
}

func webURLs(host string) WebURLs {
	return WebURLs{
		Login: host + RSTPath, Login2: host + RST2Path, AddressBook: host + AddressBookPath, Sharing: host + SharingPath,
		Mailbox: host + MailboxPath, Post: host + PostPath, Storage: host + StoragePath, Gateway: host + GatewayPath,
	}
}

// serveWeb answers all HTTPS requests.
func (s *Server) serveWeb(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil || len(body) > maxRequest {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.wg.Add(1)
	c := s.readCall(r, body)
	account := webAccount(r)
	if c != nil && c.account != nil {
		account = c.account.email
	} else if c != nil {
		account = normalize(c.envelope.value("Header", "Security", "UsernameToken", "Username"))
	}
	record := HTTPRecord{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone()}
	if c != nil {
		record.Operation, record.Body = c.operation, string(body)
	}
	s.recordWeb(account, wire.FromClient, &record)
	s.mu.Unlock()
	defer s.wg.Done()

	rec := &statusWriter{ResponseWriter: w}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		answer := HTTPRecord{Method: r.Method, Path: r.URL.Path, Status: rec.status, Header: w.Header().Clone()}
		if c != nil {
			answer.Operation = c.operation
		}
		s.recordWeb(account, wire.FromServer, &answer)
	}()
	answer := func(w http.ResponseWriter) { s.answerWeb(w, r, c, body) }
	if s.hooked.Load() {
		req := &Request{Kind: HTTPS, Account: account, HTTP: r}
		if c != nil {
			req.Operation = c.operation
		}
		s.performWeb(rec, r, s.ask(req), answer)
		return
	}
	answer(rec)
}

// readCall reads a call to a web service, or returns nil; the server is locked.
func (s *Server) readCall(r *http.Request, body []byte) *call {
	if r.Method != http.MethodPost || r.URL.Path == GatewayPath {
		return nil
	}
	envelope, err := parseRequest(body)
	if err != nil || len(envelope.at("Body").kids) == 0 {
		return nil
	}
	c := &call{srv: s, http: r, envelope: envelope, body: envelope.at("Body").kids[0]}
	c.operation = c.body.name
	switch r.URL.Path {
	case RSTPath, RST2Path:
		c.operation = strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), ".srf")
	case SharingPath, AddressBookPath:
		c.account = s.ticketHolder(bookTicket(c), bookService)
	case MailboxPath:
		c.account = s.cookieHolder(c)
	case StoragePath:
		c.account = s.storageHolder(c)
	case PostPath:
		c.operation = "Store"
		c.account = s.ticketHolder(envelope.at("Header", "Ticket").attribute("passport"), passport.ServiceMessengerSecure.Address)
	}
	return c
}

// answerWeb answers a request; c is nil when it is no call to a web service.
func (s *Server) answerWeb(w http.ResponseWriter, r *http.Request, c *call, body []byte) {
	switch path := r.URL.Path; {
	case path == GatewayPath && r.Method == http.MethodPost:
		s.answerGateway(w, r, body)
	case path == RSTPath || path == RST2Path || path == SharingPath || path == AddressBookPath || path == MailboxPath || path == PostPath || path == StoragePath:
		switch {
		case r.Method != http.MethodPost:
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
		case c == nil:
			s.writeFault(w, path, Fault{Code: "soap:Client", Reason: "Invalid Request"})
		case path == RSTPath || path == RST2Path:
			s.answerRST(w, c)
		case path == SharingPath:
			s.answerSOAP(w, c, bookCall(sharing))
		case path == AddressBookPath:
			s.answerSOAP(w, c, bookCall(addressBook))
		case path == MailboxPath:
			s.answerSOAP(w, c, readCall)
		case path == StoragePath:
			s.answerSOAP(w, c, storageCall)
		default:
			s.answerSOAP(w, c, storeCall)
		}
	case strings.HasPrefix(path, tilePath):
		s.answerTile(w, r)
	default:
		s.answerTweener(w, r)
	}
}

// performWeb carries a hook's action out; answer does what the server would.
func (s *Server) performWeb(w *statusWriter, r *http.Request, a Action, answer func(http.ResponseWriter)) {
	if a.delay > 0 {
		timer := time.NewTimer(a.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		}
	}
	switch a.kind {
	case pass:
		answer(w)
	case dropAfter:
		answer(&sink{header: make(http.Header)})
		closeWeb(w, nil)
	case respond:
		for name, values := range a.header {
			w.Header()[name] = values
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.text)
	case fault:
		s.writeFault(w, r.URL.Path, a.fault)
	case refuse:
		w.WriteHeader(statusOf(a.text))
	case redirect:
		setHeader(w, passport.HeaderInfo, passport.Info{Status: passport.StatusRedirect}.String())
		w.Header().Set("Location", a.text)
		w.WriteHeader(http.StatusFound)
	case hang, swallow:
		s.hangWeb(w, r)
	case unanswered:
		answer(&sink{header: make(http.Header)})
		s.hangWeb(w, r)
	default:
		closeWeb(w, []byte(a.text))
	}
}

// hangWeb keeps a request open until client or server gives up.
func (s *Server) hangWeb(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.done:
	}
	closeWeb(w, nil)
}

// sink takes an answer that nobody gets.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}
