package msntest

import (
	"strings"

	"matrix-msn/msn/wire"
)

// ADD, ADC and REM: changing lists (protocol/02-contacts.md, section 3).

// addition is an ADD or ADC, understood.
type addition struct {
	trid  string
	list  List
	name  string // of the list
	email string
	as    string // name given for the contact
	group *group
	id    string // contact GUID, when that is how the contact was named
}

// add handles ADD of MSNP2 to MSNP9.
func (s *Server) add(c *conn, trid string, cmd wire.Command) {
	ad := addition{
		trid: trid, name: cmd.Arg(1), list: listNames[cmd.Arg(1)],
		email: normalize(cmd.Arg(2)), as: wire.Decode(cmd.Arg(3)),
	}
	if ad.list == RL {
		c.hangUp()
		return
	}
	if ad.list == 0 || ad.list == PL || !strings.Contains(ad.email, "@") {
		s.badList(c, ad)
		return
	}
	if number := cmd.Arg(4); number != "" && number != "0" && ad.list == FL {
		if ad.group = c.session.account.group(number); ad.group == nil {
			c.fail("224", trid)
			return
		}
	}
	s.apply(c, ad)
}

// badList refuses an unknown list or a bad address.
func (s *Server) badList(c *conn, ad addition) {
	if ad.list == 0 && !s.is.refusesUnknownList {
		return
	}
	c.fail("201", ad.trid)
}

// adc handles ADC of MSNP10 and later.
func (s *Server) adc(c *conn, trid string, cmd wire.Command) {
	ad := addition{trid: trid, name: cmd.Arg(1), list: listNames[cmd.Arg(1)]}
	groupID := ""
	for _, arg := range cmd.Args[min(2, len(cmd.Args)):] {
		switch {
		case strings.HasPrefix(arg, "N="):
			ad.email = normalize(arg[2:])
		case strings.HasPrefix(arg, "F="):
			ad.as = wire.Decode(arg[2:])
		case strings.HasPrefix(arg, "C="):
			ad.id = arg[2:]
		default:
			groupID = arg
		}
	}
	a := c.session.account
	if ad.list == PL {
		c.hangUp()
		return
	}
	if ad.id != "" {
		contact := s.contactByID(a, ad.id)
		if contact == nil {
			c.fail("208", trid)
			return
		}
		ad.email = contact.email
	}
	if ad.list == 0 || !strings.Contains(ad.email, "@") && !isPhone(ad.email) {
		s.badList(c, ad)
		return
	}
	if groupID != "" {
		if ad.group = a.group(groupID); ad.group == nil {
			c.fail("224", trid)
			return
		}
	}
	if ad.list == RL {
		s.answerPending(c, ad)
		return
	}
	s.apply(c, ad)
}

// answerPending handles ADC RL: somebody who has the account on FL is moved from
// PL, where they may no longer be at some servers, to RL. Any other change of RL ends the
// connection.
func (s *Server) answerPending(c *conn, ad addition) {
	a := c.session.account
	on := a.list.on(ad.email)
	if on&watches == 0 || s.is.wantsPending && on&PL == 0 || c.dialect < wire.FirstPersonal && !s.is.acceptsPendingEarly {
		c.hangUp()
		return
	}
	a.list.add(ad.email, RL)
	a.list.remove(ad.email, PL)
	a.version++
	c.reply("ADC", ad.trid, "RL", "N="+ad.email)
}

// apply puts a contact on FL, AL or BL.
func (s *Server) apply(c *conn, ad addition) {
	a, other := c.session.account, s.accounts[ad.email]
	on := a.list.on(ad.email)
	if number := s.refuseAddition(c, ad, other, on); number != "" {
		c.fail(number, ad.trid)
		return
	}
	version := s.version(c.session, a.bumped())
	isNew := on&ad.list == 0
	saw := other != nil && sees(other, a)
	var contact *contact
	s.change(a, func() {
		contact = a.list.add(ad.email, ad.list)
		if c.dialect < wire.FirstContactIDs && ad.list != FL && on&PL != 0 {
			// There is no PL below MSNP10: allowing or blocking is the answer.
			a.list.remove(ad.email, PL)
			a.list.add(ad.email, RL)
		}
	})
	if saw && ad.list == AL {
		s.repeatPresence(other, a)
		s.repeatPersonal(other, a)
	}
	if ad.as != "" && ad.list == FL && isNew {
		contact.name = ad.as
	}
	if ad.group != nil && !contact.in(ad.group) {
		contact.groups = append(contact.groups, ad.group)
	}
	if ad.list == FL && isNew && other != nil {
		s.reverse(a, other, true)
	}
	s.confirmAddition(c, ad, contact, version)
	if ad.list == FL && isNew && other != nil {
		s.introduce(c, other, ad.trid, version)
	}
	s.notifyChange()
}

// refuseAddition returns the error number for an addition, or "".
func (s *Server) refuseAddition(c *conn, ad addition, other *Account, on List) string {
	a := c.session.account
	switch {
	case other == nil && !isPhone(ad.email) && c.dialect >= wire.FirstContactIDs:
		return "208"
	case other == nil && !isPhone(ad.email):
		return "205"
	case ad.group != nil && on&FL != 0 && a.list.get(ad.email).in(ad.group):
		return "215"
	case ad.list == AL && on&BL != 0, ad.list == BL && on&AL != 0:
		return "219"
	case on&ad.list != 0 && ad.group == nil && s.is.refusesAddedAgain:
		return "215"
	case ad.list == FL && on&FL == 0 && a.list.count(FL) >= s.opt.contacts:
		return "210"
	}
	return ""
}

// confirmAddition repeats the command as it was carried out.
func (s *Server) confirmAddition(c *conn, ad addition, contact *contact, version string) {
	if c.dialect < wire.FirstContactIDs {
		name := ad.as
		if name == "" {
			name = ad.email
		}
		args := []string{ad.trid, ad.name, version, ad.email, s.encode(name)}
		if ad.group != nil {
			args = append(args, groupNumber(ad.group))
		}
		c.reply("ADD", args...)
		return
	}
	if ad.id != "" {
		args := []string{ad.trid, ad.name, "C=" + ad.id}
		if ad.group != nil {
			args = append(args, ad.group.guid)
		}
		c.reply("ADC", args...)
		return
	}
	args := []string{ad.trid, ad.name, "N=" + ad.email}
	if ad.list == FL {
		name := s.nameOf(contact)
		if s.is.userNamesContacts && ad.as != "" {
			name = ad.as
		}
		args = append(args, "F="+s.encode(name), "C="+s.contactID(contact))
	}
	c.reply("ADC", args...)
}

// introduce tells a client about somebody it has just put on FL: properties, and
// presence with the TrID of the ADD or ADC.
func (s *Server) introduce(c *conn, other *Account, trid, version string) {
	if !sees(c.session.account, other) || !s.is.introducesAnyone && other.list.on(c.session.account.email)&(FL|AL) == 0 {
		return
	}
	if c.dialect >= wire.FirstProperties {
		for _, key := range propertyOrder[:4] {
			value := wire.Encode(other.props[key])
			if key == "MOB" && value == "" {
				value = "N"
			}
			s.bpr(c.session, other.email, version, key, value)
		}
	}
	s.tellFirst(c.session, other, trid)
}

// bpr sends a property of a contact. An empty value can be left out together with
// its blank.
func (s *Server) bpr(to *session, email, version, key, value string) {
	var args []string
	if to.dialect < wire.FirstContactIDs {
		args = append(args, version)
	}
	if args = append(args, email, key); value != "" || s.is.sendsEmptyValues {
		args = append(args, value)
	}
	to.send(wire.New("BPR", args...))
}

// rem handles REM: of a contact by address, or from MSNP10 on off FL by GUID,
// or of a contact from a group.
func (s *Server) rem(c *conn, trid string, cmd wire.Command) {
	a, name, who := c.session.account, cmd.Arg(1), cmd.Arg(2)
	list := listNames[name]
	if list == RL || list == PL && c.dialect < wire.FirstContactIDs {
		c.hangUp()
		return
	}
	contact := a.list.get(normalize(who))
	switch {
	case list == 0:
		s.badList(c, addition{trid: trid})
		return
	case list == FL && c.dialect >= wire.FirstContactIDs:
		if contact = s.contactByID(a, who); contact == nil && strings.Contains(who, "@") {
			c.fail(s.is.unknownRemoval, trid)
			return
		}
	case contact == nil && s.accounts[normalize(who)] == nil:
		if c.dialect >= wire.FirstContactIDs {
			c.fail("208", trid)
		} else {
			c.fail("205", trid)
		}
		return
	}
	if list == PL && contact != nil && contact.lists&RL != 0 {
		s.confirmRemoval(c, trid, cmd) // ADC RL has done it
		return
	}
	if contact == nil || contact.lists&list == 0 {
		c.fail("216", trid)
		return
	}
	if groupID := cmd.Arg(3); groupID != "" && list == FL {
		s.remFromGroup(c, trid, cmd, contact, groupID)
		return
	}
	s.remove(c, trid, cmd, contact, list)
}

func (s *Server) remFromGroup(c *conn, trid string, cmd wire.Command, contact *contact, id string) {
	a := c.session.account
	g := a.group(id)
	switch {
	case g == nil && id != "0":
		c.fail("224", trid)
		return
	case g == nil || !contact.in(g):
		c.fail("225", trid)
		return
	}
	contact.leave(g)
	if o := s.accounts[contact.email]; o != nil && s.is.leavingGroupIsRemoval {
		s.reverse(a, o, false) // so it is there
	}
	s.confirmRemoval(c, trid, cmd)
}

// remove takes a contact off a list.
func (s *Server) remove(c *conn, trid string, cmd wire.Command, contact *contact, list List) {
	a, email := c.session.account, contact.email
	other := s.accounts[email]
	s.change(a, func() { a.list.remove(email, list) })
	if list == BL {
		s.repeatPersonal(other, a)
	}
	if list == FL && other != nil {
		if other.list.on(a.email)&watches != 0 {
			s.reverse(a, other, false)
		} else if s.is.refusesRemovalUnwatched {
			c.fail("216", trid) // and yet removed, so it is there
			return
		}
	}
	s.confirmRemoval(c, trid, cmd)
	s.notifyChange()
}

func (s *Server) confirmRemoval(c *conn, trid string, cmd wire.Command) {
	version := s.version(c.session, c.session.account.bumped())
	if c.dialect >= wire.FirstContactIDs {
		c.reply("REM", cmd.Args...)
		return
	}
	args := append([]string{trid, cmd.Arg(1), version}, cmd.Args[2:]...)
	c.reply("REM", args...)
}
