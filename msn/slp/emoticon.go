package slp

import (
	"strings"
	"unicode/utf8"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// The types of messages that say which pictures stand for what in the text that follows.
const (
	Emoticons         = "text/x-mms-emoticon"
	AnimatedEmoticons = "text/x-mms-animemoticon"
)

const (
	// MaxEmoticons is how many pictures are read of one message, and may stand in one that is sent:
	// clients in use read no more.
	MaxEmoticons = 5
	// maxShortcut is the longest shortcut that is read, in bytes.
	maxShortcut = 64
)

// Emoticon is a picture that stands for a few characters in a text.
type Emoticon struct {
	Shortcut string // one line, not empty
	Object   Object
	Animated bool // the picture moves: it is announced as AnimatedEmoticons
}

// ParseEmoticons reads the body of a message with emoticons: shortcuts and objects in turn. What
// cannot be read is passed over.
func ParseEmoticons(body string) (emoticons []Emoticon) {
	fields := strings.Split(strings.Trim(body, "\t\r\n\x00"), "\t")
	for ; len(fields) >= 2 && len(emoticons) < MaxEmoticons; fields = fields[2:] {
		shortcut := fields[0]
		if shortcut == "" || len(shortcut) > maxShortcut || !utf8.ValidString(shortcut) || clean.Line(shortcut) != shortcut {
			continue
		}
		text := fields[1]
		if strings.HasPrefix(text, "%") {
			text = wire.Decode(text)
		}
		o, err := ParseObject(text)
		if err != nil || o.Type != ObjectEmoticon {
			continue
		}
		emoticons = append(emoticons, Emoticon{Shortcut: strings.Clone(shortcut), Object: o})
	}
	return emoticons
}

// EmoticonsBody returns the body of a message with emoticons.
func EmoticonsBody(emoticons []Emoticon) string {
	var b strings.Builder
	for _, e := range emoticons {
		b.WriteString(strings.ReplaceAll(clean.Line(e.Shortcut), "\t", " ") + "\t" + e.Object.String() + "\t")
	}
	return b.String()
}
