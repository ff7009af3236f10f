package msntest

import (
	"fmt"
	"mime"
	"strconv"

	"matrix-msn/msn/wire"
)

// Messages of the notification server itself: mail notices and system messages
// (protocol/06-oim-mail.md, sections 1 and 3).

// mailbox is what is told of an account's mail.
type mailbox struct {
	enabled        bool // whether the account has one
	inbox, folders int  // unread
	last           int  // number of the last mail
}

// The folders that notices name: mail in any other is counted under folders.
const inboxFolder = "ACTIVE"

// mailQuota is what Mail-Data says of the room for messages.
const mailQuota = "<Q><QTM>409600</QTM><QNM>204800</QNM></Q>"

// tellMail tells how many mails are unread, after the first CHG. Clients of MSNP11
// and later are always told, others when they have a mailbox.
func (s *Server) tellMail(ss *session) {
	m := &ss.account.mail
	var body wire.Header
	kind := "text/x-msmsgsinitialemailnotification"
	switch {
	case ss.dialect >= wire.FirstPersonal:
		kind = "text/x-msmsgsinitialmdatanotification"
		body = body.With("Mail-Data", fmt.Sprintf(
			"<MD><E><I>%d</I><IU>%[1]d</IU><O>%d</O><OU>%[2]d</OU></E>"+mailQuota+"%s</MD>", m.inbox, m.folders, s.offlineList(ss.account)))
		if len(ss.account.offline) > s.opt.offlineListed {
			body = wire.Header("").With("Mail-Data", "too-large")
		}
	case !m.enabled:
		return
	default:
		body = body.With("Inbox-Unread", strconv.Itoa(m.inbox)).With("Folders-Unread", strconv.Itoa(m.folders))
	}
	if m.enabled {
		body = body.With("Inbox-URL", servicePages["INBOX"].target).With("Folders-URL", servicePages["FOLDERS"].target).
			With("Post-URL", postURL)
	}
	ss.hotmail(mailKind(ss, kind), body)
}

// newMail is the notice of a new mail.
const newMail = "text/x-msmsgsemailnotification"

// mailKind is the type of a mail notice: MSNP2 has one for all.
func mailKind(ss *session, kind string) string {
	if ss.dialect < wire.FirstProfile {
		return "application/x-msmsgsemailnotification"
	}
	return kind
}

// hotmail sends a message of the server itself.
func (ss *session) hotmail(kind string, body wire.Header) {
	h := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", kind+"; charset=UTF-8")
	ss.send(wire.New("MSG", "Hotmail", "Hotmail").WithPayload(wire.Message{Header: h, Body: string(body)}.Payload()))
}

// Mail announces a new mail to a client, and counts it.
func (s *Server) Mail(email, from, fromAddress, subject string) error {
	return s.withMailbox(email, func(m *mailbox, tell func(string, wire.Header)) {
		m.enabled = true
		m.inbox++
		m.last++
		tell(newMail, wire.Header("").
			With("From", mime.QEncoding.Encode("utf-8", from)).
			With("Message-URL", fmt.Sprintf("/cgi-bin/getmsg?msg=MSG1050451140.%d&start=2310&len=2059&curmbox=ACTIVE", m.last)).
			With("Post-URL", postURL).
			With("Subject", mime.QEncoding.Encode("utf-8", subject)).
			With("Dest-Folder", inboxFolder).
			With("From-Addr", fromAddress).
			With("id", servicePages["INBOX"].site))
	})
}

// MoveMail tells a client that n unread mails were moved from one folder to
// another, by their names in notices: "ACTIVE" is the inbox. When both are the same
// the mails were read.
func (s *Server) MoveMail(email, from, to string, n int) error {
	return s.withMailbox(email, func(m *mailbox, tell func(string, wire.Header)) {
		*m.in(from) -= n
		if from != to {
			*m.in(to) += n
		}
		tell("text/x-msmsgsactivemailnotification", wire.Header("").
			With("Src-Folder", from).With("Dest-Folder", to).With("Message-Delta", strconv.Itoa(n)))
	})
}

// withMailbox does something to the mailbox of an account that is signed in; tell
// sends a notice to each endpoint.
func (s *Server) withMailbox(email string, do func(m *mailbox, tell func(kind string, body wire.Header))) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[normalize(email)]
	if a == nil || len(a.endpoints) == 0 || s.closed {
		return fmt.Errorf("%w: %s", ErrNotOnline, email)
	}
	do(&a.mail, func(kind string, body wire.Header) {
		for _, ss := range a.endpoints {
			if kind == newMail {
				ss.hotmail(mailKind(ss, kind), body)
			} else {
				ss.hotmail(kind, body)
			}
		}
	})
	return nil
}

// in is where the unread mails of a folder are counted.
func (m *mailbox) in(folder string) *int {
	if folder == inboxFolder {
		return &m.inbox
	}
	return &m.folders
}

// AnnounceShutdown tells a client that the service goes down in so many minutes.
func (s *Server) AnnounceShutdown(email string, minutes int) error {
	return s.withSession(email, func(ss *session) {
		ss.hotmail("application/x-msmsgssystemmessage", wire.Header("").With("Type", "1").With("Arg1", strconv.Itoa(minutes)))
	})
}
