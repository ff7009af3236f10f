package service

import (
	"context"
	"fmt"
	"time"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/intake"
	"matrix-msn/bridge/reason"
)

// reconnectWait is for how long Reconnect waits for what comes of it. What comes later is told as the end of
// an outage is.
const reconnectWait = 30 * time.Second

// Reconnect signs in again, and says how that went.
func Reconnect(c *call.Call) {
	logins, ok := c.Logins(c.NamedLogin())
	if !ok {
		return
	}
	if len(logins) == 0 {
		c.Say("You are not logged in to MSN. `$cmdprefix login` logs you in.")
		return
	}
	defer intake.Hold(c.Ctx)()
	waiting, cancel := context.WithTimeout(c.Ctx, reconnectWait)
	defer cancel()
	outcomes := make([]func() string, 0, len(logins))
	for _, login := range logins {
		c.Say("Signing in to MSN again, to %s as %s.", login.Account.Service.Name, login.Account.Identity.Account)
		told := login.Outages.Ask()
		login.Session.Reconnect(c.Ctx)
		outcomes = append(outcomes, func() string {
			login.Session.WaitForOutcome(waiting)
			client, problem := login.Session.State()
			who, service := login.Account.Identity.Account, login.Account.Service.Name
			if client == nil && problem == nil {
				slow := reason.Of(context.DeadlineExceeded, reason.Connection, login.Account.About(who))
				problem = &slow
			}
			told(c.Ctx, problem)
			switch {
			case client != nil:
				return fmt.Sprintf("%s is signed in to %s.", who, service)
			case problem.Retried():
				return fmt.Sprintf("%s is not signed in to %s. %s The bridge goes on trying, and says in your chat with me when it is back.", who, service, problem.Sentence)
			}
			return fmt.Sprintf("%s is not signed in to %s. %s", who, service, problem.Sentence)
		})
	}
	for _, outcome := range outcomes {
		c.Say("%s", outcome())
	}
}
