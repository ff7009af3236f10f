package msgconv

import (
	"html"
	"strings"

	"golang.org/x/net/html/atom"
)

// token says what a scanner has found.
type token int

const (
	noMore token = iota
	someText
	openTag
	closeTag
)

// The attributes that say something about the text.
const (
	hrefOf = iota
	altOf
	titleOf
	startOf
	valueOf
	spoilerOf
	mxColourOf
	colourOf
	srcOf
	emoticonOf
	attributes // how many there are
)

// scanner reads HTML as texts and tags, by the rules of browsers for what is one. Each byte is read
// once, whatever the source is. The parser of the library is for pages: to repair what a hostile
// author has nested it takes time and memory out of all proportion.
type scanner struct {
	source string // what is left
	text   string // of the last token
	name   string // of the last tag, in small letters
	atom   atom.Atom
	set    [attributes]bool
	values [attributes]string // as they are written

	literal string // the element whose text has no tags, which the last tag has opened
}

func newScanner(source string) *scanner {
	if strings.IndexByte(source, '\r') >= 0 {
		source = lineEnds.Replace(source)
	}
	return &scanner{source: source}
}

// next reads the next text or tag. Comments are none.
func (s *scanner) next() token {
	if s.literal != "" {
		if s.literalText(); s.text != "" {
			return someText
		}
	}
	for s.source != "" {
		begin := tagBegin(s.source)
		if begin > 0 {
			s.text, s.source = html.UnescapeString(s.source[:begin]), s.source[begin:]
			return someText
		}
		switch second := s.source[1]; {
		case second == '!' || second == '?':
			s.comment()
		case second == '/' && len(s.source) > 2 && isASCIILetter(s.source[2]):
			if s.tag(2) {
				return closeTag
			}
		case second == '/':
			s.after(">")
		default:
			if s.tag(1) {
				s.literal = literalOf(s.atom)
				return openTag
			}
		}
	}
	return noMore
}

// tagBegin returns where the first tag or comment begins.
func tagBegin(source string) int {
	if len(source) > 1 && source[0] == '<' && beginsTag(source[1]) { // right behind another one
		return 0
	}
	for at := 0; ; at++ {
		next := strings.IndexByte(source[at:], '<')
		if at += next; next < 0 || at+1 == len(source) {
			return len(source)
		}
		if beginsTag(source[at+1]) {
			return at
		}
	}
}

// beginsTag reports whether a "<" before a byte begins a tag or a comment.
func beginsTag(c byte) bool { return isASCIILetter(c) || c == '/' || c == '!' || c == '?' }

func isASCIILetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isHTMLBlank(c byte) bool {
	return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\r')
}

// after goes behind the next place where a mark stands.
func (s *scanner) after(mark string) {
	if at := strings.Index(s.source, mark); at >= 0 {
		s.source = s.source[at+len(mark):]
		return
	}
	s.source = ""
}

// comment goes behind a comment, and what browsers take for one.
func (s *scanner) comment() {
	if !strings.HasPrefix(s.source, "<!--") {
		s.after(">")
		return
	}
	s.source = s.source[len("<!"):] // "<!-->" is one
	if strings.HasPrefix(s.source, "-->") || strings.HasPrefix(s.source, "--->") {
		s.after(">")
		return
	}
	s.source = s.source[len("--"):]
	s.after("-->")
}

// literalOf returns the name of an element whose text has no tags.
func literalOf(a atom.Atom) string {
	switch a {
	case atom.Script, atom.Style, atom.Xmp, atom.Iframe, atom.Noembed, atom.Noframes, atom.Textarea, atom.Title, atom.Plaintext:
		return a.String()
	}
	return ""
}

// literalText reads what stands before the end of the element.
func (s *scanner) literalText() {
	name, end := s.literal, 0
	s.literal = ""
	for {
		at := strings.Index(s.source[end:], "</")
		if end += at; at < 0 || name == "plaintext" {
			end = len(s.source)
			break
		}
		behind := s.source[end+len("</"):]
		if len(behind) > len(name) && strings.EqualFold(behind[:len(name)], name) && (isHTMLBlank(behind[len(name)]) || behind[len(name)] == '/' || behind[len(name)] == '>') {
			break
		}
		end += len("</")
	}
	s.text, s.source = s.source[:end], s.source[end:]
	if name == "textarea" || name == "title" {
		s.text = html.UnescapeString(s.text)
	}
}

// tag reads a tag whose name begins at a place. It reports false when the source ends before it.
func (s *scanner) tag(begin int) bool {
	source := s.source
	end := begin
	for end < len(source) && !isHTMLBlank(source[end]) && source[end] != '/' && source[end] != '>' {
		end++
	}
	s.name = source[begin:end]
	if s.atom = atom.Lookup([]byte(s.name)); s.atom == 0 {
		s.name = strings.ToLower(s.name)
		s.atom = atom.Lookup([]byte(s.name))
	}
	s.set = [attributes]bool{}
	for end < len(source) {
		switch c := source[end]; {
		case c == '>':
			s.source = source[end+1:]
			return true
		case isHTMLBlank(c) || c == '/':
			end++
		default:
			end = s.attribute(source, end)
		}
	}
	s.source = ""
	return false
}

// attribute reads an attribute that begins at a place, and returns where it ends.
func (s *scanner) attribute(source string, begin int) (end int) {
	end = begin + 1 // a "=" there belongs to the name
	for end < len(source) && !isHTMLBlank(source[end]) && source[end] != '/' && source[end] != '>' && source[end] != '=' {
		end++
	}
	name := source[begin:end]
	value, end := attributeValue(source, end)
	if which := attributeOf(name); which >= 0 && !s.set[which] {
		s.set[which], s.values[which] = true, value
	}
	return end
}

// attributeValue reads the value of an attribute whose name has ended at a place.
func attributeValue(source string, from int) (value string, end int) {
	skip := func() {
		for end < len(source) && isHTMLBlank(source[end]) {
			end++
		}
	}
	end = from
	if skip(); end >= len(source) || source[end] != '=' {
		return "", end
	}
	end++
	if skip(); end >= len(source) {
		return "", end
	}
	begin := end
	if quote := source[end]; quote == '"' || quote == '\'' {
		begin++
		length := strings.IndexByte(source[begin:], quote)
		if length < 0 {
			return "", len(source)
		}
		return source[begin : begin+length], begin + length + 1
	}
	for end < len(source) && !isHTMLBlank(source[end]) && source[end] != '>' {
		end++
	}
	return source[begin:end], end
}

// attributeOf returns which attribute has a name, or -1.
func attributeOf(name string) int {
	switch strings.ToLower(name) {
	case "href":
		return hrefOf
	case "src":
		return srcOf
	case "data-mx-emoticon":
		return emoticonOf
	case "alt":
		return altOf
	case "title":
		return titleOf
	case "start":
		return startOf
	case "value":
		return valueOf
	case "data-mx-spoiler":
		return spoilerOf
	case "data-mx-color":
		return mxColourOf
	case "color":
		return colourOf
	}
	return -1
}

// value returns what an attribute of the last tag says, or "".
func (s *scanner) value(which int) string {
	if !s.set[which] {
		return ""
	}
	return strings.ReplaceAll(unescapeValue(s.values[which]), "\x00", "\uFFFD")
}

// unescapeValue is html.UnescapeString for attributes, in which "&copy=1" is a part of an address:
// names count when a semicolon ends them.
func unescapeValue(value string) string {
	if strings.IndexByte(value, '&') < 0 {
		return value
	}
	var out strings.Builder
	for i, piece := range strings.Split(value, "&") {
		if i == 0 {
			out.WriteString(piece)
			continue
		}
		end := 0
		for end < len(piece) && (isASCIILetter(piece[end]) || piece[end] >= '0' && piece[end] <= '9' || piece[end] == '#') {
			end++
		}
		if end < len(piece) && piece[end] == ';' {
			end++
			out.WriteString(html.UnescapeString("&" + piece[:end]))
			out.WriteString(piece[end:])
			continue
		}
		out.WriteString("&" + piece)
	}
	return out.String()
}
