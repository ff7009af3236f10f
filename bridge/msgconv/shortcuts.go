package msgconv

import (
	"slices"
	"strings"
	"unicode"

	"maunium.net/go/mautrix/event"
)

const (
	// maxShortcuts is how many custom emoji of a message are looked at.
	maxShortcuts = 64
	// maxShortcut is the longest shortcut in bytes that is announced.
	maxShortcut = 64
)

// CustomEmoji returns the custom emoji of a message, each as often as it stands there, up to a limit.
func CustomEmoji(content *event.MessageEventContent) []Picture {
	if content.Format != event.FormatHTML || !strings.Contains(strings.ToLower(content.FormattedBody), "data-mx-emoticon") {
		return nil
	}
	var w writer
	w.write(content.FormattedBody)
	return w.emoji
}

// Shortcuts returns those of a message's custom emoji, at most so many, whose shortcodes can stand for them in the
// text that was made of it: clients of MSN put the picture wherever the characters stand. A shortcode between
// colons is no word that anybody would write; another one must not stand elsewhere in the text.
func Shortcuts(emoji []Picture, text string, most int) (shortcuts []Picture) {
	for _, e := range emoji {
		same := func(other Picture) bool { return other.Shortcut == e.Shortcut }
		if slices.ContainsFunc(shortcuts, same) || len(shortcuts) >= most || !isShortcut(e.Shortcut) {
			continue
		}
		stands, unclear := 0, false
		for _, other := range emoji {
			switch {
			case !same(other): // it must not be a part of another one, nor the other way round
				unclear = unclear || strings.Contains(other.Shortcut, e.Shortcut) || strings.Contains(e.Shortcut, other.Shortcut)
			case other.URL != e.URL:
				unclear = true
			default:
				stands++
			}
		}
		written := strings.Count(text, e.Shortcut)
		if !unclear && written > 0 && (written == stands || isShortcode(e.Shortcut)) {
			shortcuts = append(shortcuts, e)
		}
	}
	return shortcuts
}

// isShortcut reports whether clients of MSN read something as a shortcut.
func isShortcut(text string) bool {
	return text != "" && len(text) <= maxShortcut && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
}

// isShortcode reports whether a text is one between colons.
func isShortcode(text string) bool {
	return len(text) > 2 && text[0] == ':' && strings.IndexByte(text[1:], ':') == len(text)-2
}
