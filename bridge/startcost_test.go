package bridge

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.mau.fi/util/dbutil"
)

// What it costs the database that an account signs in for which nothing has changed, those of the framework included.
const (
	statementsAtStart   = 22
	statementsReconnect = 13
)

// stacks returns what all goroutines are at.
func (w *world) stacks() string {
	stacks := make([]byte, 4<<20)
	return string(stacks[:runtime.Stack(stacks, true)])
}

// An account that signs in again, after a restart of the bridge or of the service, writes nothing into the database while all is
// as it was, and asks it little: with thousands of them that is what takes time. Nor does it load rooms, each of which would have a
// goroutine of the framework from then on.
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
		if err := w.srv.Kick(alice, "SSD"); err != nil {
			t.Fatal(err)
		}
		check("after the connection was lost", statementsReconnect)
		w.b.stop()
	})
}
