package command

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// A question for a password is in the memory of the framework only. Who was asked and has not
// answered when the bridge is stopped does not know that nobody waits for the password any
// more: what they type next is still taken for it.

const (
	// askedFor is for how long after a question what a user types may be its answer, although a restart
	// came between. Later they have given it up, and what they type is a command again.
	askedFor = 15 * time.Minute
	// noteTimeout bounds one statement that notes a question.
	noteTimeout = 5 * time.Second
)

// interrupted are the questions that an earlier run has asked, and that have no answer. The zero
// value is ready.
type interrupted struct {
	mu      sync.Mutex
	prompts map[id.UserID]*database.Prompt
}

// RecallPrompts finds out who was asked for a password when the bridge was stopped. It is to be
// called before the first transaction is taken.
func (c *Commands) RecallPrompts(ctx context.Context) error {
	if err := c.shared.DB.Prompt.Prune(ctx, time.Now().Add(-askedFor)); err != nil {
		return err
	}
	left, err := c.shared.DB.Prompt.All(ctx)
	if err != nil {
		return err
	}
	c.interrupted.mu.Lock()
	defer c.interrupted.mu.Unlock()
	c.interrupted.prompts = make(map[id.UserID]*database.Prompt, len(left))
	for _, prompt := range left {
		c.interrupted.prompts[prompt.UserID] = prompt
	}
	return nil
}

// of returns what a user was asked in a chat before a restart, or nil.
func (i *interrupted) of(user id.UserID, chat id.RoomID) *database.Prompt {
	i.mu.Lock()
	defer i.mu.Unlock()
	prompt := i.prompts[user]
	if prompt == nil || prompt.RoomID != chat || time.Since(prompt.At) > askedFor {
		return nil
	}
	copied := *prompt
	return &copied
}

func (i *interrupted) forget(user id.UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.prompts, user)
}

// open returns what nobody was told of yet.
func (i *interrupted) open() (open []*database.Prompt) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, prompt := range i.prompts {
		if !prompt.Told && time.Since(prompt.At) <= askedFor {
			copied := *prompt
			open = append(open, &copied)
		}
	}
	slices.SortFunc(open, func(a, b *database.Prompt) int { return a.At.Compare(b.At) })
	return open
}

// isAgain reports whether a text is the command that an interrupted user is told to send.
func isAgain(body, prefix string) bool {
	word, _ := call.CutWord(strings.TrimPrefix(strings.TrimSpace(body), prefix))
	return strings.EqualFold(word, "login") || strings.EqualFold(word, "relogin")
}

// SayPrompts tells those who were asked for a password when the bridge was stopped that nobody
// waits for it any more.
func (c *Commands) SayPrompts(ctx context.Context) {
	for _, prompt := range c.interrupted.open() {
		_, err := c.bridge.Bot.SendMessage(ctx, prompt.RoomID, event.EventMessage, &event.Content{Parsed: &event.MessageEventContent{
			MsgType: event.MsgNotice, Body: words.Text(interruptedSentence), Mentions: &event.Mentions{},
		}}, nil)
		if err != nil && !room.TakesNothing(err) {
			zerolog.Ctx(ctx).Err(err).Stringer("user_mxid", prompt.UserID).Msg("Failed to tell that a sign-in was interrupted")
			continue // they are told when they write
		}
		c.told(ctx, prompt.UserID, prompt.RoomID)
	}
}

// interruptedSentence says what has become of a question.
const interruptedSentence = "command.the_sign_in_was_interrupted_by"

// told notes that a user knows that a restart has ended what they were asked in a chat.
func (c *Commands) told(ctx context.Context, user id.UserID, chat id.RoomID) {
	c.interrupted.mu.Lock()
	prompt := c.interrupted.prompts[user]
	known := prompt != nil && prompt.RoomID == chat
	if known {
		prompt.Told = true
	}
	c.interrupted.mu.Unlock()
	if !known {
		return
	}
	if err := c.shared.DB.Prompt.Told(ctx, user); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to note that a user was told of an interrupted sign-in: the next start tells it again")
	}
}

// asks runs something that may ask a user for a password, or for more, and keeps on disk
// whether an answer is due. It is noted before: once the user sees the question it is too late.
func (c *Commands) asks(ce *commands.Event, run func()) {
	c.interrupted.forget(ce.User.MXID)
	c.notePrompt(ce, true)
	defer func() { c.notePrompt(ce, commands.LoadCommandState(ce.User) != nil) }()
	run()
}

// notePrompt notes whether an answer of the sender of a command is due.
func (c *Commands) notePrompt(ce *commands.Event, due bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ce.Ctx), noteTimeout)
	defer cancel()
	var err error
	if due {
		err = c.shared.DB.Prompt.Put(ctx, ce.User.MXID, ce.RoomID, time.Now())
	} else {
		err = c.shared.DB.Prompt.Delete(ctx, ce.User.MXID)
	}
	if err != nil {
		ce.Log.Err(err).Bool("due", due).Msg("Failed to note whether a user is asked for a password: a restart may take what they type for what it is not")
	}
}

// endPrompt says that what a user was asked before a restart is over, and reports whether there was
// such a thing.
func (c *Commands) endPrompt(ce *commands.Event) bool {
	was := c.interrupted.of(ce.User.MXID, ce.RoomID) != nil
	c.interrupted.forget(ce.User.MXID)
	c.notePrompt(ce, false)
	return was
}

// cancel returns the framework's command that ends what it asks, as one that ends what was asked
// before a restart too.
func (c *Commands) cancel() *commands.FullHandler {
	own := *commands.CommandCancel
	own.Func = func(ce *commands.Event) {
		if was := c.endPrompt(ce); was && commands.LoadCommandState(ce.User) == nil {
			call.Reply(ce, "command.login_cancelled")
			return
		}
		commands.CommandCancel.Func(ce)
	}
	return &own
}
