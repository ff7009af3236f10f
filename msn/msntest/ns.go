package msntest

import "matrix-msn/msn/wire"

// handler answers one command of a client that has signed in.
type handler struct {
	do       func(s *Server, c *conn, trid string, cmd wire.Command)
	min, max wire.Dialect // dialects that have the command
}

// notification is what a signed-in client may send to the notification server.
var notification = map[string]handler{
	"SYN": {(*Server).syn, 2, 12},
	"LST": {(*Server).lst, 2, 7},
	"CHG": {(*Server).chg, 2, 18},
	"UUX": {(*Server).uux, 11, 18},
	"ADL": {(*Server).adl, 13, 18},
	"RML": {(*Server).rml, 13, 18},
	"FQY": {(*Server).fqy, 14, 18},
	"UUN": {(*Server).uun, 13, 18},
	"UUM": {(*Server).uum, 14, 18},
	"VAS": {(*Server).vas, 18, 18},
	"PUT": {(*Server).put, 18, 18},
	"DEL": {(*Server).del, 18, 18},
	"SDG": {(*Server).sdg, 18, 18},
	"GTC": {(*Server).gtc, 2, 12},
	"BLP": {(*Server).blp, 2, 18},
	"PRP": {(*Server).prp, 5, 18},
	"REA": {(*Server).rea, 2, 9},
	"SBP": {(*Server).sbp, 10, 12},
	"ADD": {(*Server).add, 2, 9},
	"ADC": {(*Server).adc, 10, 12},
	"REM": {(*Server).rem, 2, 12},
	"ADG": {(*Server).adg, 7, 12},
	"REG": {(*Server).reg, 7, 12},
	"RMG": {(*Server).rmg, 7, 12},
	"XFR": {(*Server).xfr, 2, 18},
	"QRY": {(*Server).qry, 6, 18},
	"CVR": {(*Server).cvr, 2, 18},
	"URL": {(*Server).url, 2, 18},
	"SND": {(*Server).snd, 2, 18},
	"SDC": {(*Server).sdc, 5, 18},
	"FND": {(*Server).fnd, 2, 18},
	"PAG": {(*Server).pag, 5, 18},
	"PGD": {(*Server).pgd, 9, 18},
	"IMS": {(*Server).ims, 2, 18},
	"GCF": {(*Server).gcf, 11, 18},
	"USR": {(*Server).usrAgain, 2, 18},
	"INF": {(*Server).inf, 2, 7},
}

// handleNotification handles a command on a dispatch or notification
// connection.
func (s *Server) handleNotification(c *conn, cmd wire.Command) {
	if c.garbled {
		c.garbled = false
		s.misread(c, cmd.Payload)
		return
	}
	switch cmd.Verb {
	case "PAG", "PGD":
		if !s.opt.paging {
			s.misread(c, cmd.Payload)
			return
		}
	case "OUT":
		c.hangUp()
		return
	case "PNG":
		s.png(c)
		return
	}
	trid := cmd.Arg(0)
	if !isNumber(trid) {
		if s.is.hangsUpAtNonsense || cmd.Verb == "VER" {
			c.hangUp()
		}
		return
	}
	if c.session == nil {
		s.handleLogin(c, trid, cmd)
		return
	}
	if cmd.Verb == "VER" {
		c.fail("715", trid)
		c.hangUp()
		return
	}
	h, known := notification[cmd.Verb]
	if known && (c.dialect < h.min || c.dialect > h.max) {
		s.notInDialect(c, trid, cmd)
		return
	}
	if !known {
		if s.is.hangsUpAtNonsense {
			c.hangUp()
		}
		return
	}
	h.do(s, c, trid, cmd)
}

// notInDialect answers a command that the negotiated dialect does not have.
func (s *Server) notInDialect(c *conn, trid string, cmd wire.Command) {
	if s.is.sparesOtherDialects {
		switch cmd.Verb {
		case "REA", "SYN":
			c.fail("502", trid)
			return
		case "LST", "DEL":
			return
		}
	}
	c.hangUp()
}
