package msntest

import (
	"slices"

	"matrix-msn/msn/wire"
)

// Settings and names: GTC, BLP, PRP, REA, SBP (protocol/02-contacts.md,
// sections 3.5, 3.6 and 4).

const (
	// maxName is the longest display name in bytes, percent-encoded.
	maxName = 387
	// maxProperty is the longest value of a property in bytes, percent-encoded.
	maxProperty = 95
)

// setMode handles the common part of GTC and BLP.
func (s *Server) setMode(c *conn, trid string, cmd wire.Command, held string, values []string, set func(string)) {
	value := cmd.Arg(1)
	switch {
	case !slices.Contains(values, value):
		c.hangUp()
		return
	case value == held && c.dialect < wire.FirstSOAP:
		c.fail("218", trid)
		return
	}
	version := s.version(c.session, c.session.account.bumped())
	if c.dialect >= wire.FirstContactIDs {
		c.reply(cmd.Verb, trid, value)
	} else {
		c.reply(cmd.Verb, trid, version, value)
	}
	set(value)
}

func (s *Server) gtc(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	s.setMode(c, trid, cmd, s.held(a.gtc, a.gtcSet), []string{"A", "N"}, func(v string) { a.gtc, a.gtcSet = v, true })
}

// held is the mode that may not be set once more, if there is one before
// the first choice.
func (s *Server) held(mode string, chosen bool) string {
	if !chosen && !s.is.refusesSameMode {
		return ""
	}
	return mode
}

func (s *Server) blp(c *conn, trid string, cmd wire.Command) {
	a := c.session.account
	s.setMode(c, trid, cmd, s.held(a.blp, a.blpSet), []string{"AL", "BL"}, func(v string) {
		a.blpSet = true
		before := s.watchers(a)
		s.change(a, func() { a.blp = v })
		for b := range before {
			s.repeatPresence(b, a)
		}
	})
}

func (s *Server) prp(c *conn, trid string, cmd wire.Command) {
	a, key, encoded := c.session.account, cmd.Arg(1), cmd.Arg(2)
	if key == "MFN" {
		s.prpName(c, trid, cmd)
		return
	}
	if len(key) > 3 || len(encoded) > maxProperty {
		c.hangUp()
		return
	}
	if !slices.Contains(propertyOrder, key) || !hasProperty(c.dialect, key) {
		c.fail("715", trid)
		return
	}
	value := wire.Decode(encoded)
	args := []string{trid}
	if version := s.version(c.session, a.bumped()); c.dialect < wire.FirstContactIDs {
		args = append(args, version)
	}
	if args = append(args, key); value != "" || s.is.sendsEmptyValues {
		args = append(args, wire.Encode(value))
	}
	c.reply("PRP", args...)
	s.setProperty(a, key, value)
}

// setProperty stores a property and tells those whom the account allows and who
// have it on FL.
func (s *Server) setProperty(a *Account, key, value string) {
	if value == "" {
		delete(a.props, key)
		if !s.is.tellsUnsetProperties {
			return // and tells nobody
		}
	} else {
		a.props[key] = value
	}
	for _, contact := range a.list.order {
		b := s.accounts[contact.email]
		if b == nil || b.lists(a.email)&FL == 0 || !a.allows(b) {
			continue
		}
		for _, ss := range b.endpoints {
			if ss.dialect >= wire.FirstProperties && ss.synced {
				s.bpr(ss, a.email, s.version(ss, b.version), key, wire.Encode(value))
			}
		}
	}
}

// prpName handles PRP MFN: one's own name, from MSNP10 on.
func (s *Server) prpName(c *conn, trid string, cmd wire.Command) {
	a, encoded := c.session.account, cmd.Arg(2)
	switch {
	case c.dialect < wire.FirstContactIDs:
		c.fail("715", trid)
		return
	case !s.nameFits(c, trid, encoded):
		return
	}
	a.bumped()
	name := wire.Decode(encoded)
	c.reply("PRP", trid, "MFN", s.encode(name))
	s.change(a, func() {
		if c.dialect >= wire.FirstSOAP && s.is.nameIsOfSession {
			a.stored = a.bookName() // that of the address book is changed there
		}
		a.name = name
	})
}

// nameFits answers 209 when a display name may not be set.
func (s *Server) nameFits(c *conn, trid, encoded string) bool {
	if encoded == "" || len(encoded) > maxName || !c.session.account.verified {
		c.fail("209", trid)
		return false
	}
	return true
}

// rea handles REA of MSNP2 to MSNP9: one's own name, or what one calls a
// contact.
func (s *Server) rea(c *conn, trid string, cmd wire.Command) {
	a, who, encoded := c.session.account, normalize(cmd.Arg(1)), cmd.Arg(2)
	contact := a.list.get(who)
	switch {
	case who == a.email:
		if !s.nameFits(c, trid, encoded) {
			return
		}
	case contact == nil:
		c.fail("216", trid)
		return
	case encoded == "" || len(encoded) > maxName:
		c.fail("209", trid)
		return
	}
	name := wire.Decode(encoded)
	c.reply("REA", trid, s.version(c.session, a.bumped()), cmd.Arg(1), s.encode(name))
	if who == a.email {
		s.change(a, func() { a.name = name })
	} else {
		contact.alias = name
	}
}

// sbp handles SBP of MSNP10 and later: a property of a contact, of which only
// the name is kept.
func (s *Server) sbp(c *conn, trid string, cmd wire.Command) {
	contact := s.contactByID(c.session.account, cmd.Arg(1))
	if contact == nil {
		c.fail("208", trid)
		return
	}
	value := wire.Decode(cmd.Arg(3))
	if cmd.Arg(2) == "MFN" {
		contact.alias = value
		c.session.account.bumped()
	}
	c.reply("SBP", trid, cmd.Arg(1), cmd.Arg(2), s.encode(value))
}
