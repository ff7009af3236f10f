package msgconv

import (
	"fmt"
	entities "html"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"maunium.net/go/mautrix/event"
)

// formatOf is what is announced of a style: other clients read no more than this.
var formatOf = regexp.MustCompile(`^FN=(Microsoft%20Sans%20Serif|Courier%20New); EF=B?I?U?S?; CO=(0|[0-9a-f]{6}); CS=0; PF=(22|31)(; RL=1)?$`)

// built are the elements that are made of a text and its style.
var built = regexp.MustCompile(`^(</?(strong|em|u|del|code|pre)>|<br>|<span data-mx-color="#[0-9a-f]{6}">|</span>)$`)

var anyTag = regexp.MustCompile(`<[^>]*>?`)

// FuzzStyleRoundTrip takes a text in a style, as clients of MSN announce it, to Matrix and back:
// what Matrix can show stays, and no markup comes of the text either way. source is HTML of anybody's:
// nothing of its markup is in the text that is made of it.
func FuzzStyleRoundTrip(f *testing.F) {
	f.Add("hello", "Segoe%20UI", "BIUS", uint32(0x0000ff), uint8(0), "<b>x</b>")
	f.Add("a  b\n  c\t d", "Courier%20New", "b", uint32(0xaa00), uint8(0x3f), "<iframe><b>x</b></iframe>")
	f.Add("<b>*a*</b> &amp; _c_", "Consolas", "XIX", uint32(0xffffff), uint8(1), "<noscript><i>x</i></noscript><p>a<p>b")
	f.Add("שלום a", "\"><script>", "", uint32(0x123), uint8(2), `<span data-mx-color='#"><x>'>a</span>`)
	f.Add("deep", "Arial", "", uint32(0), uint8(0), strings.Repeat("<i>", 520)+"x")
	f.Add("    if x:\n        y", "Consolas", "", uint32(0), uint8(0), "<pre><code>    if x:</code></pre>")
	f.Add("  two blanks", "Arial", "BI", uint32(0x80ff), uint8(0), "<b>\u00a0 x</b>")
	f.Add("/me waves", "Lucida%20Console", "U", uint32(0x80ff), uint8(4), "<blockquote><ul><li><textarea><u>x")
	f.Fuzz(func(t *testing.T, text, font, effects string, colour uint32, how uint8, source string) {
		text = Clean(strings.ToValidUTF8(lineEnds.Replace(text), "\uFFFD"))
		text = text[:min(len(text), maxPart/8)]
		text = strings.ToValidUTF8(text, "")
		format := announced(font, effects, colour, how)
		content := ToMatrix(text, format, Options{})
		for _, tag := range anyTag.FindAllString(content.FormattedBody, -1) {
			if !built.MatchString(tag) {
				t.Errorf("%q in %q makes %q", text, format, content.FormattedBody)
			}
		}
		back, again := ToMSN(content, Options{})
		if !formatOf.MatchString(again) {
			t.Errorf("announced is %q", again)
		}
		if want := shown(content); back != want && shownBlanks(back) != shownBlanks(want) {
			t.Errorf("%q in %q comes back as %q, by %q", text, format, back, content.FormattedBody)
		}
		was, is := parseStyle(format), parseStyle(again)
		was.rightToLeft = is.rightToLeft // that follows from the text
		if strings.TrimSpace(shownBlanks(content.Body)) != "" && was != is {
			t.Errorf("%q in %q comes back in %q: %+v, %+v, by %q", text, format, again, was, is, content.FormattedBody)
		}

		said, announced := ToMSN(&event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: source}, Options{})
		if !formatOf.MatchString(announced) {
			t.Errorf("%q is announced as %q", source, announced)
		}
		for _, sign := range []string{"<", "*", "_", "~", "&"} {
			if n, most := strings.Count(said, sign), strings.Count(written(source), sign); n > most {
				t.Errorf("%q has %q %d times, and %d times in its texts; it becomes %q", source, sign, n, most, said)
			}
		}
	})
}

// announced is a value of X-MMS-IM-Format as one client or another writes it.
func announced(font, effects string, colour uint32, how uint8) string {
	font = strings.NewReplacer(";", "", "\r", "", "\n", "", "\x00", "").Replace(font)
	effects = strings.NewReplacer(";", "", "\r", "", "\n", "", "\x00", "").Replace(effects)
	co := fmt.Sprintf("%x", colour&0xffffff)
	if how&1 != 0 {
		co = fmt.Sprintf("%06X", colour&0xffffff)
	}
	fields := []string{"FN=" + font, "EF=" + effects, "CO=" + co, "CS=de", "PF=22"}
	if how&2 != 0 {
		fields = append(fields, "RL=1")
	}
	if how&4 != 0 { // the order is not told
		fields[0], fields[2] = fields[2], fields[0]
	}
	between := "; "
	if how&8 != 0 {
		between = " ;"
	}
	format := strings.Join(fields, between)
	if how&16 != 0 {
		format += ";"
	}
	return format
}

// shown is the text of a message as it comes back from Matrix: an emote says who does it.
func shown(content *event.MessageEventContent) string {
	text := strings.TrimRight(content.Body, "\n ")
	if content.MsgType == event.MsgEmote {
		text = "* " + text
	}
	return text
}

// shownBlanks is a text with plain blanks in the place of those that HTML does not run together, and
// without those that nobody sees: at the ends of lines, and before the first line that has others.
func shownBlanks(text string) string {
	lines := strings.Split(strings.NewReplacer(shownBlank, " ", "\t", tab).Replace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// written are the texts of a document, and what its attributes say.
func written(source string) string {
	var texts strings.Builder
	literal := "" // the element whose text has no tags
	for tokens := html.NewTokenizer(strings.NewReader(source)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return texts.String()
		case html.TextToken:
			switch literal {
			case "":
				texts.WriteString(entities.UnescapeString(string(tokens.Raw())))
			case "textarea", "title", "xmp", "plaintext":
				texts.Write(tokens.Text())
			}
			literal = ""
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			for _, a := range token.Attr {
				texts.WriteString(a.Val)
			}
			switch token.Data {
			case "iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp", "plaintext":
				literal = token.Data
			case "noscript":
				tokens.NextIsNotRawText()
			}
		default:
			literal = ""
		}
	}
}
