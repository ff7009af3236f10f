// Package xmltext makes readable XML out of what servers and contacts send: they leave
// '&' in names and URLs as it is, lose bytes of characters, and pass on what XML
// forbids (protocol/07-misc-founding-spec.md, section 5.2; protocol/03-presence.md,
// section 6). It also writes and reads the text of single elements.
package xmltext

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Allowed reports whether XML 1.0 allows r in a document.
func Allowed(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r <= 0xD7FF:
		return true
	}
	return r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}

// Clean returns a document with U+FFFD for bytes that are no UTF-8, without
// characters that XML forbids and without references to them, and with "&amp;" for
// each '&' that starts no reference XML knows. References to characters beyond
// ASCII become those characters.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	kept := 0 // where what is not written yet begins
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		switch {
		case r == '&':
			r, n = reference(s[i:])
		case r < utf8.RuneSelf:
			if Allowed(r) {
				i++
				continue
			}
		default:
			if r, n = utf8.DecodeRuneInString(s[i:]); Allowed(r) {
				i += n
				continue
			}
		}
		// From here on something changes. Most documents never get here, and are not
		// copied.
		if b.Cap() == 0 {
			b.Grow(len(s) + len(s)/16)
		}
		b.WriteString(s[kept:i])
		switch {
		case n == 0:
			b.WriteString("&amp;")
			n = 1
		case !Allowed(r):
		case r >= utf8.RuneSelf:
			b.WriteRune(r)
		default:
			writeReference(&b, r)
		}
		i += n
		kept = i
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// named are the entities of XML.
var named = []struct {
	text string
	r    rune
}{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}

// reference reads the reference that s begins with and returns the character it
// stands for, which XML may forbid, and its length. The length is 0 when s begins
// with none.
func reference(s string) (rune, int) {
	for _, e := range named {
		if strings.HasPrefix(s, e.text) {
			return e.r, len(e.text)
		}
	}
	if !strings.HasPrefix(s, "&#") {
		return 0, 0
	}
	base, i := rune(10), 2
	if i < len(s) && (s[i] == 'x' || s[i] == 'X') {
		base, i = 16, 3
	}
	start, r := i, rune(0)
	for ; i < len(s); i++ {
		digit := rune(strings.IndexByte("0123456789abcdef", s[i]|0x20))
		if s[i] < '0' || digit < 0 || digit >= base {
			break
		}
		// No character is beyond MaxRune, however many digits follow.
		r = min(r*base+digit, utf8.MaxRune+1)
	}
	if i == start || i == len(s) || s[i] != ';' {
		return 0, 0
	}
	return r, i + 1
}

// writeReference writes a decimal reference.
func writeReference(b *strings.Builder, r rune) {
	b.WriteString("&#")
	b.WriteString(strconv.Itoa(int(r)))
	b.WriteByte(';')
}

// Unescape resolves the references of XML in s once. Those to characters that XML
// forbids are left out; an '&' that starts no reference stays.
func Unescape(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		r, n := reference(s[len(before):])
		switch {
		case n == 0:
			b.WriteByte('&')
			s = after
		case Allowed(r):
			b.WriteRune(r)
			fallthrough
		default:
			s = s[len(before)+n:]
		}
	}
}

// Escape makes s the content of an element or of an attribute in double quotes.
// What XML forbids is left out.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '"':
			b.WriteString("&quot;")
		case '\t', '\n', '\r':
			writeReference(&b, r) // raw ones are changed by whoever reads
		default:
			if Allowed(r) {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}
