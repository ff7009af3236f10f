package bridge

import (
	"context"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
)

// createGroupCommand is the framework's create-group with an answer for people: that of
// the framework names the group chat by its ID.
func (c *Connector) createGroupCommand() commands.CommandHandler {
	handler := *commands.CommandCreateGroup
	create := handler.Func
	handler.Func = func(ce *commands.Event) {
		if ce.Portal != nil {
			create(ce)
			return
		}
		bot := ce.Bot
		held := &heldAnswers{MatrixAPI: bot}
		ce.Bot = held
		create(ce)
		ce.Bot = bot
		if names := c.groupOf(ce); names != "" {
			say(ce, "This room is now a group chat with %s. Your first message calls them into it.", names)
			return
		}
		held.release(ce)
	}
	return &handler
}

// groupOf returns the names of the members of the group chat that a command's room is
// that of now, or "".
func (c *Connector) groupOf(ce *commands.Event) string {
	portal, err := c.br.GetPortalByMXID(ce.Ctx, ce.RoomID)
	if err != nil || portal == nil {
		return ""
	}
	group, ok := msnid.ParseGroupPortalID(portal.ID)
	login := c.br.GetCachedUserLoginByID(portal.Receiver)
	if !ok || login == nil {
		return ""
	}
	members, err := c.db.Group.Get(ce.Ctx, login.ID, group)
	if err != nil {
		zerolog.Ctx(ce.Ctx).Err(err).Msg("Failed to read the members of a group chat")
		return ""
	}
	client := login.Client.(*Client)
	names := make([]string, 0, len(members))
	for _, account := range members {
		names = append(names, client.recipient(ce.Ctx, account).name)
	}
	return strings.Join(names, ", ")
}

// heldAnswers is the bot while its answers to a command are held back.
type heldAnswers struct {
	bridgev2.MatrixAPI
	answers []heldMessage
}

type heldMessage struct {
	room    id.RoomID
	kind    event.Type
	content *event.Content
	extra   *bridgev2.MatrixSendExtra
}

// SendMessage implements bridgev2.MatrixAPI.
func (h *heldAnswers) SendMessage(_ context.Context, room id.RoomID, kind event.Type, content *event.Content, extra *bridgev2.MatrixSendExtra) (*mautrix.RespSendEvent, error) {
	h.answers = append(h.answers, heldMessage{room, kind, content, extra})
	return &mautrix.RespSendEvent{}, nil
}

// release sends what was held back.
func (h *heldAnswers) release(ce *commands.Event) {
	for _, m := range h.answers {
		if _, err := h.MatrixAPI.SendMessage(ce.Ctx, m.room, m.kind, m.content, m.extra); err != nil {
			zerolog.Ctx(ce.Ctx).Err(err).Msg("Failed to reply to command")
			return
		}
	}
}
