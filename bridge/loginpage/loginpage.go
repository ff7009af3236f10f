// Package loginpage is a page of the bridge that logs a browser in at a service.
package loginpage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

const (
	// Life is how long a link to a login page can be followed.
	Life = 5 * time.Minute
	// maxPages and MaxOfUser are how many links there are at a time, in all
	// and of one user. The oldest go first.
	maxPages  = 1000
	MaxOfUser = 5
	// tokenBytes is the length of what makes a link unguessable.
	tokenBytes = 32

	Path = "/_msn/login/"
)

// Login is the login for which a page is made.
type Login struct {
	Service, Account string // for people to read
	// Form returns what logs a browser in at a page of the service. The error says why
	// there is nothing at the moment.
	Form func(msn.ServiceURL) (msn.LoginForm, error)
}

// Pages are pages of the bridge, each for one user and one use, that post the
// form by which a browser is logged in at a service (protocol/07, section 2.3). The
// zero value has none; Open makes them reachable.
//
// Who follows the link sees a button, and only the button uses the link up, so that
// programs that look at links in advance do no harm. The form is made then: until
// then there is nothing here that the password could be guessed from.
type Pages struct {
	address string // public, without a slash at its end; "" when there is none

	mu    sync.Mutex
	pages map[tokenHash]link
}

// tokenHash is what is kept of a token.
type tokenHash [sha256.Size]byte

// link is what a link leads to.
type link struct {
	user    id.UserID
	login   Login
	url     msn.ServiceURL
	expires time.Time
}

// Open serves the pages where the homeserver reaches the bridge, if the bridge has a
// public address. One without https does not count: on the way everybody could read the form.
func (p *Pages) Open(matrix bridgev2.MatrixConnector, log zerolog.Logger) {
	server, ok := matrix.(bridgev2.MatrixConnectorWithServer)
	if !ok || server.GetPublicAddress() == "" || server.GetRouter() == nil {
		return
	}
	if address, err := url.Parse(server.GetPublicAddress()); err != nil || address.Host == "" ||
		address.Scheme != "https" && (address.Scheme != "http" || !config.IsLoopback(address.Hostname())) {
		log.Warn().Msg("appservice.public_address does not begin with https://, so that the bridge offers no links that log users in on the web")
		return
	}
	p.address = strings.TrimRight(server.GetPublicAddress(), "/")
	router := server.GetRouter()
	router.HandleFunc("GET "+Path+"{token}", p.show)
	router.HandleFunc("POST "+Path+"{token}", p.submit)
}

// Available reports whether the bridge has an address at which pages can be reached.
func (p *Pages) Available() bool { return p.address != "" }

// Issue returns the link to a new page.
func (p *Pages) Issue(user id.UserID, login Login, page msn.ServiceURL) string {
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails
	token := base64.RawURLEncoding.EncodeToString(random)
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages == nil {
		p.pages = make(map[tokenHash]link)
	}
	p.purge(now)
	p.makeRoom(MaxOfUser, func(l link) bool { return l.user == user })
	p.makeRoom(maxPages, func(link) bool { return true })
	p.pages[sha256.Sum256([]byte(token))] = link{user: user, login: login, url: page, expires: now.Add(Life)}
	return p.address + Path + token
}

// Purge forgets the links that are too old at a time.
func (p *Pages) Purge(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.purge(now)
}

func (p *Pages) purge(now time.Time) {
	for token, page := range p.pages {
		if now.After(page.expires) {
			delete(p.pages, token)
		}
	}
}

// makeRoom forgets the oldest of some pages until there are fewer than most.
func (p *Pages) makeRoom(most int, counts func(link) bool) {
	for {
		var oldest tokenHash
		n := 0
		for token, page := range p.pages {
			if !counts(page) {
				continue
			}
			if n++; n == 1 || page.expires.Before(p.pages[oldest].expires) {
				oldest = token
			}
		}
		if n < most {
			return
		}
		delete(p.pages, oldest)
	}
}

// find returns the page of a request. With use the link is used up.
func (p *Pages) find(r *http.Request, use bool) (link, bool) {
	token := sha256.Sum256([]byte(r.PathValue("token")))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.purge(time.Now())
	page, ok := p.pages[token]
	if ok && use {
		delete(p.pages, token)
	}
	return page, ok
}

// show answers with the button.
func (p *Pages) show(w http.ResponseWriter, r *http.Request) {
	page, ok := p.find(r, false)
	if !ok {
		p.gone(w)
		return
	}
	p.answer(w, http.StatusOK, "form-action 'self'", "", pageView{
		Title: words.Text("loginpage.title", page.login.Service),
		Text:  words.Text("loginpage.once", page.login.Account),
		Button: &button{
			Word: words.Text("loginpage.log_in"),
		},
	})
}

// submit uses the link up and answers with the form, which submits itself.
func (p *Pages) submit(w http.ResponseWriter, r *http.Request) {
	page, ok := p.find(r, true)
	if !ok {
		p.gone(w)
		return
	}
	name := page.login.Service
	form, err := page.login.Form(page.url)
	target, ok := Target(form)
	origin, _ := msgconv.LinkHost(target)
	if err != nil || !ok {
		p.answer(w, http.StatusConflict, "form-action 'none'", "", pageView{
			Title: words.Text("loginpage.not_logged_in"),
			Text:  words.Text("loginpage.not_signed_in", name),
		})
		return
	}
	// Some browsers hold redirects after a form against the same rule. Where the login
	// page leads to is known when the service has named a whole address only.
	if redirect, ok := msgconv.LinkHost(page.url.Redirect); !ok {
		origin += " https:"
	} else if redirect != origin {
		origin += " " + redirect
	}
	nonce := rand.Text()
	p.answer(w, http.StatusOK, "form-action "+origin+"; script-src 'nonce-"+nonce+"'", nonce, pageView{
		Title:  words.Text("loginpage.logging_in", name),
		Text:   words.Text("loginpage.press"),
		Button: &button{Action: target, Fields: form.Fields, Word: words.Text("loginpage.go_on")},
	})
}

// Target returns where a form is posted to. It reports false for an address that
// the bridge makes no link of.
func Target(form msn.LoginForm) (string, bool) {
	target, ok := msgconv.SafeLink(form.Action)
	return target, ok && strings.HasPrefix(target, "https://")
}

// gone answers who has no valid link.
func (p *Pages) gone(w http.ResponseWriter) {
	p.answer(w, http.StatusNotFound, "form-action 'none'", "", pageView{
		Title: words.Text("loginpage.gone"),
		Text:  words.Text("loginpage.used"),
	})
}

// answer writes a page that no browser and no proxy keeps, that runs nothing but
// what it says, and that tells nobody where it was.
func (p *Pages) answer(w http.ResponseWriter, status int, policy, nonce string, view pageView) {
	view.Nonce = nonce
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Robots-Tag", "noindex")
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; "+policy)
	w.WriteHeader(status)
	_ = loginTemplate.Execute(w, view) // who has gone away does not read it
}

// pageView is what loginTemplate shows.
type pageView struct {
	Title, Text string
	Button      *button // nil for none
	Nonce       string  // of the script that submits the form, "" for none
}

type button struct {
	Action string // "" for the page itself
	Fields []msn.FormField
	Word   string
}

var loginTemplate = template.Must(template.New("login").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title></head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{with .Button}}<form method="post"{{if .Action}} action="{{.Action}}"{{end}}>
{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<button type="submit">{{.Word}}</button>
</form>{{end}}
{{if .Nonce}}<script nonce="{{.Nonce}}">document.forms[0].submit()</script>{{end}}
</body>
</html>
`))
