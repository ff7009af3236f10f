package alert

import (
	"context"
	"encoding/json"
	"html"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

const (
	// maxListedText is how much of an alert is listed, in characters.
	maxListedText = 200
	// maxListEvent is how much of a list goes into one event, in bytes of JSON. An
	// event has at most 64 KiB, and one alert less than half of that.
	maxListEvent = 56 << 10
)

// List lists the latest alerts, the oldest of them first, in as many
// messages as it takes.
func (al *Alerts) List(ctx context.Context, n int) []*event.MessageEventContent {
	alerts, err := al.account.DB.Alert.Last(ctx, al.account.Login.ID, n)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read alerts")
		return []*event.MessageEventContent{plainNotice(reason.Of(reason.ErrAlerts, reason.Request, al.account.About("")).Sentence)}
	}
	title := words.Text("alert.alerts_of_at", al.account.Identity.Account, al.account.Service.Name)
	if len(alerts) == 0 {
		return []*event.MessageEventContent{plainNotice(words.Text("alert.there_are_none", title))}
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
	text := a.ReceivedAt.UTC().Format(room.TimeFormat) + ": " + names.Cut(names.OneLine(a.Text), maxListedText)
	line, item = "• "+text, "<li>"+html.EscapeString(text)
	action, subscribe := msgconv.AlertLinks(a.ActionURL, a.SubscribeURL)
	for _, link := range []struct{ address, word string }{{action, words.Text("alert.link.open")}, {subscribe, words.Text("alert.link.change_subscription")}} {
		if link.address != "" {
			line += " " + link.address
			item += ` <a href="` + html.EscapeString(link.address) + `">` + link.word + "</a>"
		}
	}
	return line, item + "</li>"
}
