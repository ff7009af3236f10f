package contactlist

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// listening returns a contact list whose sign-in is complete.
func listening(t *testing.T) nstest.Conn {
	t.Helper()
	return nstest.New(t, 9, func(conn *ns.Conn) {
		l := &List{account: nstest.Account, conn: conn, book: roster.New(9, conn.Self(), "")}
		l.register()
		l.signedIn = true
	})
}

// named are the lines by which somebody takes so many names.
func named(account string, names int) (lines []wire.Command) {
	for i := range names {
		lines = append(lines, wire.New("NLN", "NLN", account, fmt.Sprint("Name", i), "0"))
	}
	return lines
}

func namesIn(events []event.Event) (names []string) {
	for _, e := range events {
		if changed, ok := e.(roster.PresenceChanged); ok {
			names = append(names, changed.Contact.Name)
		}
	}
	return names
}

// Who takes a name after the other is told of by the last one, and no other contact waits
// for that.
func TestFloodOfNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := listening(t)
		if got := namesIn(conn.Tell(named("eve@example.com", 1000)...)); len(got) != NewsBurst {
			t.Errorf("%d names are told at once", len(got))
		}
		if got := namesIn(conn.Tell(named("bob@example.com", 1)...)); len(got) != 1 {
			t.Errorf("another contact's names are %q", got)
		}
		time.Sleep(NewsEvery)
		synctest.Wait()
		if got := namesIn(conn.Made(func() {})); len(got) != 1 || got[0] != "Name999" {
			t.Errorf("after a while the names are %q", got)
		}
		// It goes on as slowly.
		if got := namesIn(conn.Tell(named("eve@example.com", 1000)...)); len(got) > 1 {
			t.Errorf("then %d names are told at once", len(got))
		}
		time.Sleep(100 * NewsEvery)
		synctest.Wait()
		if got := namesIn(conn.Made(func() {})); len(got) != 1 || got[0] != "Name999" {
			t.Errorf("in the end the names are %q", got)
		}
	})
}

// Of each kind of news the last is told, about the contact as it is.
func TestNewsThatIsHeldIsOfEachKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := listening(t)
		conn.Tell(named("eve@example.com", NewsBurst)...)
		if got := conn.Tell(
			wire.New("ADD", "0", "FL", "2", "eve@example.com", "Eve", "0"),
			wire.New("NLN", "AWY", "eve@example.com", "Away", "0"),
			wire.New("UBX", "eve@example.com").WithPayload("<Data><PSM>says</PSM></Data>"),
			wire.New("ADD", "0", "AL", "3", "eve@example.com", "Eve"),
			wire.New("FLN", "eve@example.com"),
		); len(got) > 0 {
			t.Errorf("told at once: %v", got)
		}
		time.Sleep(NewsEvery)
		synctest.Wait()
		got := conn.Made(func() {})
		if names := fmt.Sprint(typesOf(got)); names != "[PersonalMessageChanged ContactChanged PresenceChanged]" {
			t.Fatalf("events %s", names)
		}
		personal, changed, presence := got[0].(roster.PersonalMessageChanged), got[1].(roster.ContactChanged), got[2].(roster.PresenceChanged)
		if personal.Contact.Personal != "says" || presence.Contact.Status != roster.Offline ||
			changed.Before != 0 || changed.Contact.Lists != roster.ListForward|roster.ListAllow {
			t.Errorf("events %+v", got)
		}
	})
}

// Who puts the user on a list and takes them off again and again is told of a few times, and
// then by how it ended.
func TestFloodOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := listening(t)
		requests := func(events []event.Event) (names []string) {
			for _, name := range typesOf(events) {
				if name == "AddedYou" || name == "RemovedYou" {
					names = append(names, name)
				}
			}
			return names
		}
		var lines []wire.Command
		for i := range 500 {
			lines = append(lines, wire.New("ADD", "0", "RL", fmt.Sprint(2*i+1), "eve@example.com", "Eve"))
			lines = append(lines, wire.New("REM", "0", "RL", fmt.Sprint(2*i+2), "eve@example.com"))
		}
		lines = append(lines, wire.New("ADD", "0", "RL", "5000", "eve@example.com", "Eve"))
		if got := requests(conn.Tell(lines...)); len(got) != RequestBurst {
			t.Errorf("told at once: %q", got)
		}
		time.Sleep(RequestEvery + NewsEvery)
		synctest.Wait()
		if got := requests(conn.Made(func() {})); fmt.Sprint(got) != "[AddedYou]" {
			t.Errorf("then %q", got)
		}
	})
}

// What is held is told before the end.
func TestNewsThatIsHeldAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := listening(t)
		conn.Tell(named("eve@example.com", NewsBurst+2)...)
		conn.Do(func() { conn.End(errs.ErrNotConnected) })
		var got []event.Event
		for e := range conn.Events() {
			got = append(got, e)
		}
		if names := typesOf(got); fmt.Sprint(names) != "[PresenceChanged Disconnected]" || namesIn(got)[0] != fmt.Sprint("Name", NewsBurst+1) {
			t.Errorf("events %+v", got)
		}
		time.Sleep(2 * NewsEvery)
	})
}
