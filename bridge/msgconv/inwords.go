package msgconv

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/names"
)

// InWords returns what goes to MSN as a text in the place of a message that is no text but can be
// said in words, and the message itself otherwise: a location, the name of a sticker, and the
// words under a picture. raw is the content as it came.
func InWords(content *event.MessageEventContent, raw map[string]any) *event.MessageEventContent {
	said := *content
	switch {
	case content.MsgType == event.MsgLocation:
		said.Body = location(content, raw)
	case content.GetCapMsgType() == event.CapMsgSticker:
		said.Body = "[sticker]"
		if name := names.Cut(names.OneLine(content.Body), names.Max); name != "" {
			said.Body = "[sticker: " + name + "]"
		}
	case content.MsgType.IsMedia() && content.GetCaption() != "":
		said.MsgType = event.MsgText
		return &said
	default:
		return content
	}
	said.MsgType, said.Format, said.FormattedBody = event.MsgText, "", ""
	return &said
}

// location describes a place in words, by its coordinates, and by a link to a map. It returns "" when
// there is nothing of that.
func location(content *event.MessageEventContent, raw map[string]any) string {
	words := textIn(raw["org.matrix.msc3488.location"], "description")
	if words == "" && !strings.Contains(content.Body, "geo:") { // clients make up a text of those
		words = strings.TrimSpace(content.Body)
	}
	at, link := coordinates(content.GeoURI)
	lines := []string{words, at, link}
	switch {
	case words == "" && at == "":
		return "" // there is nothing to tell
	case words == "":
		lines = lines[1:]
	}
	return "📍 " + strings.TrimSpace(strings.Join(lines, "\n"))
}

// coordinates returns the place that an address of the scheme geo names (RFC 5870), and a link to
// it on a map.
func coordinates(address string) (at, link string) {
	place, ok := strings.CutPrefix(address, "geo:")
	place, _, _ = strings.Cut(place, ";")
	parts := strings.Split(place, ",")
	if !ok || len(parts) < 2 {
		return "", ""
	}
	latitude, north := degrees(parts[0], 90)
	longitude, east := degrees(parts[1], 180)
	if !north || !east {
		return "", ""
	}
	return latitude + ", " + longitude,
		fmt.Sprintf("https://www.openstreetmap.org/?mlat=%[1]s&mlon=%[2]s#map=16/%[1]s/%[2]s", latitude, longitude)
}

// degrees returns a number of degrees to about a metre.
func degrees(text string, most float64) (string, bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(n) <= most) {
		return "", false
	}
	n = math.Round(n*1e5) / 1e5
	return strconv.FormatFloat(n+0, 'f', -1, 64), true // nothing is added but that -0 is 0
}

// maxAnswers is how many answers of a poll are shown: Matrix has at most so many.
const maxAnswers = 20

// Poll returns a poll as a text with numbered answers, or the text that says how it ended; ""
// when there is neither in the content of an event.
func Poll(raw map[string]any) string {
	if newer, ok := raw["m.new_content"].(map[string]any); ok { // it was edited
		raw = newer
	}
	var poll map[string]any
	for _, name := range []string{"m.poll", "m.poll.start", "org.matrix.msc3381.poll.start"} {
		if found, ok := raw[name].(map[string]any); ok {
			poll = found
			break
		}
	}
	if poll == nil {
		if text := textOf(raw); text != "" {
			return "📊 " + text
		}
		return ""
	}
	question := textOf(poll["question"])
	if question == "" {
		return ""
	}
	text := "📊 " + question
	answers, _ := poll["answers"].([]any)
	for i, answer := range answers[:min(len(answers), maxAnswers)] {
		text += fmt.Sprintf("\n%d. %s", i+1, textOf(answer))
	}
	return text
}

// textOf returns the plain text of something that may be shown in several ways, on one line.
func textOf(value any) string {
	for _, name := range []string{"m.text", "org.matrix.msc1767.text", "body"} {
		if text := textIn(value, name); text != "" {
			return text
		}
	}
	return ""
}

// textIn returns the text of a field, which may be a list of the same in several types, of which
// the plain one counts.
func textIn(value any, name string) string {
	fields, _ := value.(map[string]any)
	switch text := fields[name].(type) {
	case string:
		return strings.Join(strings.Fields(text), " ")
	case []any:
		for _, way := range text {
			way, _ := way.(map[string]any)
			if kind, typed := way["mimetype"].(string); !typed || kind == "text/plain" {
				return textIn(way, "body")
			}
		}
	}
	return ""
}
