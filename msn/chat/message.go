package chat

import (
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Data is a message that somebody sent.
type Data struct {
	Conversation *Conversation
	From         string // account that the server vouches for
	Name         string // display name that it gives, under the sender's control
	Own          bool   // written by the user at another endpoint
	Message      wire.Message
	Session      string
	Seq          int
	Others       []string // in the session besides the sender, or for Own besides the contact
	session      *session // nil for what came without a switchboard
}

// understood is what is done with messages, by media type, in the place of OtherReceived.
var understood = map[string]func(*Chats, Data){
	"text/plain":           (*Chats).text,
	"text/x-msmsgscontrol": (*Chats).control,
	datacast:               (*Chats).Cast,
	invitation:             (*Chats).invitation,
	inkPicture:             (*Chats).ink,
	inkStrokes:             (*Chats).ink,
	slp.MediaType:          (*Chats).packet,
	slp.Emoticons:          (*Chats).emoticons,
	slp.AnimatedEmoticons:  (*Chats).emoticons,
}

// message handles "MSG account name", with a payload. The account is what the
// server vouches for; nothing inside the payload changes who is said to have
// written it.
func (s *session) message(cmd wire.Command) {
	from, ok := clean.Account(cmd.Arg(0))
	own := from == s.chats.conn.Self()
	if !ok || own && (s.chats.conn.Dialect() < wire.FirstEndpoints || s.conversation.id.Contact == from) {
		return
	}
	s.touch()
	s.count(from)
	whole, ok, err := s.long.Join(from, wire.ParseMessage(cmd.Payload), time.Now())
	if err != nil {
		s.chats.conn.Warn("message in parts", "session", s.id, "from", from, "error", err)
	}
	if !ok {
		return
	}
	d := Data{
		Conversation: s.conversation, From: from, Name: clean.Name(cmd.Arg(1)), Own: own, Message: whole,
		Session: s.name(), Seq: s.counts[from], Others: s.others(from), session: s,
	}
	if own {
		d.Others = s.others(s.conversation.id.Contact)
	}
	s.chats.deliver(d)
}

// deliver makes an event of a message.
func (c *Chats) deliver(d Data) {
	if handle := understood[d.Message.MediaType()]; handle != nil {
		handle(c, d)
		return
	}
	c.other(d)
}

// text handles what people write.
func (c *Chats) text(d Data) {
	if d.session != nil {
		d.session.spoken = true
	}
	text, format := clean.LF(d.Message.Text()), clean.Format(d.Message.Header.Get("X-MMS-IM-Format"))
	if d.Own {
		c.conn.Emit(TextSent{Conversation: d.Conversation, Text: text, Format: format,
			Session: d.Session, Seq: d.Seq, Others: d.Others, At: time.Now()})
		return
	}
	e := TextReceived{Conversation: d.Conversation, From: d.From, FromName: d.Name, Text: text, Format: format,
		Session: d.Session, Seq: d.Seq, Others: d.Others, At: time.Now()}
	if d.session != nil {
		e.Emoticons = d.session.announced(d.From)
	}
	c.conn.Emit(e)
}

// emoticons handles the message that says which pictures stand in the text that follows.
func (c *Chats) emoticons(d Data) {
	list := slp.ParseEmoticons(d.Message.Body)
	if d.Own || d.session == nil || len(list) == 0 {
		c.other(d)
		return
	}
	for i := range list {
		list[i].Animated = d.Message.MediaType() == slp.AnimatedEmoticons
	}
	d.session.announce(d.From, list)
}

// control handles typing notes, and whatever else is control.
func (c *Chats) control(d Data) {
	user := d.Message.Header.Get("TypingUser")
	if user == "" {
		c.other(d)
		return
	}
	if account, ok := clean.Account(user); ok && account == d.From && !d.Own && c.AllowTyping(d.From) {
		c.conn.Emit(TypingReceived{Conversation: d.Conversation, From: d.From})
	}
}

// other passes on what nobody handles.
func (c *Chats) other(d Data) {
	if !d.Own {
		c.conn.Emit(OtherReceived{Conversation: d.Conversation, From: d.From, FromName: d.Name, Message: d.Message,
			Session: d.Session, Seq: d.Seq})
	}
}
