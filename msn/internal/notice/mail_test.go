package notice

import (
	"strings"
	"testing"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/link"
	"matrix-msn/msn/wire"
)

// noticePayload is a message of the notification server with fields in its body.
func noticePayload(contentType string, fields ...string) string {
	return "MIME-Version: 1.0\r\nContent-Type: " + contentType + "; charset=UTF-8\r\n\r\n" + strings.Join(fields, "\r\n") + "\r\n"
}

const (
	initialMail = "text/x-msmsgsinitialemailnotification"
	initialData = "text/x-msmsgsinitialmdatanotification"
	newMail     = "text/x-msmsgsemailnotification"
	movedMail   = "text/x-msmsgsactivemailnotification"
	oldMail     = "application/x-msmsgsemailnotification"
	oimNotice   = "text/x-msmsgsoimnotification"
	systemNote  = "application/x-msmsgssystemmessage"
)

const (
	postURL    = "https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033"
	mailCounts = "<E><I>12</I><IU>3</IU><O>4</O><OU>2</OU></E>"
	mailList   = "<MD>" + mailCounts + "<Q><QTM>409600</QTM><QNM>204800</QNM></Q>"
	oimInList  = "<M><T>11</T><S>6</S><E>bob@example.com</E><I>58A48B9D</I></M>"
)

// mailSeeds are one message of each kind.
var mailSeeds = []string{
	noticePayload(initialMail, "Inbox-Unread: 3", "Folders-Unread: 2", "Inbox-URL: /cgi-bin/HoTMaiL", "Folders-URL: /cgi-bin/folders", "Post-URL: "+postURL),
	noticePayload(initialData, "Mail-Data: "+mailList+"</MD>", "Inbox-URL: /cgi-bin/HoTMaiL", "Post-URL: "+postURL),
	noticePayload(newMail, "From: Example User", "Message-URL: /cgi-bin/getmsg?msg=MSG1050451140.21&start=2310", "Post-URL: "+postURL,
		`Subject: =?"us-ascii"?Q?newsubject?=`, "Dest-Folder: ACTIVE", "From-Addr: example@passport.com", "id: 2"),
	noticePayload(movedMail, "Src-Folder: ACTIVE", "Dest-Folder: ACTIVE", "Message-Delta: 1"),
	noticePayload(oldMail, "Inbox-Unread: 1"),
	noticePayload(systemNote, "Type: 1", "Arg1: 5"),
	"Content-Type: text/x-msmsgsprofile; charset=UTF-8\r\nsid: 1\r\n\r\n",
}

// FuzzServerMessage gives the connection messages of the notification server. Each makes
// something, and what it makes is within limits.
func FuzzServerMessage(f *testing.F) {
	for _, seed := range mailSeeds {
		f.Add(seed)
	}
	f.Add(noticePayload(initialData, "Mail-Data: too-large"))
	f.Add(noticePayload(initialData, "Mail-Data: "+mailList+oimInList+"</MD>"))
	conn, n := newNotices(f)
	f.Fuzz(func(t *testing.T, payload string) {
		conn.Do(func() { n.all = limit.New(AlertBurst, AlertEvery) })
		events := conn.Tell(wire.New("MSG", "Hotmail", "Hotmail").WithPayload(payload))
		if len(events) == 0 {
			t.Errorf("%q is lost", payload)
		}
		if m := n.mail; m.inbox < 0 || m.inbox > MaxMails || m.folders < 0 || m.folders > MaxMails || len(m.url.Redirect) > link.MaxURL || len(m.url.Post) > link.MaxURL {
			t.Errorf("mailbox %+v", m)
		}
		for _, e := range events {
			switch e := e.(type) {
			case MailReceived:
				if len(e.Subject) > MaxMailField || len(e.From) > MaxMailField || len(e.FromAddress) > clean.MaxAccount || len(e.URL.Redirect) > link.MaxURL {
					t.Errorf("mail %+v", e)
				}
			case ShutdownAnnounced:
				if e.In < 0 || e.In > LongestShutdown {
					t.Errorf("shutdown in %v", e.In)
				}
			case SystemMessage:
				if e.Type == "" || len(e.Args) > MaxSystemArgs {
					t.Errorf("system message %+v", e)
				}
			}
		}
	})
}
