package msgconv

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
	"maunium.net/go/mautrix/id"
)

// fromHTML returns the text of formatted_body and, when one style covers all of
// it, that style.
func fromHTML(source string, o Options) (string, style) {
	w := writer{emoticons: o.Emoticons}
	w.write(source)
	if w.uniform || !w.styled {
		return trim(w.out.String()), w.common
	}
	if o.Markup || w.phrases {
		w = writer{emoticons: o.Emoticons, marks: o.Markup, codes: true}
		w.write(source)
	}
	return trim(w.out.String()), style{}
}

// trim returns a text without what nobody sees at its ends. The blanks before it are its own: code
// begins with them.
func trim(text string) string {
	return strings.TrimRight(strings.TrimLeft(text, "\n"), " \t\n"+shownBlank)
}

// writer writes a document as lines of text.
type writer struct {
	*scanner
	open    []element // outermost first
	over    deep      // what is open in the deepest of them
	outside deep      // and in the one outside of what nobody sees
	hidden  int       // open elements that nobody sees
	fresh   bool      // an element has begun right before

	emoji []Picture // the first custom emoji

	emoticons, marks bool // as in Options
	codes            bool // code of several words is marked: nothing else shows where it ends
	phrases          bool // there is such code

	out      strings.Builder
	prefixes []prefix // what each line begins with: of the open blocks, outermost first
	inLine   bool     // something stands in this line
	gap      int      // line ends before the next text
	blank    bool     // a blank before the next text
	after    bool     // a paragraph has ended right before
	pre      int      // open elements in which blanks count
	verbatim int      // open elements whose text stays as it is: code and links
	cells    int      // open cells of tables, in which there are no lines
	waiting  int      // open elements whose sign is written before the next text

	styled  bool // text was written
	uniform bool // and all of it has one style:
	common  style
}

// prefix is what the lines of a block begin with.
type prefix struct {
	first, rest string
	begun       bool
}

// write writes what HTML says.
func (w *writer) write(source string) {
	w.scanner = newScanner(source)
	w.out.Grow(len(source) * 3 / 4)
	w.open = make([]element, 0, usualDepth)
	for {
		switch w.next() {
		case noMore:
			for len(w.open) > 0 {
				w.finish(&w.open[len(w.open)-1])
				w.open = w.open[:len(w.open)-1]
			}
			return
		case someText:
			if w.hidden == 0 {
				w.written()
			}
			w.fresh = false
		case openTag:
			w.start()
		case closeTag:
			w.end()
		}
	}
}

// written writes the text that was read.
func (w *writer) written() {
	text := w.text
	if w.fresh {
		switch e := &w.open[len(w.open)-1]; e.atom {
		case atom.Pre:
			text = strings.TrimPrefix(text, "\n") // the line end behind the tag is none of the text's
		case atom.Code:
			w.phrase(e, text)
		case atom.Sup:
			w.power(e, text)
		}
	}
	w.say(text, w.style())
}

// hides reports whether nobody sees what is in the element of the last tag, and what stands in its
// place: the fallback of an answer, or source that no browser shows; and what readers see when they
// want to, as nothing is hidden in MSN.
func (w *writer) hides() (hides bool, instead string) {
	switch w.atom {
	case atom.Script, atom.Style, atom.Iframe, atom.Noembed, atom.Noframes:
		return true, ""
	}
	if w.name == "mx-reply" {
		return true, ""
	}
	if !w.set[spoilerOf] {
		return false, ""
	}
	if reason := w.value(spoilerOf); reason != "" {
		return true, "[spoiler: " + reason + "]"
	}
	return true, "[spoiler]"
}

// single writes an element that has no end.
func (w *writer) single() {
	switch w.atom {
	case atom.Br:
		if w.cells > 0 { // a row is one line
			w.blank = w.inLine
			return
		}
		w.gap++
		w.blank = false
	case atom.Img, atom.Image:
		if url := w.value(srcOf); w.set[emoticonOf] && strings.HasPrefix(url, "mxc://") && len(w.emoji) < maxShortcuts {
			w.emoji = append(w.emoji, Picture{w.picture(), id.ContentURIString(url)})
		}
		w.words(w.picture(), w.style())
	case atom.Hr:
		w.block()
		w.words("———", w.style())
		w.block()
	}
}

// begin writes what stands at the begin of an element.
func (w *writer) begin(e *element) {
	switch e.atom {
	case atom.Pre:
		w.block()
		w.pre++
		w.verbatim++
	case atom.Code:
		w.effect(e, "`")
		w.verbatim++
	case atom.B, atom.Strong:
		w.effect(e, "*")
	case atom.I, atom.Em:
		w.effect(e, "_")
	case atom.S, atom.Del, atom.Strike:
		w.effect(e, "~")
	case atom.A:
		e.href, e.from = strings.TrimSpace(w.value(hrefOf)), w.out.Len()
		w.verbatim++
	case atom.Ul, atom.Ol:
		w.block()
		if e.numbers = e.atom == atom.Ol; e.numbers {
			e.next = number(w.value(startOf), 1)
		}
	case atom.Li:
		w.item()
	case atom.Blockquote:
		w.prefixed("> ", "> ")
	case atom.Summary:
		w.prefixed("▸ ", "  ")
	case atom.P:
		w.paragraph()
	case atom.Td, atom.Th:
		w.cell()
	default:
		if e.kind >= block {
			w.block()
		}
	}
}

// ending writes what stands at the end of an element.
func (w *writer) ending(e *element) {
	if e.waits { // there is no text in it
		e.waits = false
		w.waiting--
	} else if e.sign != "" {
		w.out.WriteString(e.sign)
	}
	switch e.atom {
	case atom.Pre:
		w.pre--
		w.verbatim--
		w.block()
	case atom.Code:
		w.verbatim--
	case atom.A:
		w.verbatim--
		w.link(e)
	case atom.Li:
		if !w.prefixes[len(w.prefixes)-1].begun { // an item without a text is one
			w.flush()
		}
		w.endPrefixed()
	case atom.Blockquote, atom.Summary:
		w.endPrefixed()
	case atom.P:
		w.endParagraph()
	case atom.Td, atom.Th:
		w.cells--
	default:
		if e.kind >= block {
			w.block()
		}
	}
}

// picture returns what stands for a picture: the shortcode of a custom emoji, or what it shows.
func (w *writer) picture() string {
	for _, which := range []int{altOf, titleOf} {
		if text := w.value(which); text != "" {
			return text
		}
	}
	return "[picture]"
}

// paragraph and endParagraph begin and end one: two of them have an empty line between them.
func (w *writer) paragraph() {
	after := w.after
	if w.block(); after && w.cells == 0 {
		w.gap = max(w.gap, 2)
	}
}

func (w *writer) endParagraph() {
	w.block()
	w.after = true
}

// block begins a new line, unless the text stands at the start of one.
func (w *writer) block() {
	w.blank = false
	if w.cells > 0 {
		w.blank = w.inLine
		return
	}
	w.after = false
	if w.inLine {
		w.gap = max(w.gap, 1)
	}
}

// maxPrefixes is how many blocks that stand in each other are shown so: each line begins with
// what all of them begin with.
const maxPrefixes = 16

// prefixed opens a block whose lines begin in a way, and endPrefixed closes it.
func (w *writer) prefixed(first, rest string) {
	w.block()
	if len(w.prefixes) >= maxPrefixes {
		first, rest = "", ""
	}
	w.prefixes = append(w.prefixes, prefix{first: first, rest: rest})
}

func (w *writer) endPrefixed() {
	w.block()
	w.prefixes = w.prefixes[:len(w.prefixes)-1]
}

// number reads a number that an author gave, which may be any.
func number(text string, otherwise int) int {
	n, err := strconv.ParseInt(text, 10, 31)
	if err != nil {
		return otherwise
	}
	return int(n)
}

// item begins an item of the innermost list.
func (w *writer) item() {
	bullet := "• "
	for i := range slices.Backward(w.open) {
		e := &w.open[i]
		if e.atom != atom.Ul && e.atom != atom.Ol {
			continue
		}
		if e.numbers {
			number := number(w.value(valueOf), e.next)
			bullet = strconv.Itoa(number) + ". "
			e.next = number + 1
		}
		break
	}
	w.prefixed(bullet, strings.Repeat(" ", utf8.RuneCountInString(bullet)))
}

// cell opens a cell of a table: a row is one line.
func (w *writer) cell() {
	if row := w.row(); row != nil {
		if row.cells++; row.cells > 1 {
			w.words(" | ", style{})
		}
	}
	w.cells++
}

// phrase marks code that begins with a text of several words.
func (w *writer) phrase(code *element, text string) {
	if w.verbatim > 1 || !strings.ContainsAny(strings.TrimSpace(text), " \t\n") {
		return
	}
	if w.phrases = true; w.codes && code.sign == "" {
		w.mark(code, "`")
	}
}

// power marks what begins with a text that stands higher than others: without a sign it would be a part
// of what stands before it. People write "1st" as one word.
func (w *writer) power(e *element, text string) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "st", "nd", "rd", "th":
		return
	}
	w.words("^", e.style)
}

// effect marks what is in an element of a style, where that is wanted: not in code and in links, which
// are copied.
func (w *writer) effect(e *element, sign string) {
	if w.marks && w.verbatim == 0 {
		w.mark(e, sign)
	}
}

// mark puts a sign before and behind what is in an element, if there is a text in it.
func (w *writer) mark(e *element, sign string) {
	e.sign, e.waits = sign, true
	w.waiting++
}

// within returns the style of an element that stands in another style.
func (e *element) within(s style) style {
	switch e.atom {
	case atom.B, atom.Strong:
		s.bold = true
	case atom.I, atom.Em:
		s.italic = true
	case atom.U:
		s.underline = true
	case atom.S, atom.Del, atom.Strike:
		s.strike = true
	case atom.Code, atom.Pre:
		s.fixed = true
	}
	if e.colour != "" {
		s.colour = e.colour
	}
	return s
}

// colour returns the colour that the last tag gives to a text, or "": also where it could not be read.
func (w *writer) colour() string {
	if w.atom != atom.Font && w.atom != atom.Span {
		return ""
	}
	for _, which := range []int{mxColourOf, colourOf} {
		if colour := w.value(which); isColour.MatchString(colour) {
			if !onWhite(colour) {
				return ""
			}
			return strings.ToLower(colour)
		}
	}
	return ""
}

var isColour = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
