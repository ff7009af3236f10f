package bridge

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.mau.fi/util/dbutil"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// What it costs the database that an account signs in for which nothing has changed, those of the framework included.
const (
	statementsAtStart   = 10
	statementsReconnect = 2
)

// stacks returns what all goroutines are at.
func (w *world) stacks() string {
	stacks := make([]byte, 4<<20)
	return string(stacks[:runtime.Stack(stacks, true)])
}

// An account that signs in again, after a restart of the bridge or of the service, writes nothing into the database while all is
// as it was, and asks it little: with thousands of them that is what takes time. Nor does it load rooms, each of which would have a
// goroutine of the framework from then on, nor ghosts.
func TestSigningInAgainWritesNothing(t *testing.T) {
	takeSnapshot(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.b.statements = &statements{DatabaseLogger: dbutil.NoopLogger}
		w.start()
		w.pass(time.Hour)
		w.restart()
		w.b.statements.take()
		check := func(when string, most int) {
			t.Helper()
			w.pass(10 * time.Second)
			if !w.b.signedIn(loginID(alice)) {
				t.Fatalf("%s the account is not signed in", when)
			}
			asked := 0
			for _, query := range w.b.statements.take() {
				query = strings.TrimSpace(query)
				if query == "" || isOfTheProcess(query) {
					continue
				}
				asked++
				if !strings.HasPrefix(query, "SELECT") && !strings.Contains(query, "kv_store") {
					t.Errorf("%s it does %s", when, query)
				}
			}
			if asked > most || asked == 0 {
				t.Errorf("%s there are %d statements, %d at most", when, asked, most)
			}
			t.Logf("%s there are %d statements", when, asked)
		}
		check("after a start", statementsAtStart)
		if stacks := w.stacks(); strings.Contains(stacks, "(*Portal).eventLoop(") {
			t.Errorf("rooms were loaded in which nothing happens:\n%s", stacks)
		}
		// The framework keeps each ghost that it has loaded, with a client of the homeserver.
		if loaded := reflect.ValueOf(w.b.br).Elem().FieldByName("ghostsByID"); loaded.Len() > 0 {
			t.Errorf("ghosts were loaded of whom nothing is shown: %v", loaded)
		}
		if err := w.srv.Kick(alice, "SSD"); err != nil {
			t.Fatal(err)
		}
		check("after the connection was lost", statementsReconnect)
		w.b.stop()
	})
}

// What it costs the database that somebody comes online, or goes, who has done so before: with whom there is a room, it is noted
// of whom the homeserver has to be told that they are not there any more.
const (
	statementsOfContact  = 1
	statementsOfStranger = 0 // on the list, and shown nowhere
)

func TestContactWhoComesAndGoesCostsFewStatements(t *testing.T) {
	const dave = "dave@example.com"
	takeSnapshot(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.srv.AddAccount(dave, pass, msntest.Name("Dave"))
		w.srv.Befriend(alice, dave)
		w.b.statements = &statements{DatabaseLogger: dbutil.NoopLogger}
		w.start()
		w.pass(time.Minute)
		for contact, most := range map[string]int{bob: statementsOfContact, dave: statementsOfStranger} {
			for range 2 { // they are new the first time
				w.online(contact, true)
				w.pass(time.Minute)
				w.online(contact, false)
				w.pass(time.Minute)
			}
			w.b.statements.take()
			for _, online := range []bool{true, false} {
				w.online(contact, online)
				w.pass(time.Minute)
				if shown := w.b.br.GetCachedUserLoginByID(loginID(alice)).Client.(*Client).session.Current(); shown == nil {
					t.Fatal("the account is not signed in")
				} else if seen, _ := shown.Contact(contact); (seen.Status != msn.Offline) != online {
					t.Fatalf("%s is seen as %v", contact, seen.Status)
				}
				asked := slices.DeleteFunc(w.b.statements.take(), func(query string) bool { return strings.TrimSpace(query) == "" || isOfTheProcess(query) })
				if len(asked) > most {
					t.Errorf("%s online %v: %d statements:\n%s", contact, online, len(asked), strings.Join(asked, "\n"))
				}
			}
		}
		w.b.stop()
	})
}
