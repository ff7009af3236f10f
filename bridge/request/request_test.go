package request

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/bridge/background"
)

// window counts nothing, and is over after an hour.
type window struct{}

func (window) AllowRequest(string, time.Time) bool { return true }

func (window) Rest(time.Time) time.Duration { return time.Hour }

// The sum that is planned ends with the login: nothing of it is left to be done by the next start.
func TestPlannedSumEndsWithTheLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		r := &Requests{notes: window{}, work: background.New()}
		r.sumLater() // before the start
		r.Start(ctx)
		r.notes.AllowRequest("bob@example.com", time.Now())
		r.sumLater()
		r.Stop()
		r.sumLater() // of a session that ends
		time.Sleep(2 * time.Hour)
		if r.summing != nil {
			t.Error("a sum is planned")
		}
		r.work.Start(ctx) // a sum would panic without a session
		synctest.Wait()
		end()
		r.work.Stop()
	})
}
