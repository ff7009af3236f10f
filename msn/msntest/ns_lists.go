package msntest

import (
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// SYN: the download of lists and settings in its four shapes
// (protocol/02-contacts.md, section 2).

// listTime is the time stamp of list version n: SYN of MSNP10 and later carries
// times where older dialects carry numbers.
func (s *Server) listTime(version uint32) string {
	if s.is.constantListTime {
		return "2000-01-01T00:00:00.0-00:00"
	}
	n := strconv.FormatUint(uint64(version), 10)
	for len(n) < 7 {
		n = "0" + n
	}
	return "2003-03-10T10:00:00." + n[len(n)-7:] + "-07:00"
}

// propertyOrder is the order in which properties are listed.
var propertyOrder = []string{"PHH", "PHW", "PHM", "MOB", "MBE", "WWE", "HSB"}

func (s *Server) syn(c *conn, trid string, cmd wire.Command) {
	ss := c.session
	if ss.synced && s.is.onlyOneSYN {
		c.hangUp() // once per session
		return
	}
	ss.synced = true
	switch {
	case c.dialect >= wire.FirstContactIDs:
		s.synTimes(c, trid, cmd)
	case c.dialect >= wire.FirstTweener:
		s.synCompact(c, trid, cmd)
	default:
		s.synLists(c, trid, cmd)
	}
}

// synVersion returns the version to answer with, and whether the client has it
// already.
func (s *Server) synVersion(c *conn, known string) (string, bool) {
	if s.is.versionPerSession {
		n, _ := wire.ParseTrID(known)
		c.session.serial = n + 1
		return strconv.FormatUint(uint64(c.session.serial), 10), false
	}
	version := strconv.FormatUint(uint64(c.session.account.version), 10)
	return version, s.is.skipsKnownLists && known == version
}

// synLists is the SYN of MSNP2 to MSNP7: everything with TrID and version, one
// LST per list and contact.
func (s *Server) synLists(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	version, current := s.synVersion(c, cmd.Arg(1))
	c.reply("SYN", trid, version)
	if current {
		return
	}
	c.reply("GTC", trid, version, a.gtc)
	c.reply("BLP", trid, version, a.blp)
	if c.dialect >= wire.FirstProperties {
		s.synProperties(c, a, trid, version)
	}
	if c.dialect >= wire.FirstGroups {
		total := strconv.Itoa(len(a.groups) + 1)
		c.reply("LSG", trid, version, "1", total, "0", s.encode(noGroup), "0")
		for i, g := range a.groups {
			c.reply("LSG", trid, version, strconv.Itoa(i+2), total, strconv.Itoa(g.number), s.encode(g.name), "0")
		}
	}
	for _, name := range []string{"FL", "AL", "BL", "RL"} {
		s.synList(c, trid, version, name)
	}
}

// noGroup is the name of group 0, which holds the contacts of no group.
const noGroup = "Other Contacts"

// synProperties lists one's own properties in MSNP5 to MSNP7: unset ones
// too, or only the others, without the TrID.
func (s *Server) synProperties(c *conn, a *Account, trid, version string) {
	for _, key := range propertyOrder[:5] {
		value, set := a.props[key]
		switch {
		case s.is.fullProperties:
			c.reply("PRP", trid, version, key, wire.Encode(value))
		case set:
			c.reply("PRP", version, key, wire.Encode(value))
		}
	}
}

// synList sends one list of MSNP2 to MSNP7. Who is pending there is on RL.
func (s *Server) synList(c *conn, trid, version, name string) {
	a := c.session.account
	mask := listNames[name]
	if mask == RL {
		mask |= PL
	}
	total := strconv.Itoa(a.list.count(mask))
	if total == "0" {
		c.reply("LST", trid, name, version, "0", "0")
		return
	}
	i := 0
	for _, contact := range a.list.order {
		if contact.lists&mask == 0 {
			continue
		}
		i++
		args := []string{trid, name, version, strconv.Itoa(i), total, contact.email, s.encode(s.nameOf(contact))}
		if mask == FL && c.dialect >= wire.FirstGroups {
			args = append(args, groupNumbers(contact))
		}
		c.reply("LST", args...)
		if c.dialect >= wire.FirstProperties && (mask == FL || s.is.propertiesOnAllLists) {
			s.synContact(c, version, contact)
		}
	}
}

// synContact lists the properties of a contact in MSNP5 to MSNP7.
func (s *Server) synContact(c *conn, version string, contact *contact) {
	other := s.accounts[contact.email]
	if other == nil || !other.allows(c.session.account) {
		return
	}
	for _, key := range propertyOrder[:4] {
		value, set := other.props[key]
		switch {
		case s.is.fullProperties:
			c.reply("BPR", version, contact.email, key, wire.Encode(value))
		case set:
			c.reply("BPR", version, key, wire.Encode(value))
		}
	}
}

func groupNumbers(c *contact) string {
	if len(c.groups) == 0 {
		return "0"
	}
	numbers := make([]string, len(c.groups))
	for i, g := range c.groups {
		numbers[i] = strconv.Itoa(g.number)
	}
	return strings.Join(numbers, ",")
}

func groupIDs(c *contact) string {
	ids := make([]string, len(c.groups))
	for i, g := range c.groups {
		ids[i] = g.guid
	}
	return strings.Join(ids, ",")
}

// synCompact is the SYN of MSNP8 and MSNP9: each contact once, with the lists as
// a number.
func (s *Server) synCompact(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	version, current := s.synVersion(c, cmd.Arg(1))
	if current {
		c.reply("SYN", trid, version)
		return
	}
	c.reply("SYN", trid, version, strconv.Itoa(a.list.count(allLists)), strconv.Itoa(len(a.groups)+1))
	s.synSettings(c, a)
	c.reply("LSG", "0", s.encode(noGroup), "0")
	for _, g := range a.groups {
		c.reply("LSG", strconv.Itoa(g.number), s.encode(g.name), "0")
	}
	for _, contact := range a.list.order {
		lists := contact.lists & allLists
		if lists == 0 {
			continue
		}
		if lists&PL != 0 {
			lists = lists&^PL | RL
		}
		args := []string{contact.email, s.encode(s.nameOf(contact)), strconv.Itoa(int(lists))}
		if lists&FL != 0 || s.is.alwaysNamesGroups {
			args = append(args, groupNumbers(contact))
		}
		c.reply("LST", args...)
		s.synCompactContact(c, contact)
	}
}

// synTimes is the SYN of MSNP10 to MSNP12: prefixed fields and GUIDs.
func (s *Server) synTimes(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	stamp := s.listTime(a.version)
	if s.is.skipsKnownLists && cmd.Arg(1) == stamp && cmd.Arg(2) == stamp {
		c.reply("SYN", trid, stamp, stamp)
		return
	}
	c.reply("SYN", trid, stamp, stamp, strconv.Itoa(a.list.count(allLists)), strconv.Itoa(len(a.groups)))
	s.synSettings(c, a)
	for _, g := range a.groups {
		c.reply("LSG", s.encode(g.name), g.guid)
	}
	for _, contact := range a.list.order {
		if contact.lists&allLists == 0 {
			continue
		}
		args := []string{"N=" + contact.email, "F=" + s.encode(s.nameOf(contact))}
		if contact.lists&FL != 0 {
			args = append(args, "C="+s.contactID(contact))
		}
		args = append(args, strconv.Itoa(int(contact.lists&allLists)))
		if c.dialect >= wire.FirstListNetworks {
			args = append(args, "1")
		}
		if groups := groupIDs(contact); groups != "" || s.is.alwaysNamesGroups {
			args = append(args, groups)
		}
		c.reply("LST", args...)
		s.synCompactContact(c, contact)
	}
}

// synSettings sends the settings of MSNP8 and later, where unset properties are
// left out.
func (s *Server) synSettings(c *conn, a *Account) {
	c.reply("GTC", a.gtc)
	c.reply("BLP", a.blp)
	if c.dialect >= wire.FirstContactIDs {
		c.reply("PRP", "MFN", s.encode(a.name))
	}
	for _, key := range propertyOrder {
		if value, ok := a.props[key]; ok && hasProperty(c.dialect, key) {
			c.reply("PRP", key, wire.Encode(value))
		}
	}
}

func hasProperty(d wire.Dialect, key string) bool {
	return !(key == "WWE" && d < wire.FirstDevices) && !(key == "HSB" && d < wire.FirstSpaces)
}

// synCompactContact sends the properties of a contact on FL; they belong to the
// LST before them.
func (s *Server) synCompactContact(c *conn, contact *contact) {
	other := s.accounts[contact.email]
	if other == nil || contact.lists&FL == 0 || !other.allows(c.session.account) {
		return
	}
	for _, key := range propertyOrder {
		if key == "MBE" || !hasProperty(c.dialect, key) {
			continue
		}
		if value, ok := other.props[key]; ok {
			c.reply("BPR", key, wire.Encode(value))
		}
	}
}

// nameOf is the name shown for a contact: what the owner of the list calls them,
// or their own.
func (s *Server) nameOf(c *contact) string {
	if c.alias != "" && s.is.userNamesContacts {
		return c.alias
	}
	a := s.accounts[c.email]
	switch {
	case a != nil && a.name != a.email:
		return a.name
	case c.name != "":
		return c.name
	}
	return c.email
}

func (s *Server) contactID(c *contact) string {
	if a := s.accounts[c.email]; a != nil {
		return a.id
	}
	return guidOf(c.email)
}

// contactByID finds a contact by the GUID of MSNP10 and later.
func (s *Server) contactByID(a *Account, id string) *contact {
	for _, c := range a.list.order {
		if strings.EqualFold(s.contactID(c), id) {
			return c
		}
	}
	return nil
}

// lst answers the request for one list that MSNP2 to MSNP7 had.
func (s *Server) lst(c *conn, trid string, cmd wire.Command) {
	if !s.is.answersLST {
		return
	}
	if mask := listNames[cmd.Arg(1)]; mask == 0 || mask == PL {
		c.fail("201", trid)
		return
	}
	s.synList(c, trid, strconv.FormatUint(uint64(c.session.account.version), 10), cmd.Arg(1))
}
