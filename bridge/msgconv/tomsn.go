package msgconv

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/emoticon"
)

// Options are what a user can choose of how texts are converted.
type Options struct {
	// Emoticons has emoji shown for the emoticons of MSN, and the other way round.
	Emoticons bool
	// Markup keeps the signs of a style that does not cover a whole message: *bold*, _italic_,
	// ~struck~ and `code`. Without it such a style is lost: one message of MSN has one style.
	Markup bool
}

// ToMSN converts a Matrix text message to the text of an MSN message, with LF
// line ends, and the value of X-MMS-IM-Format. An emote begins with "* ". Control characters
// are left out: clients of MSN do not show them, and PostgreSQL takes no text with a NUL.
func ToMSN(content *event.MessageEventContent, o Options) (text, format string) {
	var s style
	if content.Format == event.FormatHTML && content.FormattedBody != "" {
		text, s = fromHTML(content.FormattedBody, o)
	} else if text = content.Body; o.Emoticons {
		text = emoticon.FromEmoji(text)
	}
	if strings.IndexByte(text, '\r') >= 0 {
		text = lineEnds.Replace(text)
	}
	text = strings.TrimRight(Clean(text), "\n ")
	if content.MsgType == event.MsgEmote {
		text = EmoteMark + text
	}
	s.rightToLeft = startsRightToLeft(text)
	return text, s.String()
}

// EmoteMark stands before what somebody does.
const EmoteMark = "* "

// lineEnds makes LF of all line ends.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// startsRightToLeft reports whether the first letter with a direction runs right
// to left, and startsLeftToRight whether it runs left to right.
func startsRightToLeft(text string) bool { return direction(text) == bidi.R }
func startsLeftToRight(text string) bool { return direction(text) == bidi.L }

// direction returns how the first letter runs that has a direction: bidi.L or bidi.R, or
// bidi.ON when there is none.
func direction(text string) bidi.Class {
	for _, r := range text {
		switch properties, _ := bidi.LookupRune(r); properties.Class() {
		case bidi.R, bidi.AL:
			return bidi.R
		case bidi.L:
			return bidi.L
		}
		if unicode.IsLetter(r) {
			return bidi.L
		}
	}
	return bidi.ON
}
