package msntest

import (
	"strings"

	"matrix-msn/msn/wire"
)

// Notes between clients (UUN) and messages without a switchboard (UUM)
// (protocol/04-switchboard.md, section 4).

// uun hands a note on to the clients of an account, or to one of its endpoints.
func (s *Server) uun(c *conn, trid string, cmd wire.Command) {
	account, endpoint, toEndpoint := strings.Cut(cmd.Arg(1), ";")
	other := s.accounts[normalize(account)]
	if other == nil && !s.is.refusesUnknownNote {
		return
	}
	var to []*session
	if other != nil && toEndpoint {
		if ss := other.endpointAt(endpoint); ss != nil {
			to = append(to, ss)
		}
	} else if other != nil && (other.visible() || other == c.session.account) {
		to = other.present()
	}
	if len(to) == 0 {
		c.fail("217", trid)
		return
	}
	from := c.session.account.email
	if toEndpoint && c.session.endpoint != "" {
		from = c.session.at()
	}
	for _, ss := range to {
		if ss != c.session && ss.dialect >= wire.FirstSOAP {
			ss.send(wire.New("UBN", from, cmd.Arg(2)).WithPayload(cmd.Payload))
		}
	}
	c.reply("UUN", trid, "OK")
}

// uum takes a message for somebody on another network, which none here is, or from
// MSNP18 on for somebody who is offline. It is not acknowledged.
func (s *Server) uum(c *conn, trid string, cmd wire.Command) {
	m := wire.ParseMessage(cmd.Payload)
	other := s.accounts[normalize(cmd.Arg(1))]
	stored := cmd.Arg(2) == network && cmd.Arg(3) == "1" && m.MediaType() == "text/plain" &&
		m.Header.Get("Dest-Agent") == "client" && c.dialect >= wire.FirstPrefixed
	switch {
	case !s.is.answersUUM:
		if stored && other != nil && len(other.endpoints) == 0 {
			s.keepOffline(c.session.account, other, OfflineMessage{Text: m.Body, Format: m.Header.Get("X-MMS-IM-Format")})
		}
	case !stored:
		c.fail("509", trid)
	case other == nil, !other.allows(c.session.account):
		c.fail("217", trid)
	case s.throttled(c.session.account):
		c.fail("800", trid)
	default:
		s.keepOffline(c.session.account, other, OfflineMessage{Text: m.Body, Format: m.Header.Get("X-MMS-IM-Format")})
	}
}

// vas takes a report of abuse, which is not answered.
func (s *Server) vas(*conn, string, wire.Command) {}
