package service

import (
	"context"
	"time"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/intake"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/words"
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
		c.Tell("command.service.not_logged_in_in_a_room")
		return
	}
	defer intake.Hold(c.Ctx)()
	waiting, cancel := context.WithTimeout(c.Ctx, reconnectWait)
	defer cancel()
	outcomes := make([]func() string, 0, len(logins))
	for _, login := range logins {
		c.Tell("command.service.signing_in_to_msn_again_to", login.Account.Service.Name, login.Account.Identity.Account)
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
				return words.Text("command.service.is_signed_in_to", who, service)
			case problem.Retried():
				return words.Text("command.service.is_not_signed_in_to_the", who, service, problem.Sentence)
			}
			return words.Text("command.service.is_not_signed_in_to", who, service, problem.Sentence)
		})
	}
	for _, outcome := range outcomes {
		c.Say("%s", outcome())
	}
}
