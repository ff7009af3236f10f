package command

import (
	"strings"

	"maunium.net/go/mautrix/bridgev2/commands"

	"matrix-msn/bridge/command/call"
)

// typedArguments returns what was typed behind the name of a command, with its
// blanks and line ends. The framework cuts the name off only when it was typed in
// lower case.
func typedArguments(ce *commands.Event) string {
	raw := strings.TrimSpace(ce.RawArgs)
	if len(strings.Fields(raw)) > len(ce.Args) {
		_, raw = call.CutWord(raw)
	}
	return raw
}
