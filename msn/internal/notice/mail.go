package notice

import (
	"strconv"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/link"
	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/wire"
)

// Messages of the notification server about mail and itself
// (protocol/06-oim-mail.md, sections 1 and 3). They say nothing when a contact
// sends them: what comes from a switchboard never gets here.

// inboxFolder is the folder of mail that matters, and inboxURL the field that says where its
// page is.
const (
	inboxFolder = "ACTIVE"
	inboxURL    = "Inbox-URL"
)

// MaxMails is the largest number of mails that is believed.
const MaxMails = 1_000_000

// LongestShutdown bounds how far ahead an end of service is announced; it is the
// same limit as that of OUT RCT.
const LongestShutdown = 24 * time.Hour

// mailbox is what is known of the account's mail.
type mailbox struct {
	known          bool // the server has told the numbers
	inbox, folders int
	url            link.ServiceURL // of the inbox
}

// MaxMailField is the longest subject or name of a mail notice that is shown, in bytes.
// Mail itself allows some 1,000.
const MaxMailField = 1024

// mailOld handles a notice of MSNP2, which has one type for the numbers and for new mail.
func (n *Notices) mailOld(m wire.Message) bool { return n.mailCounts(m) || n.mailArrived(m) }

// mailCounts handles the numbers after signing in, up to MSNP10. It reports false
// when there are none.
func (n *Notices) mailCounts(m wire.Message) bool {
	fields := wire.Header(m.Body)
	inbox, ok := parseMails(fields.Get("Inbox-Unread"))
	if !ok {
		return false
	}
	folders, _ := parseMails(fields.Get("Folders-Unread"))
	n.counted(mailbox{known: true, inbox: inbox, folders: folders, url: link.Notice(fields, inboxURL)})
	return true
}

// mailData handles the numbers after signing in from MSNP11 on. The list of
// offline messages that comes with them is for others: then it reports false, so
// that the message is passed on too. Where both are too large for a notice, the service
// that keeps offline messages tells them.
func (n *Notices) mailData(m wire.Message) bool {
	fields := wire.Header(m.Body)
	data := fields.Get("Mail-Data")
	if data == "too-large" {
		n.mail = mailbox{url: link.Notice(fields, inboxURL)}
		if !n.hooks.CountMails() {
			n.counted(n.mail)
		}
		return false
	}
	if strings.Contains(data, "<!") {
		return false
	}
	// The list of messages has elements of the same names.
	numbers := xmltext.Element(data, "E")
	inbox, ok := parseMails(xmltext.Element(numbers, "IU"))
	if !ok {
		return false
	}
	folders, _ := parseMails(xmltext.Element(numbers, "OU"))
	n.counted(mailbox{known: true, inbox: inbox, folders: folders, url: link.Notice(fields, inboxURL)})
	return !strings.Contains(data, "<M>")
}

// Count tells the numbers of mails that CountMails has asked for. known is false when they
// were not to be had.
func (n *Notices) Count(inbox, folders int64, known bool) {
	n.counted(mailbox{known: known, inbox: int(min(inbox, MaxMails)), folders: int(min(folders, MaxMails)), url: n.mail.url})
}

// counted takes the numbers that come after signing in.
func (n *Notices) counted(m mailbox) {
	n.mail = m
	n.tellMails(true)
}

func (n *Notices) tellMails(initial bool) {
	if n.MayShow("mail") {
		n.conn.Emit(MailCounted{
			Inbox: n.mail.inbox, Folders: n.mail.folders, Unknown: !n.mail.known,
			Initial: initial, URL: n.mail.url,
		})
	}
}

// mailArrived handles the notice of a new mail. It reports false when it is none.
func (n *Notices) mailArrived(m wire.Message) bool {
	fields := wire.Header(m.Body)
	e := MailReceived{
		From:        clean.Words(fields.Get("From"), MaxMailField),
		FromAddress: clean.Cut(clean.Line(fields.Get("From-Addr")), clean.MaxAccount),
		Subject:     clean.Words(fields.Get("Subject"), MaxMailField),
		Folder:      clean.Cut(fields.Get("Dest-Folder"), clean.MaxName),
		URL:         link.Notice(fields, "Message-URL"),
		At:          time.Now(),
	}
	if e.From == "" && e.FromAddress == "" && e.Subject == "" {
		return false
	}
	if e.Folder == inboxFolder {
		n.mail.inbox = min(n.mail.inbox+1, MaxMails)
	}
	if n.MayShow("mail") {
		n.conn.Emit(e)
	}
	return true
}

// mailMoved handles the notice that mails were read, moved or deleted. It reports
// false when the inbox has nothing to do with it.
func (n *Notices) mailMoved(m wire.Message) bool {
	fields := wire.Header(m.Body)
	moved, ok := parseMails(fields.Get("Message-Delta"))
	if !ok || fields.Get("Src-Folder") != inboxFolder {
		return false
	}
	n.mail.inbox = max(0, n.mail.inbox-moved)
	n.tellMails(false)
	return true
}

// parseMails reads a number of mails.
func parseMails(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, false
	}
	return int(min(n, MaxMails)), true
}

// MaxSystemArgs is how many arguments of a system message are read; the only known
// one has one.
const MaxSystemArgs = 9

// systemMessage handles what the server says of itself. It reports false when it
// says nothing.
func (n *Notices) systemMessage(m wire.Message) bool {
	fields := wire.Header(m.Body)
	if fields.Get("Type") == "" {
		fields = m.Header
	}
	e := SystemMessage{Type: clean.Cut(clean.Line(fields.Get("Type")), clean.MaxName)}
	if e.Type == "" {
		return false
	}
	for i := 1; i <= MaxSystemArgs; i++ {
		value := fields.Get("Arg" + strconv.Itoa(i))
		if value == "" {
			break
		}
		e.Args = append(e.Args, clean.Cut(clean.Line(value), clean.MaxName))
	}
	if !n.MayShow("system") {
		return true
	}
	if e.Type == "1" && len(e.Args) > 0 {
		if minutes, err := strconv.ParseUint(e.Args[0], 10, 32); err == nil {
			n.conn.Emit(ShutdownAnnounced{In: min(time.Duration(minutes)*time.Minute, LongestShutdown)})
			return true
		}
	}
	n.conn.Emit(e)
	return true
}
