package service

import (
	"cmp"
	"strconv"
	"strings"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
)

// Of the alerts, alertsListed are listed unless the user wants another number, and
// maxAlertsListed at most.
const (
	alertsListed    = 10
	maxAlertsListed = 50
)

// Alerts lists the latest alerts.
func Alerts(c *call.Call) {
	n, named := alertsListed, ""
	for _, word := range strings.Fields(c.Text) {
		if number, err := strconv.Atoi(word); err == nil {
			n = number
		} else {
			named = word
		}
	}
	if named != "" && !strings.Contains(named, "@") { // no account is called like that
		c.Tell("command.service.alerts_takes_a_number", names.Clean(named))
		return
	}
	if n < 1 || n > maxAlertsListed {
		c.Tell("command.service.the_number_of_alerts_to_list", maxAlertsListed)
		return
	}
	logins, ok := c.Logins(cmp.Or(c.Given[call.LoginOption], named))
	if !ok {
		return
	}
	for _, login := range logins {
		for _, content := range login.Alerts.List(c.Ctx, n) {
			c.Send(content)
		}
	}
}
