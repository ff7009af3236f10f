package msntest

import (
	"context"
	"slices"
	"strconv"

	"matrix-msn/msn/wire"
)

// SND and SDC: invitations by e-mail (protocol/07-misc-founding-spec.md,
// section 3). Nothing is sent to anybody.

// Invitation is a mail that a client has had sent by SND or SDC.
type Invitation struct {
	From     string // account in lower case
	FromName string // as the mail gives it: of SDC, "" for SND
	To       string // as the client wrote it
	Locale   string // "0x0409"; "" where the dialect has none
	Text     string // "" without one
	Verb     string // "SND" or "SDC"
}

// sndParams is how many parameters SND has in a dialect, besides the TrID.
func sndParams(d wire.Dialect) int {
	switch {
	case d < wire.FirstLocale:
		return 1 // address
	case d < wire.FirstBrand:
		return 3 // address, locale, library
	}
	return 4 // and codebase
}

func (s *Server) snd(c *conn, trid string, cmd wire.Command) {
	if !s.is.sendsInvitations {
		c.reply("SND", trid, "OK")
		return
	}
	params := cmd.Args[1:]
	if len(params) != sndParams(c.dialect) || slices.Contains(params, "") {
		s.malformed(c, trid)
		return
	}
	inv := Invitation{From: c.session.account.email, To: params[0], Verb: "SND"}
	// The address may be the number of a line of the last FND.
	if n, err := strconv.Atoi(inv.To); err == nil && n >= 1 && n <= len(c.session.found) {
		inv.To = c.session.found[n-1].Address
	}
	ok := isAddress(inv.To)
	if c.dialect >= wire.FirstLocale {
		inv.Locale = params[1]
		_, known := parseLocale(inv.Locale)
		ok = ok && known
	}
	if !ok {
		s.malformed(c, trid)
		return
	}
	s.invite(c, trid, inv)
}

func (s *Server) sdc(c *conn, trid string, cmd wire.Command) {
	if !s.is.sendsInvitations {
		c.reply("SDC", trid, "OK")
		return
	}
	if len(cmd.Args) != 8 || slices.Contains(cmd.Args, "") {
		s.malformed(c, trid)
		return
	}
	to, lcid, library, codebase := cmd.Arg(1), cmd.Arg(2), cmd.Arg(3), cmd.Arg(4)
	if library != "MSMSGS" && library != "MSNMSGR" {
		c.fail("710", trid)
		return
	}
	_, known := parseLocale(lcid)
	if !known || !isAddress(to) || codebase != "MSMSGS" && codebase != "WindowsMessenger" || cmd.Arg(5) != "X" || cmd.Arg(6) != "X" {
		s.malformed(c, trid)
		return
	}
	s.invite(c, trid, Invitation{
		From: c.session.account.email, FromName: wire.Decode(cmd.Arg(7)), To: to, Locale: lcid, Text: cmd.Payload, Verb: "SDC",
	})
}

// malformed answers parameters that make no invitation.
func (s *Server) malformed(c *conn, trid string) {
	c.fail("503", trid)
	c.hangUp()
}

func (s *Server) invite(c *conn, trid string, inv Invitation) {
	s.invitations.add(inv)
	s.notifyChange()
	c.reply(inv.Verb, trid, "OK")
}

// Invitations returns the mails sent so far.
func (s *Server) Invitations() []Invitation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.invitations.last)
}

// AwaitInvitation waits until n mails were sent and returns the n-th, from 1.
func (s *Server) AwaitInvitation(ctx context.Context, n int) (Invitation, error) {
	return awaitKept(ctx, s, &s.invitations, n)
}
