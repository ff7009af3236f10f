package msn

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isAddress reports whether s can be sent as the address of a mail: one "@" with
// something on both sides, no blanks, control characters or what could end a line
// or a parameter, and at most maxAccount bytes.
func isAddress(s string) bool {
	if len(s) > maxAccount || !utf8.ValidString(s) {
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

// maxNumberDigits is the longest phone number in digits: international ones end
// at 15, and some countries put a prefix in front.
const maxNumberDigits = 20

// phonePrefix marks a target that is a number and no account.
const phonePrefix = "tel:"

// phoneDigits returns the digits of a phone number as people write it, in any
// punctuation.
func phoneDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// phoneTarget returns "tel:+15551112222" as it is sent, and its digits. Blanks and
// punctuation between the digits are left out. It reports false for what is no
// number.
func phoneTarget(s string) (target, digits string, ok bool) {
	if len(s) < len(phonePrefix) || !strings.EqualFold(s[:len(phonePrefix)], phonePrefix) {
		return "", "", false
	}
	number := s[len(phonePrefix):]
	plus := strings.HasPrefix(number, "+")
	number = strings.TrimPrefix(number, "+")
	if strings.Trim(number, "0123456789 -.()/") != "" {
		return "", "", false
	}
	digits = phoneDigits(number)
	if digits == "" || len(digits) > maxNumberDigits {
		return "", "", false
	}
	if plus {
		return phonePrefix + "+" + digits, digits, true
	}
	return phonePrefix + digits, digits, true
}
