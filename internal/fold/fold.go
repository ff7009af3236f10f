// Package fold knows what letter case does to addresses.
package fold

import "unicode"

// Foreign reports whether r is a sign that becomes an ASCII letter in lower case, as that of
// Kelvin does: an account with one would be taken for somebody else's.
func Foreign(r rune) bool { return r > unicode.MaxASCII && unicode.ToLower(r) <= unicode.MaxASCII }
