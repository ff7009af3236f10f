package msgconv

import (
	"html"
	"strings"
	"unicode"

	"maunium.net/go/mautrix/event"

	"matrix-msn/internal/grapheme"
)

// ToMatrix converts the text of an MSN message and its X-MMS-IM-Format. The text
// is taken literally: whatever it holds, no markup comes of it.
func ToMatrix(text, format string) *event.MessageEventContent {
	content := &event.MessageEventContent{
		MsgType:  event.MsgText,
		Body:     text,
		Mentions: &event.Mentions{},
	}
	s := parseStyle(format)
	s.rightToLeft = false // clients tell it from the letters
	if len(text) > maxStyled || s == (style{}) || strings.TrimSpace(text) == "" {
		return content
	}
	content.Format = event.FormatHTML
	content.FormattedBody = s.wrap(strings.ReplaceAll(html.EscapeString(text), "\n", "<br>"))
	return content
}

// wrap puts HTML into the elements of the style.
func (s style) wrap(inner string) string {
	for _, element := range []struct {
		on   bool
		name string
	}{{s.strike, "del"}, {s.underline, "u"}, {s.italic, "em"}, {s.bold, "strong"}} {
		if element.on {
			inner = "<" + element.name + ">" + inner + "</" + element.name + ">"
		}
	}
	if s.colour != "" {
		inner = `<span data-mx-color="` + s.colour + `">` + inner + "</span>"
	}
	return inner
}

// Clean returns a text as valid UTF-8 without control characters, except for line ends
// and tabs: a terminal client would obey them.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// An event of Matrix has at most 64 KiB as JSON, in which one byte can take six.
const (
	// maxPart is the longest text of one event in bytes.
	maxPart = 8 << 10
	// maxStyled is the longest text that is sent twice, plain and as HTML, in bytes.
	maxStyled = 2 << 10
)

// Split cuts a text into parts that fit into one event each: after a line or a
// word where there is one near the end, never inside a character.
func Split(text string) []string { return SplitAt(text, maxPart) }

// SplitAt is Split for parts of at most limit bytes.
func SplitAt(text string, limit int) (parts []string) {
	for len(text) > limit {
		head, _ := grapheme.Cut(text, limit)
		end := len(head)
		if at := strings.LastIndexAny(text[:end], "\n "); at > limit/2 {
			end = at + 1
		}
		parts = append(parts, text[:end])
		text = text[end:]
	}
	return append(parts, text)
}
