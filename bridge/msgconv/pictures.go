package msgconv

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/emoticon"
)

// Picture is a picture that stands for a few characters of a text: a custom emoticon of MSN, and a custom
// emoji of Matrix.
type Picture struct {
	// Shortcut is what it stands for. It is not empty.
	Shortcut string
	// URL is where the homeserver has it.
	URL id.ContentURIString
}

const (
	// maxPictures is how many pictures are told apart in one text.
	maxPictures = 16
	// maxPlaced is at how many places of a text pictures are shown: what comes behind stays as it was
	// written.
	maxPlaced = 64
	// pictureHeight is how high a custom emoji is shown, in pixels: as clients say of their own.
	pictureHeight = 32
)

// firstMark stands for the first picture in a text while that is converted, the next ones for the others. They
// are no characters, and no text holds them.
const firstMark = '\uFDD0'

// placed are the pictures that were put into a text, the nth for the nth mark; nil for none.
type placed []Picture

// placePictures puts marks into a text where pictures stand, as Messenger does: wherever the shortcut stands, inside of
// words too, the longest of several; not in addresses.
func placePictures(text string, pictures []Picture) (string, placed) {
	pictures = slices.DeleteFunc(slices.Clone(pictures), func(p Picture) bool { return p.Shortcut == "" || p.URL == "" })
	if len(pictures) == 0 {
		return text, nil
	}
	text = strings.Map(func(r rune) rune {
		if r >= firstMark && r < firstMark+maxPictures {
			return -1
		}
		return r
	}, text)
	slices.SortStableFunc(pictures, func(a, b Picture) int { return cmp.Compare(len(b.Shortcut), len(a.Shortcut)) })
	pictures = pictures[:min(len(pictures), maxPictures)]
	var out strings.Builder
	places, done, end, address := 0, 0, 0, false
	for i := 0; i < len(text) && places < maxPlaced; {
		if i >= end {
			end, address = emoticon.Word(text, i)
		}
		which := -1
		if !address {
			which = slices.IndexFunc(pictures, func(p Picture) bool { return strings.HasPrefix(text[i:], p.Shortcut) })
		}
		if which < 0 {
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
			continue
		}
		out.WriteString(text[done:i])
		out.WriteRune(firstMark + rune(which))
		i += len(pictures[which].Shortcut)
		done, end = i, max(end, i)
		places++
	}
	if places == 0 {
		return text, nil
	}
	out.WriteString(text[done:])
	return out.String(), pictures
}

// words returns a text with the shortcuts in the place of the pictures.
func (p placed) words(text string) string {
	return p.replace(text, func(picture Picture) string { return picture.Shortcut })
}

// images returns HTML with the pictures.
func (p placed) images(source string) string {
	return p.replace(source, func(picture Picture) string {
		shortcut := html.EscapeString(strings.ReplaceAll(picture.Shortcut, "\n", " "))
		return fmt.Sprintf(`<img data-mx-emoticon src="%s" alt="%s" title="%s" height="%d">`, html.EscapeString(string(picture.URL)), shortcut, shortcut, pictureHeight)
	})
}

func (p placed) replace(text string, by func(Picture) string) string {
	if p == nil {
		return text
	}
	pairs := make([]string, 0, 2*len(p))
	for i, picture := range p {
		pairs = append(pairs, string(firstMark+rune(i)), by(picture))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
