package msgconv

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// correctionMark stands before the new text of a message that was edited: MSN has no edits, and
	// this is how people mark a correction in chats without.
	correctionMark = "* "
	// minLong is how long a text is of which only what changed is sent, in characters.
	minLong = 40
	// maxChanged is how many words may have changed of such a text, or are new.
	maxChanged = 5
	// cut shows that a correction is a part of the text.
	cut = "…"
)

// Correction returns what tells people who have read a text that it should be another one: of a
// long one in which a few words have changed that stand together, those with a word before and
// behind, as in "* … you tomorrow at …", so that nobody has to look for them; else all of it.
// There are no words of the bridge's in it: nobody knows in which language people talk.
func Correction(old, corrected string) string {
	before, after := wordsOf(old), wordsOf(corrected)
	first := 0
	for first < min(len(before), len(after)) && before[first] == after[first] {
		first++
	}
	same := 0 // at the end
	for same < min(len(before), len(after))-first && before[len(before)-1-same] == after[len(after)-1-same] {
		same++
	}
	end := len(after) - same
	gone, new := before[first:len(before)-same], after[first:end]
	if len(gone)+len(new) == 0 || max(len(gone), len(new)) > maxChanged || slices.Contains(gone, "\n") || slices.Contains(new, "\n") {
		return correctionMark + corrected
	}
	from, to := max(first-1, 0), min(end+1, len(after))
	shown := strings.TrimSpace(strings.Join(after[from:to], " "))
	if from > 0 {
		shown = cut + " " + shown
	}
	if to < len(after) {
		shown += " " + cut
	}
	if length := utf8.RuneCountInString(corrected); length < minLong || 2*utf8.RuneCountInString(shown) > length {
		return correctionMark + corrected
	}
	return correctionMark + shown
}

// wordsOf returns the words of a text, and the ends of its lines.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(text, "\n", " \n "), func(r rune) bool { return r == ' ' || r == '\t' })
}
