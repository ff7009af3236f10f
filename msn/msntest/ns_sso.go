package msntest

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strings"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

// Signing in by SSO, from MSNP15 on (protocol/01-login.md, section 4).

// loginMethod is the security package of a dialect.
func loginMethod(d wire.Dialect) string {
	switch {
	case d >= wire.FirstSSO:
		return "SSO"
	case d >= wire.FirstTweener:
		return "TWN"
	}
	return "MD5"
}

// policies is what is pushed by GCF during the sign-in.
var policies = "<Policies>" + policy("SHIELDS", `<config><shield><cli maj="7" min="0" minbld="0" maxbld="9999" deny=" " /></shield><block></block></config>`) +
	policy("ABCH", `<policy><set id="push" service="ABCH" priority="200"><r id="pushstorage" threshold="180000" /></set></policy>`) +
	policy("ERRORRESPONSETABLE", `<Policy></Policy>`) + policy("P2P", `<ObjStr SndDly="1" />`) + "</Policies>"

func policy(kind, content string) string {
	return fmt.Sprintf("<Policy type=%q checksum=\"%X\">%s</Policy>", kind, md5.Sum([]byte(content)), content)
}

// nonceSize is the length of a nonce before it becomes 64 characters.
const nonceSize = 48

func newNonce() string { return base64.StdEncoding.EncodeToString(randomBytes(nonceSize)) }

// usrProof checks ticket, proof and, from MSNP16 on, the GUID of the endpoint.
func (s *Server) usrProof(c *conn, trid string, cmd wire.Command) {
	a := s.loginAccount(c.claimed)
	ticket, proof := cmd.Arg(3), cmd.Arg(4)
	held := s.webTickets.peek(ticket)
	if a == nil || held == nil || !passport.VerifyProof(proof, held.secret, c.salt) {
		s.refuseLogin(c, trid)
		return
	}
	endpoint := ""
	if c.dialect >= wire.FirstEndpoints {
		endpoint = normalize(cmd.Arg(5))
		if s.is.takesBareEndpoint && len(endpoint) == 36 {
			endpoint = "{" + endpoint + "}" // the braces may be left out there
		}
		if !isGUID(endpoint) {
			s.refuseLogin(c, trid)
			return
		}
	}
	if !s.signInTicket(ticket, a, passport.ServiceMessengerClear.Address) {
		s.refuseLogin(c, trid)
		return
	}
	s.welcome(c, trid, a, ticket, endpoint)
}

// signInTicket reports whether a ticket of RST lets an account in, and uses it up for
// that: the web services still take it.
func (s *Server) signInTicket(ticket string, a *Account, service string) bool {
	held := s.webTickets.peek(ticket)
	if held == nil || held.account != a || held.used || held.service != "" && held.service != service {
		return false
	}
	held.used = true
	return true
}

// isGUID reports whether s is a GUID in braces.
func isGUID(s string) bool {
	if len(s) != 38 || s[0] != '{' || s[37] != '}' {
		return false
	}
	for i, ch := range []byte(s[1:37]) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (ch == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(ch)) {
			return false
		}
	}
	return true
}
