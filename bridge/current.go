package bridge

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/metrics"
)

// current is what metrics tell of the bridge as it is now.
type current struct{ *Connector }

var _ metrics.State = current{}

// Logins implements metrics.State.
func (c current) Logins() (logins map[metrics.Logins]int, switchboards int) {
	logins = make(map[metrics.Logins]int)
	for _, login := range c.br.GetAllCachedUserLogins() {
		client, ok := login.Client.(*Client)
		if !ok {
			continue
		}
		session, problem := client.session.State()
		now := status.StateConnecting
		kind := metrics.Logins{Service: client.account.Identity.Service}
		switch {
		case session != nil:
			now, kind.Dialect = status.StateConnected, session.Dialect().String()
			switchboards += session.Switchboards()
		case problem != nil:
			now = problem.BridgeState().StateEvent
		}
		kind.State = strings.ToLower(string(now))
		logins[kind]++
	}
	return logins, switchboards
}

// Queues implements metrics.State.
func (c current) Queues(ctx context.Context) (map[string]metrics.Queue, error) {
	depths, err := c.db.Waiting.Depths(ctx)
	if err != nil {
		return nil, err
	}
	queues := make(map[string]metrics.Queue, len(depths))
	for name, depth := range depths {
		queues[name] = metrics.Queue{Rows: depth.Rows, Oldest: depth.Oldest}
	}
	return queues, nil
}
