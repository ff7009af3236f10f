package call

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
)

// Say answers with a text in which nothing is markup but what stands between backticks: that is shown
// as code, for people to copy. In the format, and there alone, $cmdprefix stands for the prefix of the
// framework's commands.
func (c *Call) Say(format string, args ...any) {
	prefix := strings.ReplaceAll(c.Bridge.Config.CommandPrefix, "%", "%%")
	c.Send(answer(strings.ReplaceAll(format, "$cmdprefix", prefix), args...))
}

// Tell is Say with the text of a key.
func (c *Call) Tell(key string, args ...any) { c.Say(words.Text(key), args...) }

// Reply answers a command of the framework with the text of a key.
func Reply(ce *commands.Event, key string, args ...any) { ce.Reply(words.Text(key), args...) }

const (
	// maxShown is the longest answer that is sent with HTML, in bytes.
	maxShown = 8 << 10
	// tick stands for a backtick that is one.
	tick = "\x00"
)

// code is what is shown as code.
var code = regexp.MustCompile("`([^`\n\x00]+)`")

// answer returns what Say sends.
func answer(format string, args ...any) *event.MessageEventContent {
	content := &event.MessageEventContent{MsgType: event.MsgNotice, Body: fmt.Sprintf(format, args...), Mentions: &event.Mentions{}}
	kept := slices.Clone(args)
	for i, arg := range kept {
		// A name with one backtick would begin code that ends in the bridge's own words.
		if text, ok := arg.(string); ok && strings.Count(text, "`")%2 != 0 {
			kept[i] = strings.ReplaceAll(text, "`", tick)
		}
	}
	if shown, ok := Coded(fmt.Sprintf(format, kept...)); ok {
		content.Format = event.FormatHTML
		content.FormattedBody = strings.ReplaceAll(shown, tick, "`")
	}
	return content
}

// Coded returns a text as HTML in which what stands between backticks is code, and reports whether there is any. A
// text that would be longer than 8 KiB has none.
func Coded(text string) (shown string, ok bool) {
	text = html.EscapeString(text)
	shown = code.ReplaceAllString(text, "<code>$1</code>")
	if shown == text || len(shown) > maxShown {
		return "", false
	}
	return strings.ReplaceAll(shown, "\n", "<br>"), true
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
		FormattedBody: strings.ReplaceAll(html.EscapeString(sentence), "\n", "<br>") + words.Text("command.call.br_a_href") + html.EscapeString(link) + `">` + word + "</a>",
		Mentions:      &event.Mentions{},
	}
}
