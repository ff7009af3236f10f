package people

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/background"
)

// The sum that is planned ends with the login: nothing of it is left to be done by the next start.
func TestPlannedSumEndsWithTheLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		r := &Requests{notes: new(Notes), work: background.New()}
		r.sumLater() // before the start
		r.Start(ctx)
		r.notes.allowRequest("bob@example.com", time.Now())
		r.sumLater()
		r.Stop()
		r.sumLater() // of a session that ends
		time.Sleep(2 * noteWindow)
		if r.summing != nil {
			t.Error("a sum is planned")
		}
		r.work.Start(ctx) // a sum would panic without a session
		synctest.Wait()
		end()
		r.work.Stop()
	})
}
