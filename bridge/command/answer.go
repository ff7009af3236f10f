package command

import (
	"context"
	"fmt"
	"html"
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
)

// say answers with plain text: names and texts of others make no markup.
func (c *call) say(format string, args ...any) {
	c.ReplyAdvanced(strings.ReplaceAll(fmt.Sprintf(format, args...), "$cmdprefix", c.bridge.Config.CommandPrefix), false, false)
}

// tries has the service do something, for session.RequestTimeout at most, and reports whether it
// did. It answers when it did not: place says what was being done, about whom or what it was.
func (c *call) tries(place reason.Place, about reason.Subject, do func(context.Context) error) bool {
	asking, cancel := context.WithTimeout(c.Ctx, session.RequestTimeout)
	defer cancel()
	err := do(asking)
	if err != nil {
		c.Log.Info().Err(err).Msg("The service did not do what a command asks for")
		c.say("%s", reason.Of(err, place, about).Sentence)
	}
	return err == nil
}

// send answers with content.
func (c *call) send(content *event.MessageEventContent) {
	_, err := c.Bot.SendMessage(c.Ctx, c.OrigRoomID, event.EventMessage, &event.Content{Parsed: content}, nil)
	if err != nil {
		c.Log.Err(err).Msg("Failed to reply to command")
	}
}

// linkNotice is a notice with a sentence and a link. The link has the form of
// msgconv.SafeLink.
func linkNotice(sentence, word, link string) *event.MessageEventContent {
	return &event.MessageEventContent{
		MsgType:       event.MsgNotice,
		Body:          sentence + "\n" + word + ": " + link,
		Format:        event.FormatHTML,
		FormattedBody: strings.ReplaceAll(html.EscapeString(sentence), "\n", "<br>") + `<br><a href="` + html.EscapeString(link) + `">` + word + "</a>",
		Mentions:      &event.Mentions{},
	}
}

// safeLinkOrNothing is msgconv.SafeLink for where there may be none.
func safeLinkOrNothing(address string) string {
	link, _ := msgconv.SafeLink(address)
	return link
}
