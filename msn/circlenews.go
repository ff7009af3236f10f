package msn

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/wire"
)

// Who is in a circle now, and what it is called, as the server publishes it
// (protocol/04-switchboard.md, section 5).

// come notes that somebody is in the circle now.
func (c *circle) come(account string) {
	if !slices.Contains(c.Present, account) && len(c.Present) < maxParticipants {
		c.Present = append(c.Present, account)
	}
}

// left notes that somebody is in the circle no more.
func (c *circle) left(account string) {
	c.Present = slices.DeleteFunc(c.Present, func(other string) bool { return other == account })
}

// name notes how the server calls somebody in the circle, and reports whether that is
// news of a member.
func (c *circle) name(account, name string) bool {
	was, known := c.names[account]
	if name == "" || name == was || !known && len(c.names) >= maxParticipants {
		return false
	}
	c.names[account] = name
	return slices.ContainsFunc(c.Members, func(m CircleMember) bool { return m.Account == account && cmp.Or(was, m.Name) != name })
}

// knows reports whether somebody is in the circle or belongs to it.
func (c *circle) knows(account string) bool {
	return slices.Contains(c.Present, account) || slices.ContainsFunc(c.Members, func(m CircleMember) bool { return m.Account == account })
}

// rosterUser is somebody on the roster of a circle, in a document and in a Uri. The
// documents are not parsed as XML: servers write names into them as they are.
var (
	rosterUser = regexp.MustCompile(`<id>\s*1:([^<\s]+)\s*</id>`)
	rosterURI  = regexp.MustCompile(`/user\(1:([^)]+)\)`)
)

// circleNews handles "NFY PUT" and "NFY DEL": who is in a circle and what it is called.
// A circle that is not known is looked up in the address book.
func (c *Client) circleNews(cmd wire.Command) {
	news, ok := wire.ParseRouted(cmd.Payload)
	from := wire.ParseAddress(news.Routing.Get("From"))
	if !ok || from.Network != networkCircle {
		return
	}
	circle := c.book.circle(from.Account)
	if circle == nil {
		if c.roster != nil {
			c.roster.refresh()
		}
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
		for _, match := range rosterUser.FindAllStringSubmatch(news.Body, maxParticipants) {
			named = append(named, xmltext.Unescape(match[1]))
		}
	}
	for _, name := range named {
		if account, ok := parseAccount(name); ok && account != c.self {
			circle.come(account)
		}
	}
	if !strings.HasPrefix(news.Body, "<circle><props>") {
		return
	}
	if name := keep(elementText(news.Body, "MFN"), maxName); name != "" && name != circle.Name {
		circle.Name = name
		c.emit(CirclesChanged{Circles: c.book.circleList()})
	}
}
