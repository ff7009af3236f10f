package command

import (
	"context"
	"strings"

	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// IsCommand reports whether the framework will run a message as a command: it has the prefix,
// or was written in the chat with the bot, by somebody who may.
func (c *Commands) IsCommand(ctx context.Context, evt *event.Event) bool {
	user, err := c.bridge.GetUserByMXID(ctx, evt.Sender)
	if err != nil || user == nil || !user.Permissions.SendEvents || !user.Permissions.Commands {
		return false
	}
	content := evt.Content.AsMessage()
	withoutFallbacks(content)
	return evt.RoomID == user.ManagementRoom || strings.HasPrefix(content.Body, c.bridge.Config.CommandPrefix)
}

// AnswersPrompt reports whether what a user writes in a chat is the answer to a question of
// the bot's, which may be a password. The question may be from before a restart.
func (c *Commands) AnswersPrompt(ctx context.Context, sender id.UserID, chat id.RoomID) bool {
	if c.interrupted.of(sender, chat) != nil {
		return true
	}
	user, err := c.bridge.GetExistingUserByMXID(ctx, sender)
	if err != nil || user == nil || commands.LoadCommandState(user) == nil && c.answers.askedOf(sender) == nil {
		return false
	}
	// The framework changes the room of the User in memory without a lock.
	stored, err := c.bridge.DB.User.GetByMXID(ctx, sender)
	return err == nil && stored != nil && stored.ManagementRoom == chat
}

// SayInterrupted tells the sender of a command that the bridge was stopped while it ran.
func (c *Commands) SayInterrupted(ctx context.Context, interrupted *database.Received) error {
	text := words.Text("command.the_bridge_was_stopped_while_it")
	if interrupted.Outcome == database.EventSecret {
		text = words.Text("command.the_bridge_was_stopped_before_it")
		if err := c.remove(ctx, interrupted.RoomID, interrupted.EventID); err != nil {
			text += " " + words.Text(stillThere)
		}
	}
	_, err := c.bridge.Bot.SendMessage(ctx, interrupted.RoomID, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{},
		RelatesTo: (&event.RelatesTo{}).SetReplyTo(interrupted.EventID),
	}}, room.Once(interrupted.EventID))
	if err == nil && interrupted.Outcome == database.EventSecret {
		c.told(ctx, interrupted.Sender, interrupted.RoomID)
	}
	if room.TakesNothing(err) {
		return nil
	}
	return err
}

// remove removes what a user has typed, which may be a password.
func (c *Commands) remove(ctx context.Context, chat id.RoomID, typed id.EventID) error {
	_, err := c.bridge.Bot.SendMessage(ctx, chat, event.EventRedaction, &event.Content{Parsed: &event.RedactionEventContent{Redacts: typed}}, nil)
	return err
}

// SayGivenUp tells the sender of an event that nobody could store that it comes to nothing. It is
// said at the start after it was given up, if it was not said at once.
func (c *Commands) SayGivenUp(ctx context.Context, given *database.Received) error {
	text := words.Text("command.message_not_sent_because", reason.Of(reason.ErrNotTaken, reason.Message, reason.Subject{}).Sentence)
	if strings.Contains(given.Content, `"`+event.EventRedaction.Type+`"`) {
		text = reason.Of(reason.ErrNotWithdrawn, reason.Message, reason.Subject{}).Sentence
	}
	_, err := c.bridge.Bot.SendMessage(ctx, given.RoomID, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Body: text, Mentions: &event.Mentions{},
		RelatesTo: (&event.RelatesTo{}).SetReplyTo(given.EventID),
	}}, room.Once(given.EventID))
	if room.TakesNothing(err) {
		return nil
	}
	return err
}

// SayWaits tells the room of a message that it waits, and so does what comes after it there: the
// database takes nothing.
func (c *Commands) SayWaits(ctx context.Context, waits *database.Received) error {
	_, err := c.bridge.Bot.SendMessage(ctx, waits.RoomID, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
		MsgType: event.MsgNotice, Mentions: &event.Mentions{},
		Body: words.Text("command.the_bridge_cannot_store_messages_at"),
	}}, nil)
	if room.TakesNothing(err) {
		return nil
	}
	return err
}
