package chat

import (
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/wire"
)

// Data is a message that somebody sent over a switchboard.
type Data struct {
	Conversation *Conversation
	From         string // account that the server vouches for
	Name         string // display name that it gives, under the sender's control
	Own          bool   // written by the user at another endpoint
	Message      wire.Message
	Session      string
	Seq          int
	Others       []string // in the session besides the sender, or for Own besides the contact
}

// Data has f handle the messages of a media type, in the place of OtherReceived.
func (c *Chats) Data(mediaType string, f func(Data)) {
	c.data = append(c.data, handler{mediaType, f})
}

// handler is what is done with a media type.
type handler struct {
	mediaType string
	handle    func(Data)
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
	if _, known := s.counts[from]; known || len(s.counts) < MaxParticipants {
		s.counts[from]++
	}
	whole, ok := s.assemble(from, wire.ParseMessage(cmd.Payload))
	if !ok {
		return
	}
	d := Data{
		Conversation: s.conversation, From: from, Name: clean.Name(cmd.Arg(1)), Own: own, Message: whole,
		Session: s.name(), Seq: s.counts[from], Others: s.others(from),
	}
	if own {
		d.Others = s.others(s.conversation.id.Contact)
	}
	s.chats.deliver(d)
}

// deliver makes an event of a message.
func (c *Chats) deliver(d Data) {
	kind := d.Message.MediaType()
	for _, h := range c.data {
		if h.mediaType == kind {
			h.handle(d)
			return
		}
	}
	c.other(d)
}

// text handles what people write.
func (c *Chats) text(d Data) {
	text, format := clean.LF(d.Message.Text()), clean.Format(d.Message.Header.Get("X-MMS-IM-Format"))
	if d.Own {
		c.conn.Emit(TextSent{Conversation: d.Conversation, Text: text, Format: format,
			Session: d.Session, Seq: d.Seq, Others: d.Others, At: time.Now()})
		return
	}
	c.conn.Emit(TextReceived{Conversation: d.Conversation, From: d.From, FromName: d.Name, Text: text, Format: format,
		Session: d.Session, Seq: d.Seq, Others: d.Others, At: time.Now()})
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

// others returns who is there besides from and the user.
func (s *session) others(from string) []string {
	others := slices.DeleteFunc(slices.Clone(s.people), func(p string) bool { return p == from })
	if len(others) == 0 {
		return nil
	}
	return others
}

// assembly is a message that comes in parts.
type assembly struct {
	from, id string
	header   wire.Header
	body     strings.Builder
	next     int // the part that is to come
	total    int
	began    time.Time
}

// assemble returns the message to deliver: m itself, or, with the last part of a
// message in parts, all of it (protocol/04-switchboard.md, section 3.2). It
// reports false when there is nothing to deliver. A message with a gap, too many
// parts or too much text, or one that takes too long, is given up.
func (s *session) assemble(from string, m wire.Message) (wire.Message, bool) {
	id := m.Header.Get("Message-ID")
	if id == "" {
		return m, true
	}
	now := time.Now()
	s.assemblies = slices.DeleteFunc(s.assemblies, func(a *assembly) bool { return now.Sub(a.began) > chunkTimeout })
	if chunks := m.Header.Get("Chunks"); chunks != "" {
		total, ok := clean.Small(chunks)
		if !ok || total <= 1 {
			return m, true // a single part, or none that makes sense: what is there
		}
		if total > maxChunks {
			s.chats.conn.Log().Warn("message in too many parts", "session", s.id, "from", from, "parts", total)
			return wire.Message{}, false
		}
		s.forget(from, id)
		if len(s.assemblies) >= maxAssemblies {
			s.assemblies = s.assemblies[1:]
		}
		a := &assembly{from: from, id: id, header: m.Header, next: 1, total: total, began: now}
		a.body.WriteString(m.Body)
		s.assemblies = append(s.assemblies, a)
		return wire.Message{}, false
	}
	chunk := m.Header.Get("Chunk")
	if chunk == "" {
		return m, true
	}
	at := slices.IndexFunc(s.assemblies, func(a *assembly) bool { return a.from == from && a.id == id })
	number, ok := clean.Small(chunk)
	if at < 0 {
		return wire.Message{}, false
	}
	a := s.assemblies[at]
	if !ok || number != a.next || a.body.Len()+len(m.Body) > maxChunkBytes {
		s.chats.conn.Log().Warn("message in parts given up", "session", s.id, "from", from)
		s.forget(from, id)
		return wire.Message{}, false
	}
	a.body.WriteString(m.Body)
	a.next++
	if a.next < a.total {
		return wire.Message{}, false
	}
	s.forget(from, id)
	return wire.Message{Header: a.header, Body: a.body.String()}, true
}

func (s *session) forget(from, id string) {
	s.assemblies = slices.DeleteFunc(s.assemblies, func(a *assembly) bool { return a.from == from && a.id == id })
}
