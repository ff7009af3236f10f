package msgconv

import (
	"strings"

	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
)

const (
	// quoteMark stands before what is quoted, as people write it where there is nothing else.
	quoteMark = "> "
	// maxQuoted is how much of a text is quoted, in characters: enough to know it again.
	maxQuoted = 100
	// maxAuthor is how much of the name is shown of who wrote it, in characters.
	maxAuthor = 40
)

// Quote returns the line that stands before the answer to a message, which author wrote: the
// beginning of it, or what it is when it is no text. It returns "" when there is nothing to quote.
// What the message quotes itself is left out.
func Quote(author string, content *event.MessageEventContent, o Options) string {
	author = names.Cut(names.OneLine(author), maxAuthor)
	said := names.Cut(names.OneLine(inBrief(content, o)), maxQuoted)
	switch {
	case author == "" || said == "":
		return ""
	case content.MsgType == event.MsgEmote:
		return quoteMark + "* " + author + " " + said
	}
	return quoteMark + author + ": " + said
}

// inBrief returns what of a message is quoted.
func inBrief(content *event.MessageEventContent, o Options) string {
	if what := Thing(content); what != "" {
		if content.GetCaption() == "" {
			return "(" + what + ")"
		}
		return "(" + what + ") " + said(content, o)
	}
	text := said(content, o)
	if own := withoutQuotes(text); own != "" {
		return own
	}
	return text
}

// said returns the words of a message as they go out, which do not tell what a spoiler hides.
func said(content *event.MessageEventContent, o Options) string {
	plain := *content
	plain.MsgType = event.MsgText
	text, _ := ToMSN(&plain, Options{Emoticons: o.Emoticons})
	return text
}

// withoutQuotes returns the lines of a text that are no quotes.
func withoutQuotes(text string) string {
	var own []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line != ">" && !strings.HasPrefix(line, quoteMark) {
			own = append(own, line)
		}
	}
	return strings.Join(own, " ")
}

// Thing names what a message is that is no text, such as "a picture", and returns "" for a text.
func Thing(content *event.MessageEventContent) string {
	switch content.GetCapMsgType() {
	case event.CapMsgSticker:
		return words.Text("msgconv.thing.sticker")
	case event.CapMsgVoice:
		return words.Text("msgconv.thing.voice")
	case event.CapMsgGIF:
		return words.Text("msgconv.thing.animation")
	}
	switch content.MsgType {
	case event.MsgImage:
		return words.Text("msgconv.thing.picture")
	case event.MsgAudio:
		return words.Text("msgconv.thing.sound")
	case event.MsgVideo:
		return words.Text("msgconv.thing.video")
	case event.MsgFile:
		return words.Text("msgconv.thing.file")
	case event.MsgLocation:
		return words.Text("msgconv.thing.location")
	}
	return ""
}
