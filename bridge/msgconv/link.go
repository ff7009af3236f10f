package msgconv

import (
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// maxLink is the longest link in bytes. An event holds several, each twice and
// escaped.
const maxLink = 1024

// SafeLink returns the normal form of a web address that a server gave: http or
// https, with a host, without a user in front of it, in plain ASCII. Everything
// else is no link: it reports false.
func SafeLink(address string) (link string, ok bool) {
	u := webAddress(address)
	if u == nil {
		return "", false
	}
	if link = u.String(); len(link) > maxLink {
		return "", false
	}
	return link, true
}

// LinkHost returns the scheme and the host of a SafeLink, as in "https://example.com".
func LinkHost(link string) (origin string, ok bool) {
	u := webAddress(link)
	if u == nil {
		return "", false
	}
	return u.Scheme + "://" + u.Host, true
}

func webAddress(address string) *url.URL {
	if len(address) > maxLink {
		return nil
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return nil
	}
	host, ok := safeHost(u.Hostname())
	if !ok {
		return nil
	}
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	clean := &url.URL{Scheme: u.Scheme, Host: host, Path: u.Path, RawPath: u.RawPath, RawQuery: escapeRaw(u.RawQuery)}
	// Not among the fields: a fragment that String escapes in its own way.
	if fragment := u.EscapedFragment(); fragment != "" {
		clean.Fragment, clean.RawFragment = u.Fragment, fragment
	}
	return clean
}

// hosts turns names into the form in which they are looked up: letters that look
// like others show as what they are.
var hosts = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true))

// safeHost returns a host in ASCII.
func safeHost(host string) (string, bool) {
	if ip := net.ParseIP(host); ip != nil {
		if strings.Contains(host, ":") {
			return "[" + ip.String() + "]", true
		}
		return ip.String(), true
	}
	name, err := hosts.ToASCII(host)
	if err != nil || strings.Trim(name, ".") == "" {
		return "", false
	}
	again, err := hosts.ToASCII(name) // what is no name in its final form is none
	return name, err == nil && again == name
}

// escapeRaw escapes what has no place in the query of an address. url.URL takes it
// over as it came.
func escapeRaw(query string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(query) {
		c := query[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}'", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&0xf])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// link adds the address of a link whose text does not show it.
func (w *writer) link(e *element) {
	if !leads(e.href) {
		return
	}
	text := strings.TrimSpace(w.out.String()[e.from:])
	text = text[max(strings.LastIndexByte(text, ' '), strings.LastIndexByte(text, '\n'))+1:]
	if !shows(text, e.href) { // the alias of a room alone leads nobody there who is not on Matrix
		w.words(" ("+e.href+")", e.style)
	}
}

// shows reports whether a text is an address, which people write without its scheme too.
func shows(text, address string) bool {
	bare := func(s string) string {
		for _, scheme := range []string{"https://", "http://", "mailto:"} {
			if len(s) > len(scheme) && hasPrefixFold(s, scheme) {
				s = s[len(scheme):]
				break
			}
		}
		return strings.TrimSuffix(s, "/")
	}
	return strings.EqualFold(bare(text), bare(address))
}

// leads reports whether a link leads somewhere that people on MSN can go to. Mentions are links too;
// their text is enough. What is no address for the library is followed by browsers all the same.
func leads(address string) bool {
	scheme, rest, ok := strings.Cut(address, ":")
	if !ok {
		return false
	}
	switch strings.ToLower(scheme) {
	case "http", "https":
		return !hasPrefixFold(rest, "//"+matrixTo) || !isMention(address)
	case "ftp", "mailto", "magnet":
		return true
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// matrixTo is the host of links to what is on Matrix.
const matrixTo = "matrix.to"

// isMention reports whether a link names somebody on Matrix.
func isMention(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.EqualFold(u.Hostname(), matrixTo) && strings.HasPrefix(u.Fragment, "/@")
}
