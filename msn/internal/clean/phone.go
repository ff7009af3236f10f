package clean

import "strings"

// MaxNumberDigits is the longest phone number in digits: international ones end at 15,
// and some countries put a prefix in front.
const MaxNumberDigits = 20

// PhonePrefix marks a target that is a number and no account.
const PhonePrefix = "tel:"

// Digits returns the digits of a phone number as people write it, in any punctuation.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// HasPhonePrefix reports whether s begins as a number does, in any letter case.
func HasPhonePrefix(s string) bool {
	return len(s) >= len(PhonePrefix) && strings.EqualFold(s[:len(PhonePrefix)], PhonePrefix)
}

// Phone reads "tel:+1 555 111-2222" and returns it as it is sent, and its digits. Blanks
// and punctuation between the digits are left out. It reports false for an invalid number.
func Phone(s string) (target, digits string, ok bool) {
	if !HasPhonePrefix(s) {
		return "", "", false
	}
	number := s[len(PhonePrefix):]
	plus := strings.HasPrefix(number, "+")
	number = strings.TrimPrefix(number, "+")
	if strings.Trim(number, "0123456789 -.()/") != "" {
		return "", "", false
	}
	digits = Digits(number)
	if digits == "" || len(digits) > MaxNumberDigits {
		return "", "", false
	}
	if plus {
		return PhonePrefix + "+" + digits, digits, true
	}
	return PhonePrefix + digits, digits, true
}
