package window

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"matrix-msn/bridge/emoticon"
)

// maxPlaced is at how many places of a text pictures are shown: what comes behind stays as it was written.
const maxPlaced = 64

// partsOf splits a text into words, with emoji in the place of emoticons, and the pictures that stand for shortcuts:
// wherever one stands, as in Messenger, the longest of several, but not in addresses. pictures are paths by shortcuts.
func partsOf(text string, pictures map[string]string) []Part {
	shortcuts := slices.SortedFunc(maps.Keys(pictures), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var parts []Part
	words := func(text string) {
		if text != "" {
			parts = append(parts, Part{Text: emoticon.ToEmoji(text)})
		}
	}
	done, end, address, placed := 0, 0, false, 0
	for i := 0; i < len(text) && len(shortcuts) > 0 && placed < maxPlaced; {
		if i >= end {
			end, address = emoticon.Word(text, i)
		}
		which := -1
		if !address {
			which = slices.IndexFunc(shortcuts, func(s string) bool { return strings.HasPrefix(text[i:], s) })
		}
		if which < 0 {
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
			continue
		}
		words(text[done:i])
		shortcut := shortcuts[which]
		parts = append(parts, Part{Text: shortcut, Picture: pictures[shortcut]})
		i += len(shortcut)
		done, end = i, max(end, i)
		placed++
	}
	words(text[done:])
	return parts
}
