package msn

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

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
	// Entered tells whether the server has let the user in, in this session: texts go
	// and come then. It may take a moment after signing in.
	Entered bool
	// Members are the others who belong to the circle, by account. Complete tells
	// whether these are all, and as the service told when it was asked last; without it
	// there may be others.
	Members  []CircleMember
	Complete bool
	// Present are the accounts of those, besides the user, who are there now.
	Present []string
}

// CircleMember is somebody who belongs to a circle.
type CircleMember struct {
	Account string
	Name    string // any characters; may be ""
	Invited bool   // has not accepted yet
}

// CirclesChanged says that the user's circles, their names, or their members with their
// names are others now. That somebody is Present or not, and Entered, make none.
type CirclesChanged struct{ Circles []Circle }

func (CirclesChanged) isEvent() {}

// CarriesCircles reports whether the dialect carries what is said in circles.
func (c *Client) CarriesCircles() bool { return c.dialect >= wire.FirstPrefixed }

// Circles returns the user's circles. There are none below MSNP16.
func (c *Client) Circles() (circles []Circle) {
	c.query(func() { circles = c.book.circleList() })
	return circles
}

const (
	// maxCircles is how many circles that the user belongs to are remembered. Each takes
	// a call for its members and two commands at sign-in.
	maxCircles = 64
	// maxCircleInvitations is how many invitations are: anybody can send them.
	maxCircleInvitations = 16
	// maxRefusedTickets is how often in a row a ticket of circles is refused before the
	// address book is not asked for another.
	maxRefusedTickets = 3
	// maxCircleRetries is how often it is tried again to enter circles, circleRetry after
	// what time first.
	maxCircleRetries = 4
	circleRetry      = time.Minute
	// membersTime bounds asking for the members of all circles.
	membersTime = 2 * time.Minute
	// networkCircle is the network of circles (protocol/00-overview.md, section 8).
	networkCircle = 9
)

// circle is a circle as the owner knows it.
type circle struct {
	Circle  // Members is replaced, never changed in place
	names   map[string]string
	entry   entry
	refused error // why, when entry is entryRefused
	// announced is set while the server will say that the circle has changed because
	// the user enters it.
	announced bool
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
		snapshot.Entered = circle.entry == entryDone
		snapshot.Members = slices.Clone(circle.Members)
		for i := range snapshot.Members {
			m := &snapshot.Members[i]
			m.Name = cmp.Or(circle.names[m.Account], m.Name)
		}
		list = append(list, snapshot)
	}
	return list
}

// setCircles makes the circles what the address book says, and reports whether that
// changed anything. When there are too many, those that are known go first, so that
// nobody's invitations push them out.
func (b *book) setCircles(list []soap.Circle) (changed bool) {
	list = b.inOrder(list)
	was := b.circles
	b.circles = nil
	invited := 0
	for _, found := range list {
		id, member := addressOfCircle(found), found.State == circleAccepted
		if b.circle(id) != nil || member && len(b.circles)-invited >= maxCircles || !member && invited >= maxCircleInvitations {
			continue
		}
		now := &circle{names: make(map[string]string)}
		before := Circle{}
		if i := slices.IndexFunc(was, func(c *circle) bool { return c.ID == id }); i >= 0 {
			now, before = was[i], was[i].Circle
		}
		now.ID, now.Name, now.Admin, now.Member = id, keep(found.Name, maxName), found.Role == "Admin", member
		if !member {
			invited++
			now.Members, now.Complete, now.Present, now.entry = nil, false, nil, entryNone
		}
		b.circles = append(b.circles, now)
		changed = changed || before.ID == "" || before.Name != now.Name || before.Admin != now.Admin || before.Member != now.Member
	}
	return changed || len(was) != len(b.circles)
}

// circleAccepted is the State of circles that the user belongs to.
const circleAccepted = "Accepted"

func addressOfCircle(found soap.Circle) string {
	return strings.ToLower(keep(found.ID+"@"+found.Host, maxAccount))
}

// inOrder puts those circles first that the user is known to belong to, and those last
// that they are invited into.
func (b *book) inOrder(list []soap.Circle) []soap.Circle {
	rank := func(found soap.Circle) int {
		known := b.circle(addressOfCircle(found))
		switch {
		case found.State != circleAccepted:
			return 2
		case known == nil || !known.Member:
			return 1
		}
		return 0
	}
	ranks := make(map[string]int, len(list))
	for _, found := range list {
		ranks[found.ID] = rank(found)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b soap.Circle) int { return ranks[a.ID] - ranks[b.ID] })
	return list
}

// followCircles asks the service who belongs to the user's circles, in the background.
// Without that a circle is one all the same.
func (r *soapRoster) followCircles() {
	c := r.client
	var ids []string
	for _, circle := range c.book.circles {
		if circle.Member {
			ids = append(ids, circle.ID)
		}
	}
	if !c.CarriesCircles() || c.err != nil || len(ids) == 0 {
		return
	}
	r.following++
	turn := r.following
	c.group.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, membersTime)
		defer cancel()
		for _, id := range ids {
			var members []soap.CircleMember
			var whole bool
			err := r.tickets.with(ctx, serviceOfBook, func() (err error) {
				members, whole, err = r.service.CircleMembers(ctx, bare(id))
				return err
			})
			if !c.post(func() {
				if turn == r.following {
					c.circleMembers(id, members, whole, err)
				}
			}) {
				return
			}
			_, fault := errors.AsType[*soap.Fault](err)
			_, status := errors.AsType[*soap.StatusError](err)
			if err != nil && !fault && !status {
				return // who hangs or cannot be reached is not asked for the others
			}
		}
	})
}

// circleMembers notes who belongs to a circle, or why that is not known.
func (c *Client) circleMembers(id string, told []soap.CircleMember, whole bool, err error) {
	circle := c.book.circle(id)
	if circle == nil || !circle.Member || c.err != nil {
		return
	}
	members := circle.Members
	if err != nil {
		c.log.Warn("members of a circle not loaded", "account", c.account, "circle", id, "error", err)
		whole = false
	} else {
		members = c.book.membersOf(told)
	}
	if slices.Equal(circle.Members, members) && circle.Complete == whole {
		return
	}
	circle.Members, circle.Complete = members, whole
	c.emit(CirclesChanged{Circles: c.book.circleList()})
}

func (b *book) membersOf(told []soap.CircleMember) (members []CircleMember) {
	for _, m := range told {
		account, ok := parseAccount(m.Account)
		if !ok || account == b.self || m.State == soap.CircleListed {
			continue
		}
		members = append(members, CircleMember{Account: account, Name: keep(m.Name, maxName), Invited: m.State == soap.CircleInvited})
	}
	slices.SortFunc(members, func(a, b CircleMember) int { return strings.Compare(a.Account, b.Account) })
	return slices.CompactFunc(members, func(a, b CircleMember) bool { return a.Account == b.Account })
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
	c.circleTicket = "" // a refusal takes the one before away too
	args := []string{"SHA", "A", base64.StdEncoding.EncodeToString([]byte(ticket))}
	c.request("USR", args, func(_ wire.Command, err error) {
		if err == nil {
			c.circleTicket, c.refusedTickets = ticket, 0
			c.enter(entering)
			return
		}
		for _, circle := range entering {
			c.entered(circle.ID, err)
		}
		if _, refused := errors.AsType[*ServerError](err); !refused {
			return
		}
		c.log.Warn("the server does not take the ticket of the circles", "account", c.account, "error", err)
		// The circles may be others since the ticket was made.
		if c.refusedTickets++; c.refusedTickets < maxRefusedTickets && c.roster != nil {
			c.roster.refresh()
		}
	})
}

// enter puts circles on the user's lists for this session, each by a command of its
// own: a server refuses all for one that it does not like.
func (c *Client) enter(circles []*circle) {
	for _, circle := range circles {
		circle.announced = true
		member := wire.Member{Account: circle.ID, Lists: uint8(ListForward | ListAllow), Network: networkCircle}
		for _, payload := range wire.FormatMembers([]wire.Member{member}, false) {
			c.requestCommand(wire.New("ADL").WithPayload(payload), func(_ wire.Command, err error) { c.entered(circle.ID, err) })
		}
	}
}

// isEcho reports whether news of the circle with this ID, given without its host, say
// only that the user enters it, which servers announce once as a change.
func (c *Client) isEcho(id string) bool {
	for _, circle := range c.book.circles {
		if circle.announced && strings.EqualFold(bare(circle.ID), id) {
			circle.announced = false
			return true
		}
	}
	return false
}

// entered goes on when the server has let the user into a circle, or has not.
func (c *Client) entered(id string, err error) {
	circle := c.book.circle(id)
	if circle != nil && circle.entry == entryAsked {
		circle.entry, circle.refused, circle.announced = entryDone, nil, false
		if err != nil {
			circle.entry, circle.refused = entryRefused, err
		}
		if _, refused := errors.AsType[*ServerError](err); refused {
			c.log.Warn("circle not entered", "account", c.account, "circle", id, "error", err)
		}
		if err == nil {
			c.appear(circle)
		}
	}
	if cv := c.conversations[circleKey(id)]; cv != nil {
		cv.flushCircle()
	}
	if err != nil {
		c.retryCircles()
	}
}

// retryCircles has circles that the server did not let the user into tried again, a few
// times and less and less often: it may have been busy.
func (c *Client) retryCircles() {
	if c.err != nil || c.retryingCircles || c.circleRetries == maxCircleRetries {
		return
	}
	c.retryingCircles = true
	wait := circleRetry << (2 * c.circleRetries)
	c.circleRetries++
	c.after(wait, func() {
		c.retryingCircles = false
		c.enterCircles(c.freshTicket)
	})
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
