package passport

import (
	"net/url"
	"strings"
)

// The headers of the Tweener login (protocol/01-login.md, section 3.2). Names are
// to be compared without letter case: proxies change it.
const (
	HeaderURLs          = "PassportURLs"
	HeaderAuthorization = "Authorization"
	HeaderInfo          = "Authentication-Info"
	HeaderRefused       = "WWW-Authenticate"
)

const scheme = "Passport1.4"

// URLs are the addresses that a nexus server names in PassportURLs.
type URLs struct {
	// Login is where tickets are given out (DALogin). "https://" is put in
	// front of a value without a scheme when it is read.
	Login string
	// Others are the further fields, as they stand.
	Others []Field
}

// Field is one name=value of a list.
type Field struct{ Name, Value string }

// ParseURLs reads the value of PassportURLs. It reports false when no login
// address is in it.
func ParseURLs(value string) (URLs, bool) {
	var urls URLs
	for field := range strings.SplitSeq(value, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch {
		case strings.EqualFold(name, "DALogin") && urls.Login == "":
			urls.Login = strings.TrimSpace(value)
		case name != "":
			urls.Others = append(urls.Others, Field{name, value})
		}
	}
	if urls.Login == "" {
		return urls, false
	}
	if !strings.Contains(urls.Login, "://") {
		urls.Login = "https://" + urls.Login
	}
	return urls, true
}

// String writes the value of PassportURLs.
func (u URLs) String() string {
	var b strings.Builder
	b.WriteString("DALogin=" + u.Login)
	for _, f := range u.Others {
		b.WriteString("," + f.Name + "=" + f.Value)
	}
	return b.String()
}

// defaultOrgURL is what official clients name as the place that they want to go
// to, in their own way of encoding it.
const defaultOrgURL = "http%3A%2F%2Fmessenger%2Emsn%2Ecom"

// Credentials are what a client sends to the login server in Authorization.
type Credentials struct {
	Account, Password string
	// Policy is the last parameter of "USR trid TWN S", passed on as it came.
	Policy string
}

// String writes the value of Authorization. It holds the password.
func (c Credentials) String() string {
	return scheme + " OrgVerb=GET,OrgURL=" + defaultOrgURL +
		",sign-in=" + encodeValue(c.Account) + ",pwd=" + encodeValue(c.Password) + "," + c.Policy
}

// ParseCredentials reads the value of Authorization. It reports false when it is
// of another scheme or names no account or no password. The policy is what
// stands behind the password.
func ParseCredentials(value string) (Credentials, bool) {
	rest, ok := cutScheme(value)
	if !ok {
		return Credentials{}, false
	}
	var c Credentials
	var haveAccount, havePassword bool
	for rest != "" && !(haveAccount && havePassword) {
		var field string
		field, rest, _ = strings.Cut(rest, ",")
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch strings.ToLower(name) {
		case "sign-in":
			c.Account, haveAccount = decodeValue(value), true
		case "pwd":
			c.Password, havePassword = decodeValue(value), true
		}
	}
	c.Policy = rest
	return c, haveAccount && havePassword
}

// The values of Info.Status.
const (
	StatusSuccess  = "success"
	StatusRedirect = "redir"
	StatusFailed   = "failed"
)

// Info is what a login server answers, in Authentication-Info or, when it
// refuses, in WWW-Authenticate.
type Info struct {
	Status string // one of the Status constants, in lower case
	Ticket string // from-PP, verbatim; of StatusSuccess
	// Reason is a text for the user (cbtxt), decoded and at most MaxReason
	// bytes; of StatusFailed.
	Reason string
}

// MaxReason is the longest reason that is kept, in bytes: it is shown to people.
const MaxReason = 500

// ParseInfo reads the value of Authentication-Info or WWW-Authenticate. It
// reports false when it is of another scheme or has no status.
func ParseInfo(value string) (Info, bool) {
	rest, ok := cutScheme(value)
	if !ok {
		return Info{}, false
	}
	var info Info
	for rest != "" {
		var name, value string
		name, value, rest = nextField(rest)
		switch strings.ToLower(name) {
		case "da-status":
			info.Status = strings.ToLower(value)
		case "from-pp":
			info.Ticket = value
		case "cbtxt":
			info.Reason = truncate(strings.ToValidUTF8(decodeValue(value), "\uFFFD"), MaxReason)
		}
	}
	return info, info.Status != ""
}

// String writes the value of Authentication-Info or WWW-Authenticate.
func (i Info) String() string {
	var b strings.Builder
	b.WriteString(scheme + " da-status=" + i.Status)
	if i.Ticket != "" {
		b.WriteString(",from-PP='" + i.Ticket + "'")
	}
	if i.Status == StatusFailed {
		b.WriteString(",srealm=Passport.NET,ts=-3,prompt")
	}
	if i.Reason != "" {
		b.WriteString(",cbtxt=" + encodeValue(i.Reason))
	}
	return b.String()
}

// nextField cuts the first name=value off a list. A value in single quotes may
// hold commas: it ends at the first quote before a comma or the end.
func nextField(s string) (name, value, rest string) {
	end := strings.IndexAny(s, "=,")
	if end < 0 {
		return strings.TrimSpace(s), "", ""
	}
	name = strings.TrimSpace(s[:end])
	if s[end] == ',' {
		return name, "", s[end+1:]
	}
	s = s[end+1:]
	if strings.HasPrefix(s, "'") {
		s = s[1:]
		if quote := strings.Index(s, "',"); quote >= 0 {
			return name, s[:quote], s[quote+2:]
		}
		return name, strings.TrimSuffix(strings.TrimSpace(s), "'"), ""
	}
	value, rest, _ = strings.Cut(s, ",")
	return name, strings.TrimSpace(value), rest
}

func cutScheme(value string) (string, bool) {
	first, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	return strings.TrimSpace(rest), strings.EqualFold(first, scheme)
}

// encodeValue percent-encodes all but letters, digits, '-', '.', '_' and '~';
// commas and equal signs would end a field.
func encodeValue(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// decodeValue undoes percent-encoding as far as it is well-formed.
func decodeValue(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}

// truncate cuts s to at most n bytes without cutting a character.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
