package command

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/msnid"
)

// Rewrite gives a bare command its prefix, so that the framework takes it
// for one, and marks a text that only looks like one, so that it does not. It is
// to be called for every m.room.message before the framework sees it.
func (c *Commands) Rewrite(ctx context.Context, evt *event.Event) {
	content, ok := evt.Content.Parsed.(*event.MessageEventContent)
	if !ok || c.keepAnswer(ctx, evt, content) {
		return
	}
	if content.MsgType != event.MsgText || content.RelatesTo.GetReplaceID() != "" {
		return
	}
	if c.completeRelogin(ctx, evt, content) {
		return
	}
	word, _, _ := strings.Cut(strings.TrimLeft(content.Body, " \n"), " ")
	word, _, _ = strings.Cut(word, "\n")
	name, bare := strings.CutPrefix(word, "!")
	prefix := c.bridge.Config.CommandPrefix
	switch {
	case bare && isBare(strings.ToLower(name)):
		content.Body = prefix + " " + strings.TrimPrefix(strings.TrimLeft(content.Body, " \n"), "!")
	case strings.HasPrefix(content.Body, answerCommand), strings.HasPrefix(content.Body, prefix+" "+answerCommand):
		content.Body = chat.NoCommand + content.Body
	case strings.HasPrefix(content.Body, prefix) && word != prefix:
		content.Body = chat.NoCommand + content.Body
	}
}

// completeRelogin adds the service to "relogin <login ID>". The framework asks for
// it where there are several, although the ID names it.
func (c *Commands) completeRelogin(ctx context.Context, evt *event.Event, content *event.MessageEventContent) bool {
	words := strings.Fields(content.Body)
	prefixed := len(words) == 3 && words[0] == c.bridge.Config.CommandPrefix
	if prefixed {
		words = words[1:]
	}
	if len(words) != 2 || !strings.EqualFold(words[0], "relogin") {
		return false
	}
	if !prefixed {
		user, err := c.bridge.GetExistingUserByMXID(ctx, evt.Sender)
		if err != nil || user == nil || user.ManagementRoom != evt.RoomID {
			return false
		}
	}
	identity, ok := msnid.ParseLoginID(networkid.UserLoginID(words[1]))
	if ok {
		content.Body += " " + identity.Service
	}
	return ok
}
