package command

import (
	"fmt"
	"html"
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
)

// say answers with plain text: names and texts of others make no markup.
func (c *call) say(format string, args ...any) {
	c.ReplyAdvanced(strings.ReplaceAll(fmt.Sprintf(format, args...), "$cmdprefix", c.bridge.Config.CommandPrefix), false, false)
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
