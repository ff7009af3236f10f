package msgconv

import (
	"strings"
	"testing"
	"unicode/utf8"

	"maunium.net/go/mautrix/event"
)

func TestQuote(t *testing.T) {
	t.Parallel()
	text := func(body string) *event.MessageEventContent {
		return &event.MessageEventContent{MsgType: event.MsgText, Body: body}
	}
	html := func(body string) *event.MessageEventContent {
		return &event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: body}
	}
	thing := func(kind event.MessageType) *event.MessageEventContent {
		return &event.MessageEventContent{MsgType: kind, Body: "name", URL: "mxc://x/y"}
	}
	const family = "👨‍👩‍👧‍👦" // one character to people, seven code points
	for _, test := range []struct {
		name, author string
		content      *event.MessageEventContent
		want         string
	}{
		{"a text", "Bob", text("hello"), "> Bob: hello"},
		{"lines", "Bob", text("one\ntwo\n\nthree"), "> Bob: one two three"},
		{"a long one", "Bob", text(strings.Repeat("a", 200)), "> Bob: " + strings.Repeat("a", 99) + "…"},
		{"an emoji at the end", "Bob", text(strings.Repeat("a", 96) + family + "b"), "> Bob: " + strings.Repeat("a", 96) + "…"},
		{"an emote", "Bob", &event.MessageEventContent{MsgType: event.MsgEmote, Body: "waves"}, "> * Bob waves"},
		{"an answer itself", "Bob", text("> Alice: where?\nhere"), "> Bob: here"},
		{"a quote in HTML", "Bob", html("<blockquote>old<br>older</blockquote><p>new</p>"), "> Bob: new"},
		{"nothing but a quote", "Bob", text("> Alice: where?"), "> Bob: > Alice: where?"},
		{"a face that looks like one", "Bob", text(">:("), "> Bob: >:("},
		{"a hidden text", "Bob", html(`it was <span data-mx-spoiler>the butler</span>`), "> Bob: it was [spoiler]"},
		{"a picture", "Bob", thing(event.MsgImage), "> Bob: (a picture)"},
		{"a picture with a caption", "Bob", &event.MessageEventContent{MsgType: event.MsgImage, Body: "my cat", FileName: "cat.png", URL: "mxc://x/y"}, "> Bob: (a picture) my cat"},
		{"a picture with a spoiler", "Bob", &event.MessageEventContent{MsgType: event.MsgImage, Body: "it was ||the butler||", FileName: "end.png", URL: "mxc://x/y",
			Format: event.FormatHTML, FormattedBody: "it was <span data-mx-spoiler>the butler</span>"}, "> Bob: (a picture) it was [spoiler]"},
		{"a voice message", "Bob", &event.MessageEventContent{MsgType: event.MsgAudio, Body: "x", MSC3245Voice: &event.MSC3245Voice{}}, "> Bob: (a voice message)"},
		{"a sticker", "Bob", thing(event.CapMsgSticker), "> Bob: (a sticker)"},
		{"a file", "Bob", thing(event.MsgFile), "> Bob: (a file)"},
		{"a location", "Bob", thing(event.MsgLocation), "> Bob: (a location)"},
		{"a long name", strings.Repeat("b", 300), text("hello"), "> " + strings.Repeat("b", 39) + "…: hello"},
		{"a name of several lines", "Bob\n> Eve: no", text("hello"), "> Bob > Eve: no: hello"},
		{"nobody", "", text("hello"), ""},
		{"nothing", "Bob", text(""), ""},
		{"a message that was deleted", "Bob", &event.MessageEventContent{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Quote(test.author, test.content, Options{}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzQuote(f *testing.F) {
	f.Add("Bob", "hello\n> you")
	f.Add("\u202e", strings.Repeat("e\u0301", 300))
	f.Fuzz(func(t *testing.T, author, body string) {
		got := Quote(author, &event.MessageEventContent{MsgType: event.MsgText, Body: body}, Options{})
		if strings.ContainsAny(got, "\r\n") || utf8.RuneCountInString(got) > len("> : ")+maxAuthor+maxQuoted {
			t.Errorf("the quote is %q", got)
		}
	})
}
