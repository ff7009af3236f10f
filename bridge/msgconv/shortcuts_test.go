package msgconv

import (
	"slices"
	"testing"

	"maunium.net/go/mautrix/event"
)

func TestCustomEmojiOfAMessage(t *testing.T) {
	t.Parallel()
	const image = `<img data-mx-emoticon height="32" src="mxc://x/y" alt=":cat:" title=":cat:">`
	for name, test := range map[string]struct {
		html string
		want []Picture
	}{
		"none":                  {"<b>a</b>", nil},
		"two":                   {"<b>" + image + "</b> a " + image, []Picture{{":cat:", "mxc://x/y"}, {":cat:", "mxc://x/y"}}},
		"a picture":             {`<img src="mxc://x/y" alt="cat"><i data-mx-emoticon>`, nil},
		"elsewhere":             {`<img data-mx-emoticon src="https://x.test/y" alt="cat">`, nil},
		"in what is hidden":     {"<mx-reply>" + image + "</mx-reply>a <span data-mx-spoiler>" + image + "</span>", nil},
		"whose name is a title": {`<img DATA-MX-EMOTICON src=mxc://x/y title=":dog:"/>`, []Picture{{":dog:", "mxc://x/y"}}},
	} {
		content := &event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: test.html}
		if got := CustomEmoji(content); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestShortcodesThatStandForPictures(t *testing.T) {
	t.Parallel()
	cat, other, dog, word, long := Picture{":cat:", "mxc://x/1"}, Picture{":cat:", "mxc://x/2"}, Picture{":dog:", "mxc://x/3"}, Picture{"cat", "mxc://x/4"}, Picture{"category", "mxc://x/5"}
	for name, test := range map[string]struct {
		emoji []Picture
		text  string
		want  []Picture
	}{
		"one":                          {[]Picture{cat}, "a :cat:", []Picture{cat}},
		"several":                      {[]Picture{cat, dog, cat}, ":cat::dog::cat:", []Picture{cat, dog}},
		"in a quote":                   {[]Picture{cat}, "> :cat:\n:cat:", []Picture{cat}},
		"two of one name":              {[]Picture{cat, other, dog}, ":cat::cat::dog:", []Picture{dog}},
		"a word":                       {[]Picture{word}, "a cat", []Picture{word}},
		"a word that stands elsewhere": {[]Picture{word}, "cat, a cat", nil},
		"a part of a word":             {[]Picture{word}, "concat cat", nil},
		"a part of another one":        {[]Picture{word, long}, "cat category", nil},
		"not in the text":              {[]Picture{cat}, "a", nil},
		"with a blank":                 {[]Picture{{"a cat", "mxc://x/1"}}, "a cat", nil},
		"with a tab":                   {[]Picture{{"a\tcat", "mxc://x/1"}}, "a\tcat", nil},
	} {
		if got := Shortcuts(test.emoji, test.text, 5); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := Shortcuts([]Picture{cat, dog}, ":dog::cat:", 1); !slices.Equal(got, []Picture{cat}) {
		t.Errorf("of too many: %v", got)
	}
}
