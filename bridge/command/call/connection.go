package call

import (
	"context"
	"time"

	"matrix-msn/bridge/intake"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
)

const (
	// connectionWait is for how long a command waits for the connection, unless messages wait
	// for less: people do not sit before a command for longer.
	connectionWait = time.Minute
	// sayWaitsAfter is after how long it is said that a command waits.
	sayWaitsAfter = 10 * time.Second
)

// SessionOf returns the session of a login, and waits for it while the bridge signs in. It
// answers when there is none.
func (c *Call) SessionOf(login *Login) (*msn.Client, bool) {
	client, problem := login.Session.State()
	limit := min(connectionWait, login.Account.Config.Outage())
	if since := intake.Since(c.Ctx); !since.IsZero() {
		limit -= time.Since(since) // those that were typed together wait together
	}
	if client == nil && limit > 0 && (problem == nil || problem.Retried()) {
		client, problem = c.await(login, limit)
	}
	account := login.Account.Identity.Account
	switch {
	case client != nil:
		return client, true
	case problem != nil:
		c.Tell("command.call.you_are_not_signed_in_to", account, problem.Sentence)
	default:
		c.Tell("command.call.the_bridge_is_still_signing_in", login.Account.Service.Name, account)
	}
	return nil, false
}

// await waits for the session of a login, and says so when that takes long. Without one it
// returns why there is none, or nil when that is not known yet. The commands behind this one wait
// too.
func (c *Call) await(login *Login, limit time.Duration) (*msn.Client, *reason.Reason) {
	defer intake.Hold(c.Ctx)()
	waiting, cancel := context.WithTimeout(c.Ctx, limit)
	defer cancel()
	said := make(chan struct{})
	timer := time.AfterFunc(sayWaitsAfter, func() {
		defer close(said)
		if limit > sayWaitsAfter && waiting.Err() == nil {
			c.Say("The bridge is still signing in to %s as %s. What you ask for waits, for %s at most.",
				login.Account.Service.Name, login.Account.Identity.Account, names.Minutes(limit))
		}
	})
	_, _ = login.Session.Wait(waiting)
	if !timer.Stop() {
		<-said // the answer comes behind it
	}
	return login.Session.State()
}
