package bridge

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/metrics"
	"matrix-msn/msn/wire"
)

// current is what metrics tell of the bridge as it is now.
type current struct{ *Connector }

var _ metrics.State = current{}

// Logins implements metrics.State.
func (c current) Logins() (logins map[metrics.Logins]int, switchboards int) {
	// What is counted first is cheap to compare: nearly all of thousands are in the same state.
	type same struct {
		service string
		state   status.BridgeStateEvent
		dialect wire.Dialect
	}
	counts := make(map[same]int)
	var kind same
	many := 0
	for _, login := range c.br.GetAllCachedUserLogins() {
		client, ok := login.Client.(*Client)
		if !ok {
			continue
		}
		session, problem := client.session.State()
		now := same{service: client.account.Identity.Service, state: status.StateConnecting}
		switch {
		case session != nil:
			now.state, now.dialect = status.StateConnected, session.Dialect()
			switchboards += session.Switchboards()
		case problem != nil:
			now.state = problem.BridgeState().StateEvent
		}
		if now != kind {
			counts[kind] += many
			kind, many = now, 0
		}
		many++
	}
	counts[kind] += many
	logins = make(map[metrics.Logins]int, len(counts))
	for kind, many := range counts {
		if many == 0 {
			continue
		}
		is := metrics.Logins{Service: kind.service, State: strings.ToLower(string(kind.state))}
		if kind.dialect != 0 {
			is.Dialect = kind.dialect.String()
		}
		logins[is] += many
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
