package bridge

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/msn"
)

const (
	// loginPageLife is how long a link to a login page can be followed.
	loginPageLife = 5 * time.Minute
	// maxLoginPages and maxLoginPagesOf are how many links there are at a time, in all
	// and of one user. The oldest go first.
	maxLoginPages   = 1000
	maxLoginPagesOf = 5
	// tokenBytes is the length of what makes a link unguessable.
	tokenBytes = 32

	loginPagePath = "/_msn/login/"
)

// loginPages are pages of the bridge, each for one user and one use, that post the
// form by which a browser is logged in at a service (protocol/07, section 2.3). The
// zero value has none; open makes them reachable.
//
// Who follows the link sees a button, and only the button uses the link up, so that
// programs that look at links in advance do no harm. The form is made then: until
// then there is nothing here that the password could be guessed from.
type loginPages struct {
	address string // public, without a slash at its end; "" when there is none

	mu    sync.Mutex
	pages map[tokenHash]loginPage
}

// tokenHash is what is kept of a token.
type tokenHash [sha256.Size]byte

// loginPage is what a link leads to.
type loginPage struct {
	user    id.UserID
	client  *Client
	url     msn.ServiceURL
	expires time.Time
}

// open serves the pages where the homeserver reaches the bridge, if the bridge has a
// public address. One without https is none: on the way everybody could read the form.
func (p *loginPages) open(matrix bridgev2.MatrixConnector, log zerolog.Logger) {
	server, ok := matrix.(bridgev2.MatrixConnectorWithServer)
	if !ok || server.GetPublicAddress() == "" || server.GetRouter() == nil {
		return
	}
	if address, err := url.Parse(server.GetPublicAddress()); err != nil || address.Host == "" ||
		address.Scheme != "https" && (address.Scheme != "http" || !isLoopback(address.Hostname())) {
		log.Warn().Msg("appservice.public_address does not begin with https://, so that the bridge offers no links that log users in on the web")
		return
	}
	p.address = strings.TrimRight(server.GetPublicAddress(), "/")
	router := server.GetRouter()
	router.HandleFunc("GET "+loginPagePath+"{token}", p.show)
	router.HandleFunc("POST "+loginPagePath+"{token}", p.submit)
}

func (p *loginPages) available() bool { return p.address != "" }

// issue returns the link to a new page.
func (p *loginPages) issue(user id.UserID, client *Client, page msn.ServiceURL) string {
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails
	token := base64.RawURLEncoding.EncodeToString(random)
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages == nil {
		p.pages = make(map[tokenHash]loginPage)
	}
	p.purge(now)
	p.makeRoom(maxLoginPagesOf, func(page loginPage) bool { return page.user == user })
	p.makeRoom(maxLoginPages, func(loginPage) bool { return true })
	p.pages[sha256.Sum256([]byte(token))] = loginPage{user: user, client: client, url: page, expires: now.Add(loginPageLife)}
	return p.address + loginPagePath + token
}

// purge forgets what is too old.
func (p *loginPages) purge(now time.Time) {
	for token, page := range p.pages {
		if now.After(page.expires) {
			delete(p.pages, token)
		}
	}
}

// makeRoom forgets the oldest of some pages until there are fewer than most.
func (p *loginPages) makeRoom(most int, counts func(loginPage) bool) {
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
func (p *loginPages) find(r *http.Request, use bool) (loginPage, bool) {
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
func (p *loginPages) show(w http.ResponseWriter, r *http.Request) {
	page, ok := p.find(r, false)
	if !ok {
		p.gone(w)
		return
	}
	p.answer(w, http.StatusOK, "form-action 'self'", "", loginView{
		Title: "Log in to " + page.client.serviceOrUnknown().name,
		Text:  fmt.Sprintf("This logs you in as %s. The link works once.", page.client.identity.Account),
		Button: &loginForm{
			Word: "Log in",
		},
	})
}

// submit uses the link up and answers with the form, which submits itself.
func (p *loginPages) submit(w http.ResponseWriter, r *http.Request) {
	page, ok := p.find(r, true)
	if !ok {
		p.gone(w)
		return
	}
	name := page.client.serviceOrUnknown().name
	session := page.client.current()
	var form msn.LoginForm
	err := msn.ErrNotConnected
	if session != nil {
		form, err = session.LoginForm(page.url)
	}
	target, ok := loginTarget(form)
	origin, _ := msgconv.LinkHost(target)
	if err != nil || !ok {
		p.answer(w, http.StatusConflict, "form-action 'none'", "", loginView{
			Title: "Not logged in",
			Text:  fmt.Sprintf("The bridge is not signed in to %s any more. Ask the bot for a new link when it is.", name),
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
	p.answer(w, http.StatusOK, "form-action "+origin+"; script-src 'nonce-"+nonce+"'", nonce, loginView{
		Title:  "Logging in to " + name,
		Text:   "If nothing happens, press the button.",
		Button: &loginForm{Action: target, Fields: form.Fields, Word: "Go on"},
	})
}

// loginTarget returns where a form is posted to. It reports false for an address that
// the bridge makes no link of.
func loginTarget(form msn.LoginForm) (string, bool) {
	target, ok := msgconv.SafeLink(form.Action)
	return target, ok && strings.HasPrefix(target, "https://")
}

// gone answers who has no valid link.
func (p *loginPages) gone(w http.ResponseWriter) {
	p.answer(w, http.StatusNotFound, "form-action 'none'", "", loginView{
		Title: "This link does not work any more",
		Text:  "It was used already, or is too old. Ask the bot for a new one.",
	})
}

// answer writes a page that no browser and no proxy keeps, that runs nothing but
// what it says, and that tells nobody where it was.
func (p *loginPages) answer(w http.ResponseWriter, status int, policy, nonce string, view loginView) {
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

// loginView is what loginTemplate shows.
type loginView struct {
	Title, Text string
	Button      *loginForm // nil for none
	Nonce       string     // of the script that submits the form, "" for none
}

type loginForm struct {
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
