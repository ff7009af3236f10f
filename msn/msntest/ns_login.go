package msntest

import (
	"encoding/hex"
	"net"
	"strconv"
	"strings"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// Signing in: VER, INF and USR (protocol/01-login.md).

// longPolicy is what USR can hand to the Tweener log-in; clients send it on unread.
const longPolicy = "lc=1033,id=507,tw=40,fs=1,ru=http%3A%2F%2Fmessenger%2Emsn%2Ecom,ct=1062764229,kpp=1,kv=5,ver=2.1.0173.1,tpf=43f8a4c8ed940c04e3740be46c4d1619"

// shortPolicy is another, which the service of offline messages gives too.
const shortPolicy = "ct=1,rver=1,wp=FS_40SEC_0_COMPACT,lc=1,id=1"

func (s *Server) handleLogin(c *conn, trid string, cmd wire.Command) {
	switch {
	case cmd.Verb == "VER":
		s.ver(c, trid, cmd)
	case cmd.Verb == "CVR" || cmd.Verb == "CVQ":
		s.cvr(c, trid, cmd)
	case !c.versions && !s.is.hangsUpAtNonsense:
		// ignored
	case cmd.Verb == "INF" && c.dialect < wire.FirstTweener && c.versions:
		s.inf(c, trid, cmd)
	case cmd.Verb == "USR" && c.versions:
		s.usr(c, trid, cmd)
	case cmd.Verb == "INF" || s.is.hangsUpAtNonsense:
		c.hangUp()
	}
}

// ver chooses the highest dialect that both sides speak.
func (s *Server) ver(c *conn, trid string, cmd wire.Command) {
	if c.versions {
		c.fail("715", trid)
		c.hangUp()
		return
	}
	var best wire.Dialect
	versionQuery := false
	for _, name := range cmd.Args[1:] {
		if d, ok := wire.ParseDialect(name); ok && d <= maxDialect && s.opt.dialects[d] {
			best = max(best, d)
		}
		versionQuery = versionQuery || strings.EqualFold(name, "CVR0")
	}
	switch {
	case best > 0:
		c.dialect, c.versions = best, true
		c.r.SetDialect(best)
		c.reply("VER", trid, best.String())
	case versionQuery && s.is.answersVersionQuery:
		c.reply("VER", trid, "CVR0")
	default:
		c.reply("VER", trid, "0")
		c.hangUp()
	}
}

func (s *Server) inf(c *conn, trid string, _ wire.Command) { c.reply("INF", trid, "MD5") }

func (s *Server) usr(c *conn, trid string, cmd wire.Command) {
	method := loginMethod(c.dialect)
	switch {
	case c.dialect >= wire.FirstTweener && !c.cvr && s.is.wantsVersionFirst:
		c.hangUp()
	case cmd.Arg(1) == "CTP":
		c.fail("911", trid)
		c.hangUp()
	case cmd.Arg(1) != method:
		c.hangUp()
	case cmd.Arg(2) == "I":
		s.usrInitial(c, trid, method, cmd.Arg(3))
	case cmd.Arg(2) == "S" && c.claimed != "" && method == "MD5":
		s.usrMD5(c, trid, cmd.Arg(3))
	case cmd.Arg(2) == "S" && c.claimed != "" && method == "SSO":
		s.usrProof(c, trid, cmd)
	case cmd.Arg(2) == "S" && c.claimed != "":
		s.usrTicket(c, trid, cmd.Arg(3))
	default:
		c.hangUp()
	}
}

func (s *Server) usrInitial(c *conn, trid, method, email string) {
	if !strings.Contains(email, "@") {
		c.fail("911", trid)
		c.hangUp()
		return
	}
	c.claimed = email
	if c.kind == DS {
		s.redirect(c, trid, addrFor(s.ns, c))
		return
	}
	if method == "MD5" {
		c.salt = newSalt()
		c.reply("USR", trid, "MD5", "S", c.salt)
		return
	}
	if c.dialect >= wire.FirstSOAP {
		c.send(wire.New("GCF", "0").WithPayload(policies))
	}
	if method == "SSO" {
		c.salt = newNonce()
		c.reply("USR", trid, "SSO", "S", passport.PolicyKeyOld, c.salt)
		return
	}
	c.reply("USR", trid, "TWN", "S", s.is.loginPolicy)
}

// redirect sends XFR NS in the form of the dialect and ends the connection.
func (s *Server) redirect(c *conn, trid, addr string) {
	switch {
	case c.dialect < wire.FirstLocale:
		c.reply("XFR", trid, "NS", addr)
	case c.dialect < wire.FirstReferrer:
		c.reply("XFR", trid, "NS", addr, "0")
	case c.dialect < wire.FirstSOAP:
		c.reply("XFR", trid, "NS", addr, "0", c.nc.LocalAddr().String())
	default:
		c.reply("XFR", trid, "NS", addr, "U", "D")
	}
	c.hangUp()
}

// newSalt makes a challenge for the MD5 log-in: two numbers with a dot between.
func newSalt() string {
	return strconv.FormatInt(time.Now().Unix(), 10) + "." + randomNumber()
}

func (s *Server) usrMD5(c *conn, trid, answer string) {
	a := s.loginAccount(c.claimed)
	if a == nil || c.salt == "" || !strings.EqualFold(answer, passport.MD5Response(c.salt, a.password)) {
		s.refuseLogin(c, trid)
		return
	}
	s.welcome(c, trid, a, "", "")
}

// usrTicket checks a ticket of the Tweener log-in, or of RST.
func (s *Server) usrTicket(c *conn, trid, ticket string) {
	a := s.loginAccount(c.claimed)
	if a == nil {
		s.refuseLogin(c, trid)
		return
	}
	if s.logins.take(ticket) == a {
		s.webTickets.put(ticket, &webTicket{account: a, used: true}, s.opt.webTicketLife)
	} else if !s.signInTicket(ticket, a, passport.ServiceMessenger.Address) {
		s.refuseLogin(c, trid)
		return
	}
	s.welcome(c, trid, a, ticket, "")
}

// loginAccount finds the account of a name given in USR.
func (s *Server) loginAccount(email string) *Account {
	if s.is.exactAccount && email != normalize(email) {
		return nil
	}
	return s.accounts[normalize(email)]
}

func (s *Server) refuseLogin(c *conn, trid string) {
	s.log.Info("log-in refused", "account", c.claimed, "conn", c.id)
	c.fail("911", trid)
	c.hangUp()
}

// welcome completes the log-in of c as a. From MSNP8 on it signed in with a ticket,
// from MSNP16 on at an endpoint.
func (s *Server) welcome(c *conn, trid string, a *Account, ticket, endpoint string) {
	c.authenticated()
	c.session = &session{account: a, conn: c, dialect: c.dialect, caps: "0", ticket: ticket, endpoint: endpoint}
	s.signIn(c.session)
	args := []string{trid, "OK", a.email}
	if c.dialect < wire.FirstContactIDs {
		args = append(args, s.encode(a.name))
	}
	if c.dialect >= wire.FirstChallenges {
		args = append(args, flag(a.verified))
	}
	if c.dialect >= wire.FirstTweener {
		args = append(args, "0")
	}
	c.reply("USR", args...)
	if c.dialect >= wire.FirstSpaces {
		c.reply("SBS", "0", "null")
	}
	c.send(wire.New("MSG", "Hotmail", "Hotmail").WithPayload(s.profile(c, a)))
	switch {
	case c.dialect >= wire.FirstPrefixed:
		c.send(wire.New("UBX", prefixed(a)).WithPayload(""))
	case c.dialect >= wire.FirstEndpoints:
		c.send(wire.New("UBX", a.email, network).WithPayload(""))
	}
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// profile is the message that greets a client (protocol/01-login.md, section 6).
func (s *Server) profile(c *conn, a *Account) string {
	h := wire.Header("").With("MIME-Version", "1.0").
		With("Content-Type", "text/x-msmsgsprofile; charset=UTF-8").
		With("LoginTime", strconv.FormatInt(time.Now().Unix(), 10))
	if c.dialect >= wire.FirstProfile {
		auth := a.mspAuth
		if auth == "" {
			auth = hex.EncodeToString(randomBytes(16))
		}
		h = h.With("EmailEnabled", flag(a.mail.enabled)).
			With("MemberIdHigh", "84736").With("MemberIdLow", "-1434729391").
			With("lang_preference", "1033").With("preferredEmail", a.email).
			With("country", "US").With("PostalCode", "").With("Gender", "").With("Kid", "0").
			With("Age", "").With("sid", "507").With("kv", "5").
			With("MSPAuth", auth)
	}
	if c.dialect >= wire.FirstTweener {
		host, port, err := net.SplitHostPort(c.nc.RemoteAddr().String())
		if err == nil {
			h = h.With("ClientIP", host).With("ClientPort", s.clientPort(port))
		}
	}
	if c.dialect >= wire.FirstContactIDs {
		h = h.With("ABCHMigrated", "1")
	}
	if c.dialect >= wire.FirstEndpoints {
		h = h.With("MPOPEnabled", "1")
	}
	return wire.Message{Header: h}.Payload()
}

// clientPort gives the port, or the port with its bytes swapped.
func (s *Server) clientPort(port string) string {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || !s.is.swapsClientPort {
		return port
	}
	return strconv.FormatUint(n&0xFF<<8|n>>8, 10)
}

// usrAgain answers USR of a client that has signed in.
func (s *Server) usrAgain(c *conn, trid string, cmd wire.Command) {
	switch {
	case cmd.Arg(1) == "SHA" && cmd.Arg(2) == "A" && c.dialect >= wire.FirstPrefixed:
		s.usrCircles(c, trid, cmd)
	case s.is.alwaysRefusesSecondUSR:
		c.fail("207", trid)
	case c.dialect >= wire.FirstTweener && cmd.Arg(1) == loginMethod(c.dialect):
		c.fail("205", trid)
	case c.dialect < wire.FirstTweener && cmd.Arg(1) == "MD5":
		c.fail("207", trid)
	default:
		c.hangUp()
	}
}

// png answers the heartbeat (protocol/01-login.md, section 8).
func (s *Server) png(c *conn) {
	switch {
	case c.session == nil:
		c.hangUp()
	case c.dialect >= wire.FirstInterval:
		c.reply("QNG", strconv.Itoa(s.opt.qng))
	default:
		c.reply("QNG")
	}
}
