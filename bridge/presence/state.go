package presence

import (
	"strconv"
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/plus"
	"matrix-msn/bridge/words"
	"matrix-msn/internal/grapheme"
	"matrix-msn/msn"
)

// State is what Matrix shows of somebody.
type State struct {
	Presence event.Presence
	Text     string // the status message, one line
	Emoji    string // what stands before it in a profile; presence has none
}

// offline is the State of who is not there. It has no text: nobody is to be shown as playing a
// song who has gone.
var offline = State{Presence: event.PresenceOffline}

// MaxText is the longest status message in characters.
const MaxText = 200

// between stands between the parts of a status message.
const between = " · "

// statusNames are what is said of a status that Matrix has no word for. Matrix knows three.
var statusNames = map[msn.Status]string{
	msn.Online:      "",
	msn.Busy:        words.Text("presence.busy"),
	msn.Idle:        words.Text("presence.idle"),
	msn.BeRightBack: words.Text("presence.brb"),
	msn.Away:        words.Text("presence.away"),
	msn.OnThePhone:  words.Text("presence.phone"),
	msn.OutToLunch:  words.Text("presence.lunch"),
}

// Of returns what is shown of a contact: the name of the status, the personal message and what
// they listen to are the status message.
func Of(contact msn.Contact) State {
	name, there := statusNames[contact.Status]
	if !there {
		return offline
	}
	state := State{Presence: event.PresenceUnavailable}
	if contact.Status == msn.Online {
		state.Presence = event.PresenceOnline
	}
	var parts []string
	for _, part := range []string{name, said(contact.Personal), nowPlaying(contact.Media)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	state.Text = names.Cut(strings.Join(parts, between), MaxText)
	return state
}

// said returns a personal message as one line.
func said(personal string) string { return names.OneLine(plus.Strip(personal)) }

// maxField is the longest text of a status in a profile, in bytes (MSC4426). An emoji may have
// 32, which those of here do not reach.
const maxField = 256

// The emoji of a status in a profile. There has to be one.
var statusEmoji = map[msn.Status]string{
	msn.Busy:        "⛔",
	msn.Idle:        "💤",
	msn.BeRightBack: "⏳",
	msn.Away:        "🚶",
	msn.OnThePhone:  "📞",
	msn.OutToLunch:  "🍴",
}

const (
	musicEmoji    = "🎵"
	personalEmoji = "💬"
)

// inProfile returns what the profile of a contact says of their status: the same text, with an
// emoji. Of who is online and says nothing there is nothing in it, as of who is offline.
func inProfile(contact msn.Contact) State {
	state := Of(contact)
	if state.Text == "" {
		return offline
	}
	state.Text = grapheme.Limit(state.Text, maxField)
	switch emoji, has := statusEmoji[contact.Status]; {
	case has:
		state.Emoji = emoji
	case said(contact.Personal) == "":
		state.Emoji = musicEmoji
	default:
		state.Emoji = personalEmoji
	}
	return state
}

// What a contact does is written as fields with these two characters between them: program,
// kind, whether it counts, a format, and what the format is filled with
// (protocol/03-presence.md, section 6).
const mediaBreak = `\0`

// maxPlaces is how many values a format can be filled with; players send four.
const maxPlaces = 10

// nowPlaying returns what a contact listens to or plays, "" for nothing.
func nowPlaying(media string) string {
	fields := strings.Split(media, mediaBreak)
	if len(fields) < 4 || fields[2] != "1" {
		return ""
	}
	values := fields[4:]
	var filling []string
	for i := range min(len(values), maxPlaces) {
		filling = append(filling, "{"+strconv.Itoa(i)+"}", values[i])
	}
	// In one pass: a value that looks like a place is not filled in turn.
	text := names.OneLine(strings.NewReplacer(filling...).Replace(names.Cut(fields[3], MaxText)))
	if text = names.Cut(strings.Trim(text, " -"), MaxText); text == "" {
		return ""
	}
	if strings.EqualFold(fields[1], "Music") {
		return "♫ " + text
	}
	return text
}
