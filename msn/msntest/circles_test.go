package msntest_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// Circles of MSNP18, with clients of which the test writes every line.

// here is the endpoint home as servers write it.
var here = strings.ToLower(home)

// club is a server where alice has a circle that bob belongs to, but not carol.
func club(t *testing.T, opts ...msntest.Option) (*msntest.Server, string) {
	t.Helper()
	srv := friends(t, append([]msntest.Option{msntest.WithDialects(15, 17, 18)}, opts...)...)
	address := srv.AddCircle("Friends & co", alice, bob, "nobody@example.com")
	if !regexp.MustCompile(`^00000000-0000-0000-0009-[0-9a-f]{12}@live\.com$`).MatchString(address) {
		t.Fatalf("address %q", address)
	}
	return srv, address
}

func eachCompat(t *testing.T, test func(t *testing.T, compat msntest.Compat)) {
	t.Parallel()
	for name, compat := range map[string]msntest.Compat{"historic": msntest.Historic, "Escargot": msntest.Escargot} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, compat)
		})
	}
}

var circleTicketElement = regexp.MustCompile(`<CircleTicket>([^<]*)</CircleTicket>`)

// circleTicket downloads the circle ticket, as USR SHA wants it.
func (m *modern) circleTicket() string {
	m.t.Helper()
	status, answer := m.book("ABFindContactsPaged", "<abView>MessengerClient8</abView><extendedContent>AB AllGroups CircleResult</extendedContent>")
	ticket := circleTicketElement.FindStringSubmatch(answer)
	if status != http.StatusOK || ticket == nil {
		m.t.Fatalf("no circle ticket: %d %s", status, answer)
	}
	return base64.StdEncoding.EncodeToString([]byte(html.UnescapeString(ticket[1])))
}

// circleList is the payload of ADL and RML about circles.
func circleList(lists string, addresses ...string) string {
	var b strings.Builder
	b.WriteString(`<ml><d n="live.com">`)
	for _, address := range addresses {
		b.WriteString(`<c n="` + strings.TrimSuffix(address, "@live.com") + `" l="` + lists + `" t="9"/>`)
	}
	return b.String() + "</d></ml>"
}

// heard reads whatever is there, up to the answer to PNG.
func (c *rawClient) heard() []wire.Command {
	c.t.Helper()
	c.send("PNG")
	var list []wire.Command
	for {
		cmd := c.read()
		if cmd.Verb == "QNG" {
			return list
		}
		list = append(list, cmd)
	}
}

// wantHeard compares what is there with lines, as want does.
func (c *rawClient) wantHeard(lines ...string) []wire.Command {
	c.t.Helper()
	got := c.heard()
	ok := len(got) == len(lines)
	for i := range min(len(got), len(lines)) {
		ok = ok && matches(line(got[i]), lines[i])
	}
	if !ok {
		var text []string
		for _, cmd := range got {
			text = append(text, line(cmd))
		}
		c.t.Fatalf("got  %q\nwant %q", text, lines)
	}
	return got
}

// inCircle signs in at an endpoint and enters a circle; everything is read.
func inCircle(t *testing.T, srv *msntest.Server, email, endpoint, address string) *modern {
	t.Helper()
	m := onlineAt(t, srv, 18, email, endpoint)
	m.send("USR 20 SHA A " + m.circleTicket())
	m.send(payload("ADL 21", circleList("3", address)))
	if lines := m.drain(); !slices.Contains(lines, "USR 20 OK "+email+" 0 0") || lines[len(lines)-1] != "ADL 21 OK" {
		t.Fatalf("entering: %q", lines)
	}
	return m
}

// sdg is a payload of SDG.
func sdg(to, from, head, body string) string {
	return "Routing: 1.0\r\nTo: " + to + "\r\nFrom: " + from + "\r\n\r\nReliability: 1.0\r\nStream: 0\r\nSegment: 0\r\n\r\nMessaging: 1.0\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n", len(body)) + head + "\r\n" + body
}

const textHead = "Content-Type: Text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\nMessage-Type: Text\r\nMIME-Version: 1.0\r\n"

// put is a payload of PUT or DEL.
func put(to, uri, body string) string {
	return "Routing: 1.0\r\nTo: " + to + "\r\nFrom: 1:" + alice + ";epid=" + home + "\r\n\r\nReliability: 1.0\r\n\r\nPublication: 1.0\r\nUri: " + uri +
		fmt.Sprintf("\r\nContent-Type: application/circles+xml\r\nContent-Length: %d\r\n\r\n", len(body)) + body
}

func roster(email string) string {
	return "<circle><roster><id>IM</id><user><id>1:" + email + "</id></user></roster></circle>"
}

// users returns whom the roster in a payload of NFY PUT names.
func users(text string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`<user><id>1:([^<]*)</id></user>`).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

func TestCircleOfTwoAccountsAtThreeEndpoints(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) {
		srv, circle := club(t, msntest.WithCompat(compat))
		one := inCircle(t, srv, alice, home, circle)
		two := inCircle(t, srv, alice, work, circle)
		one.drain()
		aliceVia, bobVia := "1:"+alice+";via=9:"+circle, "1:"+bob+";via=9:"+circle

		b := onlineAt(t, srv, 18, bob, home)
		one.drain()
		two.drain()
		b.send("USR 20 SHA A " + b.circleTicket())
		b.want("USR 20 OK " + bob + " 0 0")
		b.send(payload("ADL 21", circleList("3", circle)))
		owner := []string{
			"NLN NLN " + aliceVia + " Alice 0:0 ...", "UBX " + aliceVia + " *", "NLN NLN " + aliceVia + " Alice 2788999228:48 ...", "UBX " + aliceVia + " *",
		}
		want, both := slices.Concat([]string{"NOT *"}, owner, []string{"NFY PUT *"}), []string{alice, bob}
		if compat == msntest.Escargot { // which tells of each endpoint
			want, both = append(want, owner...), []string{alice, alice, bob}
		}
		got := b.wantHeard(append(want, "NLN NLN "+bobVia+" Bob%20Builder 2788999228:48 ...", "UBX "+bobVia+" *", "NFY PUT *", "ADL 21 OK")...)
		if !strings.Contains(html.UnescapeString(got[0].Payload), "<CircleId>"+strings.TrimSuffix(circle, "@live.com")+"</CircleId>") {
			t.Errorf("notification %q", got[0].Payload)
		}
		if strings.Count(got[2].Payload, "<EndpointData ") != 2 || strings.Contains(got[2].Payload, "PrivateEndpointData") {
			t.Errorf("alice's endpoints are told as %q", got[2].Payload)
		}
		if list := users(got[len(got)-2].Payload); !slices.Equal(list, both) {
			t.Errorf("roster %q", list)
		}
		for _, c := range []*modern{one, two} {
			c.wantHeard("NLN NLN "+bobVia+" Bob%20Builder 2788999228:48 ...", "UBX "+bobVia+" *", "NFY PUT *")
		}
		if list := srv.CirclePresent(circle); !slices.Equal(list, []string{alice, bob}) {
			t.Errorf("in the circle are %q", list)
		}

		// What is said arrives as it was sent, everywhere but where it was said.
		text := sdg("9:"+circle+";path=IM", "1:"+alice+";epid="+here, textHead+"X-Odd:  two  blanks\r\n", "h\u00e9llo\r\n")
		one.send(payload("SDG 30", text))
		one.barrier()
		for _, c := range []*modern{two, b} {
			if got := c.wantHeard("SDG 0 " + fmt.Sprint(len(text))); got[0].Payload != text {
				t.Errorf("arrives as %q", got[0].Payload)
			}
		}
		b.send(payload("SDG 31", sdg("9:"+circle+";path=IM", "1:"+bob+";epid="+here, textHead, "hi")))
		b.barrier()
		one.wantHeard("SDG 0 *")
		two.wantHeard("SDG 0 *")

		// Who is there says so by PUT, and is told before the answer.
		one.send(payload("PUT 32", put("9:"+circle, "/circle", roster(alice))))
		one.wantHeard("NLN NLN "+aliceVia+" Alice *"+rest(compat), "UBX "+aliceVia+" *", "NFY PUT *", "PUT 32 OK 0")
		b.wantHeard("NLN NLN "+aliceVia+" Alice *"+rest(compat), "UBX "+aliceVia+" *", "NFY PUT *")
		two.drain()

		// A change of status is told, hiding looks like leaving.
		b.send("CHG 33 BSY 2788999228:48")
		b.drain()
		one.wantHeard("NLN BSY 1:"+bob+" ...", "UBX 1:"+bob+" *", "NLN BSY "+bobVia+" ...", "UBX "+bobVia+" *", "NFY PUT *")
		b.send("CHG 34 HDN 2788999228:48")
		b.drain()
		one.wantHeard("FLN 1:"+bob+" 0:0", "FLN "+bobVia+" 0:0")
		b.send("CHG 35 NLN 2788999228:48")
		b.drain()
		one.drain()
		two.drain()

		// One endpoint goes, then the other.
		two.send("OUT")
		two.wantClosed()
		if list := users(last(b.heard()).Payload); !slices.Equal(list, both) {
			t.Errorf("roster %q", list)
		}
		one.drain()
		b.send("OUT")
		b.wantClosed()
		one.wantHeard("FLN 1:"+bob+" 0:0", "FLN "+bobVia+" 0:0")
		if list := srv.CirclePresent(circle); !slices.Equal(list, []string{alice}) {
			t.Errorf("in the circle are %q", list)
		}
	})
}

// rest is the MSNObject that Escargot tells even of who has none.
func rest(compat msntest.Compat) string {
	if compat == msntest.Escargot {
		return " *"
	}
	return ""
}

func last[T any](list []T) (x T) {
	if len(list) > 0 {
		x = list[len(list)-1]
	}
	return x
}

func TestCirclesRefuse(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) {
		srv, circle := club(t, msntest.WithCompat(compat))
		srv.InviteToCircle(circle, carol)
		to := "9:" + circle
		own := "1:" + alice + ";epid=" + here

		a := onlineAt(t, srv, 18, alice, home)
		ticket := a.circleTicket()
		a.send(payload("ADL 20", circleList("3", circle)), "USR 21 SHA A bm9uZQ==", "USR 22 SHA A", payload("PUT 23", put(to, "/circle", roster(alice))))
		a.want("933 20 ...", "911 21", "911 22", "201 23")
		a.send(payload("SDG 24", sdg(to+";path=IM", own, textHead, "x")))
		a.want("201 24")
		a.send("USR 25 SHA A " + ticket)
		a.want("USR 25 OK " + alice + " 0 0")
		a.send(payload("ADL 26", circleList("3", "00000000-0000-0000-0009-000000000000@live.com")), payload("ADL 27", circleList("3", bob)))
		a.want("933 26 ...", "933 27 ...")
		a.send(payload("ADL 28", circleList("3", circle)))
		a.drain()
		for name, text := range map[string]string{
			"another endpoint": sdg(to+";path=IM", "1:"+alice+";epid="+strings.ToLower(work), textHead, "x"),
			"no endpoint":      sdg(to+";path=IM", "1:"+alice, textHead, "x"),
			"another user":     sdg(to+";path=IM", "1:"+bob+";epid="+here, textHead, "x"),
			"no path":          sdg(to, own, textHead, "x"),
			"another path":     sdg(to+";path=XX", own, textHead, "x"),
			"no circle":        sdg("9:00000000-0000-0000-0009-000000000000@live.com;path=IM", own, textHead, "x"),
			"no length":        strings.Replace(sdg(to+";path=IM", own, textHead, "x"), "Content-Length", "Length", 1),
		} {
			a.send(payload("SDG 30", text))
			if got := line(a.read()); got != "201 30" {
				t.Errorf("SDG with %s: %q", name, got)
			}
		}
		for name, text := range map[string]string{
			"another user": put(to, "/circle", roster(bob)),
			"no network":   put(to, "/circle", strings.Replace(roster(alice), "1:", "", 1)),
			"no circle":    put("9:00000000-0000-0000-0009-000000000000@live.com", "/circle", roster(alice)),
		} {
			a.send(payload("PUT 31", text))
			if got := line(a.read()); got != "201 31" {
				t.Errorf("PUT with %s: %q", name, got)
			}
		}
		a.barrier()
		if compat == msntest.Escargot { // which compares the case of endpoints
			a.send(payload("SDG 32", sdg(to+";path=IM", "1:"+alice+";epid="+home, textHead, "x")))
			a.want("201 32")
		}

		// An invitation does not let anybody in.
		c := onlineAt(t, srv, 18, carol, home)
		c.send("USR 20 SHA A "+c.circleTicket(), payload("ADL 21", circleList("3", circle)))
		c.want("USR 20 OK ...", "933 21 ...")
		c.send(payload("SDG 22", sdg(to+";path=IM", "1:"+carol+";epid="+here, textHead, "x")))
		c.want("201 22")

		// A ticket is good until the circles are others.
		srv.AddCircle("Another", alice)
		a.drain()
		a.send("USR 40 SHA A "+ticket, payload("ADL 41", circleList("3", circle)))
		a.want("911 40", "933 41 ...")
		a.send("USR 42 SHA A " + a.circleTicket())
		a.want("USR 42 OK ...", "NFY PUT *")
		a.barrier()

		// Circles and people cannot be told together.
		a.send(payload("ADL 43", `<ml><d n="live.com"><c n="`+strings.TrimSuffix(circle, "@live.com")+`" l="3" t="9"/></d><d n="example.com"><c n="bob" l="3" t="1"/></d></ml>`))
		a.want("241 43")
		a.wantClosed()
	})
}

// What makes no sense ends the connection, or is passed over as Escargot does.
func TestMalformedCircleCommands(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) {
		srv, circle := club(t, msntest.WithCompat(compat))
		for _, text := range []string{
			payload("PUT 30", ""), payload("SDG 30", "Routing: 1.0\r\n\r\n"), payload("SDG 30", "\r\n\r\n\r\n\r\n"),
			payload("PUT 30", put("9:"+circle, "/circle", "<circle>")), payload("PUT 30", put("9:"+circle, "/circle", "<!DOCTYPE x><circle/>")),
		} {
			a := inCircle(t, srv, alice, home, circle)
			a.send(text)
			if compat == msntest.Historic {
				a.wantClosed()
			} else {
				a.barrier()
			}
		}
		a := inCircle(t, srv, alice, home, circle)
		a.send(payload("SDG 31", sdg("1:"+bob, "1:"+alice+";epid="+here, textHead, "x")), payload("PUT 32", put("1:"+alice, "/user", "<user/>")))
		if compat == msntest.Historic {
			a.want("201 31", "201 32")
		}
		a.barrier()
	})
}

func TestCircleCommandsBelowMSNP18EndTheConnection(t *testing.T) {
	t.Parallel()
	srv, circle := club(t)
	for _, text := range []string{
		payload("PUT 30", put("9:"+circle, "/circle", roster(alice))), payload("DEL 30", put("9:"+circle, "/circle", "")),
		payload("SDG 30", sdg("9:"+circle+";path=IM", "1:"+alice+";epid="+here, textHead, "x")),
	} {
		a := onlineAt(t, srv, 17, alice, home)
		a.send(text)
		a.wantClosed()
	}
	a := onlineAt(t, srv, 17, alice, home)
	a.send(payload("ADL 30", circleList("3", circle)))
	a.want("933 30 ...")
	a.barrier()
}

// An endpoint leaves by DEL or RML without an end to the membership, and can come back.
func TestLeavingACircleForTheSession(t *testing.T) {
	t.Parallel()
	srv, circle := club(t)
	a, b := inCircle(t, srv, alice, home, circle), inCircle(t, srv, bob, home, circle)
	a.drain()
	bobVia := "1:" + bob + ";via=9:" + circle
	for _, leave := range []string{
		payload("RML 30", circleList("3", circle)), payload("DEL 30", put("9:"+circle, "/circle/roster(IM)/user(1:"+bob+")", "")),
	} {
		b.send(leave)
		b.want(leave[:len("RML 30")] + " OK" + map[bool]string{true: " 0"}[leave[0] == 'D'])
		b.barrier()
		got := a.wantHeard("FLN "+bobVia+" 0:0", "NFY DEL *")
		if !strings.Contains(got[1].Payload, "Uri: /circle/roster(IM)/user(1:"+bob+")\r\n") {
			t.Errorf("%q", got[1].Payload)
		}
		b.send(payload("SDG 31", sdg("9:"+circle+";path=IM", "1:"+bob+";epid="+here, textHead, "x")))
		b.want("201 31")
		b.send(payload("ADL 32", circleList("3", circle)))
		if lines := b.drain(); last(lines) != "ADL 32 OK" {
			t.Errorf("coming back: %q", lines)
		}
		a.drain()
	}
	b.send(payload("DEL 33", put("9:"+circle, "/circle/roster(IM)/user(1:"+alice+")", "")))
	b.want("201 33")
	if state := srv.CircleMembers(circle)[bob]; state != "Accepted" {
		t.Errorf("bob is %q", state)
	}
}

// Who puts a circle on BL is not seen in it and hears nothing.
func TestBlockedCircles(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) { testBlockedCircles(t, compat) })
}

func testBlockedCircles(t *testing.T, compat msntest.Compat) {
	srv, circle := club(t, msntest.WithCompat(compat))
	a, b := inCircle(t, srv, alice, home, circle), inCircle(t, srv, bob, home, circle)
	a.drain()
	b.send(payload("ADL 30", circleList("4", circle)))
	if lines := b.drain(); last(lines) != "ADL 30 OK" {
		t.Errorf("blocking: %q", lines)
	}
	if compat == msntest.Historic {
		a.wantHeard("FLN 1:" + bob + ";via=9:" + circle + " 0:0")
	} else if list := users(last(a.heard()).Payload); !slices.Equal(list, []string{alice}) {
		t.Errorf("roster %q", list)
	}
	a.send(payload("SDG 31", sdg("9:"+circle+";path=IM", "1:"+alice+";epid="+here, textHead, "x")))
	a.barrier()
	b.barrier()
	b.send(payload("ADL 32", circleList("3", circle)))
	b.drain()
	if list := users(last(a.heard()).Payload); !slices.Equal(list, []string{alice, bob}) {
		t.Errorf("roster %q", list)
	}
}

// Members come and go by the database.
func TestCircleMembersAreEdited(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) {
		srv, circle := club(t, msntest.WithCompat(compat))
		a, b := inCircle(t, srv, alice, home, circle), inCircle(t, srv, bob, home, circle)
		a.drain()
		c := onlineAt(t, srv, 18, carol, home)
		c.send("USR 20 SHA A " + c.circleTicket())
		c.want("USR 20 OK ...")
		a.drain()
		b.drain()

		srv.InviteToCircle(circle, carol)
		srv.InviteToCircle(circle, carol) // once only
		srv.InviteToCircle(circle, "nobody@example.com")
		if got := c.wantHeard("NOT *"); !strings.Contains(got[0].Payload, "ABCHInternal") {
			t.Errorf("carol is told %q", got[0].Payload)
		}
		if got := a.wantHeard("NOT *"); !strings.Contains(got[0].Payload, "CircleId") {
			t.Errorf("alice is told %q", got[0].Payload)
		}
		want := map[string]string{alice: "Accepted", bob: "Accepted", carol: "WaitingResponse"}
		if got := srv.CircleMembers(circle); !maps.Equal(got, want) {
			t.Errorf("members %v", got)
		}
		srv.AnswerCircle(circle, carol, true)
		c.wantHeard("NOT *")
		a.wantHeard("NOT *")
		b.drain()

		srv.RenameCircle(circle, "Club <x>")
		got := b.wantHeard("NOT *", "NFY PUT *")
		name := "<MFN>Club &lt;x&gt;</MFN>"
		if compat == msntest.Escargot {
			name = "<MFN>Club <x></MFN>"
		}
		if text := got[1].Payload; !strings.Contains(text, name) || !strings.Contains(text, "NotifType: Full\r\n") ||
			!strings.Contains(text, "To: 1:"+bob+";epid="+strings.ToLower(home)+"\r\n") {
			t.Errorf("bob is told %q", text)
		}
		a.drain()
		if srv.CircleName(circle) != "Club <x>" {
			t.Errorf("name %q", srv.CircleName(circle))
		}
		b.send(payload("PUT 30", put("9:"+circle, "/circle", `<circle><props><presence dtype="xml"><Data><PSM>a &amp; b</PSM></Data></presence></props></circle>`)))
		b.want("NFY PUT *", "PUT 30 OK 0")
		if got := a.wantHeard("NFY PUT *"); !strings.Contains(got[0].Payload, "<PSM>a &amp; b</PSM>") {
			t.Errorf("alice is told %q", got[0].Payload)
		}

		srv.LeaveCircle(circle, bob)
		got = a.wantHeard("NFY DEL *", "NOT *")
		if !strings.Contains(got[0].Payload, "\r\nFrom: 9:"+circle+"\r\n") || !strings.Contains(got[0].Payload, "/user(1:"+bob+")") {
			t.Errorf("alice is told %q", got[0].Payload)
		}
		b.wantHeard("NFY DEL *", "NFY DEL *", "NOT *")
		if _, still := srv.CircleMembers(circle)[bob]; still {
			t.Error("bob is still a member")
		}
		b.send(payload("SDG 31", sdg("9:"+circle+";path=IM", "1:"+bob+";epid="+here, textHead, "x")))
		b.want("201 31")
	})
}

func TestUnknownCircles(t *testing.T) {
	t.Parallel()
	srv, circle := club(t)
	if address := srv.AddCircle("x", "nobody@example.com"); address != "" {
		t.Errorf("a circle of nobody: %q", address)
	}
	for _, address := range []string{"", "x", "00000000-0000-0000-0009-000000000000@live.com", strings.TrimSuffix(circle, "@live.com")} {
		srv.InviteToCircle(address, carol)
		srv.LeaveCircle(address, bob)
		srv.RenameCircle(address, "x")
		if srv.CircleMembers(address) != nil || srv.CirclePresent(address) != nil || srv.CircleName(address) != "" {
			t.Errorf("%q is a circle", address)
		}
	}
	if got := srv.CircleMembers(circle); len(got) != 2 || srv.CircleName(circle) != "Friends & co" {
		t.Errorf("members %v", got)
	}
}

func TestCirclesByWebService(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) {
		srv := friends(t, msntest.WithCompat(compat))
		a, b := onlineAt(t, srv, 18, alice, home), onlineAt(t, srv, 18, bob, home)
		b.send("USR 20 SHA A " + b.circleTicket())
		b.want("USR 20 OK ...")
		a.drain()
		call := func(m *modern, operation, body string, status int, want string) string {
			t.Helper()
			got, answer := m.book(operation, body)
			if got != status || !strings.Contains(answer, want) {
				t.Fatalf("%s: %d %s\nwant %d and %q", operation, got, answer, status, want)
			}
			return answer
		}
		const properties = "<properties><Domain>1</Domain><HostedDomain>live.com</HostedDomain><Type>2</Type><MembershipAccess>0</MembershipAccess>" +
			"<IsPresenceEnabled>true</IsPresenceEnabled><DisplayName>Caf\u00e9 &amp; co</DisplayName></properties>"
		call(a, "CreateCircle", strings.Replace(properties, ">1<", ">2<", 1), 500, "")
		id := regexp.MustCompile(`<CreateCircleResult><Id>([^<]*)</Id>`).FindStringSubmatch(call(a, "CreateCircle", properties, 200, ""))[1]
		circle := id + "@live.com"
		a.wantHeard("NOT *")
		a.send("USR 20 SHA A " + a.circleTicket())
		a.want("USR 20 OK ...", "NFY PUT *")
		a.send(payload("ADL 21", circleList("3", circle)))
		a.drain()
		call(a, "ABFindContactsPaged", "", 200, "<DisplayName>Caf\u00e9 &amp; co</DisplayName>")

		book := "<abHandle><ABId>" + id + "</ABId></abHandle>"
		ids := memberIDs(call(a, "ABFindContactsPaged", book, 200, "<AddressBookType>Group</AddressBookType>"))
		if len(ids) != 1 {
			t.Fatalf("members %v", ids)
		}
		add := func(email string) string { return book + "<contactHandle><Email>" + email + "</Email></contactHandle>" }
		call(a, "CreateContact", add("nobody@example.com"), 500, "InvalidPassportUser")
		call(b, "CreateContact", add(bob), 500, "")
		call(a, "CreateContact", add(bob), 200, "<contactType>LivePending</contactType>")
		call(a, "CreateContact", add(bob), 500, "ContactAlreadyExists")
		ids = memberIDs(call(a, "ABFindContactsPaged", book, 200, ""))
		connect := func(book, contact, action, role string) string {
			return book + "<contactId>" + contact + "</contactId><connection>true</connection><presence>true</presence><action>" + action +
				"</action><relationshipType>5</relationshipType><relationshipRole>" + role + "</relationshipRole>" +
				"<annotations><Annotation><Name>MSN.IM.InviteMessage</Name><Value>Come &lt;in&gt;</Value></Annotation></annotations>"
		}
		const own = "<abHandle><ABId>00000000-0000-0000-0000-000000000000</ABId></abHandle>"
		call(b, "ManageWLConnection", connect(own, id, "1", "0"), 500, "<clientErrorData>")
		call(b, "ManageWLConnection", connect(book, ids[bob], "1", "3"), 500, "<clientErrorData>")
		call(a, "ManageWLConnection", connect(book, "x", "1", "3"), 500, "ContactDoesNotExist")
		call(a, "ManageWLConnection", connect(book, ids[bob], "1", "9"), 500, "<clientErrorData>")
		call(a, "ManageWLConnection", connect(book, ids[bob], "7", "3"), 500, "")
		call(a, "ManageWLConnection", connect(book, ids[bob], "1", "3"), 200, "<contactType>LivePending</contactType>")
		call(a, "ManageWLConnection", connect(book, ids[bob], "1", "3"), 500, "<clientErrorData>")
		b.wantHeard("NOT *")
		invited := call(b, "ABFindContactsPaged", own, 200, "<State>WaitingResponse</State>")
		for _, want := range []string{
			"<InviterMessage>Come &lt;in&gt;</InviterMessage>", "<InviterEmail>" + alice + "</InviterEmail>", "<RelationshipRole>4</RelationshipRole>",
			"<contactType>Circle</contactType>", "<Role>StatePendingOutbound</Role>",
		} {
			if !strings.Contains(invited, want) {
				t.Errorf("the invitation has no %s: %s", want, invited)
			}
		}
		if srv.CircleMembers(circle)[bob] != "WaitingResponse" {
			t.Errorf("members %v", srv.CircleMembers(circle))
		}

		// Refused, invited once more, accepted.
		call(b, "ManageWLConnection", connect(own, id, "2", "0"), 200, "<contactType>Circle</contactType>")
		if _, member := srv.CircleMembers(circle)[bob]; member {
			t.Errorf("members %v", srv.CircleMembers(circle))
		}
		call(a, "CreateContact", add(bob), 200, "")
		call(a, "ManageWLConnection", connect(book, ids[bob], "1", "3"), 200, "")
		call(b, "ManageWLConnection", connect(own, id, "1", "0"), 200, "<RelationshipState>3</RelationshipState>")
		call(b, "ManageWLConnection", connect(own, id, "1", "0"), 200, "<clientErrorData>")
		call(a, "ABFindContactsPaged", book, 200, "<contactType>Live</contactType><quickName>"+bob)
		b.drain()
		b.send("USR 22 SHA A "+b.circleTicket(), payload("ADL 23", circleList("3", circle)))
		if lines := b.drain(); last(lines) != "ADL 23 OK" {
			t.Errorf("bob enters: %q", lines)
		}
		a.drain()

		// The owner cannot leave, nor make others leave.
		call(a, "BreakConnection", book+"<contactId>"+ids[alice]+"</contactId>", 500, "")
		call(a, "BreakConnection", book+"<contactId>"+ids[bob]+"</contactId>", 500, "")
		call(b, "BreakConnection", book+"<contactId>"+ids[bob]+"</contactId>", 200, "BreakConnectionResponse")
		call(b, "BreakConnection", book+"<contactId>"+ids[bob]+"</contactId>", 500, "")
		a.wantHeard("NFY DEL *", "NOT *")
		if _, member := srv.CircleMembers(circle)[bob]; member {
			t.Errorf("members %v", srv.CircleMembers(circle))
		}
		if answer := call(b, "ABFindContactsPaged", "", 200, ""); strings.Contains(answer, id) {
			t.Errorf("bob's address book still has the circle: %s", answer)
		}
		const nowhere = "<abHandle><ABId>00000000-0000-0000-0009-000000000000</ABId></abHandle>"
		for _, operation := range []string{"ABFindContactsPaged", "CreateContact", "ManageWLConnection", "BreakConnection"} {
			call(a, operation, nowhere, 500, "")
		}
	})
}

// memberIDs returns the contact IDs of the people in an address book.
func memberIDs(answer string) map[string]string {
	ids := make(map[string]string)
	for _, m := range regexp.MustCompile(`<contactId>([^<]*)</contactId><contactInfo><contactType>Live[a-zA-Z]*</contactType><quickName>([^<]*)<`).FindAllStringSubmatch(answer, -1) {
		ids[m[2]] = m[1]
	}
	return ids
}

func TestPlayedMembersOfACircle(t *testing.T) {
	eachCompat(t, func(t *testing.T, compat msntest.Compat) {
		srv, circle := club(t, msntest.WithCompat(compat))
		a := inCircle(t, srv, alice, home, circle)
		heard := make(chan string, 10)
		b := srv.Play(bob, msntest.Script{
			CircleText:   func(circle, from, text string) { heard <- circle + " " + from + ": " + text },
			CircleTyping: func(circle, from string) { heard <- circle + " " + from + " types" },
		})
		a.drain()
		if err := b.SayInCircle(circle, "x"); !errors.Is(err, msntest.ErrNotInCircle) {
			t.Errorf("saying something outside: %v", err)
		}
		must(t, b.EnterCircle(circle))
		must(t, b.EnterCircle(circle)) // nothing more happens
		must(t, srv.WaitInCircle(testContext(t), circle, bob))
		bobVia := "1:" + bob + ";via=9:" + circle
		got := a.wantHeard("NLN NLN "+bobVia+" Bob%20Builder ...", "UBX "+bobVia+" *", "NFY PUT *")
		if list := users(got[2].Payload); !slices.Equal(list, []string{alice, bob}) {
			t.Errorf("roster %q", list)
		}
		for _, head := range []string{
			"Message-Type: Control\r\nMessage-Subtype: Typing\r\n", "Message-Type: Control/Typing\r\n", "Message-Type: Nudge\r\n", textHead,
		} {
			a.send(payload("SDG 30", sdg("9:"+circle+";path=IM", "1:"+alice+";epid="+here, head, "hello")))
		}
		for _, want := range []string{" types", " types", ": hello"} {
			if got := next(t, heard); got != circle+" "+alice+want {
				t.Errorf("bob hears %q", got)
			}
		}
		must(t, b.TypeInCircle(circle))
		must(t, b.SayInCircle(circle, "h\u00e9"))
		got = a.wantHeard("SDG 0 *", "SDG 0 *")
		if !strings.Contains(got[0].Payload, "\r\nMessage-Subtype: Typing\r\n") {
			t.Errorf("typing is %q", got[0].Payload)
		}
		if text := got[1].Payload; !strings.Contains(text, "To: 9:"+circle+";path=IM\r\nFrom: 1:"+bob+"\r\n") || !strings.Contains(text, "Content-Length: 3\r\n") ||
			!strings.HasSuffix(text, "\r\n\r\nh\u00e9") {
			t.Errorf("the text is %q", text)
		}
		b.SignOut()
		a.wantHeard("FLN 1:"+bob+" 0:0", "FLN "+bobVia+" 0:0")
		for _, err := range []error{b.EnterCircle(circle), b.TypeInCircle(circle)} {
			if !errors.Is(err, msntest.ErrNotOnline) {
				t.Errorf("signed out: %v", err)
			}
		}
		c := srv.Play(carol, msntest.Script{})
		srv.InviteToCircle(circle, carol)
		if err := c.EnterCircle(circle); !errors.Is(err, msntest.ErrNotInCircle) {
			t.Errorf("entering with an invitation: %v", err)
		}
		srv.AnswerCircle(circle, carol, true)
		must(t, c.EnterCircle(circle))
	})
}

func TestHooksOnCircleCommands(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		action msntest.Action
		want   []string
		closed bool
	}{
		"refuse":  {msntest.Refuse("201"), []string{"201 30"}, false},
		"swallow": {msntest.Swallow(), nil, false},
		"reply":   {msntest.Reply(wire.New("PUT", "30", "OK").WithPayload("x")), []string{"PUT 30 OK 1"}, false},
		"drop":    {msntest.Drop(), nil, true},
	} {
		for _, verb := range []string{"PUT", "SDG"} {
			t.Run(name+" "+verb, func(t *testing.T) {
				t.Parallel()
				srv, circle := club(t)
				a, b := inCircle(t, srv, alice, home, circle), inCircle(t, srv, bob, home, circle)
				a.drain()
				srv.Hook(msntest.For(alice, msntest.Once(msntest.On(verb, test.action))))
				text := put("9:"+circle, "/circle", roster(alice))
				if verb == "SDG" {
					text = sdg("9:"+circle+";path=IM", "1:"+alice+";epid="+here, textHead, "x")
				}
				a.send(payload(verb+" 30", text))
				a.want(test.want...)
				if test.closed {
					a.wantClosed()
					return
				}
				a.barrier()
				b.barrier()
				a.send(payload(verb+" 31", text))
				a.drain()
				if cmds := b.heard(); len(cmds) == 0 {
					t.Error("nothing came the second time")
				}
			})
		}
	}
}
