package msn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"matrix-msn/msn/circle"
	"matrix-msn/msn/internal/contactlist"
	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

const (
	circleID      = "00000000-0000-0000-0009-98e48abd732b"
	circleAddress = circleID + "@live.com"
	// circleTicket is "<SignedTicket/>", as it is sent.
	circleTicket = "PFNpZ25lZFRpY2tldC8+"
)

// circleElements is what the address book says of a circle.
func circleElements(id, state string) string {
	return "<CircleResult><Circles><CircleInverseInfo><Content><Handle><Id>" + id + "</Id></Handle><Info><HostedDomain>live.com</HostedDomain>" +
		"<DisplayName>Round</DisplayName></Info></Content><PersonalInfo><MembershipInfo><CirclePersonalMembership><Role>Admin</Role><State>" + state +
		"</State></CirclePersonalMembership></MembershipInfo></PersonalInfo></CircleInverseInfo></Circles><CircleTicket>&lt;SignedTicket/&gt;</CircleTicket></CircleResult>"
}

// personElement is a Contact element in the address book of a circle.
func personElement(kind, account, name string) string {
	return "<Contact><contactId>" + account + "</contactId><contactInfo><contactType>" + kind + "</contactType><passportName>" + account +
		"</passportName><displayName>" + name + "</displayName></contactInfo></Contact>"
}

// invitedElement is a personElement of somebody who has not answered yet.
func invitedElement(account, name string) string {
	return strings.Replace(personElement("LivePending", account, name), "</contactInfo>", "<NetworkInfoList><NetworkInfo><RelationshipType>5</RelationshipType>"+
		"<RelationshipState>2</RelationshipState></NetworkInfo></NetworkInfoList></contactInfo>", 1)
}

// round are web services with a circle that alice belongs to, and bob, and that carol
// is invited into. Nobody has finished to invite dan.
func round(w *fakeWeb) {
	w.circles = circleElements(circleID, "Accepted")
	w.people = personElement("Live", "Bob@example.com", "Bob") + invitedElement("carol@example.com", "Carol") + personElement("LivePending", "dan@example.com", "Dan") +
		personElement("Live", "alice@example.com", "Alice") + personElement("Me", circleAddress, circleAddress)
}

// circleIn returns a Client that has entered the circle of round and knows its members.
func circleIn(t *testing.T, change ...func(*Config)) (*Client, *fakeWeb, *fakeConn) {
	t.Helper()
	client, web, ns := webIn(t, 18, round, change...)
	ns.letIn()
	waitFor[CirclesChanged](t, client) // the members
	return client, web, ns
}

// letIn lets the client into the circle of round after signing in.
func (f *fakeConn) letIn() {
	f.t.Helper()
	f.expect("USR 11 SHA A " + circleTicket)
	f.send("USR 11 OK alice@example.com 0 0")
	f.expect("ADL 12")
	f.send("ADL 12 OK")
	f.expect("PUT 13")
	f.send("PUT 13 OK 0\r\n")
}

// own is the address of the client.
const own = "1:alice@example.com;epid=" + fakeGUID

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

func TestCirclesAreEntered(t *testing.T) {
	client, _, ns := webIn(t, 18, round)
	ns.expect("USR 11 SHA A " + circleTicket)
	ns.send("USR 11 OK alice@example.com 0 0")
	if cmd := ns.expect("ADL 12"); cmd.Payload != `<ml><d n="live.com"><c n="`+circleID+`" l="3" t="9"/></d></ml>` {
		t.Errorf("payload %q", cmd.Payload)
	}
	ns.send("ADL 12 OK")
	const body = "<circle><roster><id>IM</id><user><id>1:alice@example.com</id></user></roster></circle>"
	want := "Routing: 1.0\r\nTo: 9:" + circleAddress + "\r\nFrom: " + own + "\r\n\r\nReliability: 1.0\r\n\r\n" +
		"Publication: 1.0\r\nUri: /circle\r\nContent-Type: application/circles+xml\r\nContent-Length: 86\r\n\r\n" + body
	if cmd := ns.expect("PUT 13"); cmd.Payload != want {
		t.Errorf("payload %q", cmd.Payload)
	}
	ns.send("PUT 13 OK 0\r\n")
	list := []Circle{{ID: circleAddress, Name: "Round", Admin: true, Member: true, Entered: true, Complete: true, Members: []CircleMember{
		{Account: "bob@example.com", Name: "Bob"}, {Account: "carol@example.com", Name: "Carol", Invited: true}}}}
	if e := waitFor[CirclesChanged](t, client); len(e.Circles) != 1 || !reflect.DeepEqual(client.Circles(), list) {
		t.Errorf("circles %+v", client.Circles())
	}
	for _, c := range client.Contacts() {
		if strings.Contains(c.Account, "live.com") {
			t.Errorf("a circle is a contact: %+v", c)
		}
	}
	ns.barrier()
}

// Whatever a server says of the circle, the session goes on, and who writes hears that
// it is of no use.
func TestCirclesThatAreNotEntered(t *testing.T) {
	for _, test := range []struct {
		name     string
		d        wire.Dialect
		prepare  func(*fakeWeb)
		dialogue func(*fakeConn)
	}{
		{"ticket refused", 18, round, func(ns *fakeConn) {
			ns.expect("USR 11 SHA A " + circleTicket)
			ns.send("911 11")
		}},
		{"entry refused", 18, round, func(ns *fakeConn) {
			ns.expect("USR 11 SHA A " + circleTicket)
			ns.send("USR 11 OK alice@example.com 0 0")
			ns.expect("ADL 12")
			ns.send("933 12")
		}},
		{"invited only", 18, func(w *fakeWeb) { w.circles = circleElements(circleID, "WaitingResponse") }, func(ns *fakeConn) {
			ns.expect("USR 11 SHA A " + circleTicket)
			ns.send("USR 11 OK alice@example.com 0 0")
		}},
		{"no ticket", 18, func(w *fakeWeb) {
			w.circles = strings.ReplaceAll(circleElements(circleID, "Accepted"), "&lt;SignedTicket/&gt;", "")
		}, func(*fakeConn) {}},
		{"MSNP16", 16, round, func(*fakeConn) {}},
		{"no such circle", 18, nil, func(*fakeConn) {}},
		{"no circles in MSNP12", 12, nil, func(*fakeConn) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, _, ns := webIn(t, test.d, test.prepare)
			test.dialogue(ns)
			if err := client.CircleChat(circleAddress).SendText(t.Context(), "x", ""); !errors.Is(err, ErrCircle) {
				t.Errorf("error %v", err)
			}
			if err := client.CircleChat(circleAddress).SendTyping(t.Context()); err != nil {
				t.Errorf("typing: %v", err)
			}
			ns.barrier()
		})
	}
}

func TestCircleThatIsNewIsLookedUpAndEntered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 18, nil, longPing)
		web.set(func() { web.circles = circleElements(circleID, "WaitingResponse") })
		news := nfy("PUT", "/circle", "Full", "")
		ns.send(news, "NFY DEL 2\r\nxx")
		time.Sleep(contactlist.RefreshWait + time.Second)
		if e := waitFor[CirclesChanged](t, client); len(e.Circles) != 1 || e.Circles[0].Member || e.Circles[0].ID != circleAddress {
			t.Errorf("event %+v", e)
		}
		ns.expect("USR 11 SHA A " + circleTicket)
		ns.send("USR 11 OK alice@example.com 0 0")
		web.forget()
		ns.send(news)
		time.Sleep(time.Hour)
		if calls := web.operations(); len(calls) != 0 {
			t.Errorf("a circle that is known makes the calls %q", calls)
		}
		// The user accepts in their own Messenger.
		web.set(func() { round(web) })
		ns.sendDocument("NOT", dataAlert("<CircleId>"+circleID+"</CircleId><HasNewItem>true</HasNewItem>"))
		time.Sleep(contactlist.RefreshWait + time.Second)
		if e := waitFor[CirclesChanged](t, client); len(e.Circles) != 1 || !e.Circles[0].Member || e.Circles[0].Complete {
			t.Errorf("event %+v", e)
		}
		if e := waitFor[CirclesChanged](t, client); len(e.Circles[0].Members) != 2 || !e.Circles[0].Complete {
			t.Errorf("event %+v", e)
		}
		web.forget()
		// The ticket is one that the server has taken.
		ns.expect("ADL 12")
		ns.sendDocument("NOT", dataAlert("<CircleId>"+circleID+"</CircleId><HasNewItem>true</HasNewItem>"))
		ns.send("ADL 12 OK")
		ns.expect("PUT 13")
		ns.send("PUT 13 OK 0\r\n")
		time.Sleep(time.Hour)
		if calls := web.operations(); len(calls) != 0 {
			t.Errorf("entering makes the calls %q", calls)
		}
		// And is thrown out.
		web.set(func() { web.circles = "" })
		ns.sendDocument("NOT", dataAlert("<CircleId>"+circleID+"</CircleId><HasNewItem>true</HasNewItem>"))
		time.Sleep(time.Minute)
		if e := waitFor[CirclesChanged](t, client); len(e.Circles) != 0 {
			t.Errorf("event %+v", e)
		}
		if err := client.CircleChat(circleAddress).SendText(t.Context(), "x", ""); !errors.Is(err, ErrCircle) {
			t.Errorf("error %v", err)
		}
		ns.barrier()
	})
}

func TestWhatIsSaidInACircle(t *testing.T) {
	const here = "9:" + circleAddress + ";path=IM"
	const text = "Message-Type: Text\r\nContent-Type: Text/plain; charset=UTF-8\r\nX-MMS-IM-Format: FN=Arial; EF=; CO=0; CS=1; PF=0\r\nContent-Length: 5\r\n"
	client, _, ns := circleIn(t)
	// Nobody hears of these.
	ns.send(
		sdg(here, own, text, "own echo"),
		sdg("9:00000000-0000-0000-0009-ffffffffffff@live.com;path=IM", "1:bob@example.com", text, "another circle"),
		sdg("1:alice@example.com", "1:bob@example.com", text, "no circle"),
		sdg(here, "1:", text, "nobody"),
		sdg(here, own+"x", "Message-Type: Nudge\r\n", "own nudge"),
		sdg(here, "1:alice@example.com", text, "from no place"),
		sdg(here, "32:bob@example.com", text, "another network"),
		sdg(here, "1:eve@example.com\r\n\tX: y", text, "a folded line"),
		sdg(here, "1:eve@example.com\r\nFrom: 1:bob@example.com", text, "two senders"),
		sdg(here+"\r\n From: 1:bob@example.com", "1:eve@example.com", text, "a sender in a folded line"),
		"SDG 0 0\r\n", "SDG 0 3\r\nxxx",
	)
	// The length that counts is the outer one.
	ns.send(sdg(here, "1:Bob@example.com;epid={b0b00001-0001-4001-8001-000000000003}", text, "žluť\r\n👋"))
	e, ok := nextEvent(t, client).(TextReceived)
	if !ok || e.From != "bob@example.com" || e.FromName != "Bob" || e.Text != "žluť\n👋" || e.Format != "FN=Arial; EF=; CO=0; CS=1; PF=0" ||
		e.Conversation.Circle() != circleAddress || e.Conversation.Peer() != "" || e.Session == "" || e.Seq != 1 {
		t.Errorf("event %+v", e)
	}
	for i, typing := range []string{"Message-Type: Control\r\nMessage-Subtype: Typing\r\n", "Message-Type: Control/Typing\r\n"} {
		ns.send(sdg(here, fmt.Sprintf("1:dave%d@example.com", i), typing, "\r\n")) // nobody has heard of him
		ns.send("NLN NLN 1:dave" + strconv.Itoa(i) + "@example.com;via=9:" + circleAddress + " Dave 0:0 0")
		ns.send(sdg(here, fmt.Sprintf("1:dave%d@example.com", i), typing, "\r\n"))
		if e, ok := nextEvent(t, client).(TypingReceived); !ok || e.From != fmt.Sprintf("dave%d@example.com", i) || e.Conversation.Circle() != circleAddress {
			t.Errorf("event %+v", e)
		}
	}
	ns.send("NLN NLN 1:eve@example.com;via=9:"+circleAddress+" Eve%20E 0:0 0", sdg(here, "1:eve@example.com", "Message-Type: Nudge\r\n", "ID: 1\r\n\r\n"))
	if e, ok := nextEvent(t, client).(NudgeReceived); !ok || e.From != "eve@example.com" || e.FromName != "Eve E" || e.Seq != 2 {
		t.Errorf("event %+v", e)
	}
	ns.send(sdg(here, "1:alice@example.com;epid={22222222-2222-3333-4444-555555555555}", text, "from another place"))
	if e, ok := nextEvent(t, client).(TextSent); !ok || e.Text != "from another place" || e.Conversation.Circle() != circleAddress || e.Seq != 3 {
		t.Errorf("event %+v", e)
	}
	ns.barrier()
}

func TestWritingInACircle(t *testing.T) {
	for answer, want := range map[string]error{"": nil, "OK": nil, "201": ErrCircle, "800": ErrTooFast, "500": ErrNotDelivered} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _, ns := circleIn(t, longPing)
				sent := goSend(t, client.CircleChat(strings.ToUpper(circleAddress)), "Hello ♥\nall")
				payload := "Routing: 1.0\r\nTo: 9:" + circleAddress + ";path=IM\r\nFrom: " + own + "\r\n\r\nReliability: 1.0\r\n\r\n" +
					"Messaging: 2.0\r\nMessage-Type: Text\r\nContent-Type: Text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n" +
					"Content-Length: 14\r\n\r\nHello ♥\r\nall"
				if cmd := ns.expect("SDG 14"); cmd.Payload != payload {
					t.Errorf("payload %q", cmd.Payload)
				}
				switch answer {
				case "":
				case "OK":
					ns.send("SDG 14 OK 0\r\n")
				default:
					ns.send(answer + " 14")
				}
				if err := waitError(t, sent); !errors.Is(err, want) || (want == nil) != (err == nil) {
					t.Errorf("error %v", err)
				}
				ns.barrier()
			})
		})
	}
}

func TestTypingInACircle(t *testing.T) {
	client, _, ns := circleIn(t)
	if err := client.CircleChat(circleAddress).SendTyping(t.Context()); err != nil {
		t.Error(err)
	}
	said, _ := wire.ParseRouted(ns.expect("SDG 14").Payload)
	if said.Content.Get("Message-Type") != "Control" || said.Content.Get("Message-Subtype") != "Typing" ||
		said.Content.Get("TypingUser") != "alice@example.com" || said.Routing.Get("From") != own {
		t.Errorf("%+v", said)
	}
	ns.barrier()
}

// What is written before the server has let the user in waits for that.
func TestTextWaitsForTheCircle(t *testing.T) {
	client, _, ns := webIn(t, 18, round)
	ns.expect("USR 11 SHA A " + circleTicket)
	first := client.CircleChat(circleAddress).StartText(t.Context(), "first", "")
	second := client.CircleChat(circleAddress).StartText(t.Context(), "second", "")
	ns.send("USR 11 OK alice@example.com 0 0")
	ns.expect("ADL 12")
	ns.send("ADL 12 OK")
	ns.expect("PUT 13")
	for i, want := range []string{"first", "second"} {
		if said, _ := wire.ParseRouted(ns.expect(fmt.Sprintf("SDG %d", 14+i)).Payload); said.Body != want {
			t.Errorf("%q is sent", said.Body)
		}
		ns.send(fmt.Sprintf("SDG %d OK 0\r\n", 14+i))
	}
	for _, wait := range []func() error{first, second} {
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestLongTextInACircle(t *testing.T) {
	client, _, ns := circleIn(t)
	text := strings.Repeat("ž", 2000)
	sent := goSend(t, client.CircleChat(circleAddress), text)
	var got string
	for trid := 14; trid < 17; trid++ {
		said, _ := wire.ParseRouted(ns.expect(fmt.Sprintf("SDG %d", trid)).Payload)
		if len(said.Body) > longtext.MaxBody {
			t.Errorf("a part has %d bytes", len(said.Body))
		}
		got += said.Body
	}
	if got != text {
		t.Errorf("%d bytes are sent", len(got))
	}
	ns.send("SDG 14 OK 0\r\n", "500 16")
	ns.close()
	err := waitError(t, sent)
	parts, ok := errors.AsType[*PartsError](err)
	if !ok || parts.Parts != 3 || parts.Acknowledged != 1 || parts.Uncertain != 1 || parts.First == 0 || parts.Characters != utf8.RuneCountInString(strings.ReplaceAll(text, "\r\n", "\n")) || !errors.Is(err, ErrUncertain) {
		t.Errorf("error %v", err)
	}
}

// A text that was given up while it was on its way may have arrived.
func TestTextGivenUpInACircle(t *testing.T) {
	client, _, ns := circleIn(t)
	ctx, cancel := context.WithCancel(t.Context())
	wait := client.CircleChat(circleAddress).StartText(ctx, "x", "")
	ns.expect("SDG 14")
	cancel()
	if err := wait(); !errors.Is(err, ErrUncertain) {
		t.Errorf("error %v", err)
	}
	ns.send("SDG 14 OK 0\r\n")
	ns.barrier()
}

func TestRosterOfACircle(t *testing.T) {
	const roster = "<circle><roster><id>IM</id>"
	client, _, ns := circleIn(t)
	here := func(what string, want ...string) {
		t.Helper()
		ns.barrier()
		people := client.Circles()[0].Present
		slices.Sort(people)
		if !slices.Equal(people, want) || len(people) != len(client.CircleChat(circleAddress).Participants()) {
			t.Errorf("%s: %q", what, people)
		}
	}
	ns.send(nfy("PUT", "/circle", "Partial", roster+"<user><id>1:alice@example.com</id></user><user><id>1:Bob@example.com</id></user></roster></circle>"))
	here("the first", "bob@example.com")
	ns.send("NLN NLN 1:carol@example.com;via=9:" + circleAddress + " Carol 0:0 0")
	here("by presence", "bob@example.com", "carol@example.com")
	ns.send(nfy("DEL", "/circle/roster(IM)/user(1:bob@example.com)", "Partial", ""))
	here("one left", "carol@example.com")
	ns.send("FLN FLN 1:carol@example.com;via=9:" + circleAddress + " 0:0")
	ns.send("FLN 1:carol@example.com;via=9:" + circleAddress + " 0:0")
	here("one went offline")
	ns.send(nfy("PUT", "/circle/roster(IM)/user(1:dave@example.com)", "Partial", ""))
	here("by address", "dave@example.com")
	ns.send(nfy("PUT", "/circle", "Full", roster+"<user><id>1:eve@example.com</id></user></roster></circle>"))
	here("a full one", "eve@example.com")
	ns.send(nfy("PUT", "/circle", "Full", "<circle><props><presence dtype=\"xml\"><Data><UTL></UTL><MFN>Fish & Chips</MFN></Data></presence></props></circle>"))
	if e := waitFor[CirclesChanged](t, client); e.Circles[0].Name != "Fish & Chips" {
		t.Errorf("event %+v", e)
	}
	here("another name", "eve@example.com")
	// What members wrote of themselves stands in the document as it is.
	ns.send(nfy("PUT", "/circle", "Full", "<circle><props><presence dtype=\"xml\"><Data><UTL></UTL><MFN>Fish & Chips</MFN><PSM><roster><id>1:boss@example.com</id></roster><MFN>Mine</MFN></PSM></Data></presence></props></circle>"))
	here("a roster in a personal message", "eve@example.com")
	if name := client.Circles()[0].Name; name != "Fish & Chips" {
		t.Errorf("the name is %q", name)
	}
	var crowd strings.Builder
	for i := range 3 * circle.MaxPresent {
		fmt.Fprintf(&crowd, "<user><id>1:p%d@example.com</id></user>", i)
	}
	ns.send(nfy("PUT", "/circle", "Partial", roster+crowd.String()), nfy("PUT", "x", "Partial", roster+"<user><id>1:</id><id>1: </id><id>\x00</id>"))
	ns.barrier()
	if n := len(client.Circles()[0].Present); n != circle.MaxPresent {
		t.Errorf("%d people are remembered", n)
	}
}

// That the members of a circle cannot be had takes nothing else away.
func TestMembersOfACircleThatAreNotTold(t *testing.T) {
	client, _, ns := webIn(t, 18, func(w *fakeWeb) {
		round(w)
		w.answer["ABFindContactsPaged"] = func(c webCall) webAnswer {
			if strings.Contains(c.body, "<ABId>") {
				return bookFault("InternalError")(c)
			}
			return webAnswer{}
		}
	})
	ns.letIn()
	ns.barrier()
	if list := client.Circles(); len(list) != 1 || !list[0].Member || list[0].Members != nil || list[0].Complete {
		t.Errorf("circles %+v", list)
	}
}

// A client that finds the recorded circle in its address book says what the recorded
// one said, and takes what the server told it.
func TestRecordedCircle(t *testing.T) {
	rec, err := transcript.ReadFile("testdata/transcripts/escargot/msnp18-circles.txt")
	if err != nil {
		t.Fatal(err)
	}
	var ticket, adl, id string
	var told []string // what the server said from its answer to the ticket to that to ADL
	book := func(webCall) webAnswer { return webAnswer{} }
	for _, r := range rec.Records {
		ns := r.Who == "alice" && r.Conn == "NS"
		switch {
		case r.Who == "alice" && r.Conn == "HTTPS" && r.Kind == transcript.FromServer && strings.Contains(r.Text, "<CircleTicket>"):
			_, content, _ := strings.Cut(r.Text, "\r\n\r\n")
			_, after, _ := strings.Cut(content, "<Id>")
			id, _, _ = strings.Cut(after, "</Id>")
			// alice is called otherwise in these tests.
			content = strings.Replace(content, "<displayName>Alice</displayName>", "<displayName>Alice A</displayName>", 1)
			book = func(c webCall) webAnswer {
				if strings.Contains(c.body, "<ABId>") {
					return webAnswer{}
				}
				return webAnswer{content: content}
			}
		case ns && r.Kind == transcript.FromClient && strings.HasPrefix(r.Text, "USR 9 SHA A "):
			ticket = strings.TrimSpace(strings.TrimPrefix(r.Text, "USR 9 SHA A "))
		case ns && r.Kind == transcript.FromClient && strings.HasPrefix(r.Text, "ADL 10 "):
			_, adl, _ = strings.Cut(r.Text, "\r\n")
		case ns && r.Kind == transcript.FromServer && ticket != "":
			told = append(told, r.Text)
		}
	}
	client, _, ns := webIn(t, 18, func(w *fakeWeb) { w.answer["ABFindContactsPaged"] = book })
	ns.expect("USR 11 SHA A " + ticket)
	for _, line := range told {
		switch {
		case strings.HasPrefix(line, "USR 9 OK"):
			ns.send(strings.Replace(line, "USR 9", "USR 11", 1))
			if cmd := ns.expect("ADL 12"); cmd.Payload != adl {
				t.Errorf("the client sends %q, the recorded one %q", cmd.Payload, adl)
			}
		case strings.HasPrefix(line, "ADL 10 OK"):
			ns.send(strings.Replace(line, "ADL 10", "ADL 12", 1))
			ns.expect("PUT 13")
		default:
			ns.send(line)
		}
	}
	ns.send("PUT 13 OK 0\r\n", sdg("9:"+id+"@live.com;path=IM", "1:bob@example.com", "Message-Type: Text\r\n", "Hello"))
	if e := waitFor[TextReceived](t, client); e.Conversation.Circle() != id+"@live.com" {
		t.Errorf("event %+v", e)
	}
	if list := client.Circles(); len(list) != 1 || list[0].ID != id+"@live.com" || list[0].Name != "Friends circle" || !list[0].Admin || !list[0].Member {
		t.Errorf("circles %+v", list)
	}
	ns.barrier()
}

// That the service hangs when it is asked for the members of circles keeps nobody from
// signing in.
func TestMembersOfCirclesThatHang(t *testing.T) {
	hang := make(chan struct{})
	client, _, ns := webIn(t, 18, func(w *fakeWeb) {
		round(w)
		w.answer["ABFindContactsPaged"] = func(c webCall) webAnswer {
			if strings.Contains(c.body, "<ABId>") {
				<-hang
			}
			return webAnswer{}
		}
	})
	t.Cleanup(func() { close(hang) }) // before the client is closed
	ns.letIn()
	if err := func() error {
		wait := client.CircleChat(circleAddress).StartText(t.Context(), "x", "")
		ns.expect("SDG 14")
		ns.send("SDG 14 OK 0\r\n")
		return wait()
	}(); err != nil {
		t.Error(err)
	}
}

// circlesElement is what the address book says of several circles.
func circlesElement(ticket string, states ...string) string {
	var b strings.Builder
	for i, state := range states {
		one := circleElements(fmt.Sprintf("00000000-0000-0000-0009-%012d", i), state)
		_, after, _ := strings.Cut(one, "<Circles>")
		inner, _, _ := strings.Cut(after, "</Circles>")
		b.WriteString(inner)
	}
	return "<CircleResult><Circles>" + b.String() + "</Circles><CircleTicket>" + ticket + "</CircleTicket></CircleResult>"
}

// A ticket that the server refuses is asked for again, a few times, and takes the one
// before away.
func TestTicketOfCirclesThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 18, func(w *fakeWeb) { w.circles = circlesElement("one", "Accepted") }, longPing)
		expect := func(wait time.Duration, trid int, ticket, answer string) {
			t.Helper()
			time.Sleep(wait)
			ns.expect(fmt.Sprintf("USR %d SHA A %s", trid, ticket))
			ns.send(fmt.Sprintf(answer, trid))
		}
		expect(0, 11, "b25l", "USR %d OK alice@example.com 0 0")
		ns.expect("ADL 12")
		ns.send("ADL 12 OK")
		ns.expect("PUT 13")
		ns.send("PUT 13 OK 0\r\n")
		// A second circle comes, with a ticket that is refused, then the first ticket.
		web.set(func() { web.circles = circlesElement("two", "Accepted", "Accepted") })
		ns.sendDocument("NOT", dataAlert("<CircleId>"+circleID+"</CircleId><HasNewItem>true</HasNewItem>"))
		expect(contactlist.RefreshWait+time.Second, 14, "dHdv", "911 %d")
		web.set(func() { web.circles = circlesElement("one", "Accepted", "Accepted") })
		var asked atomic.Int32
		_ = ns.conn.SetReadDeadline(time.Time{})
		go func() {
			for {
				cmd, err := ns.reader.Read()
				if err != nil {
					return
				}
				if cmd.Verb == "USR" && cmd.Arg(3) == "b25l" {
					asked.Add(1)
					ns.send("911 " + cmd.Arg(0))
				}
			}
		}()
		time.Sleep(24 * time.Hour)
		// As often as the address book is asked for another, and as it is tried again.
		if n := asked.Load(); n < 2 || n > circle.MaxRefused+circle.MaxRetries {
			t.Errorf("shown %d times", n)
		}
		if list := client.Circles(); len(list) != 2 || list[1].Entered || client.Err() != nil {
			t.Errorf("circles %+v, %v", list, client.Err())
		}
	})
}

// A server that has put the user out is told to let them in again.
func TestCircleIsEnteredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, ns := circleIn(t, longPing)
		sent := goSend(t, client.CircleChat(circleAddress), "x")
		ns.expect("SDG 14")
		ns.send("201 14")
		if err := waitError(t, sent); !errors.Is(err, ErrCircle) {
			t.Errorf("error %v", err)
		}
		ns.expect("ADL 15")
		ns.send("ADL 15 OK")
		ns.expect("PUT 16")
		ns.send("PUT 16 OK 0\r\n")
		sent = goSend(t, client.CircleChat(circleAddress), "again")
		ns.expect("SDG 17")
		ns.send("SDG 17 OK 0\r\n")
		if err := waitError(t, sent); err != nil {
			t.Error(err)
		}
	})
}

// A list that began to be downloaded before a change of the user's own is not taken
// after it.
func TestOlderListOfCirclesIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := circleIn(t, longPing)
		web.set(func() { web.book = strings.Replace(web.book, ">me<", ">00000000-0000-0000-0000-00000000000a<", 1) })
		stuck := make(chan struct{})
		web.set(func() {
			old := web.circles
			var asked atomic.Bool
			web.answer["ABFindContactsPaged"] = func(webCall) webAnswer {
				if asked.Swap(true) {
					return webAnswer{}
				}
				<-stuck
				return webAnswer{content: soapEnvelope("<ABFindContactsPagedResponse><ABFindContactsPagedResult><Contacts>" + web.book + "</Contacts>" + old +
					"</ABFindContactsPagedResult></ABFindContactsPagedResponse>")}
			}
		})
		ns.sendDocument("NOT", dataAlert("<CircleId>"+circleID+"</CircleId><HasNewItem>true</HasNewItem>"))
		time.Sleep(time.Minute)
		web.set(func() { web.circles = circlesElement("", []string{}...) })
		if err := client.LeaveCircle(t.Context(), circleAddress); err != nil {
			t.Fatal(err)
		}
		close(stuck)
		time.Sleep(time.Second)
		if list := client.Circles(); len(list) != 0 {
			t.Errorf("the circle that was left is there again: %+v", list)
		}
		time.Sleep(time.Hour)
		ns.barrier()
	})
}

// What was changed is changed, also when the lists cannot be downloaded then; and what
// got no answer may be.
func TestChangeOfCirclesIsNotCalledFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, _ := circleIn(t, longPing)
		web.set(func() {
			web.answer["CreateCircle"] = func(webCall) webAnswer {
				return webAnswer{content: soapEnvelope("<CreateCircleResponse><CreateCircleResult><Id>00000000-0000-0000-0009-0000000000AA</Id></CreateCircleResult></CreateCircleResponse>")}
			}
			web.answer["ABFindContactsPaged"] = status(503)
		})
		if id, err := client.CreateCircle(t.Context(), "New"); err != nil || id != "00000000-0000-0000-0009-0000000000aa@live.com" {
			t.Errorf("made %q: %v", id, err)
		}
		for answer, want := range map[int]error{500: ErrBusy, 0: ErrUncertain} {
			web.set(func() {
				web.answer["CreateCircle"] = func(webCall) webAnswer {
					if answer != 0 {
						return webAnswer{status: answer, content: "no"}
					}
					return webAnswer{content: "no envelope"}
				}
			})
			if _, err := client.CreateCircle(t.Context(), "New"); !errors.Is(err, want) {
				t.Errorf("answer %d: %v", answer, err)
			}
		}
	})
}

// An invitation that was begun and not sent is sent by the next try.
func TestInvitationIntoACircleThatWasBegun(t *testing.T) {
	client, web, _ := circleIn(t)
	web.set(func() {
		web.answer["CreateContact"] = bookFault("ContactAlreadyExists")
		web.answer["ManageWLConnection"] = func(c webCall) webAnswer {
			if !strings.Contains(c.body, "<contactId>dan@example.com</contactId>") || !strings.Contains(c.body, "come &amp; see") {
				t.Errorf("asked %s", c.body)
			}
			return webAnswer{}
		}
	})
	for account, want := range map[string]error{"dan@example.com": nil, "carol@example.com": nil, "bob@example.com": ErrCircleMember, "alice@example.com": ErrArgument} {
		if err := client.InviteToCircle(t.Context(), circleAddress, account, "come & see"); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v", account, err)
		}
	}
	if n := len(web.called("ManageWLConnection")); n != 1 {
		t.Errorf("%d invitations were sent", n)
	}
}
