package metrics

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// What is said to who asks in a way in which no monitoring does.
const (
	otherName = "The metrics are served under the name in network.metrics, localhost and addresses in numbers alone: ask by one of those, " +
		"or write the name that you ask by into network.metrics."
	otherSite = "The metrics are not for other web pages: ask for them by a program, or type the address into the browser."
)

// ownSites are what browsers say of the site that asks, which is another one on another port too: programs say nothing, and "none" is who
// has typed the address.
var ownSites = []string{"", "none", "same-origin"}

// guard keeps web pages out. Nobody has to sign in to see the metrics, and the browser of somebody who can reach them asks for
// whatever a page wants: under the page's own name, if the owner of that has it lead here. name is the one in network.metrics.
func guard(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !ownName(r.Host, name):
			http.Error(w, otherName, http.StatusMisdirectedRequest)
		case r.Header.Get("Origin") != "", !slices.Contains(ownSites, r.Header.Get("Sec-Fetch-Site")):
			http.Error(w, otherSite, http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ownName reports whether a Host is none that the owner of some domain can have lead here.
func ownName(host, name string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = strings.TrimSuffix(host, ".")
	return host != "" && (strings.EqualFold(host, "localhost") || strings.EqualFold(host, strings.TrimSuffix(name, ".")))
}
