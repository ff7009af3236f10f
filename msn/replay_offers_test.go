package msn

import (
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// offer says what a recorded message is told as, if it offers something, and how many messages
// answer it. It reports false for messages of other types.
func (r *replay) offer(conn *replayConn, i item, from string, m wire.Message) (answers int, is bool) {
	told := func(id string, offer Offer, name string) {
		if conn.offers[from+id] {
			return
		}
		if conn.offers == nil {
			conn.offers = make(map[string]bool)
		}
		conn.offers[from+id] = true
		r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
			got, ok := e.(InvitationReceived)
			return ok && got.From == from && got.Offer == offer && got.Name == name && conn.isOf(got.Conversation)
		}})
	}
	switch m.MediaType() {
	case "text/x-msmsgsinvite":
		fields := wire.Header(m.Body)
		if fields.Get("Invitation-Command") != "INVITE" {
			return 0, true
		}
		told(fields.Get("Invitation-Cookie"), OfferFile, fields.Get("Application-File"))
		if len(conn.people) == 1 {
			answers = 1
		}
		return answers, true
	case slp.MediaType:
		if r.rec.dialect < wire.FirstObjects {
			return 0, false
		}
		if to, _, _ := clean.Endpoint(m.Header.Get("P2P-Dest")); to != strings.ToLower(r.account) {
			return 0, true
		}
		p, ok := slp.Parse(m.Body)
		if !ok {
			return 0, false
		}
		message, whole := conn.packets.Join(p, time.Now())
		if !whole {
			return 0, true
		}
		parsed, _ := slp.ParseMessage(message)
		offered, ok := slp.ParseOffer(parsed)
		if !ok || p.Session != 0 {
			return 1, true
		}
		if conn.offers[from+parsed.CallID()] {
			return 1, true // the same again, of which it is only said that it came
		}
		if conn.offers == nil {
			conn.offers = make(map[string]bool)
		}
		conn.offers[from+parsed.CallID()] = true
		if offered.Kind == slp.File {
			file, _ := slp.ParseFile(offered.Context)
			r.due = append(r.due, expectation{i.Record.String(), func(e Event) bool {
				got, ok := e.(FileOffered)
				if !ok || got.From != from || got.Name != file.Name || got.Bytes != file.Size || !conn.isOf(got.Conversation) {
					return false
				}
				got.Offer.Decline()
				declined := conn.readAnswer()
				if p, _ := slp.Parse(wire.ParseMessage(declined.Payload).Body); declined.Arg(1) != "D" || !strings.HasPrefix(p.Data, "MSNSLP/1.0 603 Decline\r\n") {
					r.t.Errorf("%v is answered by %q", i.Record, declined.Payload)
				}
				return true
			}})
			return 1, true
		}
		return 2, true
	}
	return 0, false
}

// declines reads what the Client answers to an offer.
func (r *replay) declines(conn *replayConn, i item, answers int) {
	r.t.Helper()
	for n := range answers {
		cmd := conn.readAnswer()
		m := wire.ParseMessage(cmd.Payload)
		p, _ := slp.Parse(m.Body)
		fields := wire.Header(m.Body)
		switch {
		case m.MediaType() == "text/x-msmsgsinvite":
			if cmd.Arg(1) != "U" || fields.Get("Invitation-Command") != "CANCEL" || fields.Get("Cancel-Code") != "REJECT" ||
				fields.Get("Invitation-Cookie") != wire.Header(wire.ParseMessage(i.cmd.Payload).Body).Get("Invitation-Cookie") {
				r.t.Errorf("%v is answered by %q", i.Record, cmd.Payload)
			}
		case cmd.Arg(1) != "D", n == 0 && !p.Control(), n == 1 && !strings.HasPrefix(p.Data, "MSNSLP/1.0 603 Decline\r\n"):
			r.t.Errorf("%v is answered by %q", i.Record, cmd.Payload)
		}
	}
}

// readAnswer reads what the Client answers, and acknowledges it as a switchboard does: no more packets
// come than were acknowledged, and recordings know nothing of ours.
func (c *replayConn) readAnswer() wire.Command {
	cmd := c.read()
	if cmd.Arg(1) == "D" {
		c.sendText("ACK " + cmd.Arg(0) + "\r\n")
	}
	return cmd
}
