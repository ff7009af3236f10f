package names

import (
	"time"
	"unicode/utf8"

	"matrix-msn/bridge/words"
	"matrix-msn/internal/grapheme"
)

// Cut returns a text of at most n characters (runes, n at least 1). A longer one ends in
// an ellipsis, which is counted; no emoji and no letter with its marks is cut in two.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	end := 0
	for range n - 1 {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return grapheme.Limit(s, end) + "…"
}

// CutBytes returns a text of at most n bytes. A longer one has an ellipsis behind it,
// which is not counted; no emoji and no letter with its marks is cut in two.
func CutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return grapheme.Limit(s, n) + " …"
}

// Minutes writes a time for people, in minutes and never as none.
func Minutes(d time.Duration) string {
	return words.Count("names.minutes", max(int((d+time.Minute-1)/time.Minute), 1))
}
