package command

import (
	"context"
	"strings"
	"sync"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/login"
	"matrix-msn/bridge/words"
)

// What users are asked for, a password among it, is asked for and answered in their chat with
// the bot only. The framework asks in every room, takes an answer that is the name of a
// command for that command, and does not say when it could not remove a password.

// answerCommand is what an answer is to the framework: nobody can type a command of this
// name, because Rewrite marks texts that begin so.
const answerCommand = "\u2060answer"

// maxAnswers bounds the answers that wait for the framework.
const maxAnswers = 64

// answers are what users have answered, until the framework asks for it.
type answers struct {
	mu     sync.Mutex
	texts  map[id.EventID]string
	asking map[id.UserID]chan struct{} // who is just being asked: closed when the framework is ready for the answer
}

// ask notes that a user is being asked, until asked is called: the framework sends its
// question before it is ready for the answer.
func (a *answers) ask(user id.UserID) (asked func()) {
	ready := make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asking == nil {
		a.asking = make(map[id.UserID]chan struct{})
	}
	a.asking[user] = ready
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.asking[user] == ready {
			delete(a.asking, user)
		}
		close(ready)
	}
}

// askedOf returns what is closed when a question is asked that a user is just being asked, or
// nil when they are not.
func (a *answers) askedOf(user id.UserID) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asking[user]
}

func (a *answers) put(evt id.EventID, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.texts == nil || len(a.texts) >= maxAnswers {
		a.texts = make(map[id.EventID]string)
	}
	a.texts[evt] = text
}

func (a *answers) take(evt id.EventID) (text string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, ok = a.texts[evt]
	delete(a.texts, evt)
	return text, ok
}

// keepAnswer makes a message an answer if it answers a question of the bot's, and reports
// whether it does. Only "cancel" is none.
func (c *Commands) keepAnswer(ctx context.Context, evt *event.Event, content *event.MessageEventContent) bool {
	if !c.AnswersPrompt(ctx, evt.Sender, evt.RoomID) {
		return false
	}
	prefix := c.bridge.Config.CommandPrefix
	if strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(content.Body, prefix)), "cancel") {
		return false
	}
	if left := c.interrupted.of(evt.Sender, evt.RoomID); left != nil && left.Told && isAgain(content.Body, prefix) {
		return false // they do what they were told to do
	}
	if content.NewContent != nil {
		content = content.NewContent // a mistyped answer was edited
		evt.Content.Parsed = content
	}
	content.RelatesTo = nil
	c.answers.put(evt.ID, content.Body)
	content.Body = prefix + " " + answerCommand
	return true
}

// Prompts returns what stands between the framework's commands that ask for secrets and those
// who are asked.
func (c *Commands) Prompts() []commands.CommandHandler {
	return marked([]commands.CommandHandler{
		answerHandler{c}, unsentHandler{c}, c.cancel(), c.InPrivate(commands.CommandLogin, false), c.InPrivate(commands.CommandRelogin, false),
	})
}

// answerHandler gives an answer to who has asked for it.
type answerHandler struct{ *Commands }

// GetName implements commands.CommandHandler.
func (answerHandler) GetName() string { return answerCommand }

// Run implements commands.CommandHandler.
func (h answerHandler) Run(ce *commands.Event) {
	if asked := h.answers.askedOf(ce.User.MXID); asked != nil {
		select {
		case <-asked:
		case <-ce.Ctx.Done():
		}
	}
	text, ok := h.answers.take(ce.EventID)
	state := commands.LoadCommandState(ce.User)
	if ok && state == nil && h.interrupted.of(ce.User.MXID, ce.RoomID) == nil {
		if command := h.command(text); command != "" {
			// It came while the last answer was still being worked on, after which nothing is asked.
			ce.Ctx = context.WithValue(ce.Ctx, typedCommand{}, typed{word: command})
			ce.Processor.Handle(ce.Ctx, ce.RoomID, ce.EventID, ce.User, command, ce.ReplyTo)
			return
		}
	}
	if !ok || state == nil || state.Next == nil {
		watchRemoval(ce, func(ce *commands.Event) { ce.Redact() }) // it may be a password
		if h.endPrompt(ce) {
			call.Reply(ce, interruptedSentence)
			return
		}
		call.Reply(ce, "command.nothing_was_asked_any_more_send")
		return
	}
	// While the service is asked, the user may be about to be asked again.
	defer h.answers.ask(ce.User.MXID)()
	ce.Ctx = login.InDialogue(ce.Ctx)
	ce.Command, ce.RawArgs, ce.Args, ce.Handler = "", text, strings.Fields(text), state.Next
	h.asks(ce, func() { watchRemoval(ce, state.Next.Run) })
	if commands.LoadCommandState(ce.User) == state {
		if word, _ := call.CutWord(text); isName(word) {
			call.Reply(ce, "command.you_are_just_logging_in_so", strings.ToLower(word))
			return
		}
		call.Reply(ce, "command.type_it_again_or_send_cancel")
	}
}

// command returns the command that a text is, without what stands before commands, "" for none.
func (c *Commands) command(text string) string {
	prefix := c.bridge.Config.CommandPrefix
	text = strings.TrimSpace(strings.TrimPrefix(rewritten(text, prefix), prefix))
	if word, _ := call.CutWord(text); !isName(word) {
		return ""
	}
	return text
}

// InPrivate returns a command of the framework that asks for secrets, or is given one, as one
// that runs in the chat with the bot only. With remove, the message of the command itself is
// removed.
func (c *Commands) InPrivate(framework *commands.FullHandler, remove bool) *commands.FullHandler {
	own := *framework
	own.Func = func(ce *commands.Event) {
		if ce.RoomID != ce.User.ManagementRoom || ce.OrigRoomID != ce.RoomID {
			if len(ce.Args) > 0 {
				watchRemoval(ce, func(ce *commands.Event) { ce.Redact() })
			}
			call.Reply(ce, "command.works_only_in_your_own_chat",
				own.Name, ce.Bridge.Bot.GetMXID())
			return
		}
		if c.overheard(ce, ce.RoomID) {
			if len(ce.Args) > 0 {
				watchRemoval(ce, func(ce *commands.Event) { ce.Redact() })
			}
			call.Reply(ce, othersInChat, own.Name)
			return
		}
		if why := c.noService(ce); why != "" {
			ce.Reply("%s", why)
			return
		}
		defer c.answers.ask(ce.User.MXID)()
		ce.Ctx = login.InDialogue(ce.Ctx)
		c.asks(ce, func() {
			watchRemoval(ce, func(ce *commands.Event) {
				if remove && len(ce.Args) > 0 {
					ce.Redact()
				}
				framework.Func(ce)
			})
		})
	}
	return &own
}

// noService says that a login is wanted at a service that there is not, "" when it is not.
func (c *Commands) noService(ce *commands.Event) string {
	if ce.Command != commands.CommandLogin.Name || len(ce.Args) == 0 {
		return ""
	}
	var offered []string
	for _, flow := range c.bridge.Network.GetLoginFlows() {
		if strings.EqualFold(flow.ID, ce.Args[0]) {
			return ""
		}
		offered = append(offered, words.Text("command.login_signs_in_to", flow.ID, flow.Name))
	}
	return words.Text("command.this_bridge_knows_no_service_of") + " " + strings.Join(offered, ", ") + "."
}

// stillThere says that a message could not be removed.
const stillThere = "command.what_you_typed_is_still_in"

// watchRemoval runs a command, and says so when it could not remove its message.
func watchRemoval(ce *commands.Event, run func(*commands.Event)) {
	bot := &watchedBot{MatrixAPI: ce.Bot}
	ce.Bot = bot
	run(ce)
	ce.Bot = bot.MatrixAPI
	if bot.failed {
		call.Reply(ce, stillThere)
	}
}

// watchedBot is the bot, and notes when it could not remove a message.
type watchedBot struct {
	bridgev2.MatrixAPI
	failed bool
}

// SendMessage implements bridgev2.MatrixAPI.
func (b *watchedBot) SendMessage(ctx context.Context, room id.RoomID, kind event.Type, content *event.Content, extra *bridgev2.MatrixSendExtra) (*mautrix.RespSendEvent, error) {
	resp, err := b.MatrixAPI.SendMessage(ctx, room, kind, content, extra)
	b.failed = b.failed || err != nil && kind == event.EventRedaction
	return resp, err
}
