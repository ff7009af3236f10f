package call

import (
	"slices"
	"strings"
	"unicode"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
)

// CutWord returns the first word of a text and what comes behind the blanks after
// it.
func CutWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, unicode.IsSpace)
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimSpace(s[end:])
}

// Options are the options of one command: names with values.
type Options map[string]string

// LoginOption names the account that a command is for.
const LoginOption = "login"

// Take reads the options at the beginning of a text: "--name value" or
// "--name=value". Some keyboards make a dash of two hyphens. What is no option of
// this command ends them.
func (o Options) Take(s string, names ...string) (rest string) {
	for {
		word, after := CutWord(s)
		option, ok := strings.CutPrefix(word, "--")
		if !ok {
			option, ok = strings.CutPrefix(word, "—")
		}
		if !ok {
			return s
		}
		name, value, given := strings.Cut(option, "=")
		if name = strings.ToLower(name); !slices.Contains(names, name) {
			return s
		}
		if !given {
			value, after = CutWord(after)
		}
		o[name], s = value, after
	}
}

// IsAddress reports whether a word is meant as an e-mail address where it could be
// text as well: one whose domain has a dot. It returns its clean form.
func IsAddress(word string) (string, bool) {
	account, err := msnid.ParseAccount(word)
	if err != nil || strings.HasPrefix(account, names.Tel) { // a mistyped number
		return "", false
	}
	_, domain, _ := strings.Cut(account, "@")
	return account, strings.Contains(strings.Trim(domain, "."), ".")
}
