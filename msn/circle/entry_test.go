package circle

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

const otherID = "00000000-0000-0000-0009-98e48abd732c"

// serve returns the circles of a connection whose server the test plays, and the
// conversations. The user belongs to two circles.
func serve(t *testing.T, d wire.Dialect) (*Circles, *chat.Chats, *lists, *nstest.Server) {
	t.Helper()
	var c *Circles
	var chats *chat.Chats
	l := new(lists)
	_, server := nstest.Serve(t, d, func(conn *ns.Conn) {
		book := roster.New(d, conn.Self(), "")
		chats = chat.New(conn, book, chat.Config{})
		c = New(conn, book, chats, l, "{F52973B6-C926-4BAD-9BA8-7C1E840E4AB0}")
		c.apply(bookOf("ticket", soap.Circle{ID: circleID, Host: "live.com", Name: "Round", State: accepted},
			soap.Circle{ID: otherID, Host: "live.com", Name: "Square", State: accepted}))
	})
	server.Ready()
	return c, chats, l, server
}

// bookOf is an address book with circles.
func bookOf(ticket string, circles ...soap.Circle) *soap.Book {
	return &soap.Book{Me: soap.Contact{ID: "me"}, Circles: circles, CircleTicket: ticket}
}

// entryOf is the payload that enters a circle.
func entryOf(id string) string {
	return `<ml><d n="live.com"><c n="` + id + `" l="3" t="9"/></d></ml>`
}

// say has a text said in a circle and returns where its fate comes.
func say(chats *chat.Chats, id, text string) <-chan error {
	wait := chats.Get(chat.ID{Circle: id + "@live.com"}).StartText(context.Background(), text, "")
	result := make(chan error, 1)
	go func() { result <- wait() }()
	synctest.Wait()
	return result
}

// expectSaid reads the texts that are said next.
func expectSaid(t *testing.T, server *nstest.Server, texts ...string) (trids []string) {
	t.Helper()
	for _, text := range texts {
		cmd := server.Read()
		said, ok := wire.ParseRouted(cmd.Payload)
		if cmd.Verb != "SDG" || !ok || said.Body != text {
			t.Fatalf("the client sent %v %q, want %q", cmd, cmd.Payload, text)
		}
		trids = append(trids, cmd.Arg(0))
	}
	return trids
}

// Two circles are entered at once, each by itself: what waits for one does not go into the
// other, and one that refuses the user is no matter of the other.
func TestTextsWaitForTheirCircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, chats, _, server := serve(t, 18)
		if err := <-say(chats, circleID, "too early"); !errors.Is(err, ErrCircle) {
			t.Errorf("error %v", err)
		}
		c.conn.Do(c.enter)
		first, second := say(chats, circleID, "one"), say(chats, circleID, "two")
		other := say(chats, otherID, "three")
		server.Answer("USR SHA A dGlja2V0", "OK alice@example.com 0 0")
		entry, otherEntry := server.Expect("ADL", entryOf(circleID)), server.Expect("ADL", entryOf(otherID))
		server.ExpectNothing()
		server.Send("933 " + otherEntry)
		if err := <-other; !errors.Is(err, ErrCircle) || !strings.Contains(err.Error(), "933") {
			t.Errorf("error %v", err)
		}
		server.Send("ADL " + entry + " OK")
		if cmd := server.Read(); cmd.Verb != "PUT" {
			t.Errorf("the client sent %v", cmd)
		}
		trids := expectSaid(t, server, "one", "two")
		server.Send("SDG "+trids[1]+" OK 0\r\n", "800 "+trids[0])
		if err := <-first; !errors.Is(err, errs.ErrTooFast) {
			t.Errorf("error %v", err)
		}
		if err := <-second; err != nil {
			t.Error(err)
		}
		for i, entered := range []bool{true, false} {
			if circles := c.List(); circles[i].Entered != entered {
				t.Errorf("circle %+v", circles[i])
			}
		}
	})
}

// Closing in the middle: what waits has not been sent, what is on its way may have arrived.
func TestCloseInTheMiddleOfACircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, chats, _, server := serve(t, 18)
		c.conn.Do(c.enter)
		server.Answer("USR SHA A dGlja2V0", "OK alice@example.com 0 0")
		server.Answer("ADL", "OK", entryOf(circleID))
		server.Expect("ADL", entryOf(otherID))
		server.Read() // PUT
		waiting := say(chats, otherID, "waiting")
		onItsWay := say(chats, circleID, "on its way")
		expectSaid(t, server, "on its way")
		server.Hangup()
		if err := <-waiting; err == nil || errors.Is(err, errs.ErrUncertain) {
			t.Errorf("waiting: %v", err)
		}
		if err := <-onItsWay; !errors.Is(err, errs.ErrUncertain) {
			t.Errorf("on its way: %v", err)
		}
		if err := <-say(chats, circleID, "after that"); !errors.Is(err, errs.ErrNotConnected) {
			t.Errorf("after that: %v", err)
		}
		time.Sleep(24 * time.Hour) // nothing is tried again
	})
}

// A server that has put the user out is entered again when the address book has come anew,
// and once only.
func TestUserIsPutOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, chats, l, server := serve(t, 18)
		c.conn.Do(c.enter)
		server.Answer("USR SHA A dGlja2V0", "OK alice@example.com 0 0")
		server.Answer("ADL", "OK", entryOf(circleID))
		server.Read() // ADL of the other
		server.Read() // PUT
		first, second := say(chats, circleID, "one"), say(chats, circleID, "two")
		for _, trid := range expectSaid(t, server, "one", "two") {
			server.Send("201 " + trid)
		}
		for _, result := range []<-chan error{first, second} {
			if err := <-result; !errors.Is(err, ErrCircle) {
				t.Errorf("error %v", err)
			}
		}
		c.conn.Do(func() {
			if l.refreshed != 1 {
				t.Errorf("the address book is asked for %d times", l.refreshed)
			}
			c.enter()
			c.enter() // the same again
		})
		server.Answer("ADL", "OK", entryOf(circleID))
		server.Read() // PUT
		server.ExpectNothing()
	})
}

// Circles that the server did not let the user into are tried again, a few times.
func TestEntryIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _, server := serve(t, 18)
		c.conn.Do(c.enter)
		server.Answer("USR SHA A dGlja2V0", "OK alice@example.com 0 0")
		start := time.Now()
		var tried []time.Duration
		for range MaxRetries + 1 {
			first, second := server.Expect("ADL", entryOf(circleID)), server.Expect("ADL", entryOf(otherID))
			tried = append(tried, time.Since(start))
			server.Send("500 "+first, "500 "+second)
			start = time.Now()
			if len(tried) <= MaxRetries {
				time.Sleep(retryAfter << (2 * (len(tried) - 1)))
			}
		}
		if want := []time.Duration{0, time.Minute, 4 * time.Minute, 16 * time.Minute, 64 * time.Minute}; !reflect.DeepEqual(tried, want) {
			t.Errorf("tried after %v", tried)
		}
		time.Sleep(24 * time.Hour)
		server.ExpectNothing()
	})
}

// Entering is announced once as a change of the circle; what comes after that is news.
func TestEchoOfEntering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _, server := serve(t, 18)
		c.conn.Do(c.enter)
		server.Answer("USR SHA A dGlja2V0", "OK alice@example.com 0 0")
		server.Expect("ADL", entryOf(circleID))
		c.conn.Do(func() {
			for i, want := range []bool{true, false} {
				if got := c.Echo(strings.ToUpper(circleID)); got != want {
					t.Errorf("announced %d times: %v", i+1, got)
				}
			}
			if c.Echo("00000000-0000-0000-0009-000000000000") {
				t.Error("an unknown circle is entered")
			}
		})
	})
}

// Below MSNP18 circles are known and nothing is said in them.
func TestCirclesThatAreNotCarried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, chats, _, server := serve(t, 16)
		c.conn.Do(c.Begin)
		if err := <-say(chats, circleID, "x"); !errors.Is(err, ErrCircle) || !errors.Is(err, errs.ErrDialect) {
			t.Errorf("error %v", err)
		}
		if _, err := c.Create(t.Context(), "x"); !errors.Is(err, errs.ErrDialect) {
			t.Errorf("error %v", err)
		}
		if list := c.List(); len(list) != 2 || list[0].Entered {
			t.Errorf("circles %+v", list)
		}
		server.ExpectNothing()
	})
}

// Who is seen in a circle is there, once, and their name there is news of a member only.
func TestWhoIsSeenInACircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _, server := serve(t, 18)
		c.conn.Do(func() {
			c.members(circleAddress, []soap.CircleMember{{Account: "Bob@example.com", Name: "Bob", State: soap.CircleJoined}}, true, nil)
		})
		if events := server.Events(); len(events) != 1 {
			t.Errorf("events %+v", events)
		}
		const via = ";via=9:" + circleAddress
		told := func(lines ...string) int {
			for _, line := range lines {
				cmd, err := wire.NewReader(strings.NewReader(line+"\r\n"), wire.FromServer).Read()
				if err != nil {
					t.Fatal(err)
				}
				c.conn.Do(func() { c.conn.Emit(c.people.(*roster.Book).Apply(cmd)...) })
			}
			return len(server.Events())
		}
		bob := "NLN NLN 1:bob@example.com" + via + " Robert 1:0"
		if n := told(bob, bob, "NLN NLN 1:carol@example.com"+via+" Carol 1:0"); n != 1 {
			t.Errorf("%d events", n)
		}
		circle := c.List()[0]
		if fmt.Sprint(circle.Present, circle.Members) != "[bob@example.com carol@example.com] [{bob@example.com Robert false}]" {
			t.Errorf("circle %+v", circle)
		}
		if n := told("FLN 1:bob@example.com"+via+" 1:0", "FLN 1:bob@example.com"+via+" 1:0"); n != 0 {
			t.Errorf("%d events", n)
		}
		if circle := c.List()[0]; len(circle.Present) != 1 {
			t.Errorf("circle %+v", circle)
		}
	})
}
