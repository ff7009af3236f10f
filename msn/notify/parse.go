package notify

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Reading NOT and IPG documents (sections 5 and 7).

// Limits of what is read, besides MaxDocument.
const (
	// maxMessages is how many MSG elements a document may have. Real ones have one.
	maxMessages = 100
	// maxData is how many elements of a NotificationData are kept; real ones have
	// below 10.
	maxData = 64
	// maxEscapes is how many times more than once a NotificationData may be escaped.
	maxEscapes = 2
)

// Parse reads the document of a NOT or IPG. It takes whatever can be understood:
// elements and attributes may stand in any order and letter case, be unknown,
// missing, unquoted or never closed, and the document may end anywhere. Only what
// has no NOTIFICATION element, holds "<!" (no document of these needs a DOCTYPE,
// a comment or CDATA, and entity bombs do) or is beyond the limits is refused.
//
// The Notification is never nil and always has Raw. The error wraps ErrUnreadable;
// then it has nothing else.
func Parse(document string) (*Notification, error) {
	raw := rawCopy(document)
	if len(document) > MaxDocument {
		return &Notification{Raw: raw}, fmt.Errorf("%w: %d bytes, more than %d", ErrUnreadable, len(document), MaxDocument)
	}
	p := parser{n: &Notification{Raw: raw}}
	if err := scan(document, &p); err != nil {
		return &Notification{Raw: raw}, err
	}
	p.finish()
	if !p.found {
		return &Notification{Raw: raw}, fmt.Errorf("%w: no NOTIFICATION", ErrUnreadable)
	}
	site := parseSite(p.n.SiteURL)
	for i := range p.n.Messages {
		m := &p.n.Messages[i]
		m.ActionURL, m.SubscribeURL, m.IconURL = resolve(site, m.ActionURL), resolve(site, m.SubscribeURL), resolve(site, m.IconURL)
	}
	return p.n, nil
}

// rawCopy returns what Notification.Raw holds of a document.
func rawCopy(document string) string {
	document = strings.ToValidUTF8(document[:min(len(document), MaxDocument)], "\uFFFD")
	if len(document) > MaxDocument {
		end := MaxDocument
		for !utf8.RuneStart(document[end]) {
			end--
		}
		document = document[:end]
	}
	return strings.Clone(document)
}

// parser fills a Notification.
type parser struct {
	n     *Notification
	found bool
	party *Party   // whom a VIA belongs to
	msg   *Message // the MSG that is open

	body      bool
	bodyText  strings.Builder
	field     string // the text element that is open
	fieldText strings.Builder
	emailText string
	data      *dataParser // the NotificationData that is open, not escaped
}

func (p *parser) once(name string) bool {
	switch name {
	case "notification", "to", "from", "msg", "body", "text", "textx", "emailtext", "name", "notificationdata":
		return true
	}
	return false
}

func (p *parser) open(e element) error {
	if p.data != nil {
		return p.data.open(e)
	}
	n := p.n
	switch e.name {
	case "notification":
		if p.found {
			break // a document has one
		}
		p.found = true
		n.ID, n.Version = e.attr("id"), e.attr("ver")
		n.SiteID, n.SiteURL = e.attr("siteid"), e.attr("siteurl")
	case "to", "from":
		p.party = &n.To
		if e.name == "from" {
			p.party = &n.From
		}
		p.party.PID, p.party.Name, p.party.Email = e.attr("pid"), e.attr("name"), e.attr("email")
	case "via":
		if p.party == nil {
			p.party = &n.To
		}
		p.party.Via = e.attr("agent")
	case "msg", "action", "subscr", "cat", "body", "text", "textx", "emailtext":
		return p.openMessage(e)
	case "name":
		if p.body { // not the text of anything that is kept
			return p.openMessage(e)
		}
	case "notificationdata":
		if p.msg != nil {
			p.data = &dataParser{data: make(map[string]string)}
		}
	}
	return nil
}

// openMessage opens a part of a MSG; one that stands outside of any begins one.
func (p *parser) openMessage(e element) error {
	if e.name == "msg" || p.msg == nil {
		p.finish()
		if len(p.n.Messages) == maxMessages {
			return fmt.Errorf("%w: more than %d messages", ErrUnreadable, maxMessages)
		}
		p.n.Messages = append(p.n.Messages, Message{})
		p.msg = &p.n.Messages[len(p.n.Messages)-1]
		p.emailText = ""
	}
	m := p.msg
	switch e.name {
	case "msg":
		m.ID, m.Priority = e.attr("id"), e.attr("pri")
	case "action":
		m.ActionURL = e.attr("url")
	case "subscr":
		m.SubscribeURL = e.attr("url")
	case "cat":
		m.CategoryID = e.attr("id")
	case "body":
		p.body = true
		m.IconURL = e.attr("icon")
		m.LCID = lcid(e)
	default:
		p.closeField() // that of a tag within another, which then does not go on
		p.field = e.name
		p.fieldText.Reset()
		if m.LCID == 0 {
			m.LCID = lcid(e)
		}
	}
	return nil
}

// lcid is the language in an element, 0 when there is none that can be read.
func lcid(e element) int {
	n, err := strconv.ParseUint(e.attr("lang", "lcid"), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

func (p *parser) text(s string) {
	switch {
	case p.data != nil:
		p.data.text(s)
	case p.field != "":
		p.fieldText.WriteString(s)
	case p.body:
		p.bodyText.WriteString(s)
	}
}

func (p *parser) close(name string) {
	if name == "notificationdata" && p.data != nil {
		p.msg.Data, p.data = p.data.data, nil
		return
	}
	if p.data != nil {
		p.data.close(name)
		return
	}
	switch name {
	case "to", "from":
		p.party = nil
	case p.field:
		p.closeField()
	case "body":
		p.body = false
	case "msg":
		p.finish()
		p.msg = nil
	case "notification":
		p.finish()
	}
}

// closeField ends the text element that is open, if there is one.
func (p *parser) closeField() {
	if p.field == "" {
		return
	}
	text := strings.TrimSpace(p.fieldText.String())
	// The first of its kind counts: a second is the same for somebody else.
	switch m := p.msg; {
	case p.field == "text" && m.Text == "":
		m.Text = text
	case p.field == "textx" && m.TextX == "":
		m.TextX = text
	case p.field == "emailtext" && p.emailText == "":
		p.emailText = text
	}
	p.field = ""
}

// finish completes the MSG that is open, if there is one: what BODY says besides
// its elements is data, or the text when there is no other.
func (p *parser) finish() {
	if p.msg == nil {
		return
	}
	p.closeField()
	text := strings.TrimSpace(p.bodyText.String())
	p.bodyText.Reset()
	if p.msg.Data == nil {
		p.msg.Data = parseData(text)
	}
	if p.msg.Data != nil || p.msg.Text != "" {
		return
	}
	if p.msg.Text = text; text == "" {
		p.msg.Text = p.emailText
	}
}
