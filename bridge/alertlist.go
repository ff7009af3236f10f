package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/database"
)

const (
	// alertsListed is how many alerts are listed unless the user wants another number,
	// and maxAlertsListed the largest.
	alertsListed    = 10
	maxAlertsListed = 50
	// maxListedText is how much of an alert is listed, in characters.
	maxListedText = 200
	// maxListEvent is how much of a list goes into one event, in bytes of JSON. An
	// event has at most 64 KiB, and one alert less than half of that.
	maxListEvent = 56 << 10
)

// fnAlerts lists the latest alerts.
func (c *Connector) fnAlerts(ce *commands.Event) {
	given := make(options)
	n, named := alertsListed, ""
	for _, word := range strings.Fields(given.take(typedArguments(ce), loginOption)) {
		if number, err := strconv.Atoi(word); err == nil {
			n = number
		} else {
			named = word
		}
	}
	named = cmp.Or(given[loginOption], named)
	if n < 1 || n > maxAlertsListed {
		say(ce, "The number of alerts to list must be from 1 to %d, as in `!alerts 20`.", maxAlertsListed)
		return
	}
	logins, ok := loginsFor(ce, named)
	if !ok {
		return
	}
	for _, login := range logins {
		for _, content := range login.Client.(*Client).describeAlerts(ce.Ctx, n) {
			send(ce, content)
		}
	}
}

// describeAlerts lists the latest alerts, the oldest of them first, in as many
// messages as it takes.
func (c *Client) describeAlerts(ctx context.Context, n int) []*event.MessageEventContent {
	alerts, err := c.connector.db.Alert.Last(ctx, c.login.ID, n)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read alerts")
		return []*event.MessageEventContent{plainNotice("The alerts could not be read. The admin of this bridge finds the reason in the log.")}
	}
	title := fmt.Sprintf("Alerts of %s at %s", c.identity.Account, c.serviceOrUnknown().name)
	if len(alerts) == 0 {
		return []*event.MessageEventContent{plainNotice(title + ": there were none yet.")}
	}
	var messages []*event.MessageEventContent
	body, list := title, "<strong>"+html.EscapeString(title)+"</strong><ul>"
	finish := func() {
		messages = append(messages, &event.MessageEventContent{
			MsgType: event.MsgNotice, Body: body,
			Format: event.FormatHTML, FormattedBody: list + "</ul>", Mentions: &event.Mentions{},
		})
		body, list = "", "<ul>"
	}
	for _, a := range slices.Backward(alerts) {
		line, item := listAlert(a)
		if sizeInEvent(body+line, list+item) > maxListEvent {
			finish()
		}
		body, list = strings.TrimPrefix(body+"\n"+line, "\n"), list+item
	}
	finish()
	return messages
}

// sizeInEvent is how many bytes texts take as JSON.
func sizeInEvent(texts ...string) (n int) {
	for _, text := range texts {
		data, _ := json.Marshal(text) // strings have no errors
		n += len(data)
	}
	return n
}

func plainNotice(text string) *event.MessageEventContent {
	return &event.MessageEventContent{MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{}}
}

// listAlert returns one alert of a list, as text and as HTML.
func listAlert(a *database.Alert) (line, item string) {
	text := a.ReceivedAt.UTC().Format(timeFormat) + ": " + shorten(oneLine(a.Text), maxListedText)
	line, item = "• "+text, "<li>"+html.EscapeString(text)
	action, subscribe := msgconv.AlertLinks(a.ActionURL, a.SubscribeURL)
	for _, link := range []struct{ address, word string }{{action, "Open"}, {subscribe, "Change subscription"}} {
		if link.address != "" {
			line += " " + link.address
			item += ` <a href="` + html.EscapeString(link.address) + `">` + link.word + "</a>"
		}
	}
	return line, item + "</li>"
}
