package service

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// maxLogins is how many logins are listed: those that are in trouble first.
const maxLogins = 100

// AllLogins shows an admin all logins of the bridge: who, where, how they are, and what waits.
func AllLogins(c *call.Call) {
	all := c.Bridge.GetAllCachedUserLogins()
	if len(all) == 0 {
		c.Tell("command.service.nobody_is_logged_in")
		return
	}
	waiting, err := c.DB.Waiting.All(c.Ctx)
	if err != nil {
		c.Log.Err(err).Msg("Failed to count what waits")
	}
	lines := make([]loginLine, 0, len(all))
	signedIn := 0
	for _, login := range all {
		line := lineOf(c.LoginOf(login), login, waiting[login.ID], time.Now())
		if line.signedIn {
			signedIn++
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b loginLine) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.text, b.text)) })
	said := []string{words.Text("command.service.accounts_signed_in", len(lines), signedIn)}
	if err != nil {
		said[0] += " " + words.Text("command.service.what_waits_could_not_be_counted")
	}
	for _, line := range lines[:min(len(lines), maxLogins)] {
		said = append(said, "• "+line.text)
	}
	if more := len(lines) - maxLogins; more > 0 {
		said = append(said, words.Text("command.service.and_more", more))
	}
	c.Say("%s", strings.Join(said, "\n"))
}

// loginLine is one login as AllLogins shows it.
type loginLine struct {
	rank     int
	signedIn bool
	text     string
}

// Ranks of loginLine.
const (
	rankHelpless = iota // only somebody can help
	rankTrying          // is being signed in, or carries nothing
	rankSignedIn
)

// lineOf describes a login.
func lineOf(l *call.Login, login *bridgev2.UserLogin, waits database.Waiting, now time.Time) loginLine {
	client, problem := l.Session.State()
	line, how := loginLine{rank: rankTrying}, words.Text("command.service.signing_in")
	switch {
	case client != nil:
		line.rank, line.signedIn, how = rankSignedIn, true, words.Text("command.service.signed_in_over", client.Dialect())
	case problem != nil && problem.Retried():
		how = words.Text("command.service.row_trying_to_sign_in", problem.Code)
	case problem != nil:
		line.rank, how = rankHelpless, words.Text("command.service.row_signed_out")+problem.Code+")"
	}
	if since := l.Session.Since(); !since.IsZero() {
		how += " since " + since.UTC().Format("2006-01-02 15:04 MST")
	}
	if since := l.Outages.Carries(); client != nil && !since.IsZero() {
		how += words.Text("command.service.and_the_service_carries_no_texts", since.UTC().Format(room.TimeFormat))
		line.rank = rankTrying
	}
	line.text = fmt.Sprintf("%s: %s, %s", login.UserMXID, l.Account.AtService(), how)
	if what := describeWaiting(waits, now); what != "" {
		line.text += "; " + what
	}
	return line
}

// describeWaiting says what waits, "" for nothing.
func describeWaiting(waits database.Waiting, now time.Time) string {
	var parts []string
	if waits.Out > 0 {
		parts = append(parts, words.Text("command.service.to_msn", waits.Out))
	}
	if waits.In > 0 {
		parts = append(parts, words.Text("command.service.to_matrix", waits.In))
	}
	said := ""
	if len(parts) > 0 {
		said = "waiting: " + strings.Join(parts, ", ")
		if !waits.Oldest.IsZero() {
			said += ", for " + names.Minutes(now.Sub(waits.Oldest))
		}
	}
	if waits.Kept > 0 {
		said = strings.TrimPrefix(said+words.Text("command.service.kept_for_who_is_offline", waits.Kept), "; ")
	}
	return said
}
