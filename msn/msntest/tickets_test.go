package msntest

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// Tickets that have expired go after a while, however many come, and those that are good stay.
func TestTicketsThatHaveExpiredGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := make(issued[string])
		for i := range 100 * sweepAt {
			all.put(strconv.Itoa(i), "good", time.Minute)
			time.Sleep(time.Second)
			if len(all) > sweepAt {
				t.Fatalf("%d are kept, of which one a second was issued for a minute each", len(all))
			}
		}
		if all.peek(strconv.Itoa(100*sweepAt-30)) == "" {
			t.Error("one that is good has gone")
		}
		if all.peek(strconv.Itoa(100*sweepAt-90)) != "" {
			t.Error("one that has expired is good")
		}
	})
}
