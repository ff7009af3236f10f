package msgconv

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/emoticon"
	"matrix-msn/bridge/plus"
	"matrix-msn/bridge/words"
	"matrix-msn/internal/grapheme"
)

// me is what people write before what they do, in the manner of chats in which that is shown
// otherwise than what they say.
const me = "/me "

// ToMatrix converts the text of an MSN message and its X-MMS-IM-Format. The text
// is taken literally: whatever it holds, no markup comes of it. What begins with "/me " is an
// emote.
func ToMatrix(text, format string, o Options) *event.MessageEventContent {
	return ToMatrixWithNote("", text, format, o)
}

// ToMatrixWithNote is ToMatrix of a text with a note of the bridge before it.
func ToMatrixWithNote(note, text, format string, o Options) *event.MessageEventContent {
	return ToMatrixWithPictures(note, text, format, nil, o)
}

// ToMatrixWithPictures is ToMatrixWithNote of a text in which pictures stand for some characters: they are
// custom emoji in its HTML.
func ToMatrixWithPictures(note, text, format string, pictures []Picture, o Options) *event.MessageEventContent {
	content := &event.MessageEventContent{MsgType: event.MsgText, Mentions: &event.Mentions{}}
	if done := strings.TrimPrefix(text, me); done != text && strings.TrimSpace(done) != "" {
		content.MsgType, text = event.MsgEmote, done
	}
	s := parseStyle(format)
	text, placed := placePictures(text, pictures)
	if o.Emoticons && !s.fixed { // who writes in such a font writes code
		text = emoticon.ToEmoji(text)
	}
	text = note + text
	if s.rightToLeft {
		text = rightToLeft(text, placed)
	}
	body := placed.words(text)
	s.rightToLeft = false
	content.Body = body
	if s == (style{}) && placed == nil || strings.TrimSpace(text) == "" {
		return content
	}
	content.Format = event.FormatHTML
	escaped := html.EscapeString(text)
	block := s.fixed && runs.MatchString(text) // code is copied, with the blanks that it was written with
	if !s.fixed {
		escaped = keepBlanks(escaped)
	}
	if !block {
		escaped = strings.ReplaceAll(escaped, "\n", "<br>")
	}
	content.FormattedBody = s.wrap(placed.images(escaped), block)
	if !fits(content) {
		content.Format, content.FormattedBody = "", ""
	}
	return content
}

// fits reports whether an event can hold a text twice, plain and as HTML.
func fits(content *event.MessageEventContent) bool {
	if longestEscape*(len(content.Body)+len(content.FormattedBody)) < maxContent {
		return true
	}
	data, err := json.Marshal(content)
	return err == nil && len(data) <= maxContent
}

// runs matches blanks that HTML runs together: several, those that a line begins with, and tabs.
var runs = regexp.MustCompile(`(?m)  +|^ +|[ \t]*\t[ \t]*`)

const (
	// shownBlank is a blank that HTML does not run together with another one.
	shownBlank = "\u00a0"
	// tab is what is shown for a tab.
	tab = "    "
)

// keepBlanks puts blanks that are shown in the place of those that HTML runs together, but for the
// last of each, after which a line may end.
func keepBlanks(text string) string {
	if !strings.HasPrefix(text, " ") && !strings.Contains(text, "  ") && !strings.Contains(text, "\n ") && strings.IndexByte(text, '\t') < 0 {
		return text // as most are
	}
	return runs.ReplaceAllStringFunc(text, func(blanks string) string {
		n := len(strings.ReplaceAll(blanks, "\t", tab))
		if n == 1 {
			return shownBlank
		}
		return strings.Repeat(shownBlank, n-1) + " "
	})
}

// rightToLeftMark is a letter that cannot be seen and runs from right to left.
const rightToLeftMark = "\u200f"

// rightToLeft returns a text that clients show from right to left. They tell the direction of each line
// from the first letter that has one; where that is wrong it has to be said.
func rightToLeft(text string, pictures placed) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if startsLeftToRight(pictures.words(line)) {
			lines[i] = rightToLeftMark + line
		}
	}
	return strings.Join(lines, "\n")
}

// wrap puts HTML into the elements of the style. In a block blanks and line ends stay as they are.
func (s style) wrap(inner string, block bool) string {
	begin, end := "", ""
	for _, element := range []struct {
		on   bool
		name string
	}{{s.fixed, "code"}, {block, "pre"}, {s.strike, "del"}, {s.underline, "u"}, {s.italic, "em"}, {s.bold, "strong"}} {
		if element.on {
			begin, end = "<"+element.name+">"+begin, end+"</"+element.name+">"
		}
	}
	if s.colour != "" {
		begin, end = `<span data-mx-color="`+s.colour+`">`+begin, end+"</span>"
	}
	return begin + inner + end
}

// nothingSeen stands for a text of which nothing can be seen.
var nothingSeen = words.Text("msgconv.nothing_seen")

// Said returns what somebody on MSN has said as a text for Matrix: without control characters
// and the codes of Messenger Plus!, unless it is nothing but codes.
func Said(text string) string {
	if said := Clean(plus.StripMessage(text)); !IsBlank(said) {
		return said
	}
	if said := Clean(text); text == "" || !IsBlank(said) {
		return said
	}
	return nothingSeen
}

// IsBlank reports whether nothing of a text can be seen.
func IsBlank(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Variation_Selector, r) && !strings.ContainsRune(fillers, r)
	})
}

// fillers are letters and signs that look like blanks.
const fillers = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"

// Clean returns a text as valid UTF-8 without control characters, except for line ends
// and tabs: a terminal client would obey them.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// isClean reports whether Clean changes nothing, of nearly all texts.
func isClean(text string) bool {
	for i := range len(text) {
		if unclean[text[i]] {
			return false
		}
	}
	return utf8.ValidString(text)
}

// unclean are the bytes of control characters, of which those that take two begin with 0xC2.
var unclean = func() (is [256]bool) {
	for c := range byte(' ') {
		is[c] = c != '\n' && c != '\t'
	}
	is[0x7f], is[0xc2] = true, true
	return is
}()

// An event of Matrix has at most 64 KiB as JSON.
const (
	// maxContent is the longest content in bytes that is sent with HTML. Where the room is encrypted it
	// becomes longer by a third, and there is more in an event than that.
	maxContent = 45_000
	// longestEscape is how many bytes one can take as JSON.
	longestEscape = len("\\u0000")
	// maxPart is the longest text of one event in bytes: it can be sent whatever it holds.
	maxPart = 8 << 10
)

// Split cuts a text into parts that fit into one event each: after a line or a
// word where there is one near the end, never inside a character. What somebody does stands at the
// beginning of the whole text: no other part begins so.
func Split(text string) []string {
	parts := SplitAt(text, maxPart-utf8.UTFMax)
	for i, part := range parts {
		if i > 0 && strings.HasPrefix(part, me) {
			_, size := utf8.DecodeLastRuneInString(parts[i-1])
			end := len(parts[i-1]) - size
			parts[i-1], parts[i] = parts[i-1][:end], parts[i-1][end:]+part
		}
	}
	return parts
}

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
