// Package noticetest is messages of the notification server for tests.
package noticetest

import "strings"

// Payload returns a message of the notification server with fields in its body.
func Payload(contentType string, fields ...string) string {
	return "MIME-Version: 1.0\r\nContent-Type: " + contentType + "; charset=UTF-8\r\n\r\n" + strings.Join(fields, "\r\n") + "\r\n"
}

// The media types of the messages.
const (
	InitialMail    = "text/x-msmsgsinitialemailnotification"
	InitialData    = "text/x-msmsgsinitialmdatanotification"
	NewMail        = "text/x-msmsgsemailnotification"
	MovedMail      = "text/x-msmsgsactivemailnotification"
	OldMail        = "application/x-msmsgsemailnotification"
	OfflineMessage = "text/x-msmsgsoimnotification"
	System         = "application/x-msmsgssystemmessage"
)

// What stands in them.
const (
	PostURL              = "https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033"
	MailCounts           = "<E><I>12</I><IU>3</IU><O>4</O><OU>2</OU></E>"
	MailList             = "<MD>" + MailCounts + "<Q><QTM>409600</QTM><QNM>204800</QNM></Q>"
	OfflineMessageInList = "<M><T>11</T><S>6</S><E>bob@example.com</E><I>58A48B9D</I></M>"
)

// Messages are one of each kind.
var Messages = []string{
	Payload(InitialMail, "Inbox-Unread: 3", "Folders-Unread: 2", "Inbox-URL: /cgi-bin/HoTMaiL", "Folders-URL: /cgi-bin/folders", "Post-URL: "+PostURL),
	Payload(InitialData, "Mail-Data: "+MailList+"</MD>", "Inbox-URL: /cgi-bin/HoTMaiL", "Post-URL: "+PostURL),
	Payload(NewMail, "From: Example User", "Message-URL: /cgi-bin/getmsg?msg=MSG1050451140.21&start=2310", "Post-URL: "+PostURL,
		`Subject: =?"us-ascii"?Q?newsubject?=`, "Dest-Folder: ACTIVE", "From-Addr: example@passport.com", "id: 2"),
	Payload(MovedMail, "Src-Folder: ACTIVE", "Dest-Folder: ACTIVE", "Message-Delta: 1"),
	Payload(OldMail, "Inbox-Unread: 1"),
	Payload(System, "Type: 1", "Arg1: 5"),
	"Content-Type: text/x-msmsgsprofile; charset=UTF-8\r\nsid: 1\r\n\r\n",
}
