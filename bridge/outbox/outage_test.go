package outbox

import (
	"context"
	"testing"
	"time"

	"matrix-msn/database"
	"matrix-msn/msn"
)

// connectedSince is a session that is there since a time.
type connectedSince time.Time

func (connectedSince) Current() *msn.Client                      { return new(msn.Client) }
func (connectedSince) Wait(context.Context) (*msn.Client, error) { return new(msn.Client), nil }
func (c connectedSince) Since() time.Time                        { return time.Time(c) }
func (connectedSince) WaitForOutcome(context.Context)            {}

// A text that has waited behind others through an outage has all the time to be sent: it counts
// from when the connection is there.
func TestTimeOfATextCountsFromTheConnection(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct{ written, connected, want time.Time }{
		"written in an outage": {now.Add(-4 * time.Minute), now, now},
		"written since":        {now, now.Add(-time.Hour), now},
	} {
		o := &Outbox{session: connectedSince(test.connected)}
		if since, err := o.connected(t.Context(), test.written, &database.QueuedEvent{}); err != nil || !since.Equal(test.want) {
			t.Errorf("%s: %v, %v", name, since, err)
		}
	}
}
