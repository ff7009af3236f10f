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
	// maxChanged is how many words that stand together may have changed of such a text, or are new, and
	// maxPlaces at how many places. Both bound the work too.
	maxChanged = 5
	maxPlaces  = 4
	// agree is how many words behind a change have to be the same for it to be over.
	agree = 2
	// cut shows that a correction is a part of the text.
	cut = "…"
)

// Correction returns what tells people who have read a text that it should be another one: of a
// long one in which few words have changed, those with a word before and behind, as in "* … you tomorrow
// at …", so that nobody has to look for them; else all of it.
// There are no words of the bridge's in it: nobody knows in which language people talk.
func Correction(old, corrected string) string {
	after := wordsOf(corrected)
	places, ok := changes(wordsOf(old), after)
	if !ok || len(places) == 0 {
		return correctionMark + corrected
	}
	var shown strings.Builder
	shown.WriteString(correctionMark)
	for i, place := range places {
		if i > 0 || place.from > 0 {
			shown.WriteString(cut + " ")
		}
		shown.WriteString(strings.TrimSpace(strings.Join(after[place.from:place.to], " ")) + " ")
	}
	if places[len(places)-1].to < len(after) {
		shown.WriteString(cut)
	}
	short := strings.TrimRight(shown.String(), " ")
	length := utf8.RuneCountInString(corrected)
	if length < minLong || 2*(utf8.RuneCountInString(short)-utf8.RuneCountInString(correctionMark)) > length {
		return correctionMark + corrected
	}
	return short
}

// place is a part of a text, in words, in which something has changed.
type place struct{ from, to int }

// changes returns the places at which a text has changed, each with a word before and behind. It reports
// false when too much has, or the lines are others.
func changes(before, after []string) (places []place, ok bool) {
	b, a := 0, 0
	for b < len(before) || a < len(after) {
		if b < len(before) && a < len(after) && before[b] == after[a] {
			b, a = b+1, a+1
			continue
		}
		gone, new, found := change(before[b:], after[a:])
		if !found || slices.Contains(before[b:b+gone], "\n") || slices.Contains(after[a:a+new], "\n") {
			return nil, false
		}
		here := place{max(a-1, 0), min(a+new+1, len(after))}
		if last := len(places) - 1; last >= 0 && here.from <= places[last].to {
			places[last].to = here.to
		} else if places = append(places, here); len(places) > maxPlaces {
			return nil, false
		}
		b, a = b+gone, a+new
	}
	return places, true
}

// change returns how many words are gone from the beginning of a text, and how many have come there
// instead: as few as can be.
func change(before, after []string) (gone, new int, found bool) {
	for all := 1; all <= 2*maxChanged; all++ {
		for gone := max(0, all-maxChanged); gone <= min(all, maxChanged, len(before)); gone++ {
			if new := all - gone; new <= len(after) && goesOn(before[gone:], after[new:]) {
				return gone, new, true
			}
		}
	}
	return 0, 0, false
}

// goesOn reports whether two texts begin alike, or have both ended.
func goesOn(before, after []string) bool {
	n := min(agree, len(before), len(after))
	return slices.Equal(before[:n], after[:n]) && (n == agree || len(before) == len(after))
}

// wordsOf returns the words of a text, and the ends of its lines.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(text, "\n", " \n "), func(r rune) bool { return r == ' ' || r == '\t' })
}
