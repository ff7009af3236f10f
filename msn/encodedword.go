package msn

import (
	"fmt"
	"io"
	"mime"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// maxMailField is the longest subject or name of a mail notice that is shown, in
// bytes. Mail itself allows some 1,000.
const maxMailField = 1024

// maxEncodedField is how much of one is read: Q encoding takes three bytes for one.
const maxEncodedField = 4 * maxMailField

// decodeWords decodes the encoded words (RFC 2047) of a mail header. Servers write
// them with a charset in quotes and with blanks inside
// (protocol/06-oim-mail.md, section 1). A word that cannot be read stays as it is.
func decodeWords(s string) string {
	s = keep(s, maxEncodedField)
	var b strings.Builder
	afterWord := false
	for s != "" {
		before, word, rest := nextWord(s)
		// Blanks between two words are no text.
		if !afterWord || word == "" || strings.TrimSpace(before) != "" {
			b.WriteString(before)
		}
		text, ok := decodeWord(word)
		if !ok {
			text = word
		}
		b.WriteString(text)
		afterWord, s = ok, rest
	}
	return keep(oneLiner(b.String()), maxMailField)
}

// nextWord cuts s before and behind its first encoded word; without one all of it
// is before.
func nextWord(s string) (before, word, rest string) {
	start := strings.Index(s, "=?")
	if start < 0 {
		return s, "", ""
	}
	// Behind the charset and the encoding: a word may end in "?=" and begin with "=".
	at := start + 2
	for range 2 {
		mark := strings.IndexByte(s[at:], '?')
		if mark < 0 {
			return s, "", ""
		}
		at += mark + 1
	}
	end := strings.Index(s[at:], "?=")
	if end < 0 {
		return s, "", ""
	}
	end += at + 2
	return s[:start], s[start:end], s[end:]
}

// wordDecoder knows the charsets that mail of the time used.
var wordDecoder = mime.WordDecoder{CharsetReader: func(charset string, input io.Reader) (io.Reader, error) {
	encoding, err := htmlindex.Get(charset)
	if err != nil {
		return nil, fmt.Errorf("msn: charset %q: %w", charset, err)
	}
	return encoding.NewDecoder().Reader(input), nil
}}

// decodeWord decodes one encoded word after repairing it.
func decodeWord(word string) (string, bool) {
	word, ok := strings.CutPrefix(word, "=?")
	if !ok {
		return "", false
	}
	charset, rest, _ := strings.Cut(strings.TrimSuffix(word, "?="), "?")
	encoding, text, _ := strings.Cut(rest, "?")
	charset, _, _ = strings.Cut(charset, "*") // the language of RFC 2231
	charset = strings.Trim(charset, `"' `)
	encoding = strings.TrimSpace(encoding)
	switch encoding {
	case "B", "b":
		text = strings.TrimRight(strings.ReplaceAll(text, " ", ""), "=")
		text += strings.Repeat("=", (4-len(text)%4)%4)
	case "Q", "q":
		text = strings.ReplaceAll(text, " ", "_")
	}
	decoded, err := wordDecoder.Decode("=?" + charset + "?" + encoding + "?" + text + "?=")
	return decoded, err == nil
}
