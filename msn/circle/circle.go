package circle

import (
	"cmp"
	"errors"
	"slices"

	"matrix-msn/msn/internal/event"
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
	Members  []Member
	Complete bool
	// Present are the accounts of those, besides the user, who are there now.
	Present []string
}

// Member is somebody who belongs to a circle.
type Member struct {
	Account string
	Name    string // any characters; may be ""
	Invited bool   // has not accepted yet
}

// Changed says that the user's circles, their names, or their members with their
// names have changed. That somebody is Present or not, and Entered, make none.
type Changed struct{ Circles []Circle }

// Size implements the events of package msn: about how many bytes the event takes.
func (e Changed) Size() int {
	size := event.Base
	for _, circle := range e.Circles {
		size += event.Base + len(circle.ID) + len(circle.Name) + event.Strings(circle.Present)
		for _, member := range circle.Members {
			size += event.Each + len(member.Account) + len(member.Name)
		}
	}
	return size
}

// ErrCircle says that the service does not carry texts to a circle: the user does not
// belong to it (any more), the server has not let them in, or the dialect is not
// MSNP18.
var ErrCircle = errors.New("msn: nothing can be said in this circle")

// ErrMember says that somebody belongs to the circle already.
var ErrMember = errors.New("msn: they belong to the circle already")

const (
	// network is that of circles (protocol/00-overview.md, section 8).
	network = 9
	// MaxPresent is how many people of one circle are remembered as being there, and
	// whose names are.
	MaxPresent = 100
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

// snapshot returns the circle for the user.
func (c *circle) snapshot() Circle {
	snapshot := c.Circle
	snapshot.Present = slices.Clone(c.Present)
	snapshot.Entered = c.entry == entryDone
	snapshot.Members = slices.Clone(c.Members)
	for i := range snapshot.Members {
		m := &snapshot.Members[i]
		m.Name = cmp.Or(c.names[m.Account], m.Name)
	}
	return snapshot
}

// come notes that somebody is in the circle now.
func (c *circle) come(account string) {
	if !slices.Contains(c.Present, account) && len(c.Present) < MaxPresent {
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
	if name == "" || name == was || !known && len(c.names) >= MaxPresent {
		return false
	}
	c.names[account] = name
	return slices.ContainsFunc(c.Members, func(m Member) bool { return m.Account == account && cmp.Or(was, m.Name) != name })
}

// knows reports whether somebody is in the circle or belongs to it.
func (c *circle) knows(account string) bool {
	return slices.Contains(c.Present, account) || slices.ContainsFunc(c.Members, func(m Member) bool { return m.Account == account })
}

// address is that of the circle; path is the part of it that is meant, or "".
func (c *circle) address(path string) wire.Address {
	return wire.Address{Network: network, Account: c.ID, Path: path}
}
