package msntest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// NOT and IPG: what the server tells unasked (protocol/07-misc-founding-spec.md,
// sections 5 and 7).

// ErrNotInDialect says that the dialect of an account's session does not have what
// should be sent.
var ErrNotInDialect = errors.New("msntest: not in the dialect of the session")

// samplePID is the number of every account in notifications; clients do not look at
// it.
const samplePID = "0x00060000:0x81ee5a43"

// Alert sends an alert to a client (NOT, from MSNP5 on). An ID that is empty counts
// the alerts of the session from 1; messages without one get that of the alert. To
// is the account when it names nobody. When n has a Raw, that is sent, whatever it
// is, and nothing else of n counts.
func (s *Server) Alert(email string, n notify.Notification) error {
	return s.notify(email, "NOT", 5, func(ss *session) string {
		if n.Raw != "" {
			return n.Raw
		}
		if n.ID == "" {
			ss.alerts++
			n.ID = strconv.FormatUint(ss.alerts, 10)
		}
		n.Messages = slices.Clone(n.Messages)
		for i := range n.Messages {
			if n.Messages[i].ID == "" {
				n.Messages[i].ID = n.ID
			}
		}
		if n.To == (notify.Party{}) {
			n.To = notify.Party{PID: samplePID, Name: ss.account.email}
		}
		return n.Document()
	})
}

// PageFrom sends a client a page from somebody's mobile device (IPG, from MSNP6
// on): from is an account or "tel:+15551112222".
func (s *Server) PageFrom(email, from, text string) error {
	return s.notify(email, "IPG", 6, func(ss *session) string {
		return incoming(ss.account, "0", from, notify.Message{
			ID: "0", Priority: "1", ActionURL: "2wayIM.asp", SubscribeURL: "2wayIM.asp", CategoryID: "110110001",
			LCID: 1033, Text: text,
		})
	})
}

// Bounce reports to a client that a page it sent has failed (IPG). code is the
// MSG id: "407" for a page that was too long.
func (s *Server) Bounce(page SentPage, code string) error {
	return s.notify(page.From, "IPG", 6, func(ss *session) string {
		return incoming(ss.account, page.TrID, page.To, notify.Message{ID: code, Priority: "1", CategoryID: "110110001", LCID: 1033})
	})
}

// incoming is the document of an IPG.
func incoming(to *Account, id, from string, m notify.Message) string {
	n := notify.Notification{
		ID: id, SiteID: "111100400", SiteURL: "http://mobile.msn.com/",
		To:       notify.Party{PID: samplePID, Name: to.email, Email: to.email, Via: "mobile"},
		From:     notify.Party{PID: samplePID, Name: from},
		Messages: []notify.Message{m},
	}
	return n.Document()
}

// notify sends a document to a client if its dialect has the command.
func (s *Server) notify(email, verb string, first wire.Dialect, document func(*session) string) error {
	var err error
	if offline := s.withSession(email, func(ss *session) {
		if ss.dialect < first {
			err = fmt.Errorf("%w: %s in %s", ErrNotInDialect, verb, ss.dialect)
			return
		}
		ss.send(wire.New(verb).WithPayload(document(ss)))
	}); offline != nil {
		return offline
	}
	return err
}
