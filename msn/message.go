package msn

import (
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/wire"
)

// message handles "MSG account name", with a payload. The account is what the
// server vouches for; nothing inside the payload changes who is said to have
// written it.
func (s *session) message(cmd wire.Command) {
	from, ok := parseAccount(cmd.Arg(0))
	if !ok || from == s.client.self && (s.client.dialect < wire.FirstPlaces || s.conversation.peer == from) {
		return
	}
	s.touch()
	if _, known := s.counts[from]; known || len(s.counts) < maxParticipants {
		s.counts[from]++
	}
	m := wire.ParseMessage(cmd.Payload)
	whole, ok := s.assemble(from, m)
	if !ok {
		return
	}
	s.deliver(from, decodeName(cmd.Arg(1)), whole)
}

// deliver makes an event of a message.
func (s *session) deliver(from, name string, m wire.Message) {
	c := s.client
	if from == c.self {
		if m.MediaType() == "text/plain" {
			c.emit(TextSent{
				Conversation: s.conversation,
				Text:         lineEnds.Replace(m.Text()),
				Format:       cleanFormat(m.Header.Get("X-MMS-IM-Format")),
				Session:      s.name(),
				Seq:          s.counts[from],
				Others:       s.others(s.conversation.peer),
				At:           time.Now(),
			})
		}
		return
	}
	switch m.MediaType() {
	case "text/plain":
		c.emit(TextReceived{
			Conversation: s.conversation,
			From:         from,
			FromName:     name,
			Text:         lineEnds.Replace(m.Text()),
			Format:       cleanFormat(m.Header.Get("X-MMS-IM-Format")),
			Session:      s.name(),
			Seq:          s.counts[from],
			Others:       s.others(from),
			At:           time.Now(),
		})
		return
	case "text/x-msmsgscontrol":
		if user := m.Header.Get("TypingUser"); user != "" {
			account, ok := parseAccount(user)
			if ok && account == from && c.typing.allow(from, time.Now()) {
				c.emit(TypingReceived{Conversation: s.conversation, From: from})
			}
			return
		}
	}
	c.emit(OtherReceived{
		Conversation: s.conversation,
		From:         from,
		FromName:     name,
		Message:      m,
		Session:      s.name(),
		Seq:          s.counts[from],
	})
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
		total, ok := parseSmall(chunks)
		if !ok || total <= 1 {
			return m, true // a single part, or none that makes sense: what is there
		}
		if total > maxChunks {
			s.client.log.Warn("message in too many parts", "session", s.id, "from", from, "parts", total)
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
	number, ok := parseSmall(chunk)
	if at < 0 {
		return wire.Message{}, false
	}
	a := s.assemblies[at]
	if !ok || number != a.next || a.body.Len()+len(m.Body) > maxChunkBytes {
		s.client.log.Warn("message in parts given up", "session", s.id, "from", from)
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

// parseSmall reads a decimal number of at most four digits.
func parseSmall(s string) (int, bool) {
	if !isNumber(s) || len(s) > 4 {
		return 0, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
