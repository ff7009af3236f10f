package command

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/words"
)

// Some sentences of the framework's own cannot be had in other words but where the bot says them.
const (
	unknownCommand = "Unknown command, use the `help` command for help."
	greeting       = "Hello, I'm a "
	ownGreeting    = "Hello, I'm an "
	loggedOut      = "That command requires you to be logged in."
	onlyInChats    = "That command can only be ran in portal rooms."
)

// OwnWords has the bot say those sentences of the framework in the bridge's words, and show as code what stands between
// backticks in a notice. It is to be called before the first event.
func OwnWords(br *bridgev2.Bridge) { br.Bot = &ownWords{br.Bot, br} }

// ownWords is the bot.
type ownWords struct {
	bridgev2.MatrixAPI
	bridge *bridgev2.Bridge
}

// Unwrap returns the bot as the Matrix side made it.
func (b *ownWords) Unwrap() bridgev2.MatrixAPI { return b.MatrixAPI }

// SendMessage implements bridgev2.MatrixAPI.
func (b *ownWords) SendMessage(ctx context.Context, room id.RoomID, kind event.Type, content *event.Content, extra *bridgev2.MatrixSendExtra) (*mautrix.RespSendEvent, error) {
	said := messageOf(content.Parsed)
	own := inOwnWords(ctx, said, b.bridge.Config.CommandPrefix)
	if own == nil {
		own = &said
	}
	if withCode(own) || own != &said {
		content = &event.Content{Parsed: own, Raw: content.Raw}
	}
	return b.MatrixAPI.SendMessage(ctx, room, kind, content, extra)
}

// CreateRoom implements bridgev2.MatrixAPI. A room that has no topic is not said to have an empty one.
func (b *ownWords) CreateRoom(ctx context.Context, req *mautrix.ReqCreateRoom) (id.RoomID, error) {
	req.InitialState = slices.DeleteFunc(req.InitialState, func(state *event.Event) bool {
		topic, ok := state.Content.Parsed.(*event.TopicEventContent)
		return ok && topic.Topic == ""
	})
	return b.MatrixAPI.CreateRoom(ctx, req)
}

// messageOf returns a copy of a message, the zero value of what is none.
func messageOf(parsed any) event.MessageEventContent {
	switch parsed := parsed.(type) {
	case *event.MessageEventContent:
		return *parsed
	case event.MessageEventContent:
		return parsed
	}
	return event.MessageEventContent{}
}

// withCode has what stands between backticks in a notice without HTML shown as code, and reports whether there is any:
// clients show the text of a notice as it is, backticks too.
func withCode(said *event.MessageEventContent) bool {
	if said.MsgType != event.MsgNotice || said.FormattedBody != "" || said.NewContent != nil {
		return false
	}
	shown, ok := call.Coded(said.Body)
	if ok {
		said.Format, said.FormattedBody = event.FormatHTML, shown
	}
	return ok
}

// inOwnWords returns what is said in the place of something, nil when it is said as it is. prefix is how commands begin in rooms.
func inOwnWords(ctx context.Context, said event.MessageEventContent, prefix string) *event.MessageEventContent {
	switch {
	case said.Body == unknownCommand:
		by, _ := ctx.Value(typedCommand{}).(typed)
		as := func(command string) string { return command }
		if by.inRoom {
			as = func(command string) string { return inRooms(command, prefix) }
		}
		return &event.MessageEventContent{MsgType: said.MsgType, Body: noSuchCommand(by.word, as), Mentions: said.Mentions}
	case said.Body == loggedOut:
		return &event.MessageEventContent{MsgType: said.MsgType, Body: words.Text("command.login_needed_in_own_chat"), Mentions: said.Mentions}
	case said.Body == onlyInChats:
		return &event.MessageEventContent{MsgType: said.MsgType, Body: words.Text("command.only_in_chats", prefix), Mentions: said.Mentions}
	case strings.HasPrefix(said.Body, greeting+account.NetworkName):
		said.Body = strings.Replace(said.Body, greeting, ownGreeting, 1)
		said.FormattedBody = strings.Replace(said.FormattedBody, greeting, ownGreeting, 1)
		return &said
	}
	return nil
}

// typedCommand is the key of what was typed for a command in its context.
type typedCommand struct{}

// typed is what was typed for a command.
type typed struct {
	word   string // the first
	inRoom bool   // not in the chat with the bot, so that a command without prefix would go to somebody
}

// noSuchCommand says that there is no command of that name, and which one may be meant. It does
// not repeat what was typed, which can be a password that nobody asked for any more. as is a command as it is typed there.
func noSuchCommand(typed string, as func(command string) string) string {
	if name := suggested(strings.TrimPrefix(strings.ToLower(typed), "!")); name != "" {
		return words.Text("command.there_is_no_such_command_did", as(name), as(commands.CommandHelp.Name))
	}
	return words.Text("command.there_is_no_such_command_help", as(commands.CommandHelp.Name))
}

// minPart is how much of a name must be typed to be taken for a part of it, in bytes.
const minPart = 3

// suggested returns the command that somebody may have meant who has typed a word to the bot, "" for none: the one that begins so,
// and else the one that is most like it.
func suggested(word string) string {
	return cmp.Or(begun(word), nearest(word, min(2, len(word)/2)))
}

// takesAway are commands that take something away, and ask nothing before: one letter alone leads to them.
var takesAway = []string{"remove", "block", "logout", "clear-rooms", "unbridge", "delete-portal", "delete-all-portals"}

// begun returns the only command whose name begins with a word, "" if there is none, or are several.
func begun(word string) (name string) {
	if len(word) < minPart {
		return ""
	}
	for _, candidate := range allNames() {
		switch {
		case candidate == name, !strings.HasPrefix(candidate, word):
		case name != "":
			return ""
		default:
			name = candidate
		}
	}
	return name
}

// nearest returns the name of the command that is most like a word, at most so many letters away, "" when
// none is.
func nearest(word string, near int) (name string) {
	for _, candidate := range allNames() {
		d := distance(word, candidate)
		if d <= near && (d <= 1 || !slices.Contains(takesAway, candidate)) {
			name, near = candidate, d-1
		}
	}
	return name
}

// maxDistance is more than any word is away that is like another.
const maxDistance = 100

// distance returns how many letters must be put in, left out, exchanged or swapped with their
// neighbour to make one word of another.
func distance(a, b string) int {
	if len(a) > maxDistance || len(b) > maxDistance {
		return maxDistance
	}
	// rows[i][j] is the distance of the first i letters of a from the first j of b.
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
