package clean

import (
	"io"
	"mime"
	"strings"

	"golang.org/x/net/html/charset"
)

// maxEncoded is how many times longer than its text an encoded field may be: Q encoding
// takes three bytes for one.
const maxEncoded = 4

// Words decodes the encoded words (RFC 2047) of a mail header into one line of at most n
// bytes. Servers write them with a charset in quotes and with blanks inside
// (protocol/06-oim-mail.md, section 1). A word that cannot be read stays as it is.
func Words(s string, n int) string {
	s = Cut(s, maxEncoded*n)
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
	return Cut(Line(b.String()), n)
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

// wordDecoder knows the charsets that browsers know.
var wordDecoder = mime.WordDecoder{CharsetReader: func(label string, input io.Reader) (io.Reader, error) {
	return charset.NewReaderLabel(label, input)
}}

// decodeWord decodes one encoded word after repairing it.
func decodeWord(word string) (string, bool) {
	word, ok := strings.CutPrefix(word, "=?")
	if !ok {
		return "", false
	}
	label, rest, _ := strings.Cut(strings.TrimSuffix(word, "?="), "?")
	encoding, text, _ := strings.Cut(rest, "?")
	label, _, _ = strings.Cut(label, "*") // the language of RFC 2231
	label = strings.Trim(label, `"' `)
	encoding = strings.TrimSpace(encoding)
	switch encoding {
	case "B", "b":
		text = strings.TrimRight(strings.ReplaceAll(text, " ", ""), "=")
		text += strings.Repeat("=", (4-len(text)%4)%4)
	case "Q", "q":
		text = strings.ReplaceAll(text, " ", "_")
	}
	decoded, err := wordDecoder.Decode("=?" + label + "?" + encoding + "?" + text + "?=")
	return decoded, err == nil
}

// Charset returns a text that is written in a charset, by any of the names that browsers
// know, as UTF-8 without NUL. What the charset does not have becomes U+FFFD. An unknown
// name, or none, stands for UTF-8.
func Charset(text, label string) string {
	if found, name := charset.Lookup(strings.Trim(label, `"' `)); found != nil && name != "utf-8" {
		if decoded, err := found.NewDecoder().String(text); err == nil {
			text = decoded
		}
	} else if strings.EqualFold(strings.TrimSpace(label), "unicode") {
		// What period clients called UTF-16.
		text = Charset(text, "utf-16le")
	}
	text = strings.TrimPrefix(text, "\uFEFF")
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
