package circle

import (
	"context"
	"fmt"
	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	circleID      = "00000000-0000-0000-0009-98e48abd732b"
	circleAddress = circleID + "@live.com"

	own = "1:alice@example.com;epid={F52973B6-C926-4BAD-9BA8-7C1E840E4AB0}"
)

// lists is a contact list that does nothing.
type lists struct{ refreshed int }

func (*lists) OnBook(func(*soap.Book) []event.Event)                                      {}
func (*lists) OnRenewed(func())                                                           {}
func (*lists) Call(context.Context, func(context.Context, *soap.AddressBook) error) error { return nil }
func (l *lists) Refresh()                                                                 { l.refreshed++ }
func (*lists) Reload(context.Context)                                                     {}

// newCircles returns the circles of a connection, and the contact list that they ask.
func newCircles(t testing.TB) (conn nstest.Conn, c *Circles, l *lists) {
	l = new(lists)
	conn = nstest.New(t, 18, func(link *ns.Conn) {
		book := roster.New(18, nstest.Account, "")
		c = New(link, book, chat.New(link, book, chat.Config{}), l, "{F52973B6-C926-4BAD-9BA8-7C1E840E4AB0}")
	})
	return conn, c, l
}

// sdg is something said in a circle.
func sdg(to, from, content, body string) string {
	payload := "Routing: 1.0\r\nTo: " + to + "\r\nFrom: " + from + "\r\n\r\nReliability: 1.0\r\nStream: 0\r\nSegment: 0\r\n\r\nMessaging: 1.0\r\n" +
		content + "\r\n" + body
	return fmt.Sprintf("SDG 0 %d\r\n%s", len(payload), payload)
}

// nfy is news of a circle.
func nfy(verb, uri, kind, body string) string {
	payload := "Routing: 1.0\r\nTo: 1:alice@example.com\r\nFrom: 9:" + circleAddress + "\r\n\r\nReliability: 1.0\r\nStream: 0\r\n\r\n" +
		"Publication: 1.0\r\nUri: " + uri + "\r\nNotifType: " + kind + "\r\nContent-Type: application/circles+xml\r\nContent-Length: 0\r\n\r\n" + body
	return fmt.Sprintf("NFY %s %d\r\n%s", verb, len(payload), payload)
}

// Invitations, which anybody can send, take no room from the circles that the user
// belongs to.
func TestInvitationsPushNoCircleOut(t *testing.T) {
	t.Parallel()
	conn, b, _ := newCircles(t)
	defer conn.Abandon(errs.ErrClosed)
	var list []soap.Circle
	add := func(n int, id, state string) {
		for i := range n {
			list = append(list, soap.Circle{ID: fmt.Sprintf("%s%d", id, i), Host: "live.com", Name: id, State: state})
		}
	}
	add(1, "old", "Accepted")
	b.set(list)
	list = nil
	add(3*MaxInvitations, "invited", "WaitingResponse")
	add(2*MaxCircles, "new", "Accepted")
	add(1, "old", "Accepted")
	b.set(list)
	counts := make(map[string]int)
	for _, circle := range b.circles {
		counts[circle.Name]++
	}
	if want := map[string]int{"invited": MaxInvitations, "new": MaxCircles - 1, "old": 1}; !reflect.DeepEqual(counts, want) {
		t.Errorf("kept %v, want %v", counts, want)
	}
	if b.set(list) {
		t.Error("the same list is a change")
	}
}

// Whatever is said in a circle or of one, nothing is remembered without limit.
func FuzzCircles(f *testing.F) {
	add := func(line string) {
		verb, rest, _ := strings.Cut(line, " ")
		_, payload, _ := strings.Cut(rest, "\r\n")
		f.Add(verb == "SDG", strings.HasPrefix(rest, "DEL"), payload)
	}
	add(sdg("9:"+circleAddress+";path=IM", "1:bob@example.com;epid={B}", "Message-Type: Text\r\n", "Hello"))
	add(sdg("9:"+circleAddress, "1:x", "Message-Type: Control/Typing\r\n", ""))
	add(sdg("9:"+circleAddress, own+"x", "Message-Type: Control\r\nMessage-Subtype: Typing\r\n", ""))
	add(nfy("DEL", "/circle/roster(IM)/user(1:bob@example.com)", "Partial", ""))
	add(nfy("PUT", "/circle", "Full", "<circle><roster><id>IM</id><user><id>1:a&amp;b@x</id></user></roster></circle>"))
	add(nfy("PUT", "/circle", "Full", "<MFN>Name & more</MFN>"))
	f.Fuzz(func(t *testing.T, said, del bool, payload string) {
		conn, c, _ := newCircles(t)
		conn.Do(func() { c.set([]soap.Circle{{ID: circleID, Host: "live.com", Name: "Round", State: "Accepted"}}) })
		verb := "PUT"
		if del {
			verb = "DEL"
		}
		cmd := wire.New("NFY", verb).WithPayload(payload)
		if said {
			cmd = wire.New("SDG", "0").WithPayload(payload)
		}
		events := conn.Tell(cmd, cmd, cmd)
		circle := c.circles[0]
		if len(circle.Present) > MaxPresent || len(circle.names) > MaxPresent || len(circle.Name) > clean.MaxName || circle.Name == "" {
			t.Errorf("circle %+v", circle)
		}
		for _, account := range circle.Present {
			if same, ok := clean.Account(account); !ok || same != account || account == nstest.Account {
				t.Errorf("%q is present", account)
			}
		}
		for _, e := range events {
			if text, ok := e.(chat.TextReceived); ok && (!utf8.ValidString(text.Text) || text.From == nstest.Account || text.Conversation.Circle() != circleAddress) {
				t.Errorf("event %+v", text)
			}
		}
	})
}
