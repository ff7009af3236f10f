package bridge

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.mau.fi/util/dbutil"
)

// maxIdle is how many goroutines of the bridge an idle login has: that of its session.
const maxIdle = 1

// It does not run beside other tests, whose goroutines would count.
func TestIdleLoginHasOneGoroutine(t *testing.T) {
	b := newTestBridge(t, newTestServer(t))
	login := b.login()
	room := b.dm(login, bob)
	var idle string
	_, texts := b.friend()
	b.write(room, "hello")
	b.receive(texts, alice+": hello")
	b.Cleanup(func() {
		if b.Failed() {
			b.Logf("there were\n%s", idle)
		}
	})
	b.eventually("the login to be idle", func() bool {
		found := ofTheBridge()
		idle = strings.Join(found, "\n\n")
		return len(found) <= maxIdle
	})
	login.Client.Disconnect()
	b.eventually("nothing to be left", func() bool {
		left := ofTheBridge()
		idle = strings.Join(left, "\n\n")
		return len(left) == 0
	})
}

// ofTheBridge returns the goroutines that are in packages of the bridge, but for those of
// tests, and for those of which there is one in all: of the intake, the lease, presence and
// what forgets.
func ofTheBridge() (found []string) {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "matrix-msn/bridge") && !strings.Contains(stack, "_test.go") && !strings.Contains(stack, "intake.(*Intake).run(") && !strings.Contains(stack, "lease.(*Lease).beat(") &&
			!strings.Contains(stack, "presence.(*Keeper).run(") && !strings.Contains(stack, "forget.(*Forgetting).run(") {
			found = append(found, stack)
		}
	}
	return found
}

// ofTheProcess are the statements of the process itself, of which there are as many with ten thousand accounts: that it is still
// there, what waits, and to forget what the homeserver will not push again and, once a day, what is old.
var ofTheProcess = []string{"UPDATE lease SET beat", "DELETE FROM intake WHERE", "MIN(queued_at) FROM matrix_queue WHERE",
	"DELETE FROM alert WHERE", "DELETE FROM page WHERE", "DELETE FROM invitation WHERE", "DELETE FROM object WHERE"}

func isOfTheProcess(query string) bool {
	return slices.ContainsFunc(ofTheProcess, func(of string) bool { return strings.Contains(query, of) })
}

// An account that does nothing asks the database nothing, for a day.
func TestIdleAccountAsksTheDatabaseNothing(t *testing.T) {
	takeSnapshot(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.b.statements = &statements{DatabaseLogger: dbutil.NoopLogger}
		w.start()
		w.online(bob, true)
		w.pass(time.Hour) // what the start brought with it is done
		if !w.b.signedIn(loginID(alice)) {
			t.Fatal("the account is not signed in")
		}
		w.b.statements.take()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		own := 0
		for _, query := range w.b.statements.take() {
			if isOfTheProcess(query) {
				own++
				continue
			}
			t.Errorf("it asked: %s", query)
		}
		if own == 0 {
			t.Error("not even what the process asks was counted")
		}
		w.online(bob, false)
		w.b.stop()
	})
}
