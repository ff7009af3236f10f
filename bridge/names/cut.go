package names

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Cut returns a text of at most n characters (runes, n at least 1). A longer one ends in
// an ellipsis, which is counted; no emoji and no letter with its marks is cut in two.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	end, count := 0, 0
	for i := range s {
		if count == n-1 {
			end = i
			break
		}
		count++
	}
	return s[:boundary(s, end)] + "…"
}

// CutBytes returns a text of at most n bytes. A longer one has an ellipsis behind it,
// which is not counted; no emoji and no letter with its marks is cut in two.
func CutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return Fit(s, n) + " …"
}

// Fit returns the longest beginning of a text that has at most n bytes and cuts no
// emoji and no letter with its marks in two.
func Fit(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:boundary(s, n)], "")
}

const (
	zwj          = '\u200d' // joins emoji to one
	maxBackwards = 128      // bytes: what is joined to more than that is cut all the same
)

// boundary returns the last position up to end at which a text can be cut. When what
// is at end is longer than maxBackwards it is the beginning of its last rune.
func boundary(s string, end int) int {
	for end > 0 && end < len(s) && !utf8.RuneStart(s[end]) {
		end--
	}
	for at := end; at > 0 && end-at <= maxBackwards; {
		before, size := utf8.DecodeLastRuneInString(s[:at])
		after, _ := utf8.DecodeRuneInString(s[at:])
		if !together(s[:at], before, after) {
			return at
		}
		if at -= size; at == 0 {
			return 0
		}
	}
	return end
}

// together reports whether two runes that follow each other, the first at the end of
// text, are parts of one character as people see it. It knows of the rules of Unicode
// (UAX 29) what names and chats hold: marks, emoji and flags.
func together(text string, before, after rune) bool {
	switch {
	case before == zwj, after == zwj, unicode.Is(unicode.M, after):
		return true
	case after >= 0x1F3FB && after <= 0x1F3FF: // colours of skin
		return true
	case after >= 0xE0020 && after <= 0xE007F: // tags, of which some flags are made
		return true
	case isRegional(before) && isRegional(after):
		return flagsBefore(text)%2 == 1
	}
	return false
}

func isRegional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// flagsBefore counts the halves of flags at the end of a text: two make a flag.
func flagsBefore(text string) (n int) {
	for {
		r, size := utf8.DecodeLastRuneInString(text)
		if !isRegional(r) {
			return n
		}
		n, text = n+1, text[:len(text)-size]
	}
}
