package notify

import (
	"net/url"
	"strings"
)

// parseSite returns what URLs are relative to, or nil when base is no such URL.
func parseSite(base string) *url.URL {
	site, err := url.Parse(base)
	if err != nil || !site.IsAbs() || site.Host == "" {
		return nil
	}
	if site.Path == "" {
		site.Path = "/"
	}
	site.Fragment, site.RawFragment = "", ""
	return site
}

// resolve makes a whole URL of one that may be relative to site, by RFC 3986. The
// query stays byte for byte as it is written, and so does all of a URL that was
// whole. It returns "" when that makes no URL.
func resolve(site *url.URL, ref string) string {
	if ref == "" || strings.ContainsFunc(ref, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return ""
	}
	// A query holds anything at all, another "http://" included.
	head, tail := ref, ""
	if end := strings.IndexAny(ref, "?#"); end >= 0 {
		head, tail = ref[:end], ref[end:]
	}
	u, err := url.Parse(head)
	if err != nil {
		return ""
	}
	if u.IsAbs() {
		return ref
	}
	if site == nil {
		return ""
	}
	base := *site
	if strings.HasPrefix(tail, "?") {
		base.RawQuery, base.ForceQuery = "", false
	}
	return base.ResolveReference(u).String() + tail
}
