package msgconv

import (
	"html"
	"strings"
	"unicode"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/emoticon"
	"matrix-msn/bridge/plus"
	"matrix-msn/internal/grapheme"
)

// me is what people write before what they do, in the manner of chats in which that is shown
// otherwise than what they say.
const me = "/me "

// ToMatrix converts the text of an MSN message and its X-MMS-IM-Format. The text
// is taken literally: whatever it holds, no markup comes of it. What begins with "/me " is an
// emote.
func ToMatrix(text, format string, o Options) *event.MessageEventContent {
	content := &event.MessageEventContent{MsgType: event.MsgText, Mentions: &event.Mentions{}}
	if done := strings.TrimPrefix(text, me); done != text && strings.TrimSpace(done) != "" {
		content.MsgType, text = event.MsgEmote, done
	}
	s := parseStyle(format)
	if o.Emoticons && !s.fixed { // who writes in such a font writes code
		text = emoticon.ToEmoji(text)
	}
	// Clients tell the direction from the first letter that has one; where that is wrong it has
	// to be said.
	if s.rightToLeft && startsLeftToRight(text) {
		text = rightToLeftMark + text
	}
	s.rightToLeft = false
	content.Body = text
	if len(text) > maxStyled || s == (style{}) || strings.TrimSpace(text) == "" {
		return content
	}
	content.Format = event.FormatHTML
	content.FormattedBody = s.wrap(strings.ReplaceAll(html.EscapeString(text), "\n", "<br>"))
	return content
}

// rightToLeftMark is a letter that cannot be seen and runs from right to left.
const rightToLeftMark = "\u200f"

// wrap puts HTML into the elements of the style.
func (s style) wrap(inner string) string {
	for _, element := range []struct {
		on   bool
		name string
	}{{s.fixed, "code"}, {s.strike, "del"}, {s.underline, "u"}, {s.italic, "em"}, {s.bold, "strong"}} {
		if element.on {
			inner = "<" + element.name + ">" + inner + "</" + element.name + ">"
		}
	}
	if s.colour != "" {
		inner = `<span data-mx-color="` + s.colour + `">` + inner + "</span>"
	}
	return inner
}

// Said returns what somebody on MSN has said as a text for Matrix: without control characters
// and the codes of Messenger Plus!, unless it is nothing but codes.
func Said(text string) string {
	if said := Clean(plus.Strip(text)); strings.TrimSpace(said) != "" {
		return said
	}
	return Clean(text)
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
