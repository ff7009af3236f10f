package window

import (
	"net/http"
	"slices"
	"strings"
)

// Other pages in the browser of whoever tries the demo can send requests to it too. They must not write in the
// account's name, nor read what is said, nor hold the few places for pages.

// policy is what the page itself may do: show and run what is served here, and nothing that is written in it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// guard lets through what a page from here asks for, under one of the hosts.
func guard(hosts []string, next http.Handler) http.Handler {
	var origins http.CrossOriginProtection
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		header := rw.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		switch {
		case !slices.Contains(hosts, strings.ToLower(r.Host)):
			// A name of another site that leads here (DNS rebinding): for the browser this is that site.
			http.Error(rw, "This page is at http://"+hosts[0]+"/ and answers under no other name.", http.StatusMisdirectedRequest)
		case origins.Check(r) != nil, foreign(r):
			http.Error(rw, "Only the page of the demo itself may ask for this.", http.StatusForbidden)
		default:
			next.ServeHTTP(rw, r)
		}
	})
}

// foreign reports whether a page of another site asks for something else than to go to the page.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	return r.URL.Path != "/" || r.Header.Get("Sec-Fetch-Mode") != "navigate"
}
