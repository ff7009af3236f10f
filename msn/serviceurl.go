package msn

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/link"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// URLName names a page of the service (protocol/07, section 2). Letter case
// counts.
type URLName string

// The founding names, and those that came later. Those with a locale get
// Config.Locale when the argument is "".
const (
	URLInbox       URLName = "INBOX"
	URLFolders     URLName = "FOLDERS"
	URLCompose     URLName = "COMPOSE" // argument: an address, or none
	URLProfile     URLName = "PROFILE" // argument: a locale
	URLMobileSet   URLName = "CHGMOB"
	URLPerson      URLName = "PERSON" // argument: a locale
	URLChat        URLName = "CHAT"   // argument: a locale
	URLPassword    URLName = "PASSWORD"
	URLMessage     URLName = "MESSAGE"
	URLMobile      URLName = "MOBILE"
	URLN2PAccount  URLName = "N2PACCOUNT" // Net2Phone; argument: a locale
	URLN2PFund     URLName = "N2PFUND"    // argument: a locale
	URLAddressBook URLName = "ADDRBOOK"
	URLAdvSearch   URLName = "ADVSEARCH"
	URLIntSearch   URLName = "INTSEARCH"
)

// urlArgument says what a URLName takes besides.
type urlArgument uint8

const (
	noArgument urlArgument = iota
	addressOrNone
	localeArgument
)

// urlNames are the names that there are.
var urlNames = map[URLName]urlArgument{
	URLInbox:       noArgument,
	URLFolders:     noArgument,
	URLCompose:     addressOrNone,
	URLProfile:     localeArgument,
	URLMobileSet:   noArgument,
	URLPerson:      localeArgument,
	URLChat:        localeArgument,
	URLPassword:    noArgument,
	URLMessage:     noArgument,
	URLMobile:      noArgument,
	URLN2PAccount:  localeArgument,
	URLN2PFund:     localeArgument,
	URLAddressBook: noArgument,
	URLAdvSearch:   noArgument,
	URLIntSearch:   noArgument,
}

// defaultLocale is English (US), in which the servers of the time were sure to
// have everything.
const defaultLocale uint16 = 0x0409

// localeName is a locale as it stands in CVR, URL and SDC: padded to four digits,
// with a literal "0x".
func localeName(locale uint16) string { return fmt.Sprintf("0x%04x", locale) }

// isLocale reports whether s is a literal "0x" and up to eight hexadecimal digits.
func isLocale(s string) bool {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return false
	}
	_, err := strconv.ParseUint(digits, 16, 32)
	return err == nil && len(digits) <= 8
}

// ServiceURL is the answer to URL, or what a mail notice points to. Everything in it is the
// server's word and not checked.
type ServiceURL = link.ServiceURL

// ServiceURL asks for a page of the service. argument is sent as it is, or "" for
// none; names that need a locale get Config.Locale when it is "".
//
// The error is ErrNoSuchURL for a name that is none, ErrArgument for an argument
// that cannot be sent, a *ServerError, wire.ErrProtocol for an answer that is none,
// ErrTimeout, or that of the connection.
func (c *Client) ServiceURL(ctx context.Context, name URLName, argument string) (ServiceURL, error) {
	args, err := c.urlArgs(name, argument)
	if err != nil {
		return ServiceURL{}, err
	}
	answer := make(chan ServiceURL, 1)
	err = c.conn.Call(ctx, wire.New("URL", args...), func(reply wire.Command) error {
		u, err := link.Parse(reply.Args[1:])
		answer <- u
		return err
	})
	if err != nil {
		return ServiceURL{}, err
	}
	return <-answer, nil
}

// urlArgs are the parameters of URL behind the TrID.
func (c *Client) urlArgs(name URLName, argument string) ([]string, error) {
	kind, ok := urlNames[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoSuchURL, name)
	}
	if kind == localeArgument && argument == "" {
		argument = localeName(c.cfg.Locale)
	}
	switch {
	case argument == "" && kind != localeArgument:
		return []string{string(name)}, nil
	case kind == localeArgument && isLocale(argument), kind == addressOrNone && clean.IsAddress(argument):
		return []string{string(name), argument}, nil
	}
	return nil, fmt.Errorf("%w: %q for %s", ErrArgument, argument, name)
}

// LoginForm is what a browser posts to be logged in at a page of the service
// (section 2.3). It holds a hash that the password can be guessed from.
type LoginForm struct {
	Action string // https, of a host that Trust names
	Fields []FormField
}

// FormField is one field of a LoginForm, in the order in which it is posted.
type FormField struct{ Name, Value string }

// LogValue implements slog.LogValuer: the fields are secret.
func (f LoginForm) LogValue() slog.Value { return slog.StringValue(f.String()) }

// String names the form without its secrets.
func (f LoginForm) String() string {
	return fmt.Sprintf("form of %d fields to %q", len(f.Fields), f.Action)
}

// LoginForm makes the form for a page. It reports ErrNoForm when the server gave
// no MSPAuth at sign-in, and ErrUntrusted when Post is not https at a host that
// may get the password's hash.
func (c *Client) LoginForm(u ServiceURL) (LoginForm, error) {
	post, err := url.Parse(u.Post)
	if err != nil {
		return LoginForm{}, fmt.Errorf("%w: the login page %q is no address", ErrUntrusted, u.Post)
	}
	if post.Scheme != "https" {
		return LoginForm{}, fmt.Errorf("%w: the login page %q has no https", ErrUntrusted, u.Post)
	}
	if err := c.policy.CheckURL(post); err != nil {
		return LoginForm{}, err
	}
	var p profile
	c.conn.Query(func() { p = c.profile })
	if p.auth == "" {
		return LoginForm{}, ErrNoForm
	}
	// A clock that is behind the server's must not make a negative number.
	seconds := strconv.FormatInt(max(0, int64(time.Since(p.login)/time.Second)), 10)
	local, _, _ := strings.Cut(c.conn.Account(), "@")
	target := "rru"
	if u.Absolute() {
		target = "ru"
	}
	return LoginForm{Action: post.String(), Fields: []FormField{
		{"mode", "ttl"},
		{"login", local},
		{"username", c.conn.Account()},
		{"sid", p.sid},
		{"kv", p.kv},
		{"id", u.SiteID},
		{"sl", seconds},
		{target, u.Redirect},
		{"auth", p.auth},
		{"creds", passport.Creds(p.auth, seconds, c.cfg.Password)},
		{"svc", "mail"},
		{"js", "yes"},
	}}, nil
}
