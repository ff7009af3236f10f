package command

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/msnid"
)

// Rewrite gives a bare command its prefix, so that the framework takes it
// for one, and marks a text that only looks like one, so that it does not. It is
// to be called for every m.room.message before the framework sees it.
func (c *Commands) Rewrite(ctx context.Context, evt *event.Event) {
	content, ok := evt.Content.Parsed.(*event.MessageEventContent)
	if !ok {
		return
	}
	withoutFallbacks(content)
	if c.keepAnswer(ctx, evt, content) {
		return
	}
	if content.MsgType != event.MsgText || content.RelatesTo.GetReplaceID() != "" {
		return
	}
	if c.completeRelogin(ctx, evt, content) {
		return
	}
	if c.keepBack(ctx, evt, content) {
		return
	}
	content.Body = rewritten(content.Body, c.bridge.Config.CommandPrefix)
}

// withoutFallbacks leaves of a message what the framework looks at: not what it quotes, nor who
// it says that it is from.
func withoutFallbacks(content *event.MessageEventContent) {
	content.RemoveReplyFallback()
	content.RemovePerMessageProfileFallback()
}

// rewritten returns what the framework is given in the place of a text that somebody wrote.
func rewritten(body, prefix string) string {
	begin := strings.TrimLeft(body, " \n")
	word, _, _ := strings.Cut(begin, " ")
	word, _, _ = strings.Cut(word, "\n")
	name, bare := strings.CutPrefix(word, "!")
	switch {
	case bare && isBare(strings.ToLower(name)):
		return prefix + " " + strings.TrimPrefix(begin, "!")
	case strings.HasPrefix(body, prefix) && word != prefix, isInner(body), isInner(strings.TrimPrefix(body, prefix)):
		return chat.NoCommand + body
	}
	return body
}

// isInner reports whether a text would run a command that only the bridge gives.
func isInner(text string) bool {
	word, _ := call.CutWord(text)
	word = strings.ToLower(word)
	return word == answerCommand || word == unsentCommand
}

// completeRelogin adds the service to "relogin <login ID>", and the login of who has one only. The framework asks for
// both where there are several services, although the ID names its own.
func (c *Commands) completeRelogin(ctx context.Context, evt *event.Event, content *event.MessageEventContent) bool {
	words := strings.Fields(content.Body)
	prefixed := len(words) > 1 && words[0] == c.bridge.Config.CommandPrefix
	if prefixed {
		words = words[1:]
	}
	if len(words) == 0 || len(words) > 2 || !strings.EqualFold(words[0], "relogin") {
		return false
	}
	user, err := c.bridge.GetExistingUserByMXID(ctx, evt.Sender)
	if err != nil || user == nil || !prefixed && user.ManagementRoom != evt.RoomID {
		return false
	}
	if len(words) == 1 {
		logins := user.GetUserLogins()
		if len(logins) != 1 {
			return false // the framework lists them
		}
		content.Body += " " + string(logins[0].ID)
		words = append(words, string(logins[0].ID))
	}
	identity, ok := msnid.ParseLoginID(networkid.UserLoginID(words[1]))
	if ok {
		content.Body += " " + identity.Service
	}
	return ok
}
