package msntest

import (
	"strings"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// What else a notification server answers: URL, SND, SDC, FND, PAG, PGD, IMS,
// GCF (protocol/07-misc-founding-spec.md) and XFR.

const postURL = "https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033"

// serviceURLs are the answers to URL: where to go and the site's number.
var serviceURLs = map[string][2]string{
	"INBOX":   {"/cgi-bin/HoTMaiL", "2"},
	"FOLDERS": {"/cgi-bin/folders", "2"},
	"COMPOSE": {"/cgi-bin/compose", "2"},
	"PROFILE": {"http://members.msn.com/Edit.asp?lc=1033", "4263"},
	"CHGMOB":  {"http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&mobID=1", "961"},
	"PERSON":  {"https://register.passport.com/memberservices.srf?lc=1033", "956"},
	"CHAT":    {"http://chat.msn.com/Messenger.msnw?lc=1033", "2260"},
}

func (s *Server) url(c *conn, trid string, cmd wire.Command) {
	if !s.historic() {
		c.reply("URL", trid, "/unused1", "/unused2", "1")
		return
	}
	target, ok := serviceURLs[cmd.Arg(1)]
	if !ok {
		c.fail("201", trid)
		return
	}
	if to := cmd.Arg(2); cmd.Arg(1) == "COMPOSE" && to != "" {
		target[0] += "?mailto=1&to=" + strings.NewReplacer("@", "%40", ".", "%2e").Replace(to)
	}
	if c.dialect <= 2 {
		c.reply("URL", trid, target[0], postURL)
		return
	}
	c.reply("URL", trid, target[0], postURL, target[1])
}

// snd answers SND and SDC: no mail is sent.
func (s *Server) snd(c *conn, trid string, cmd wire.Command) { c.reply(cmd.Verb, trid, "OK") }

// fnd: the directory search was switched off for every dialect in 2003.
func (s *Server) fnd(c *conn, trid string, _ wire.Command) {
	if s.historic() {
		c.fail("502", trid)
	}
}

// pag takes PAG and PGD: success is silent, PAG is gone from MSNP9 on.
func (s *Server) pag(c *conn, trid string, cmd wire.Command) {
	if cmd.Verb == "PAG" && c.dialect >= 9 && s.historic() {
		c.fail("715", trid)
	}
}

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
	if !c.session.synced || cmd.Arg(1) != "Shields.xml" {
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
	case !ss.account.visible() || ss.noCalls:
		c.fail("913", trid)
	default:
		c.reply("XFR", trid, "SB", addrFor(s.sb, c), "CKI", s.newTicket(ss.account, ss, nil))
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
		if s.historic() {
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
