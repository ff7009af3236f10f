// Package link is where pages of the service are, as the service says it.
package link

import (
	"fmt"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// MaxURL is the longest address that is taken from a server, in bytes. Real ones have some
// 200; a part of one is of no use.
const MaxURL = 4096

// ServiceURL is the answer to URL, or what a mail notice points to. Everything in it is the
// server's word and not checked.
type ServiceURL struct {
	Redirect string // where to go after the login: relative or absolute
	Post     string // the login page that the form is posted to
	SiteID   string // "" when the dialect has none
}

// Parse reads what stands behind the TrID in an answer to URL: two addresses and, from
// MSNP3 on, the site's number.
func Parse(args []string) (ServiceURL, error) {
	if len(args) < 2 || args[0] == "" || args[1] == "" {
		return ServiceURL{}, fmt.Errorf("%w: URL without two addresses", wire.ErrProtocol)
	}
	if len(args[0]) > MaxURL || len(args[1]) > MaxURL {
		return ServiceURL{}, fmt.Errorf("%w: URL with an address of more than %d bytes", wire.ErrProtocol, MaxURL)
	}
	u := ServiceURL{Redirect: clean.Cut(args[0], MaxURL), Post: clean.Cut(args[1], MaxURL)}
	if len(args) > 2 {
		u.SiteID = clean.Cut(args[2], clean.MaxName)
	}
	return u, nil
}

// Notice makes a ServiceURL of the fields of a mail notice; redirect is the name of the
// field that holds the page. Addresses that are too long are left out.
func Notice(fields wire.Header, redirect string) ServiceURL {
	part := func(name string) string {
		if value := fields.Get(name); len(value) <= MaxURL {
			return clean.Cut(value, MaxURL)
		}
		return ""
	}
	return ServiceURL{Redirect: part(redirect), Post: part("Post-URL"), SiteID: clean.Cut(fields.Get("id"), clean.MaxName)}
}

// Absolute reports whether Redirect is a whole URL.
func (u ServiceURL) Absolute() bool { return isAbsolute(u.Redirect) }

// Dummy reports whether the answer stands for nothing, as revival servers give it:
// "/unused1 /unused2". There is no place to go then: neither address names a host.
func (u ServiceURL) Dummy() bool { return !isAbsolute(u.Redirect) && !isAbsolute(u.Post) }

// isAbsolute reports whether s begins with a scheme and a host.
func isAbsolute(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || rest == "" || scheme == "" {
		return false
	}
	for i := range len(scheme) {
		letter := scheme[i]|0x20 >= 'a' && scheme[i]|0x20 <= 'z'
		if !letter && (i == 0 || !strings.Contains("0123456789+-.", scheme[i:i+1])) {
			return false
		}
	}
	return true
}
