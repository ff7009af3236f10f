package msgconv

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"maunium.net/go/mautrix/event"
)

func TestTextToMatrix(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, format, want string }{
		{"no format", "hello", "", ""},
		{"default font in black", "hello", "FN=MS%20Shell%20Dlg; EF=; CO=0; CS=0; PF=0", ""},
		{"bold and italic", "hello", "FN=Arial; EF=IB; CO=0", "<strong><em>hello</em></strong>"},
		{"underline and strike", "hello", "EF=US", "<u><del>hello</del></u>"},
		{"teal in BGR", "hello", "CO=808000", `<span data-mx-color="#008080">hello</span>`},
		{"blue, which cannot be read on dark", "hello", "CO=ff0000", ""},
		{"red with zeros left out", "hello", "CO=ff", `<span data-mx-color="#ff0000">hello</span>`},
		{"green", "hello", "CO=8000", `<span data-mx-color="#008000">hello</span>`},
		{"markup is text", "<b>&", "EF=B", "<strong>&lt;b&gt;&amp;</strong>"},
		{"lines", "a\nb", "EF=B", "<strong>a<br>b</strong>"},
		{"colour out of range", "hello", "CO=1ff0000ff", ""},
		{"colour is no number", "hello", `CO="><script>`, ""},
		{"blanks and case", "hello", " ef = b ;; =", "<strong>hello</strong>"},
		{"right to left needs no markup", "שלום", "RL=1", ""},
		{"a font of code", "x = 1", "FN=Courier%20New; EF=; CO=0; CS=0; PF=31", "<code>x = 1</code>"},
		{"a font of code by its name alone", "x", "FN=Consolas", "<code>x</code>"},
		{"code of several lines", "if x\n\ty  = <1>", "FN=Consolas; EF=B", "<strong><pre><code>if x\n\ty  = &lt;1&gt;</code></pre></strong>"},
		{"blanks that are shown", " a  b\n\tc d", "EF=B", "<strong>\u00a0a\u00a0 b<br>\u00a0\u00a0\u00a0 c d</strong>"},
		{"another font", "x", "FN=Comic%20Sans%20MS; PF=42", ""},
		{"white cannot be read", "x", "CO=ffffff", ""},
		{"nor yellow", "x", "CO=ffff", ""},
		{"nor a dark blue", "x", "CO=400000", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := ToMatrix(test.text, test.format, Options{})
			if got.Body != test.text || got.FormattedBody != test.want || got.MsgType != event.MsgText {
				t.Errorf("got %q, %q; want %q", got.Body, got.FormattedBody, test.want)
			}
		})
	}
}

func TestMatrixToText(t *testing.T) {
	t.Parallel()
	const plain = "FN=Microsoft%20Sans%20Serif; EF=; CO=0; CS=0; PF=22"
	for _, test := range []struct{ name, body, html, want, format string }{
		{"plain", "hello", "", "hello", plain},
		{"plain with signs", "a * b < c", "", "a * b < c", plain},
		{"line ends", "a\r\nb\n", "", "a\nb", plain},
		{"all bold", "**hello**", "<strong>hello</strong>", "hello", "FN=Microsoft%20Sans%20Serif; EF=B; CO=0; CS=0; PF=22"},
		{"part bold leaves no signs", "**hello** you", "<strong>hello</strong> you", "hello you", plain},
		{"nested styles", "", "<b><i><u><del>x</del></u></i></b>", "x", "FN=Microsoft%20Sans%20Serif; EF=BIUS; CO=0; CS=0; PF=22"},
		{"colour", "", `<span data-mx-color="#FF0000">x</span>`, "x", "FN=Microsoft%20Sans%20Serif; EF=; CO=0000ff; CS=0; PF=22"},
		{"black", "", `<span data-mx-color="#000000">x</span>`, "x", plain},
		{"white", "", `<span data-mx-color="#ffffff">x</span>`, "x", plain},
		{"yellow", "", `<font color="#FFFF00">x</font>`, "x", plain},
		{"dark blue", "", `<font color="#000040">x</font>`, "x", "FN=Microsoft%20Sans%20Serif; EF=; CO=400000; CS=0; PF=22"},
		{"escaped", "", "1 &lt; 2 &amp;amp;", "1 < 2 &amp;", plain},
		{"paragraphs", "", "<p>a</p><p>b</p>", "a\n\nb", plain},
		{"breaks", "", "a<br>b<br/>c", "a\nb\nc", plain},
		{"link", "", `<a href="https://example.com/">here</a>`, "here (https://example.com/)", plain},
		{"link that shows itself", "", `<a href="https://example.com/">https://example.com/</a>`, "https://example.com/", plain},
		{"mention", "", `<a href="https://matrix.to/#/@bob:example.com">Bob</a>: hi`, "Bob: hi", plain},
		{"reply fallback", "", `<mx-reply><blockquote>old</blockquote></mx-reply>new`, "new", plain},
		{"lists", "", "<ul><li>a</li><li>b</li></ul><ol><li>c</li><li>d</li></ol>", "• a\n• b\n1. c\n2. d", plain},
		{"code keeps blanks", "", "<pre><code>a  b\n c</code></pre>", "a  b\n c", "FN=Courier%20New; EF=; CO=0; CS=0; PF=31"},
		{"right to left", "שלום", "", "שלום", plain + "; RL=1"},
		{"deep", "", strings.Repeat("<span>", 150) + "deep", "deep", plain},
		{"what no browser shows", "", "<iframe><b>x</b></iframe><noframes><i>y</i></noframes><noembed><u>z</u></noembed>a", "a", plain},
		{"what stands in for scripts", "", "<noscript><i>x</i></noscript> a", "x a", plain},
		{"image is its name", "", `<img alt="cat">`, "cat", plain},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			content := &event.MessageEventContent{MsgType: event.MsgText, Body: test.body}
			if test.html != "" {
				content.Format, content.FormattedBody = event.FormatHTML, test.html
			}
			text, format := ToMSN(content, Options{})
			if text != test.want || format != test.format {
				t.Errorf("got %q, %q; want %q, %q", text, format, test.want, test.format)
			}
		})
	}
}

func TestEmoteBeginsWithAStar(t *testing.T) {
	t.Parallel()
	text, _ := ToMSN(&event.MessageEventContent{MsgType: event.MsgEmote, Body: "waves"}, Options{})
	if text != "* waves" {
		t.Errorf("got %q", text)
	}
}

func TestCleanTextHasNoControlCharacters(t *testing.T) {
	t.Parallel()
	if got := Clean("a\x1b[2J\x01b\n\tc\u0085\x7f♥"); got != "a[2Jb\n\tc♥" {
		t.Errorf("got %q", got)
	}
}

// No bubble comes without anything in it.
func TestTextWithoutAnythingToSeeIsToldOf(t *testing.T) {
	t.Parallel()
	for _, text := range []string{" ", "\u200b", "\n\t \u2060\ufeff", "\u202e\u202c", "\u3164\ufe0f", "\x02\x0f \x1f", "\x00"} {
		if got := Said(text); got != nothingSeen {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	for text, want := range map[string]string{"": "", "[b][/b]": "[b][/b]", "\x02a": "a", "\u200b.": "\u200b.", "❤\ufe0f": "❤\ufe0f"} {
		if got := Said(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestSplitKeepsEverything(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"short": "hello", "words": strings.Repeat("hello world ", 5000), "one word": strings.Repeat("ä", 20000),
		"lines": strings.Repeat("line\n", 9000), "just too long": strings.Repeat("x", maxPart+1),
	} {
		parts := Split(text)
		if strings.Join(parts, "") != text {
			t.Errorf("%s: not the same when joined", name)
		}
		for _, part := range parts {
			if len(part) > maxPart || !utf8.ValidString(part) || part == "" {
				t.Errorf("%s: a part of %d bytes", name, len(part))
			}
		}
	}
}

// A style is that of the whole text, however long that is.
func TestLongTextsKeepTheirStyle(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("hello you ", 1000), strings.Repeat("שלום ", 3000), strings.Repeat("I said \"hello\" & left.\n", 1000)} {
		for i, part := range Split(text) {
			if got := ToMatrix(part, "EF=B", Options{}); !strings.HasPrefix(got.FormattedBody, "<strong>") {
				t.Errorf("part %d of %.10q has %d bytes and no style", i, text, len(part))
			}
		}
	}
}

func TestNoTextMakesAnEventTooLarge(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"\x01", "\"", "<", "♥", "\u2028"} {
		for _, part := range Split(strings.Repeat(letter, 100_000)) {
			data, err := json.Marshal(ToMatrix(part, "EF=BIUS; CO=ff; FN=Consolas", Options{}))
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > 60_000 {
				t.Errorf("%q makes an event of %d bytes", letter, len(data))
			}
		}
	}
}

func FuzzToMSN(f *testing.F) {
	for _, seed := range []string{"<b>x</b>", "<ul><li>", "</ol>x", "<a href=x>", strings.Repeat("<div>", 200) + "x", "<table><tr><td>a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		_, format := ToMSN(&event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: source}, Options{})
		if strings.ContainsAny(format, "\r\n") {
			t.Errorf("format %q has a line end", format)
		}
	})
}

func FuzzToMatrix(f *testing.F) {
	f.Add("hello", "FN=Arial; EF=B; CO=ff0000; RL=1")
	f.Add("<script>", "EF=;CO=\"><img>")
	f.Fuzz(func(t *testing.T, text, format string) {
		content := ToMatrix(text, format, Options{})
		body := content.Body
		if content.MsgType == event.MsgEmote {
			body = me + strings.TrimPrefix(body, rightToLeftMark)
		}
		if strings.ReplaceAll(body, rightToLeftMark, "") != strings.ReplaceAll(text, rightToLeftMark, "") {
			t.Errorf("body %q became %q", text, content.Body)
		}
		for _, tag := range strings.Split(content.FormattedBody, "<")[1:] {
			name, _, _ := strings.Cut(strings.TrimPrefix(tag, "/"), ">")
			name, _, _ = strings.Cut(name, " ")
			switch name {
			case "strong", "em", "u", "del", "span", "br", "code", "pre":
			default:
				t.Errorf("element %q in %q", name, content.FormattedBody)
			}
		}
	})
}

// Neither the database nor the people on MSN are given what is no text.
func TestTextToMSNHoldsNoControlCharacters(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"NUL":                     {`{"msgtype":"m.text","body":"a\u0000b"}`, "ab"},
		"NUL at the end":          {`{"msgtype":"m.text","body":"a\n\u0000"}`, "a"},
		"an emote":                {`{"msgtype":"m.emote","body":"a\u0000b"}`, "* ab"},
		"escapes":                 {`{"msgtype":"m.text","body":"a\u001b[2J\u0085\u007fb"}`, "a[2Jb"},
		"line ends and tabs":      {`{"msgtype":"m.text","body":"a\tb\r\nc\rd\ne"}`, "a\tb\nc\nd\ne"},
		"half of a surrogate":     {`{"msgtype":"m.text","body":"a\ud800b"}`, "a\uFFFDb"},
		"no UTF-8":                {"{\"msgtype\":\"m.text\",\"body\":\"a\xffb\"}", "a\uFFFDb"},
		"NUL in HTML":             {`{"msgtype":"m.text","body":"","format":"org.matrix.custom.html","formatted_body":"<b>a\u0000b&#0;c&#27;d</b>"}`, "ab\uFFFDcd"},
		"NUL in a link":           {`{"msgtype":"m.text","body":"","format":"org.matrix.custom.html","formatted_body":"<a href='http://x/\u0000'>a</a>"}`, "a (http://x/\uFFFD)"},
		"nothing but such things": {`{"msgtype":"m.text","body":"\u0000\u0001"}`, ""},
	} {
		var content event.MessageEventContent
		if err := json.Unmarshal([]byte(test.content), &content); err != nil {
			t.Fatal(err)
		}
		if got, _ := ToMSN(&content, Options{}); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
