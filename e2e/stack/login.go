package stack

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// unknownCommand is what a bot says to an answer that it had not asked for yet.
const unknownCommand = "There is no such command"

// maxRepeats is how often LogIn gives an answer again that came too early.
const maxRepeats = 5

// LoginDialog is a finished dialog with a bridge's bot about logging in.
type LoginDialog struct {
	// Password is the message with which the user gave the password.
	Password id.EventID
	// Answer is what the bot said to that: that the user is logged in, or why not.
	Answer Seen
}

// LogIn logs the user in to an MSN service as a person would, in her chat with the bot: "login", the e-mail address,
// the password, each when the bot asks for it. That the bot refuses is no error.
func (u *User) LogIn(ctx context.Context, room id.RoomID, bot id.UserID, service, account, password string) (LoginDialog, error) {
	fail := func(err error) (LoginDialog, error) {
		return LoginDialog{}, fmt.Errorf("log %s in to %s in the chat with %s: %w", account, service, bot, err)
	}
	if _, err := u.Ask(ctx, room, bot, "login "+service, "enter your e-mail"); err != nil {
		return fail(err)
	}
	if _, _, err := u.reply(ctx, room, bot, account, Notice(room, bot, "enter your password")); err != nil {
		return fail(err)
	}
	said := Notice(room, bot)
	sent, answer, err := u.reply(ctx, room, bot, password, func(s Seen) bool { return said(s) && !isWelcome(s) })
	if err != nil {
		return fail(err)
	}
	// The bot takes what comes before it is done with this answer for another one, and says so.
	if _, err := u.WaitEvent(ctx, "the bot being done with the answer", handled(room, bot, sent)); err != nil {
		return fail(err)
	}
	return LoginDialog{Password: sent, Answer: answer}, nil
}

// isWelcome matches what a bot says some seconds after a login, which can be an earlier one.
func isWelcome(s Seen) bool { return Notice("", "", "Three things to try")(s) }

// handled matches the status of a message that the bot is done with.
func handled(room id.RoomID, bot id.UserID, sent id.EventID) Match {
	return func(s Seen) bool {
		if s.Type != event.BeeperMessageStatus || s.RoomID != room || s.Sender != bot {
			return false
		}
		status, ok := s.Content.Parsed.(*event.BeeperMessageStatusEventContent)
		return ok && status.RelatesTo.EventID == sent
	}
}

// reply answers a question of the bot and returns what the bot says to that. The bot asks a moment before it
// listens, in which a program, though no person, can answer; then it knows nothing of a question, and is told again.
func (u *User) reply(ctx context.Context, room id.RoomID, bot id.UserID, text string, match Match) (id.EventID, Seen, error) {
	tooEarly := Notice(room, bot, unknownCommand)
	for range maxRepeats {
		mark := u.Mark()
		sent, err := u.SendText(ctx, room, text)
		if err != nil {
			return "", Seen{}, err
		}
		answer, err := u.WaitEventAfter(ctx, mark, "the bot's answer", func(s Seen) bool { return match(s) || tooEarly(s) })
		if err != nil || !tooEarly(answer) {
			return sent, answer, err
		}
	}
	return "", Seen{}, fmt.Errorf("the bot takes no answer to its question")
}

// LoggedIn tells whether the bot has let the user in.
func (d LoginDialog) LoggedIn() bool {
	return Notice("", "", "signed in to")(d.Answer)
}
