package msgconv

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/unicode/bidi"
	"maunium.net/go/mautrix/event"
)

// maxDepth is how deep elements are followed; what is deeper comes out as plain
// text. The specification asks clients to stop at 100.
const maxDepth = 100

// ToMSN converts a Matrix text message to the text of an MSN message, with LF
// line ends, and the value of X-MMS-IM-Format. An emote begins with "* ". Control characters
// are left out: clients of MSN do not show them, and PostgreSQL takes no text with a NUL.
func ToMSN(content *event.MessageEventContent) (text, format string) {
	var s style
	if content.Format == event.FormatHTML && content.FormattedBody != "" {
		text, s = fromHTML(content.FormattedBody)
	} else {
		text = content.Body
	}
	text = strings.TrimRight(Clean(lineEnds.Replace(text)), "\n ")
	if content.MsgType == event.MsgEmote {
		text = "* " + text
	}
	s.rightToLeft = startsRightToLeft(text)
	return text, s.String()
}

// lineEnds makes LF of all line ends.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// fromHTML returns the text of formatted_body and, when one style covers all of
// it, that style.
func fromHTML(source string) (string, style) {
	doc, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return source, style{}
	}
	var w writer
	w.node(doc, style{}, 0)
	if !w.uniform {
		w.common = style{}
	}
	return strings.TrimSpace(w.text.String()), w.common
}

// writer collects the text of a document and whether all of it has one style.
type writer struct {
	text    strings.Builder
	styled  bool // text was written
	uniform bool
	common  style
	lists   []int // per open list: next number, 0 for bullets
	pre     int
}

func (w *writer) node(n *html.Node, s style, depth int) {
	switch n.Type {
	case html.TextNode:
		w.write(n.Data, s)
		return
	case html.CommentNode, html.DoctypeNode:
		return
	}
	if n.Type == html.ElementNode {
		if n.DataAtom == atom.Script || n.DataAtom == atom.Style || n.Data == "mx-reply" {
			return
		}
		s = elementStyle(n, s)
		w.open(n, s)
		defer w.close(n, s)
	}
	if depth > maxDepth {
		for inner := range n.Descendants() {
			if inner.Type == html.TextNode {
				w.write(inner.Data, s)
			}
		}
		return
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		w.node(child, s, depth+1)
	}
}

func (w *writer) open(n *html.Node, s style) {
	switch n.DataAtom {
	case atom.Br:
		w.text.WriteByte('\n')
	case atom.Img:
		w.write(attribute(n, "alt"), s)
	case atom.Hr:
		w.line()
		w.write("---", s)
		w.line()
	case atom.Pre:
		w.line()
		w.pre++
	case atom.Ul:
		w.line()
		w.lists = append(w.lists, 0)
	case atom.Ol:
		w.line()
		w.lists = append(w.lists, 1)
	case atom.Li:
		w.line()
		w.write(w.bullet(), s)
	case atom.Blockquote:
		w.line()
		w.write("> ", s)
	case atom.P, atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Tr:
		w.line()
	}
}

func (w *writer) close(n *html.Node, s style) {
	switch n.DataAtom {
	case atom.Pre:
		w.pre--
		w.line()
	case atom.Ul, atom.Ol:
		w.lists = w.lists[:len(w.lists)-1]
		w.line()
	case atom.P, atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Tr, atom.Li:
		w.line()
	case atom.Td, atom.Th:
		w.write(" ", s)
	case atom.A:
		w.link(n, s)
	}
}

// link adds the address of a link whose text does not show it. Mentions are
// links too; their text is enough.
func (w *writer) link(n *html.Node, s style) {
	href := attribute(n, "href")
	if href == "" || strings.HasPrefix(href, "https://matrix.to/") || strings.HasPrefix(href, "matrix:") {
		return
	}
	if !strings.HasSuffix(w.text.String(), strings.TrimPrefix(href, "mailto:")) {
		w.write(" ("+href+")", s)
	}
}

func (w *writer) bullet() string {
	if len(w.lists) == 0 || w.lists[len(w.lists)-1] == 0 {
		return "• "
	}
	number := w.lists[len(w.lists)-1]
	w.lists[len(w.lists)-1]++
	return strconv.Itoa(number) + ". "
}

// line begins a new line unless the text stands at the start of one.
func (w *writer) line() {
	if text := w.text.String(); text != "" && !strings.HasSuffix(text, "\n") {
		w.text.WriteByte('\n')
	}
}

var blanks = regexp.MustCompile(`[ \t\r\n]+`)

func (w *writer) write(text string, s style) {
	if w.pre == 0 {
		text = blanks.ReplaceAllString(text, " ")
		if current := w.text.String(); current == "" || strings.HasSuffix(current, "\n") {
			text = strings.TrimLeft(text, " ")
		}
	}
	w.text.WriteString(text)
	if strings.TrimSpace(text) == "" {
		return
	}
	if !w.styled {
		w.styled, w.uniform, w.common = true, true, s
	} else if s != w.common {
		w.uniform = false
	}
}

// elementStyle returns the style inside of an element that stands in style s.
func elementStyle(n *html.Node, s style) style {
	switch n.DataAtom {
	case atom.B, atom.Strong:
		s.bold = true
	case atom.I, atom.Em:
		s.italic = true
	case atom.U:
		s.underline = true
	case atom.S, atom.Del, atom.Strike:
		s.strike = true
	case atom.Font, atom.Span:
		for _, name := range []string{"data-mx-color", "color"} {
			if colour := attribute(n, name); isColour.MatchString(colour) {
				s.colour = strings.ToLower(colour)
				break
			}
		}
	}
	return s
}

var isColour = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// startsRightToLeft reports whether the first letter with a direction runs right
// to left.
func startsRightToLeft(text string) bool {
	for _, r := range text {
		switch properties, _ := bidi.LookupRune(r); properties.Class() {
		case bidi.R, bidi.AL:
			return true
		case bidi.L:
			return false
		}
		if unicode.IsLetter(r) {
			return false
		}
	}
	return false
}
