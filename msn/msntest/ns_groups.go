package msntest

import (
	"slices"
	"strconv"

	"matrix-msn/msn/wire"
)

// ADG, REG and RMG: groups of the contact list (protocol/02-contacts.md,
// section 3.4).

const (
	// maxGroups is how many groups an account may have.
	maxGroups = 30
	// maxGroupName is the longest name in bytes, percent-encoded.
	maxGroupName = 61
)

func groupNumber(g *group) string { return strconv.Itoa(g.number) }

// badGroupName returns the error number for a new group name, or "".
func badGroupName(a *Account, encoded string) string {
	switch name := wire.Decode(encoded); {
	case len(encoded) > maxGroupName:
		return "229"
	case groupNamed(a, name):
		return "228"
	}
	return ""
}

func groupNamed(a *Account, name string) bool {
	for _, g := range a.groups {
		if g.name == name {
			return true
		}
	}
	return false
}

// removeGroup removes a group; its members stay.
func (a *Account) removeGroup(g *group) {
	a.groups = slices.DeleteFunc(slices.Clone(a.groups), func(x *group) bool { return x == g })
	for _, contact := range a.list.order {
		contact.leave(g)
	}
}

func (s *Server) adg(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	if number := badGroupName(a, cmd.Arg(1)); number != "" {
		c.fail(number, trid)
		return
	}
	if len(a.groups) >= maxGroups {
		c.fail("223", trid)
		return
	}
	g := a.newGroup(wire.Decode(cmd.Arg(1)))
	version := s.version(c.session, a.bumped())
	if c.dialect >= wire.FirstContactIDs {
		c.reply("ADG", trid, s.encode(g.name), g.guid, "0")
	} else {
		c.reply("ADG", trid, version, s.encode(g.name), groupNumber(g), "0")
	}
}

func (s *Server) reg(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	g := a.group(cmd.Arg(1))
	if g == nil {
		c.fail("224", trid)
		return
	}
	if number := badGroupName(a, cmd.Arg(2)); number != "" {
		c.fail(number, trid)
		return
	}
	g.name = wire.Decode(cmd.Arg(2))
	version := s.version(c.session, a.bumped())
	if c.dialect >= wire.FirstContactIDs {
		c.reply("REG", trid, "1", s.encode(g.name), g.guid, "0")
	} else {
		c.reply("REG", trid, version, groupNumber(g), s.encode(g.name), "0")
	}
}

func (s *Server) rmg(c *conn, trid string, cmd wire.Command) {
	a, id := c.session.account, cmd.Arg(1)
	g := a.group(id)
	if g == nil {
		if id == "0" && c.dialect < wire.FirstContactIDs {
			c.fail(s.is.unmovableGroup, trid)
		} else {
			c.fail("224", trid)
		}
		return
	}
	a.removeGroup(g)
	version := s.version(c.session, a.bumped())
	if c.dialect >= wire.FirstContactIDs {
		version = "1"
	}
	c.reply("RMG", trid, version, id)
}
