package clean

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"matrix-msn/internal/fold"
)

// Account returns an account in the form in which accounts are compared: lower case,
// without the endpoint that MSNP16 and later add behind a semicolon. It reports false for
// what cannot be one.
func Account(s string) (account string, ok bool) {
	account, ok = Key(s)
	return strings.Clone(account), ok
}

// Key is Account for who only looks it up: it may be a part of s, and keep that in memory.
func Key(s string) (account string, ok bool) {
	s, _, _ = strings.Cut(s, ";")
	if s == "" || len(s) > MaxAccount || !utf8.ValidString(s) {
		return "", false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7F {
			return "", false
		}
	}
	if strings.ContainsFunc(s, fold.Foreign) {
		return "", false
	}
	return strings.ToLower(s), true
}

// Endpoint reads "account" or "account;{endpoint}". The endpoint is in lower case, and ""
// where there is none or what stands there is no GUID.
func Endpoint(s string) (account, endpoint string, ok bool) {
	account, ok = Account(s)
	if _, endpoint, _ = strings.Cut(s, ";"); !IsGUID(endpoint) {
		return account, "", ok
	}
	return account, strings.ToLower(endpoint), ok
}

// IsAddress reports whether s can be sent as the address of a mail: one "@" with
// something on both sides, no blanks, control characters or what could end a line or a
// parameter, and at most MaxAccount bytes.
func IsAddress(s string) bool {
	if len(s) > MaxAccount || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return false
		}
	}
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && !strings.Contains(domain, "@")
}
