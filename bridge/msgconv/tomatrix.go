package msgconv

import (
	"html"
	"strings"

	"maunium.net/go/mautrix/event"
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
	if s == (style{}) || strings.TrimSpace(text) == "" {
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
