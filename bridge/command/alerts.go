package command

import (
	"cmp"
	"strconv"
	"strings"
)

// Of the alerts, alertsListed are listed unless the user wants another number, and
// maxAlertsListed at most.
const (
	alertsListed    = 10
	maxAlertsListed = 50
)

// runAlerts lists the latest alerts.
func runAlerts(c *call) {
	n, named := alertsListed, ""
	for _, word := range strings.Fields(c.text) {
		if number, err := strconv.Atoi(word); err == nil {
			n = number
		} else {
			named = word
		}
	}
	if n < 1 || n > maxAlertsListed {
		c.say("The number of alerts to list must be from 1 to %d, as in `!alerts 20`.", maxAlertsListed)
		return
	}
	logins, ok := c.logins(cmp.Or(c.given[loginOption], named))
	if !ok {
		return
	}
	for _, login := range logins {
		for _, content := range login.Alerts.List(c.Ctx, n) {
			c.send(content)
		}
	}
}
