package command

import (
	"context"

	"matrix-msn/bridge/command/call"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"
)

// SeparateLogs gives each command a logger of its own. The framework runs
// the commands of one transaction beside each other, and each writes its name
// into the logger that they share. It is to be called when the framework has
// added its own commands and before the first event.
func SeparateLogs(br *bridgev2.Bridge) {
	br.Commands = separateLogs{br.Commands}
}

// separateLogs is a command processor that is handed copies of loggers.
type separateLogs struct{ bridgev2.CommandProcessor }

// Handle implements bridgev2.CommandProcessor. The context tells what was typed for a command.
func (p separateLogs) Handle(ctx context.Context, room id.RoomID, evt id.EventID, user *bridgev2.User, message string, replyTo id.EventID) {
	log := zerolog.Ctx(ctx).With().Logger()
	word, _ := call.CutWord(message)
	ctx = context.WithValue(ctx, typedCommand{}, typed{word, room != user.ManagementRoom})
	p.CommandProcessor.Handle(log.WithContext(ctx), room, evt, user, message, replyTo)
}
