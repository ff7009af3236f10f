package msgconv

import (
	"slices"

	"golang.org/x/net/html/atom"
)

// maxDepth is how many elements are open at most; the text of what is deeper goes on as that of
// the deepest. The specification asks clients to stop at 100.
const maxDepth = 100

// usualDepth is how many are hardly ever open at once.
const usualDepth = 6

// element is an open one.
type element struct {
	name   string
	atom   atom.Atom
	kind   nesting
	colour string
	style  style // of the text in it
	hides  bool  // nobody sees what is in it
	silent bool  // it was opened where nobody sees it

	href    string // where a link leads
	from    int    // where its text begins in what was written
	sign    string // what stands before and behind the text in it
	waits   bool   // sign was not written yet
	cells   int    // how many a row has
	numbers bool   // a list with numbers, of which
	next    int    // is the next one
}

// nesting says which ends of others an element implies, as browsers have it.
type nesting int

const (
	ordinary   nesting = iota
	formatting         // goes on when the block ends in which it was opened
	block
	list   // a block in which items of their own stand
	cell   // a block out of which nothing reaches
	table  // one of rows and cells
	single // has no end
)

func nestingOf(a atom.Atom) nesting {
	switch a {
	case atom.A, atom.B, atom.Big, atom.Code, atom.Em, atom.Font, atom.I, atom.S, atom.Small, atom.Strike, atom.Strong, atom.Tt, atom.U:
		return formatting
	case atom.P, atom.Div, atom.Blockquote, atom.Pre, atom.Li, atom.Dd, atom.Dt, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Details, atom.Summary, atom.Address, atom.Article, atom.Aside, atom.Center, atom.Dialog, atom.Fieldset, atom.Figcaption,
		atom.Figure, atom.Footer, atom.Form, atom.Header, atom.Hgroup, atom.Main, atom.Nav, atom.Section, atom.Listing, atom.Xmp:
		return block
	case atom.Ul, atom.Ol, atom.Dl, atom.Menu, atom.Dir:
		return list
	case atom.Td, atom.Th, atom.Caption:
		return cell
	case atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr:
		return table
	case atom.Br, atom.Hr, atom.Img, atom.Image, atom.Area, atom.Base, atom.Col, atom.Embed, atom.Input, atom.Keygen, atom.Link,
		atom.Meta, atom.Param, atom.Source, atom.Track, atom.Wbr:
		return single
	}
	return ordinary
}

// isBlock reports whether an element is no part of a line, and is not closed from within by one
// that is.
func (e *element) isBlock() bool {
	// The fallback of an answer holds blocks, though no browser knows it.
	return e.kind >= block || e.name == "mx-reply"
}

// deep counts by name the open elements that have no place in the stack.
type deep map[string]int

// start opens the element of the last tag.
func (w *writer) start() {
	kind := nestingOf(w.atom)
	w.imply(kind)
	w.fresh = false
	hides, instead := w.hides()
	if kind == single {
		switch {
		case w.hidden > 0:
		case hides:
			w.words(instead, w.style())
		default:
			w.single()
		}
		return
	}
	silent := w.hidden > 0
	hides = hides && !silent
	if len(w.open) >= maxDepth && !hides {
		if w.over == nil {
			w.over = make(deep)
		}
		w.over[w.name]++
		return
	}
	outer := w.style()
	if hides {
		w.words(instead, outer)
		w.hidden++
		// What is open outside has no end in here.
		w.outside, w.over = w.over, nil
	}
	w.open = append(w.open, element{name: w.name, atom: w.atom, kind: kind, silent: silent, hides: hides, colour: w.colour()})
	e := &w.open[len(w.open)-1]
	e.style = e.within(outer)
	if !silent && !hides {
		w.begin(e)
	}
	w.fresh = w.hidden == 0
}

// imply closes what ends where an element begins.
func (w *writer) imply(kind nesting) {
	switch w.atom {
	case atom.A: // a link in a link: the outer one has no end
		w.closeLast(func(a atom.Atom) bool { return a == atom.A }, upTo(cell))
	case atom.Li:
		w.closeLast(func(a atom.Atom) bool { return a == atom.Li }, endsItems)
	case atom.Dd, atom.Dt:
		w.closeLast(func(a atom.Atom) bool { return a == atom.Dd || a == atom.Dt }, endsItems)
	case atom.Td, atom.Th:
		w.closeLast(isCell, ofTable)
	case atom.Tr:
		if !w.closeLast(isRow, ofTable) {
			w.closeLast(isCell, ofTable)
		}
	case atom.Thead, atom.Tbody, atom.Tfoot:
		w.closeLast(isRow, ofTable)
		w.closeLast(func(a atom.Atom) bool { return a == atom.Thead || a == atom.Tbody || a == atom.Tfoot }, ofTable)
	}
	if kind == block || kind == list || w.atom == atom.Hr || w.atom == atom.Table {
		w.closeLast(func(a atom.Atom) bool { return a == atom.P }, upTo(cell))
	}
	if isHeading(w.atom) && len(w.open) > 0 && isHeading(w.open[len(w.open)-1].atom) {
		w.closeAt(len(w.open) - 1)
	}
}

func isHeading(a atom.Atom) bool {
	switch a {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return true
	}
	return false
}

func isCell(a atom.Atom) bool { return nestingOf(a) == cell }
func isRow(a atom.Atom) bool  { return a == atom.Tr }

// upTo stops a search at elements of a kind, and at those of tables.
func upTo(kind nesting) func(*element) bool {
	return func(e *element) bool { return e.kind >= kind }
}

// endsItems stops a search for the item before at what can hold a list of its own.
func endsItems(e *element) bool {
	return e.isBlock() && e.atom != atom.P && e.atom != atom.Div && e.atom != atom.Address
}

func ofTable(e *element) bool { return e.atom == atom.Table }

func never(*element) bool { return false }

// closeLast closes the last open element that is wanted, unless one that ends the search comes
// first. It reports whether there is one.
func (w *writer) closeLast(wanted func(atom.Atom) bool, ends func(*element) bool) bool {
	for i := len(w.open) - 1; i >= 0; i-- {
		if wanted(w.open[i].atom) {
			w.closeAt(i)
			return true
		}
		if ends(&w.open[i]) {
			return false
		}
	}
	return false
}

// end closes the element of the last tag, which may be none that is open.
func (w *writer) end() {
	if w.over[w.name] > 0 {
		w.over[w.name]--
		return
	}
	kind := nestingOf(w.atom)
	ends := upTo(cell)
	switch {
	case w.atom == atom.Br: // browsers take it for one that begins
		w.start()
		return
	case isHeading(w.atom):
		w.closeLast(isHeading, ends)
		return
	case kind == cell || kind == table:
		ends = ofTable
	case w.atom == atom.Li:
		ends = upTo(list)
	case w.name == "mx-reply":
		ends = never
	case kind == ordinary:
		ends = (*element).isBlock
	}
	for i := len(w.open) - 1; i >= 0; i-- {
		if w.open[i].atom == w.atom && w.open[i].name == w.name {
			w.closeAt(i)
			return
		}
		if ends(&w.open[i]) {
			break
		}
	}
	if w.atom == atom.P && w.hidden == 0 { // a paragraph without a begin is an empty one
		w.paragraph()
		w.endParagraph()
	}
}

// closeAt closes an open element and what has to end with it. What stands in a line goes on
// behind the end of a block, and blocks go on behind the end of what stands in a line.
func (w *writer) closeAt(at int) {
	kind, hides := w.open[at].kind, w.open[at].hides
	w.fresh = false
	if at == len(w.open)-1 { // as nearly all do
		w.finish(&w.open[at])
		if w.open = w.open[:at]; kind != formatting && !hides {
			w.over = nil
		}
		return
	}
	last := len(w.open)
	if kind == formatting {
		for i := at + 1; i < last; i++ {
			if w.open[i].isBlock() {
				last = i
				break
			}
		}
	}
	stays := func(i int) bool {
		return i < at || i >= last || i > at && kind != cell && kind != table && w.open[i].kind == formatting
	}
	for i := last - 1; i >= at; i-- {
		if !stays(i) {
			w.finish(&w.open[i])
		}
	}
	kept := w.open[:at]
	for i := at + 1; i < len(w.open); i++ {
		if stays(i) {
			kept = append(kept, w.open[i])
		}
	}
	w.open = kept
	if kind != formatting && !hides {
		w.over = nil
	}
	for i := at; i < len(w.open); i++ {
		outer := style{}
		if i > 0 {
			outer = w.open[i-1].style
		}
		w.open[i].style = w.open[i].within(outer)
	}
}

// finish writes what stands at the end of an element.
func (w *writer) finish(e *element) {
	if e.hides {
		w.hidden--
		w.over, w.outside = w.outside, nil
		return
	}
	if !e.silent {
		w.ending(e)
	}
}

// style returns that of a text that comes next.
func (w *writer) style() style {
	if last := len(w.open) - 1; last >= 0 {
		return w.open[last].style
	}
	return style{}
}

// row returns the row in which a cell begins, which may have no tag.
func (w *writer) row() *element {
	for i := range slices.Backward(w.open) {
		switch w.open[i].atom {
		case atom.Tr:
			return &w.open[i]
		case atom.Table:
			return nil
		}
	}
	return nil
}
