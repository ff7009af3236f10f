package msntest

import (
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// What else a notification server answers: IMS, GCF, XFR and QRY.

func (s *Server) ims(c *conn, trid string, cmd wire.Command) {
	switch cmd.Arg(1) {
	case "ON", "OFF":
		c.session.noCalls = cmd.Arg(1) == "OFF"
		c.reply("IMS", trid, "0", cmd.Arg(1))
	default:
		c.fail("715", trid)
	}
}

// shields is the file that GCF asks for: nothing is denied.
const shields = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<config>\n" +
	"\t<shield><cli maj=\"7\" min=\"0\" minbld=\"0\" maxbld=\"9999\" deny=\" \" /></shield>\n\t<block></block>\n</config>"

func (s *Server) gcf(c *conn, trid string, cmd wire.Command) {
	if !c.session.synced && (s.is.shieldsWantSYN || c.dialect < wire.FirstSOAP) || cmd.Arg(1) != "Shields.xml" {
		c.fail("715", trid)
		return
	}
	c.send(wire.New("GCF", trid, "Shields.xml").WithPayload(shields))
}

// xfr hands out an address and a ticket for a new switchboard
// (protocol/04-switchboard.md, section 1).
func (s *Server) xfr(c *conn, trid string, cmd wire.Command) {
	ss := c.session
	switch {
	case cmd.Arg(1) != "SB":
		c.fail("201", trid)
	case !ss.account.visible() && (s.is.hiddenCannotCall || c.dialect < wire.FirstSOAP) || ss.noCalls:
		c.fail("913", trid)
	default:
		args := []string{trid, "SB", addrFor(s.sb, c), "CKI", s.newTicket(ss.account, ss, nil)}
		c.reply("XFR", append(args, directions(c.dialect, "messenger.msn.com")...)...)
	}
}

// challenge sends CHL and gives the client its time to answer.
func (s *Server) challenge(c *conn) {
	c.expects = newChallenge()
	c.reply("CHL", "0", c.expects)
	c.timer = time.AfterFunc(s.opt.challengeTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !c.over && !s.closed {
			s.log.Info("challenge not answered", "account", c.session.account.email)
			c.fail("540", "0")
			c.hangUp()
		}
	})
}

// newChallenge makes 20 decimal digits.
func newChallenge() string {
	b := randomBytes(20)
	for i := range b {
		b[i] = '0' + b[i]%10
	}
	return string(b)
}

func (s *Server) qry(c *conn, trid string, cmd wire.Command) {
	if c.expects == "" {
		if s.is.refusesUnaskedQRY {
			c.fail("540", trid)
			c.hangUp()
		}
		return
	}
	product, known := passport.ProductByID(cmd.Arg(1))
	right := known && passport.ChallengeAnswer(c.dialect, product, c.expects) == cmd.Payload
	c.expects = ""
	c.timer.Stop()
	if !right {
		c.fail("540", trid)
		c.hangUp()
		return
	}
	c.reply("QRY", trid)
	if s.opt.challengeEvery > 0 {
		c.timer = time.AfterFunc(s.opt.challengeEvery, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !c.over && !s.closed {
				s.challenge(c)
			}
		})
	}
}
