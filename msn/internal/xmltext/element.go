package xmltext

import "strings"

// Element returns the text of the first element called name. Servers write XML that is not
// well-formed into UBX and into what they publish of circles (protocol/03-presence.md,
// section 6), so this is not parsed as XML: the text is what stands between the tags.
func Element(doc, name string) string {
	_, rest, ok := strings.Cut(doc, "<"+name+">")
	if !ok {
		return ""
	}
	text, _, ok := strings.Cut(rest, "</"+name+">")
	if !ok {
		return ""
	}
	return Unescape(text)
}
