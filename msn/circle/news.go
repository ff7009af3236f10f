package circle

import (
	"regexp"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// Who is in a circle now, and what it is called, as the server publishes it
// (protocol/04-switchboard.md, section 5).

// seen takes what a circle says of one of its members in presence commands.
func (c *Circles) seen(v roster.Via) []event.Event {
	if v.Address.Network != network {
		return nil
	}
	circle := c.find(v.Address.Account)
	switch {
	case circle == nil:
	case !v.Online:
		circle.left(v.Account)
	default:
		circle.come(v.Account)
		if circle.name(v.Account, v.Name) {
			return c.changed()
		}
	}
	return nil
}

// rosterUser is somebody on the roster of a circle, in a document and in a Uri. The
// documents are not parsed as XML: servers write names into them as they are.
var (
	rosterUser = regexp.MustCompile(`<id>\s*1:([^<\s]+)\s*</id>`)
	rosterURI  = regexp.MustCompile(`/user\(1:([^)]+)\)`)
)

// news handles "NFY PUT" and "NFY DEL": who is in a circle and what it is called.
// A circle that is not known is looked up in the address book.
func (c *Circles) news(cmd wire.Command) {
	news, ok := wire.ParseRouted(cmd.Payload)
	from := wire.ParseAddress(news.Routing.Get("From"))
	if !ok || from.Network != network {
		return
	}
	circle := c.find(from.Account)
	if circle == nil {
		c.lists.Refresh()
		return
	}
	var named []string
	for _, match := range rosterURI.FindAllStringSubmatch(news.Content.Get("Uri"), 1) {
		named = append(named, match[1])
	}
	if cmd.Arg(0) == "DEL" {
		for _, account := range named {
			circle.left(strings.ToLower(account))
		}
		return
	}
	// What stands elsewhere in the document is what members wrote of themselves, and
	// servers put that in as it is.
	if strings.HasPrefix(news.Body, "<circle><roster>") {
		if news.Content.Get("NotifType") == "Full" {
			circle.Present = nil
		}
		for _, match := range rosterUser.FindAllStringSubmatch(news.Body, MaxPresent) {
			named = append(named, xmltext.Unescape(match[1]))
		}
	}
	for _, name := range named {
		if account, ok := clean.Account(name); ok && account != c.conn.Self() {
			circle.come(account)
		}
	}
	if !strings.HasPrefix(news.Body, "<circle><props>") {
		return
	}
	if name := clean.Cut(xmltext.Element(news.Body, "MFN"), clean.MaxName); name != "" && name != circle.Name {
		circle.Name = name
		c.conn.Emit(c.changed()...)
	}
}
