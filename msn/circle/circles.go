// Package circle is the circles of MSNP18: groups that persist, whose members the address
// book knows, and in which texts go over the notification connection.
package circle

import (
	"context"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// Lists is what circles ask of the contact list.
type Lists interface {
	// OnBook has f told of each address book that is applied, OnRenewed when that was
	// after the sign-in and the server knows of it.
	OnBook(f func(*soap.Book) []event.Event)
	OnRenewed(f func())
	// Call makes a call to the address book with a ticket that counts.
	Call(ctx context.Context, call func(context.Context, *soap.AddressBook) error) error
	// Refresh downloads the address book again in the background, Reload at once.
	Refresh()
	Reload(ctx context.Context)
}

// People is what circles ask of the roster. The owner asks.
type People interface {
	Find(account string) (roster.Contact, bool)
	OwnName() string
	// OnVia has f told what circles say of their members.
	OnVia(f func(roster.Via) []event.Event)
}

// Chats is what circles ask of conversations. The owner asks.
type Chats interface {
	Carry(circles chat.Carrier)
	Conversation(id chat.ID) *chat.Conversation
	Flush(id chat.ID)
	NextRelayed() (session string, seq int)
	AllowTyping(sender string) bool
}

// Circles are all circles of an account. Their methods may be called from any goroutine but
// the owner, unless they say otherwise.
type Circles struct {
	conn     *ns.Conn
	lists    Lists
	people   People
	chats    Chats
	endpoint string // GUID of this endpoint, in lower case

	// What follows belongs to the owner.
	circles   []*circle
	ownID     string // contact ID of the user's own
	following int    // how often the members were asked for
	ticket    string // that of the address book, "" for none
	taken     string // the one that the server took
	// refused is how many the server has refused since.
	refused int
	// retries is how often it was tried again to enter circles, and retrying whether that is
	// about to be done.
	retries  int
	retrying bool
}

// New returns the circles of an account, and registers what is theirs: with the connection,
// the roster, the conversations and the contact list. endpoint is the GUID that this
// endpoint signs in with. It is called by the owner.
func New(conn *ns.Conn, people People, chats Chats, lists Lists, endpoint string) *Circles {
	c := &Circles{conn: conn, lists: lists, people: people, chats: chats, endpoint: strings.ToLower(endpoint)}
	lists.OnBook(c.apply)
	lists.OnRenewed(c.Begin)
	people.OnVia(c.seen)
	chats.Carry(carrier{c})
	conn.Handle(
		ns.Verb{Name: "NFY", From: wire.FirstEndpoints, Do: c.news},
		ns.Verb{Name: "SDG", From: wire.FirstEndpoints, Do: c.said},
	)
	return c
}

const (
	// MaxCircles is how many circles that the user belongs to are remembered. Each takes
	// a call for its members and two commands at sign-in.
	MaxCircles = 64
	// MaxInvitations is how many invitations are: anybody can send them.
	MaxInvitations = 16
	// membersTime bounds asking for the members of all circles.
	membersTime = 2 * time.Minute
)

// Carried reports whether the dialect carries what is said in circles.
func (c *Circles) Carried() bool { return c.conn.Dialect() >= wire.FirstPrefixed }

// List returns the user's circles. There are none below MSNP16.
func (c *Circles) List() (circles []Circle) {
	c.conn.Query(func() { circles = c.list() })
	return circles
}

func (c *Circles) list() (circles []Circle) {
	for _, circle := range c.circles {
		circles = append(circles, circle.snapshot())
	}
	return circles
}

func (c *Circles) changed() []event.Event { return []event.Event{Changed{Circles: c.list()}} }

// find returns the circle with this ID, or nil.
func (c *Circles) find(id string) *circle {
	for _, circle := range c.circles {
		if strings.EqualFold(circle.ID, id) {
			return circle
		}
	}
	return nil
}

// apply makes the circles what the address book says.
func (c *Circles) apply(book *soap.Book) []event.Event {
	c.ownID = clean.Cut(book.Me.ID, clean.MaxName)
	c.ticket = book.CircleTicket
	if c.set(book.Circles) {
		return c.changed()
	}
	return nil
}

// set makes the circles those of a list, and reports whether that has changed anything.
// When there are too many, those that are known go first, so that nobody's invitations push
// them out.
func (c *Circles) set(list []soap.Circle) (changed bool) {
	list = c.inOrder(list)
	was := c.circles
	c.circles = nil
	invited := 0
	for _, found := range list {
		id, member := addressOf(found), found.State == accepted
		if c.find(id) != nil || member && len(c.circles)-invited >= MaxCircles || !member && invited >= MaxInvitations {
			continue
		}
		now := &circle{names: make(map[string]string)}
		before := Circle{}
		if i := slices.IndexFunc(was, func(c *circle) bool { return c.ID == id }); i >= 0 {
			now, before = was[i], was[i].Circle
		}
		now.ID, now.Name, now.Admin, now.Member = id, clean.Cut(found.Name, clean.MaxName), found.Role == "Admin", member
		if !member {
			invited++
			now.Members, now.Complete, now.Present, now.entry = nil, false, nil, entryNone
		}
		c.circles = append(c.circles, now)
		changed = changed || before.ID == "" || before.Name != now.Name || before.Admin != now.Admin || before.Member != now.Member
	}
	return changed || len(was) != len(c.circles)
}

// accepted is the State of circles that the user belongs to.
const accepted = "Accepted"

func addressOf(found soap.Circle) string {
	return strings.ToLower(clean.Cut(found.ID+"@"+found.Host, clean.MaxAccount))
}

// bare is the ID of a circle as web services have it.
func bare(id string) string {
	id, _, _ = strings.Cut(id, "@")
	return id
}

// inOrder puts those circles first that the user is known to belong to, and those last
// that they are invited into.
func (c *Circles) inOrder(list []soap.Circle) []soap.Circle {
	rank := func(found soap.Circle) int {
		known := c.find(addressOf(found))
		switch {
		case found.State != accepted:
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

// follow asks the service who belongs to the user's circles, in the background. Without
// that a circle is one all the same.
func (c *Circles) follow() {
	var ids []string
	for _, circle := range c.circles {
		if circle.Member {
			ids = append(ids, circle.ID)
		}
	}
	if !c.Carried() || c.conn.Err() != nil || len(ids) == 0 {
		return
	}
	c.following++
	turn := c.following
	c.conn.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, membersTime)
		defer cancel()
		for _, id := range ids {
			var members []soap.CircleMember
			var whole bool
			err := c.lists.Call(ctx, func(ctx context.Context, book *soap.AddressBook) (err error) {
				members, whole, err = book.CircleMembers(ctx, bare(id))
				return err
			})
			if !c.conn.Post(func() {
				if turn == c.following {
					c.members(id, members, whole, err)
				}
			}) {
				return
			}
			if err != nil && !web.Answered(err) {
				return // who hangs or cannot be reached is not asked for the others
			}
		}
	})
}

// members notes who belongs to a circle, or why that is not known.
func (c *Circles) members(id string, told []soap.CircleMember, whole bool, err error) {
	circle := c.find(id)
	if circle == nil || !circle.Member || c.conn.Err() != nil {
		return
	}
	members := circle.Members
	if err != nil {
		c.conn.Warn("members of a circle not loaded", "circle", id, "error", err)
		whole = false
	} else {
		members = membersOf(told, c.conn.Self())
	}
	if slices.Equal(circle.Members, members) && circle.Complete == whole {
		return
	}
	circle.Members, circle.Complete = members, whole
	c.conn.Emit(c.changed()...)
}

// membersOf returns those who belong to a circle or are invited, besides the user.
func membersOf(told []soap.CircleMember, self string) (members []Member) {
	for _, m := range told {
		account, ok := clean.Account(m.Account)
		if !ok || account == self || m.State == soap.CircleListed {
			continue
		}
		members = append(members, Member{Account: account, Name: clean.Cut(m.Name, clean.MaxName), Invited: m.State == soap.CircleInvited})
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.Account, b.Account) })
	return slices.CompactFunc(members, func(a, b Member) bool { return a.Account == b.Account })
}
