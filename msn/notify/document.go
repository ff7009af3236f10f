package notify

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/xmltext"
)

// Document writes n as the document of a NOT or IPG, in the layout of the founding
// example (section 5.1): CR LF at the end of every line, the last one too. URLs
// are written as they stand in n, absolute or relative. Parse reads the same from
// it, if n keeps to what Parse can return.
func (n *Notification) Document() string {
	var b builder
	b.open("NOTIFICATION", "ver", n.Version, "siteid", n.SiteID, "siteurl", n.SiteURL, "id", n.ID)
	b.line(">")
	b.party("TO", n.To)
	b.party("FROM", n.From)
	for _, m := range n.Messages {
		b.message(m)
	}
	b.line("</NOTIFICATION>")
	return b.String()
}

// builder writes elements.
type builder struct{ strings.Builder }

// line ends a line.
func (b *builder) line(end string) {
	b.WriteString(end)
	b.WriteString("\r\n")
}

// open begins a tag; attributes, given as names and values, are left out when they
// are empty.
func (b *builder) open(name string, attrs ...string) {
	b.WriteString("<" + name)
	for pair := range slices.Chunk(attrs, 2) {
		if pair[1] != "" {
			b.WriteString(" " + pair[0] + `="` + xmltext.Escape(pair[1]) + `"`)
		}
	}
}

func (b *builder) party(name string, p Party) {
	if p == (Party{}) {
		return
	}
	b.open(name, "pid", p.PID, "name", p.Name, "email", p.Email)
	if p.Via == "" {
		b.line(" />")
		return
	}
	b.line(">")
	b.open("VIA", "agent", p.Via)
	b.line("/>")
	b.line("</" + name + ">")
}

func (b *builder) message(m Message) {
	// As in the founding examples, pri is there when it is empty.
	b.WriteString(`<MSG pri="` + xmltext.Escape(m.Priority) + `"`)
	if m.ID != "" {
		b.WriteString(` id="` + xmltext.Escape(m.ID) + `"`)
	}
	b.line(">")
	b.link("ACTION", "url", m.ActionURL)
	b.link("SUBSCR", "url", m.SubscribeURL)
	b.link("CAT", "id", m.CategoryID)
	lang := ""
	if m.LCID > 0 {
		lang = strconv.Itoa(m.LCID)
	}
	b.open("BODY", "lang", lang, "icon", m.IconURL)
	b.line(">")
	if m.Data != nil {
		b.line(xmltext.Escape(dataDocument(m.Data)))
	}
	if m.Data == nil || m.Text != "" {
		b.line("<TEXT>" + xmltext.Escape(m.Text) + "</TEXT>")
	}
	if m.TextX != "" {
		b.line("<TEXTX>" + xmltext.Escape(m.TextX) + "</TEXTX>")
	}
	b.line("</BODY>")
	b.line("</MSG>")
}

func (b *builder) link(name, attr, value string) {
	if value != "" {
		b.open(name, attr, value)
		b.line("/>")
	}
}

// dataDocument writes a NotificationData document. Elements whose name is none are
// left out.
func dataDocument(data map[string]string) string {
	var b builder
	b.WriteString(`<NotificationData xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`)
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if isName(name) {
			b.WriteString("<" + name + ">" + xmltext.Escape(data[name]) + "</" + name + ">")
		}
	}
	b.WriteString("</NotificationData>")
	return b.String()
}
