package chat

import (
	"strings"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/wire"
)

// FileInvitation is a file that an old client offers (MSNFTP, protocol/05-p2p.md, section 8). It belongs
// to the owner of the connection.
type FileInvitation struct {
	Origin Origin
	Name   string // the last part of a path, on one line; may be ""
	Bytes  uint64

	chats       *Chats
	session     *session
	key, cookie string
	answer      func(accepted bool, fields wire.Header)
}

// maxInvited is how many files of old clients are offered at once.
const maxInvited = 64

// TakeFiles has f told of files that old clients offer. It reports whether it takes one; the others are
// declined.
func (c *Chats) TakeFiles(f func(*FileInvitation) bool) { c.files = f }

// takeFile offers a file of an old client to who takes them, and reports whether it is dealt with.
func (c *Chats) takeFile(d Data, cookie string, e InvitationReceived) bool {
	key := d.From + " " + cookie
	if c.invited[key] != nil {
		return true // the same again
	}
	if c.files == nil || len(c.invited) >= maxInvited || !c.isNew(d, "cookie "+cookie) {
		return false
	}
	i := &FileInvitation{Origin: e.Origin, Name: e.Name, Bytes: e.Bytes, chats: c, session: d.session, key: key, cookie: cookie}
	if !c.files(i) {
		return false
	}
	lazy.Put(&c.invited, key, i)
	return true
}

// OnAnswer has f called with what the sender says next: where the file is, or that it is taken back.
func (i *FileInvitation) OnAnswer(f func(accepted bool, fields wire.Header)) { i.answer = f }

func (i *FileInvitation) told(fields wire.Header) {
	if i.answer != nil {
		i.answer(strings.EqualFold(fields.Get("Invitation-Command"), "ACCEPT"), fields)
	}
}

// Accept asks the sender where the file is. It reports false when nothing reaches them any more.
func (i *FileInvitation) Accept() bool {
	return i.say(wire.Header("").With("Invitation-Command", "ACCEPT").With("Invitation-Cookie", i.cookie).
		With("Launch-Application", "FALSE").With("Request-Data", "IP-Address:"))
}

// Cancel ends the invitation with a code of the protocol, such as REJECT.
func (i *FileInvitation) Cancel(code string) {
	i.say(wire.Header("").With("Invitation-Command", "CANCEL").With("Invitation-Cookie", i.cookie).With("Cancel-Code", code))
	i.Forget()
}

// Forget has nothing more heard of the invitation.
func (i *FileInvitation) Forget() { delete(i.chats.invited, i.key) }

// say sends fields to the sender, in the session in which they have invited.
func (i *FileInvitation) say(fields wire.Header) bool {
	if i.session.link == nil || i.session.state == sessionOver {
		return false
	}
	i.session.sendUnacknowledged(wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", invitation+"; charset=UTF-8"),
		Body:   string(fields) + "\r\n",
	}.Payload())
	return true
}

// invited reports whether a file of an old client was offered in the session that is not decided about, or on its way.
// The answer goes by the session, which therefore is not left.
func (s *session) invited() bool {
	for _, i := range s.chats.invited {
		if i.session == s {
			return true
		}
	}
	return false
}
