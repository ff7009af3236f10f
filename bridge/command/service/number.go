package service

import (
	"strings"

	"matrix-msn/bridge/names"
)

// Bounds of a telephone number in digits. The longest are those of E.164 with some
// room; shorter ones are more likely text, as in "+1".
const (
	minDigits = 5
	maxDigits = 20
)

// isNumber reports whether a word is meant as an international telephone number,
// with "tel:" or "+" before it. It returns the form "tel:+15551112222".
func isNumber(word string) (string, bool) {
	number, marked := strings.CutPrefix(strings.ToLower(word), names.Tel)
	number, plus := strings.CutPrefix(number, "+")
	digits, ok := digitsOf(number)
	if !marked && !plus || !ok || len(digits) < minDigits {
		return "", false
	}
	return names.Tel + "+" + digits, true
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
