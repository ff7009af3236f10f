package msn

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"matrix-msn/msn/wire"
)

// Messages of the notification server about mail and itself
// (protocol/06-oim-mail.md, sections 1 and 3). They say nothing when a contact
// sends them: what comes from a switchboard never gets here.

// The folders of mail that matter.
const inboxFolder = "ACTIVE"

// maxMails is the largest number of mails that is believed.
const maxMails = 1_000_000

// longestShutdown bounds how far ahead an end of service is announced; it is the
// same limit as that of OUT RCT.
const longestShutdown = 24 * time.Hour

// mailbox is what is known of the account's mail.
type mailbox struct {
	known          bool // the server has told the numbers
	inbox, folders int
	url            ServiceURL // of the inbox
}

// message handles a MSG of the notification server.
func (c *Client) message(cmd wire.Command) {
	m := wire.ParseMessage(cmd.Payload)
	understood := false
	switch m.MediaType() {
	case "text/x-msmsgsprofile":
		c.profile.update(m.Header)
	case "text/x-msmsgsinitialemailnotification":
		understood = c.mailCounts(wire.Header(m.Body))
	case "text/x-msmsgsinitialmdatanotification":
		understood = c.mailData(wire.Header(m.Body))
		if data := wire.Header(m.Body).Get("Mail-Data"); data == "too-large" || strings.Contains(data, "<M>") {
			c.offlineWaiting()
		}
	case "text/x-msmsgsoimnotification":
		c.offlineWaiting()
	case "text/x-msmsgsemailnotification":
		understood = c.mailArrived(wire.Header(m.Body))
	case "text/x-msmsgsactivemailnotification":
		understood = c.mailMoved(wire.Header(m.Body))
	case "application/x-msmsgsemailnotification":
		// MSNP2 has one type for both.
		understood = c.mailCounts(wire.Header(m.Body)) || c.mailArrived(wire.Header(m.Body))
	case "application/x-msmsgssystemmessage":
		understood = c.systemMessage(m)
	}
	if !understood {
		c.emit(ServerMessage{Message: m})
	}
}

// mailCounts handles the numbers after signing in, up to MSNP10. It reports false
// when there are none.
func (c *Client) mailCounts(fields wire.Header) bool {
	inbox, ok := parseMails(fields.Get("Inbox-Unread"))
	if !ok {
		return false
	}
	folders, _ := parseMails(fields.Get("Folders-Unread"))
	c.counted(mailbox{known: true, inbox: inbox, folders: folders, url: inboxURL(fields)})
	return true
}

// mailData handles the numbers after signing in from MSNP11 on. The list of
// offline messages that comes with them is for others: then it reports false, so
// that the message is passed on too. Where both are too large for a notice, the service
// that keeps offline messages tells them.
func (c *Client) mailData(fields wire.Header) bool {
	data := fields.Get("Mail-Data")
	if data == "too-large" {
		c.mail = mailbox{url: inboxURL(fields)}
		if c.offline.counting = c.offlineListed(); !c.offline.counting {
			c.counted(c.mail)
		}
		return false
	}
	if strings.Contains(data, "<!") {
		return false
	}
	// The list of messages has elements of the same names.
	numbers := elementText(data, "E")
	inbox, ok := parseMails(elementText(numbers, "IU"))
	if !ok {
		return false
	}
	folders, _ := parseMails(elementText(numbers, "OU"))
	c.counted(mailbox{known: true, inbox: inbox, folders: folders, url: inboxURL(fields)})
	return !strings.Contains(data, "<M>")
}

// counted takes the numbers that come after signing in.
func (c *Client) counted(m mailbox) {
	c.mail = m
	c.tellMails(true)
}

func (c *Client) tellMails(initial bool) {
	if c.mayShow("mail") {
		c.emit(MailCounted{
			Inbox: c.mail.inbox, Folders: c.mail.folders, Unknown: !c.mail.known,
			Initial: initial, URL: c.mail.url,
		})
	}
}

// inboxURL is where the notice after signing in points to.
func inboxURL(fields wire.Header) ServiceURL {
	return mailURL(fields, "Inbox-URL")
}

// mailURL makes a ServiceURL of the fields of a notice. Addresses that are too long
// are left out.
func mailURL(fields wire.Header, redirect string) ServiceURL {
	part := func(name string) string {
		if value := fields.Get(name); len(value) <= maxURL {
			return keep(value, maxURL)
		}
		return ""
	}
	return ServiceURL{Redirect: part(redirect), Post: part("Post-URL"), SiteID: keep(fields.Get("id"), maxName)}
}

// mailArrived handles the notice of a new mail. It reports false when it is none.
func (c *Client) mailArrived(fields wire.Header) bool {
	e := MailReceived{
		From:        decodeWords(fields.Get("From")),
		FromAddress: keep(oneLiner(fields.Get("From-Addr")), maxAccount),
		Subject:     decodeWords(fields.Get("Subject")),
		Folder:      keep(fields.Get("Dest-Folder"), maxName),
		URL:         mailURL(fields, "Message-URL"),
		At:          time.Now(),
	}
	if e.From == "" && e.FromAddress == "" && e.Subject == "" {
		return false
	}
	if e.Folder == inboxFolder {
		c.mail.inbox = min(c.mail.inbox+1, maxMails)
	}
	if c.mayShow("mail") {
		c.emit(e)
	}
	return true
}

// mailMoved handles the notice that mails were read, moved or deleted. It reports
// false when the inbox has nothing to do with it.
func (c *Client) mailMoved(fields wire.Header) bool {
	moved, ok := parseMails(fields.Get("Message-Delta"))
	if !ok || fields.Get("Src-Folder") != inboxFolder {
		return false
	}
	c.mail.inbox = max(0, c.mail.inbox-moved)
	c.tellMails(false)
	return true
}

// parseMails reads a number of mails.
func parseMails(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, false
	}
	return int(min(n, maxMails)), true
}

// maxSystemArgs is how many arguments of a system message are read; the only known
// one has one.
const maxSystemArgs = 9

// systemMessage handles what the server says of itself. It reports false when it
// says nothing.
func (c *Client) systemMessage(m wire.Message) bool {
	fields := wire.Header(m.Body)
	if fields.Get("Type") == "" {
		fields = m.Header
	}
	e := SystemMessage{Type: keep(oneLiner(fields.Get("Type")), maxName)}
	if e.Type == "" {
		return false
	}
	for i := 1; i <= maxSystemArgs; i++ {
		value := fields.Get("Arg" + strconv.Itoa(i))
		if value == "" {
			break
		}
		e.Args = append(e.Args, keep(oneLiner(value), maxName))
	}
	if !c.mayShow("system") {
		return true
	}
	if e.Type == "1" && len(e.Args) > 0 {
		if minutes, err := strconv.ParseUint(e.Args[0], 10, 32); err == nil {
			c.emit(ShutdownAnnounced{In: min(time.Duration(minutes)*time.Minute, longestShutdown)})
			return true
		}
	}
	c.emit(e)
	return true
}

// oneLiner replaces control characters, which have no place in a line of text that
// people read, by blanks.
func oneLiner(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}
