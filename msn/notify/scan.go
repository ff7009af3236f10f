package notify

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"matrix-msn/msn/internal/xmltext"
)

// Taking a document apart into tags and text, well-formed or not.

// maxDepth is how deep elements may be nested. Real documents stay below 6.
const maxDepth = 32

// element is a start tag.
type element struct {
	name     string // in lower case
	original string // as written
	attrs    []attribute
}

type attribute struct{ name, value string }

// attr returns the first attribute with one of these names, which are in lower
// case, without blanks at its ends.
func (e element) attr(names ...string) string {
	for _, a := range e.attrs {
		if slices.Contains(names, a.name) {
			return strings.TrimSpace(a.value)
		}
	}
	return ""
}

// handler is told what a document consists of. Every element that was opened is
// closed, be it by the end of the document.
type handler interface {
	open(e element) error
	text(s string)
	close(name string)
	// once reports whether an element cannot stand within another of its name, so
	// that a second one shows that the first was not closed.
	once(name string) bool
}

// scan reads a document. What HTML allows over XML (a bare '<', values without
// quotes, tags never closed) is what these documents need.
func scan(document string, h handler) error {
	document = xmltext.Clean(document)
	if strings.Contains(document, "<!") {
		return fmt.Errorf("%w: holds a declaration", ErrUnreadable)
	}
	z := html.NewTokenizer(strings.NewReader(document))
	var stack []string
	// closeTo closes the innermost element of a name and what is open within it.
	closeTo := func(name string) {
		for i := len(stack) - 1; i >= 0; i-- {
			if stack[i] != name {
				continue
			}
			for j := len(stack) - 1; j >= i; j-- {
				h.close(stack[j])
			}
			stack = stack[:i]
			return
		}
	}
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken: // the end of the document
			for _, name := range slices.Backward(stack) {
				h.close(name)
			}
			return nil
		case html.TextToken:
			h.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			e := readElement(z)
			z.NextIsNotRawText() // XML has no elements like SCRIPT
			if h.once(e.name) {
				closeTo(e.name)
			}
			if len(stack) == maxDepth {
				return fmt.Errorf("%w: nested deeper than %d", ErrUnreadable, maxDepth)
			}
			if err := h.open(e); err != nil {
				return err
			}
			if kind == html.SelfClosingTagToken {
				h.close(e.name)
			} else {
				stack = append(stack, e.name)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			closeTo(string(name))
		}
	}
}

func readElement(z *html.Tokenizer) element {
	raw := z.Raw()[len("<"):]
	if end := bytes.IndexAny(raw, " \n\r\t\f/>"); end >= 0 {
		raw = raw[:end]
	}
	e := element{original: string(raw)} // before TagName puts it into lower case
	name, more := z.TagName()
	e.name = string(name)
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		e.attrs = append(e.attrs, attribute{string(key), string(value)})
	}
	return e
}
