package msn

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// Circle is a persistent group of MSNP18 that the user belongs to or is invited
// into.
type Circle struct {
	ID    string // "00000000-0000-0000-0009-xxxxxxxxxxxx@live.com"
	Name  string // any characters
	Admin bool
	// Member tells whether the user has accepted. Texts are carried for members only,
	// and in MSNP18 only.
	Member bool
	// Members are the others who belong to the circle, by account. It is empty while
	// the service has not told, and in a circle of which the user is no Member.
	Members []CircleMember
	// Present are the accounts of those, besides the user, who are there now.
	Present []string
}

// CircleMember is somebody who belongs to a circle.
type CircleMember struct {
	Account string
	Name    string // any characters; may be ""
	Invited bool   // has not accepted yet
}

// CirclesChanged says that the user's circles, their names or their members are others
// now. That somebody is Present or not makes none.
type CirclesChanged struct{ Circles []Circle }

func (CirclesChanged) isEvent() {}

// Circles returns the user's circles. There are none below MSNP16.
func (c *Client) Circles() (circles []Circle) {
	c.query(func() { circles = c.book.circleList() })
	return circles
}

const (
	// maxCircles is how many circles are remembered. Each member's takes a call for
	// its members and two commands at sign-in.
	maxCircles = 64
	// networkCircle is the network of circles (protocol/00-overview.md, section 8).
	networkCircle = 9
)

// circle is a circle as the owner knows it.
type circle struct {
	Circle  // Members is replaced, never changed in place
	names   map[string]string
	entry   entry
	refused error // why, when entry is entryRefused
}

// entry is how far the user is in a circle in this session.
type entry uint8

const (
	entryNone entry = iota
	entryAsked
	entryDone
	entryRefused
)

// circle returns the circle with this ID, or nil.
func (b *book) circle(id string) *circle {
	for _, circle := range b.circles {
		if strings.EqualFold(circle.ID, id) {
			return circle
		}
	}
	return nil
}

// circleVia returns the circle of ";via=9:id", or nil.
func (b *book) circleVia(via string) *circle {
	if a := wire.ParseAddress(via); a.Network == networkCircle {
		return b.circle(a.Account)
	}
	return nil
}

// circleList returns the circles for the user.
func (b *book) circleList() []Circle {
	var list []Circle
	for _, circle := range b.circles {
		snapshot := circle.Circle
		snapshot.Present = slices.Clone(circle.Present)
		list = append(list, snapshot)
	}
	return list
}

// setCircles makes the circles what the address book says, and reports whether that
// changed anything. members are those of the circles for which they are known.
func (b *book) setCircles(list []soap.Circle, members map[string][]soap.CircleMember) (changed bool) {
	was := b.circles
	b.circles = nil
	for _, found := range list {
		id := strings.ToLower(keep(found.ID+"@"+found.Host, maxAccount))
		if len(b.circles) >= maxCircles || b.circle(id) != nil {
			continue
		}
		now := &circle{names: make(map[string]string)}
		before := Circle{}
		if i := slices.IndexFunc(was, func(c *circle) bool { return c.ID == id }); i >= 0 {
			now, before = was[i], was[i].Circle
		}
		now.ID, now.Name, now.Admin = id, keep(found.Name, maxName), found.Role == "Admin"
		if now.Member = found.State == "Accepted"; !now.Member {
			now.Members, now.Present, now.entry = nil, nil, entryNone
		}
		if told, ok := members[found.ID]; ok && now.Member {
			now.Members = b.circleMembers(told)
		}
		b.circles = append(b.circles, now)
		changed = changed || before.ID == "" || before.Name != now.Name || before.Admin != now.Admin ||
			before.Member != now.Member || !slices.Equal(before.Members, now.Members)
	}
	return changed || len(was) != len(b.circles)
}

func (b *book) circleMembers(told []soap.CircleMember) (members []CircleMember) {
	for _, m := range told {
		account, ok := parseAccount(m.Account)
		if !ok || account == b.self || len(members) >= maxParticipants {
			continue
		}
		members = append(members, CircleMember{Account: account, Name: keep(m.Name, maxName), Invited: m.Invited})
	}
	slices.SortFunc(members, func(a, b CircleMember) int { return strings.Compare(a.Account, b.Account) })
	return slices.CompactFunc(members, func(a, b CircleMember) bool { return a.Account == b.Account })
}

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

// name notes how the server calls somebody in the circle.
func (c *circle) name(account, name string) {
	if _, known := c.names[account]; name != "" && (known || len(c.names) < maxParticipants) {
		c.names[account] = name
	}
}

// enterCircles shows the server the ticket of the user's circles, so that it tells of
// invitations, and enters those that the user belongs to, so that it carries texts: in
// MSNP18 (protocol/01-login.md, section 4.5, and protocol/04-switchboard.md, section 5).
// ticket is "" when the address book gave none.
func (c *Client) enterCircles(ticket string) {
	if c.dialect < wire.FirstPrefixed || ticket == "" || c.err != nil {
		return
	}
	var entering []*circle
	for _, circle := range c.book.circles {
		if circle.Member && (circle.entry == entryNone || circle.entry == entryRefused) {
			circle.entry = entryAsked
			entering = append(entering, circle)
		}
	}
	if ticket == c.circleTicket {
		c.enter(entering)
		return
	}
	args := []string{"SHA", "A", base64.StdEncoding.EncodeToString([]byte(ticket))}
	c.request("USR", args, func(_ wire.Command, err error) {
		if err != nil {
			c.log.Warn("the server does not take the ticket of the circles", "account", c.account, "error", err)
			for _, circle := range entering {
				c.entered(circle, err)
			}
			return
		}
		c.circleTicket = ticket
		c.enter(entering)
	})
}

// enter puts circles on the user's lists for this session, each by a command of its
// own: a server refuses all for one that it does not like.
func (c *Client) enter(circles []*circle) {
	for _, circle := range circles {
		member := wire.Member{Account: circle.ID, Lists: uint8(ListForward | ListAllow), Network: networkCircle}
		for _, payload := range wire.FormatMembers([]wire.Member{member}, false) {
			c.requestCommand(wire.New("ADL").WithPayload(payload), func(_ wire.Command, err error) {
				if err != nil {
					c.log.Warn("circle not entered", "account", c.account, "circle", circle.ID, "error", err)
				}
				c.entered(circle, err)
			})
		}
	}
}

// enteringCircle reports whether the user is just being let into the circle with this
// ID, given without its host. Servers announce it as changed then, which it is not.
func (c *Client) enteringCircle(id string) bool {
	return slices.ContainsFunc(c.book.circles, func(circle *circle) bool {
		name, _, _ := strings.Cut(circle.ID, "@")
		return circle.entry == entryAsked && strings.EqualFold(name, id)
	})
}

// entered goes on when the server has let the user into a circle, or has not.
func (c *Client) entered(circle *circle, err error) {
	cv := c.conversations[circleKey(circle.ID)]
	if err != nil {
		circle.entry, circle.refused = entryRefused, err
	} else {
		circle.entry = entryDone
		c.appear(circle)
	}
	if cv != nil {
		cv.flushCircle(circle)
	}
}

// appear puts the user on the roster of those who are in the circle. Texts go without
// it, so that a server that refuses it does no harm.
func (c *Client) appear(circle *circle) {
	put := wire.Routed{
		Routing:     wire.Header("").With("Routing", "1.0").With("To", circle.address("").String()).With("From", c.ownAddress().String()),
		Reliability: reliability,
		Content: wire.Header("").With("Publication", "1.0").With("Uri", "/circle").
			With("Content-Type", "application/circles+xml"),
		Body: "<circle><roster><id>IM</id><user><id>1:" + xmltext.Escape(c.account) + "</id></user></roster></circle>",
	}
	c.requestCommand(wire.New("PUT").WithPayload(put.Payload()), func(_ wire.Command, err error) {
		if err != nil && c.err == nil {
			c.log.Warn("not on the roster of a circle", "account", c.account, "circle", circle.ID, "error", err)
		}
	})
}

// reliability is the second block of what is sent.
const reliability = wire.Header("Reliability: 1.0\r\n")

// address is that of the circle; path is the part of it that is meant, or "".
func (c *circle) address(path string) wire.Address {
	return wire.Address{Network: networkCircle, Account: c.ID, Path: path}
}

// ownAddress is that of this place.
func (c *Client) ownAddress() wire.Address {
	return wire.Address{Network: soap.NetworkPassport, Account: c.account, Place: strings.ToLower(c.cfg.MachineGUID)}
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
	news := wire.ParseRouted(cmd.Payload)
	from := wire.ParseAddress(news.Routing.Get("From"))
	if from.Network != networkCircle {
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
	for _, match := range rosterUser.FindAllStringSubmatch(news.Body, maxParticipants) {
		named = append(named, xmltext.Unescape(match[1]))
	}
	if news.Content.Get("NotifType") == "Full" && strings.Contains(news.Body, "<roster>") {
		circle.Present = nil
	}
	for _, name := range named {
		if account, ok := parseAccount(name); ok && account != c.self {
			circle.come(account)
		}
	}
	if name := keep(elementText(news.Body, "MFN"), maxName); name != "" && name != circle.Name {
		circle.Name = name
		c.emit(CirclesChanged{Circles: c.book.circleList()})
	}
}
