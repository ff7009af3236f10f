package call

import (
	"context"
	"fmt"
	"html"
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
)

// Say answers with plain text: names and texts of others make no markup. In the format, and there
// alone, $cmdprefix stands for the prefix of the framework's commands.
func (c *Call) Say(format string, args ...any) {
	prefix := strings.ReplaceAll(c.Bridge.Config.CommandPrefix, "%", "%%")
	c.ReplyAdvanced(fmt.Sprintf(strings.ReplaceAll(format, "$cmdprefix", prefix), args...), false, false)
}

// Tries has the service do something, for session.RequestTimeout at most, and reports whether it
// did. It answers when it did not: place says what was being done, about whom or what it was.
func (c *Call) Tries(place reason.Place, about reason.Subject, do func(context.Context) error) bool {
	asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
	defer cancel()
	err := do(asking)
	if err != nil {
		c.Log.Info().Err(err).Msg("The service did not do what a command asks for")
		c.Say("%s", reason.Of(err, place, about).Sentence)
	}
	return err == nil
}

// Send answers with content.
func (c *Call) Send(content *event.MessageEventContent) {
	_, err := c.Bot.SendMessage(c.Ctx, c.OrigRoomID, event.EventMessage, &event.Content{Parsed: content}, nil)
	if err != nil {
		c.Log.Err(err).Msg("Failed to reply to command")
	}
}

// LinkNotice is a notice with a sentence and a link. The link has the form of
// msgconv.SafeLink.
func LinkNotice(sentence, word, link string) *event.MessageEventContent {
	return &event.MessageEventContent{
		MsgType:       event.MsgNotice,
		Body:          sentence + "\n" + word + ": " + link,
		Format:        event.FormatHTML,
		FormattedBody: strings.ReplaceAll(html.EscapeString(sentence), "\n", "<br>") + `<br><a href="` + html.EscapeString(link) + `">` + word + "</a>",
		Mentions:      &event.Mentions{},
	}
}
