// Package names makes names and short texts that other people chose fit to be shown,
// and tells apart those that look the same. It is pure: it asks nobody anything.
package names

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"matrix-msn/bridge/plus"
)

// Max is the longest name of a contact in characters. Display names of MSN can
// have 387 bytes of anything.
const Max = 100

// Clean makes a name that somebody chose fit to be shown: one line of at most
// Max characters, without control characters and others that cannot be seen.
// Letters that run right to left stay, and the codes of Messenger Plus! go.
func Clean(s string) string { return Cut(OneLine(plus.Strip(s)), Max) }

// Tel stands before the telephone number of somebody who is known by nothing else.
const Tel = "tel:"

// MaxField is the longest text in characters that stands for more than a name: the
// subject of a mail, say.
const MaxField = 200

// Field is Clean for a text of up to MaxField characters.
func Field(s string) string { return Cut(OneLine(s), MaxField) }

// OneLine returns a text as one line: each run of blanks and line ends becomes one
// blank, and characters that cannot be seen go.
func OneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case ' ' <= r && r <= '~': // nearly all
			return r
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200c' || r == '\u200d':
			return r // join letters of many scripts, and emoji
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	if strings.Contains(s, "  ") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return strings.Trim(s, "\u200c\u200d ")
}

// Quoted puts a name that somebody chose among the bridge's own words, so that its end
// is seen and nothing in it becomes a link.
func Quoted(name string) string { return Own(Unlinked(name)) }

// Own is Quoted for a name that the user has chosen: it stays as they wrote it.
func Own(name string) string { return "“" + quotes.Replace(name) + "”" }

var quotes = strings.NewReplacer("“", `"`, "”", `"`)

// Unlinked breaks what clients could make a link or a mention of in a name, by a character that
// is not seen.
func Unlinked(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	for i, r := range name {
		b.WriteRune(r)
		_, size := utf8.DecodeRuneInString(name[i:])
		if strings.ContainsRune(".:/@#", r) && i+size < len(name) && name[i+size] != ' ' {
			b.WriteRune(wordJoiner)
		}
	}
	return b.String()
}

const wordJoiner = '\u2060'
