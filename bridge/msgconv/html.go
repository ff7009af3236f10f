package msgconv

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"matrix-msn/bridge/emoticon"
)

// maxDepth is how deep elements are followed; what is deeper comes out as plain
// text. The specification asks clients to stop at 100.
const maxDepth = 100

// fromHTML returns the text of formatted_body and, when one style covers all of
// it, that style.
func fromHTML(source string, o Options) (string, style) {
	// Where there are no scripts, what stands in for them is no source.
	doc, err := html.ParseWithOptions(strings.NewReader(source), html.ParseOptionEnableScripting(false))
	if err != nil {
		return source, style{}
	}
	w := writer{emoticons: o.Emoticons}
	w.node(doc, style{}, 0)
	if w.uniform || !w.styled {
		return strings.TrimSpace(w.out.String()), w.common
	}
	if o.Markup || w.phrases {
		w = writer{emoticons: o.Emoticons, marks: o.Markup, codes: true}
		w.node(doc, style{}, 0)
	}
	return strings.TrimSpace(w.out.String()), style{}
}

// writer writes a document as lines of text.
type writer struct {
	emoticons, marks bool // as in Options
	codes            bool // code of several words is marked: nothing else shows where it ends
	phrases          bool // there is such code

	out      strings.Builder
	prefixes []prefix // what each line begins with: of the open blocks, outermost first
	inLine   bool     // something stands in this line
	gap      int      // line ends before the next text
	blank    bool     // a blank before the next text
	after    bool     // a paragraph has ended right before
	lists    []int    // per open list: next number, noNumber for bullets
	pre      int      // open elements in which blanks count
	verbatim int      // open elements whose text stays as it is: code and links
	cells    int      // open cells of tables, in which there are no lines
	opening  []string // marks that are written before the next text

	styled  bool // text was written
	uniform bool // and all of it has one style:
	common  style
}

// prefix is what the lines of a block begin with.
type prefix struct {
	first, rest string
	begun       bool
}

// noNumber is the next number of a list with bullets.
const noNumber = -1 << 31

func (w *writer) node(n *html.Node, s style, depth int) {
	switch n.Type {
	case html.TextNode:
		w.text(n.Data, s)
		return
	case html.CommentNode, html.DoctypeNode:
		return
	}
	if n.Type == html.ElementNode {
		if unseen(n) {
			return
		}
		if hidden, reason := spoiler(n); hidden {
			w.words(reason, s)
			return
		}
		s = elementStyle(n, s)
		defer w.element(n, s)()
	}
	if depth > maxDepth {
		for inner := range n.Descendants() {
			if inner.Type == html.TextNode {
				w.text(inner.Data, s)
			}
		}
		return
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		w.node(child, s, depth+1)
	}
}

// unseen reports whether nobody sees what is in an element: the fallback of an answer, or source
// that no browser shows.
func unseen(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Iframe, atom.Noembed, atom.Noframes:
		return true
	}
	return n.Data == "mx-reply"
}

// spoiler reports whether an element hides what is in it until readers want it, and what stands in
// its place: nothing is hidden in MSN.
func spoiler(n *html.Node) (hidden bool, words string) {
	for _, a := range n.Attr {
		if a.Key == "data-mx-spoiler" {
			if a.Val == "" {
				return true, "[spoiler]"
			}
			return true, "[spoiler: " + a.Val + "]"
		}
	}
	return false, ""
}

// nothing closes an element that needs no closing.
func nothing() {}

// element opens an element, and returns what closes it.
func (w *writer) element(n *html.Node, s style) (closing func()) {
	switch n.DataAtom {
	case atom.Br:
		w.gap++
		w.blank = false
		return nothing
	case atom.Img:
		w.words(picture(n), s)
		return nothing
	case atom.Hr:
		w.block()
		w.words("———", s)
		w.block()
		return nothing
	case atom.Pre:
		w.block()
		w.pre++
		w.verbatim++
		return func() {
			w.pre--
			w.verbatim--
			w.block()
		}
	case atom.Code:
		w.verbatim++
		unmark := nothing
		if phrase := w.pre == 0 && isPhrase(n); phrase && w.codes || w.marks {
			unmark = w.mark("`")
		} else if phrase {
			w.phrases = true
		}
		return func() {
			unmark()
			w.verbatim--
		}
	case atom.B, atom.Strong:
		return w.effect("*")
	case atom.I, atom.Em:
		return w.effect("_")
	case atom.S, atom.Del, atom.Strike:
		return w.effect("~")
	case atom.A:
		return w.link(n, s)
	case atom.Ul, atom.Ol:
		return w.list(n)
	case atom.Li:
		return w.item(n)
	case atom.Blockquote:
		return w.prefixed("> ", "> ")
	case atom.Summary:
		return w.prefixed("▸ ", "  ")
	case atom.P:
		after := w.after
		if w.block(); after && w.cells == 0 {
			w.gap = max(w.gap, 2)
		}
		return func() {
			w.block()
			w.after = true
		}
	case atom.Sup:
		if isPower(n) {
			w.words("^", s)
		}
	case atom.Td, atom.Th:
		return w.cell(n)
	case atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Tr, atom.Table, atom.Caption, atom.Details:
		w.block()
		return w.block
	}
	return nothing
}

// picture returns what stands for a picture: the shortcode of a custom emoji, or what it shows.
func picture(n *html.Node) string {
	for _, name := range []string{"alt", "title"} {
		if text := attribute(n, name); text != "" {
			return text
		}
	}
	return "[picture]"
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

// prefixed opens a block whose lines begin in a way.
func (w *writer) prefixed(first, rest string) (closing func()) {
	w.block()
	if len(w.prefixes) >= maxPrefixes {
		first, rest = "", ""
	}
	w.prefixes = append(w.prefixes, prefix{first: first, rest: rest})
	return func() {
		w.block()
		w.prefixes = w.prefixes[:len(w.prefixes)-1]
	}
}

func (w *writer) list(n *html.Node) (closing func()) {
	w.block()
	next := noNumber
	if n.DataAtom == atom.Ol {
		next = number(attribute(n, "start"), 1)
	}
	w.lists = append(w.lists, next)
	return func() {
		w.lists = w.lists[:len(w.lists)-1]
		w.block()
	}
}

// number reads a number that an author gave, which may be any.
func number(text string, otherwise int) int {
	n, err := strconv.ParseInt(text, 10, 31)
	if err != nil {
		return otherwise
	}
	return int(n)
}

func (w *writer) item(n *html.Node) (closing func()) {
	bullet := "• "
	if last := len(w.lists) - 1; last >= 0 && w.lists[last] != noNumber {
		number := number(attribute(n, "value"), w.lists[last])
		bullet = strconv.Itoa(number) + ". "
		w.lists[last] = number + 1
	}
	pop := w.prefixed(bullet, strings.Repeat(" ", len([]rune(bullet))))
	return func() {
		if !w.prefixes[len(w.prefixes)-1].begun { // an item without a text is one
			w.flush()
		}
		pop()
	}
}

// cell opens a cell of a table: a row is one line.
func (w *writer) cell(n *html.Node) (closing func()) {
	for before := n.PrevSibling; before != nil; before = before.PrevSibling {
		if before.Type == html.ElementNode {
			w.words(" | ", style{})
			break
		}
	}
	w.cells++
	return func() { w.cells-- }
}

// isPhrase reports whether an element holds one text, of several words.
func isPhrase(n *html.Node) bool {
	text := n.FirstChild
	return text != nil && text.Type == html.TextNode && strings.ContainsAny(strings.TrimSpace(text.Data), " \t\n")
}

// isPower reports whether an element holds a number: without a sign it would be a digit more of what
// stands before it.
func isPower(n *html.Node) bool {
	text := n.FirstChild
	if text == nil || text.Type != html.TextNode {
		return false
	}
	_, err := strconv.Atoi(strings.TrimSpace(strings.Replace(text.Data, "−", "-", 1)))
	return err == nil
}

// effect marks what is in an element of a style, where that is wanted.
func (w *writer) effect(sign string) (closing func()) {
	if !w.marks {
		return nothing
	}
	return w.mark(sign)
}

// mark puts a sign before and behind what is in an element, if there is a text in it.
func (w *writer) mark(sign string) (closing func()) {
	if w.pre > 0 {
		return nothing
	}
	depth := len(w.opening)
	w.opening = append(w.opening, sign)
	return func() {
		if len(w.opening) > depth { // no text
			w.opening = w.opening[:depth]
			return
		}
		w.out.WriteString(sign)
	}
}

// link adds the address of a link whose text does not show it. Mentions are
// links too; their text is enough.
func (w *writer) link(n *html.Node, s style) (closing func()) {
	w.verbatim++
	href := attribute(n, "href")
	return func() {
		w.verbatim--
		if !leads(href) {
			return
		}
		if shown := strings.TrimPrefix(href, "mailto:"); !strings.HasSuffix(strings.TrimSuffix(w.out.String(), "/"), strings.TrimSuffix(shown, "/")) {
			w.verbatim++
			w.text(" ("+href+")", s)
			w.verbatim--
		}
	}
}

// leads reports whether a link leads somewhere that people on MSN can go to.
func leads(href string) bool {
	if strings.HasPrefix(href, "https://matrix.to/") {
		return false
	}
	scheme, _, ok := strings.Cut(href, ":")
	switch strings.ToLower(scheme) {
	case "http", "https", "ftp", "mailto", "magnet":
		return ok
	}
	return false
}

// flush writes what stands before the next text: the ends of lines, and what a line begins
// with.
func (w *writer) flush() {
	if !w.inLine && w.out.Len() == 0 {
		w.gap = 0
	}
	for w.gap > 0 {
		w.out.WriteByte('\n')
		w.inLine = false
		if w.gap--; w.gap > 0 {
			w.begin(true)
		}
	}
	if !w.inLine {
		w.begin(false)
		w.inLine, w.blank = true, false
	}
	if w.blank {
		w.out.WriteByte(' ')
		w.blank = false
	}
	w.after = false
}

// begin writes what a line begins with. An empty one has what the open blocks have begun.
func (w *writer) begin(empty bool) {
	var all strings.Builder
	for i := range w.prefixes {
		switch p := &w.prefixes[i]; {
		case p.begun:
			all.WriteString(p.rest)
		case !empty:
			all.WriteString(p.first)
			p.begun = true
		}
	}
	if empty {
		w.out.WriteString(strings.TrimRight(all.String(), " "))
		return
	}
	w.out.WriteString(all.String())
}

// text writes the text of the document.
func (w *writer) text(text string, s style) {
	if w.emoticons && w.verbatim == 0 {
		text = emoticon.FromEmoji(text)
	}
	if w.pre > 0 {
		w.lines(text, s)
		return
	}
	w.words(text, s)
}

// words writes a text in which any number of blanks and line ends is one blank.
func (w *writer) words(text string, s style) {
	for text != "" {
		end := strings.IndexAny(text, " \t\r\n\f")
		if end != 0 {
			if end < 0 {
				end = len(text)
			}
			w.flush()
			w.put(text[:end], s)
			text = text[end:]
			continue
		}
		w.blank = w.inLine && w.gap == 0
		text = strings.TrimLeft(text, " \t\r\n\f")
	}
}

// lines writes a text whose blanks and line ends count.
func (w *writer) lines(text string, s style) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			w.gap++
		}
		if line = strings.TrimSuffix(line, "\r"); line != "" {
			w.flush()
			w.put(line, s)
		}
	}
}

// put writes what stands in one line.
func (w *writer) put(text string, s style) {
	for _, sign := range w.opening {
		w.out.WriteString(sign)
	}
	w.opening = w.opening[:0]
	w.out.WriteString(text)
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
	case atom.Code, atom.Pre:
		s.fixed = true
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
