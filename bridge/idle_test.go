package bridge

import (
	"runtime"
	"strings"
	"testing"
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
