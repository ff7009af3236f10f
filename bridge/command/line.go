package command

import (
	"slices"
	"strings"
	"unicode"

	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/bridge/msnid"
)

// typedArguments returns what was typed behind the name of a command, with its
// blanks and line ends. The framework cuts the name off only when it was typed in
// lower case.
func typedArguments(ce *commands.Event) string {
	raw := strings.TrimSpace(ce.RawArgs)
	if len(strings.Fields(raw)) > len(ce.Args) {
		_, raw = cutWord(raw)
	}
	return raw
}

// cutWord returns the first word of a text and what comes behind the blanks after
// it.
func cutWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, unicode.IsSpace)
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimSpace(s[end:])
}

// options are the options of one command: names with values.
type options map[string]string

// loginOption names the account that a command is for.
const loginOption = "login"

// take reads the options at the beginning of a text: "--name value" or
// "--name=value". Some keyboards make a dash of two hyphens. What is no option of
// this command ends them.
func (o options) take(s string, names ...string) (rest string) {
	for {
		word, after := cutWord(s)
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
			value, after = cutWord(after)
		}
		o[name], s = value, after
	}
}

// isAddress reports whether a word is meant as an e-mail address where it could be
// text as well: one whose domain has a dot. It returns its clean form.
func isAddress(word string) (string, bool) {
	account, err := msnid.ParseAccount(word)
	if err != nil || strings.HasPrefix(account, telPrefix) { // a mistyped number
		return "", false
	}
	_, domain, _ := strings.Cut(account, "@")
	return account, strings.Contains(strings.Trim(domain, "."), ".")
}

// telPrefix marks a telephone number.
const telPrefix = "tel:"

// Bounds of a telephone number in digits. The longest are those of E.164 with some
// room; shorter ones are more likely text, as in "+1".
const (
	minDigits = 5
	maxDigits = 20
)

// isNumber reports whether a word is meant as an international telephone number,
// with "tel:" or "+" before it. It returns the form "tel:+15551112222".
func isNumber(word string) (string, bool) {
	number, marked := strings.CutPrefix(strings.ToLower(word), telPrefix)
	number, plus := strings.CutPrefix(number, "+")
	digits, ok := digitsOf(number)
	if !marked && !plus || !ok || len(digits) < minDigits {
		return "", false
	}
	return telPrefix + "+" + digits, true
}

// digitsOf returns a number without the signs that people write between digits. It
// reports false for what is no number.
func digitsOf(s string) (string, bool) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/", r) {
			return -1
		}
		return r
	}, strings.TrimPrefix(s, "+"))
	ok := digits != "" && len(digits) <= maxDigits && strings.Trim(digits, "0123456789") == ""
	return digits, ok
}
