// Package clean checks and cuts the values that the other side wrote: accounts, names,
// numbers, GUIDs, telephone numbers and encoded words. What it returns is valid UTF-8, of
// bounded length, and does not keep the command in memory that it is a part of.
package clean

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"matrix-msn/internal/grapheme"
	"matrix-msn/msn/wire"
)

// Limits of what is kept, in bytes.
const (
	// MaxName is the longest display or group name; servers allow 387 bytes in encoded
	// form.
	MaxName = 512
	// MaxAccount is the longest account; servers allow 129.
	MaxAccount = 254
	// MaxField is the longest of other values of a contact: MSNObject, personal
	// message, media, phone number.
	MaxField = 2048
	// MaxFormat is the longest X-MMS-IM-Format that is passed on. Real ones have about
	// 80; a longer one, either way, is dropped, not the text.
	MaxFormat = 256
)

// Cut returns a copy of s as valid UTF-8 of at most n bytes.
func Cut(s string, n int) string {
	return strings.Clone(grapheme.Limit(strings.ToValidUTF8(s, "\uFFFD"), n))
}

// Name reads a display name from a parameter.
func Name(s string) string { return Cut(wire.Decode(s), MaxName) }

// Line replaces control characters, which have no place in a line of text that people
// read, by blanks.
func Line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

// The wire ends lines by CR LF, programs end them by LF.
var (
	toLF   = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	toCRLF = strings.NewReplacer("\n", "\r\n")
)

// LF returns a text with LF line ends.
func LF(s string) string { return toLF.Replace(s) }

// CRLF returns a text, whatever its line ends, as it goes on the wire: valid UTF-8 with
// CR LF line ends.
func CRLF(s string) string { return toCRLF.Replace(LF(strings.ToValidUTF8(s, "\uFFFD"))) }

// Format returns an X-MMS-IM-Format that can be passed on, or "".
func Format(format string) string {
	if len(format) > MaxFormat || !utf8.ValidString(format) || strings.ContainsAny(format, "\r\n\x00") {
		return ""
	}
	return format
}

// IsNumber reports whether s consists of decimal digits.
func IsNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Small reads a decimal number of at most four digits.
func Small(s string) (n int, ok bool) {
	if !IsNumber(s) || len(s) > 4 {
		return 0, false
	}
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
