// Package plus takes the codes of Messenger Plus! out of texts and names: an add-on that many
// had, whose colours and styles stand in the text itself. Who does not have it sees the codes
// (protocol/11-rich-content.md, section 6).
package plus

import (
	"regexp"
	"strings"
)

// Strip returns a name, or what somebody says of themselves, without codes. One that holds none
// comes back as it is. What may be honest text, such as "a[i]" and "l·l", stays.
func Strip(text string) string {
	if strings.ContainsAny(text, controls) {
		text = stripControls(text)
	}
	if strings.Contains(text, dot) {
		text = stripDots(text)
	}
	if strings.Contains(text, "[") {
		text = stripTags(text)
		text = sound.ReplaceAllString(text, "♫ $1")
	}
	return text
}

// sound is what stands for a sound that was played, from a service that is no more. It has a
// title.
var sound = regexp.MustCompile(`\[Messenger Plus! Sound\] - Data\{[^}\n]{1,40}\}[ \x{a0}]*-?[ \x{a0}]*([^\n]*)`)

// The control characters, which switch a style on and off.
const (
	bold, colour, play, italic, strike, end, underline = "\x02", "\x03", "\x04", "\x05", "\x06", "\x0f", "\x1f"

	controls = bold + colour + play + italic + strike + end + underline
)

// colours are what may stand behind the control character of a colour: one or two numbers, or
// three parts in brackets.
var colours = regexp.MustCompile(`^(\d{1,2}(,\d{1,2})?|\(\d{1,3},\d{1,3},\d{1,3}\))`)

func stripControls(text string) string {
	var out strings.Builder
	for text != "" {
		at := strings.IndexAny(text, controls)
		if at < 0 {
			break
		}
		out.WriteString(text[:at])
		sign := text[at : at+1]
		text = text[at+1:]
		switch sign {
		case colour:
			text = text[len(colours.FindString(text)):]
		case play:
			if text != "" && text[0] < 0x80 { // the number of a sound
				text = text[1:]
			}
		}
	}
	out.WriteString(text)
	return out.String()
}

// dot begins the codes that names have.
const dot = "·"

var (
	// dotted is such a code: a style, or a colour with one for the background.
	dotted = regexp.MustCompile(`·([#&@']|\$(#[0-9A-Fa-f]{6}|\d{1,2})?(,(#[0-9A-Fa-f]{6}|\d{1,2}))?)`)
	// dottedEnd ends all styles. It is a product too, as long as no code is there.
	dottedEnd = regexp.MustCompile(`·0`)
)

func stripDots(text string) string {
	stripped := dotted.ReplaceAllStringFunc(text, func(code string) string {
		if code == dot+"$" { // without a colour it is none
			return code
		}
		return ""
	})
	if stripped == text {
		return text
	}
	return dottedEnd.ReplaceAllString(stripped, "")
}

var (
	// painted opens or closes a colour: of the letters, or of the background. A colour that
	// closes is the other end of a gradient.
	painted = regexp.MustCompile(`(?i)\[(?:[ca]=(?:#?[0-9a-f]{6}|#?[0-9a-f]{3}|\d{1,2}|[a-z]{3,20})|/[ca](?:=(?:#?[0-9a-f]{6}|#?[0-9a-f]{3}|\d{1,2}|[a-z]{3,20}))?)\]`)
	// styled opens or closes a style.
	styled = regexp.MustCompile(`(?i)\[/?[bius]\]`)
	// opens is what opens something.
	opens = regexp.MustCompile(`(?i)\[[ca]=`)
)

func stripTags(text string) string {
	if opens.MatchString(text) { // else nothing is closed
		text = painted.ReplaceAllString(text, "")
	}
	// A style counts when it is closed, or stands at the beginning.
	closed := make(map[string]bool)
	for _, tag := range styled.FindAllString(text, -1) {
		if tag = strings.ToLower(tag); tag[1] == '/' {
			closed["["+tag[2:]] = true
		}
	}
	for {
		tag := styled.FindString(text)
		if tag == "" || tag[1] == '/' || !strings.HasPrefix(text, tag) {
			break
		}
		closed[strings.ToLower(tag)] = true
		text = text[len(tag):]
	}
	opened := make(map[string]bool)
	for tag := range closed {
		opened[tag] = true
	}
	return styled.ReplaceAllStringFunc(text, func(tag string) string {
		if opened["["+strings.TrimPrefix(strings.ToLower(tag[1:]), "/")] {
			return ""
		}
		return tag
	})
}
