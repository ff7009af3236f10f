package msgconv

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
)

// htmlToMSN converts formatted_body.
func htmlToMSN(source string, o Options) string {
	text, _ := ToMSN(&event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: source}, o)
	return text
}

// What Element Web and Hydrogen make of typed Markdown, and what MSN gets.
func TestBlocksOfClients(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, html, want string }{
		{"quote and answer", "<blockquote>\n<p>Shall we meet at noon?</p>\n</blockquote>\n<p>Yes, at the usual place.</p>\n", "> Shall we meet at noon?\nYes, at the usual place."},
		{"quote of two paragraphs", "<blockquote>\n<p>a</p>\n<p>b</p>\n</blockquote>\n", "> a\n>\n> b"},
		{"quote of two lines", "<blockquote>\n<p>a<br />\nb</p>\n</blockquote>", "> a\n> b"},
		{"quote in a quote", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote><p>c</p>", "> a\n> > b\nc"},
		{"quote with a list", "<blockquote><ul><li>a</li><li>b<br>c</li></ul></blockquote>", "> • a\n> • b\n>   c"},
		{"list that starts at three", "<ol start=\"3\">\n<li>yes</li>\n</ol>\n", "3. yes"},
		{"list with a value", "<ol><li>a</li><li value=\"7\">b</li><li>c</li></ol>", "1. a\n7. b\n8. c"},
		{"list whose start is none", "<ol start=\"x\"><li>a</li></ol>", "1. a"},
		{"list that starts below", "<ol start=\"-1\"><li>a</li><li>b</li></ol>", "-1. a\n0. b"},
		{"list whose start is too large", "<ol start=\"99999999999\"><li>a</li></ol>", "1. a"},
		{"loose list", "<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n<p>c</p>\n</li>\n</ul>\n", "• a\n• b\n\n  c"},
		{"nested lists", "<ul>\n<li>a\n<ul>\n<li>b\n<ol>\n<li>c</li>\n</ol>\n</li>\n</ul>\n</li>\n<li>d</li>\n</ul>", "• a\n  • b\n    1. c\n• d"},
		{"empty item", "<ul><li></li><li>b</li></ul>", "• \n• b"},
		{"text and list", "<p>buy:</p>\n<ul>\n<li>milk</li>\n</ul>\n<p>soon</p>", "buy:\n• milk\nsoon"},
		{"paragraphs", "<p>a</p>\n<p>b<br />\nc</p>\n", "a\n\nb\nc"},
		{"lines", "a<br>b<br><br>c", "a\nb\n\nc"},
		{"powers", "x<sup>2</sup> and 10<sup>−6</sup>, the 1<sup>st</sup>, H<sub>2</sub>O, 2<sup></sup>", "x^2 and 10^−6, the 1st, H2O, 2"},
		{"heading", "<h1>Title</h1>\n<p>text</p>", "Title\ntext"},
		{"details", "<details><summary>More</summary><p>hidden</p></details>", "▸ More\nhidden"},
		{"table", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td><p>2</p><p>3</p></td>\n</tr>\n</tbody>\n</table>", "a | b\n1 | 2 3"},
		{"code block", "<p>see</p>\n<pre><code class=\"language-go\">func f() {\n\n\treturn\n}\n</code></pre>\n<p>there</p>", "see\nfunc f() {\n\n\treturn\n}\nthere"},
		{"code block that begins with blanks", "<pre><code>    if x:\n        y\n</code></pre>", "    if x:\n        y"},
		{"code block that begins with a line end", "<pre><code>\n  a\n\n</code></pre>\n", "  a"},
		{"blanks that are shown", "<b>\u00a0 a</b>\u00a0", "\u00a0 a"},
		{"code block in a quote", "<blockquote><pre><code>a\n  b\n</code></pre></blockquote>", "> a\n>   b"},
		{"code of one word", "<p>run <code>make</code> now</p>", "run make now"},
		{"code of several words", "<p>run <code>make all</code> now</p>", "run `make all` now"},
		{"nothing but code", "<code>make all</code>", "make all"},
		{"line", "<p>a</p>\n<hr />\n<p>b</p>", "a\n———\nb"},
		{"spoiler", "it is <span data-mx-spoiler>the butler</span>!", "it is [spoiler]!"},
		{"spoiler with a reason", "<span data-mx-spoiler=\"the end\">the <b>butler</b></span>", "[spoiler: the end]"},
		{"link", "<a href=\"https://example.com/a\">here</a>", "here (https://example.com/a)"},
		{"link that shows itself", "<a href=\"https://example.com/\">https://example.com</a>", "https://example.com"},
		{"mail", "<a href=\"mailto:bob@example.com\">bob@example.com</a>", "bob@example.com"},
		{"address without a scheme", "<a href=\"https://example.com/\">example.com</a> and <a href=\"HTTP://Example.com/a\">see example.com/a</a>", "example.com and see example.com/a"},
		{"another address", "<a href=\"https://evil.example/\">notevil.example</a>", "notevil.example (https://evil.example/)"},
		{"address before a link", "https://example.com/ <a href=\"https://example.com/\">here</a>", "https://example.com/ here (https://example.com/)"},
		{"address that is none", "<a href=\"https://example.com/100%\">here</a>, <a href=\"java%script:x\">there</a>", "here (https://example.com/100%), there"},
		{"page beside this one", "<a href=\"http\">here</a>, <a href=\"magnet\">there</a>", "here, there"},
		{"room in words", "<a href=\"https://matrix.to/#/#room:example.com\">the room</a>", "the room (https://matrix.to/#/#room:example.com)"},
		{"event", "<a href=\"https://matrix.to/#/!room:example.com/$event?via=example.com\">this</a>", "this (https://matrix.to/#/!room:example.com/$event?via=example.com)"},
		{"mention in capitals", "<a href=\"HTTPS://Matrix.To/#/@bob:example.com\">Bob</a>, <a href=\"https://matrix.to/#/%40bob:example.com\">Bob</a>", "Bob, Bob"},
		{"lines in a cell", "<table><tr><td>a<br>b</td><td><pre>c\nd</pre></td></tr></table>e", "a b | c d\ne"},
		{"letters that stand higher", "x<sup>n</sup>, Acme<sup>TM</sup>, the 2<sup>nd</sup> and 3<sup>RD</sup>", "x^n, Acme^TM, the 2nd and 3RD"},
		{"script", "<a href=\"javascript:alert(1)\">here</a>", "here"},
		{"mention", "<a href=\"https://matrix.to/#/@bob:example.com\">Bob</a>: hi", "Bob: hi"},
		{"room", "<a href=\"https://matrix.to/#/#room:example.com\">#room:example.com</a>", "#room:example.com (https://matrix.to/#/#room:example.com)"},
		{"spoiler in the deep", strings.Repeat("<span>", 150) + "it is <b data-mx-spoiler>the <i>butler</i></b>!", "it is [spoiler]!"},
		{"source in the deep", strings.Repeat("<i>", 150) + "a<script>b</script><style>c</style><mx-reply><p>d</p></mx-reply>e", "ae"},
		{"end of the deep", strings.Repeat("<div>", 150) + "a<span data-mx-spoiler><span>b</span></span>" + strings.Repeat("</div>", 150) + "c", "a[spoiler]\nc"},
		{"spoiler of a picture", "see <img data-mx-spoiler alt=\"cat\">", "see [spoiler]"},
		{"custom emoji", "so <img data-mx-emoticon src=\"mxc://x/y\" alt=\":cat:\" title=\":cat:\" height=\"32\">!", "so :cat:!"},
		{"picture without a name", "<img src=\"mxc://x/y\">", "[picture]"},
		{"partial style", "a <strong>b</strong> <em>c</em> <del>d</del> <u>e</u>", "a b c d e"},
		{"blanks at the ends of elements", "<b>a </b>b<i> c</i>", "a b c"},
		{"indented", "  <p>\n   a\n   b </p>  ", "a b"},
		{"brackets of Markdown that are text", "<p>*a* _b_ <code>c</code></p>", "*a* _b_ c"},
		{"reply fallback", "<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"},
		{"open elements", "<p>a<ul><li>b<p>c", "a\n• b\n  c"},
		{"wrong nesting", "<b>a<p>b</b>c</p>", "a\nbc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := htmlToMSN(test.html, Options{}); got != test.want {
				t.Errorf("%q becomes %q, want %q", test.html, got, test.want)
			}
		})
	}
}

// However deep an author nests, and however many lines there are, the text stays in proportion.
func TestTextStaysInProportionToItsHTML(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"quotes": strings.Repeat("<blockquote>", 90) + strings.Repeat("x<br>", 10000),
		"lists":  strings.Repeat("<ol><li>", 45) + strings.Repeat("x<br>", 10000),
		"lines":  strings.Repeat("<br>", 10000) + "x",
	} {
		if got := htmlToMSN(source, Options{Markup: true}); len(got) > 3*maxPrefixes/2*len(source) {
			t.Errorf("%s: %d bytes become %d", name, len(source), len(got))
		}
	}
}

// What an author nests costs no more than its length, in memory and in time. The bound is loose, as
// other tests run beside this one.
func TestHTMLCostsInProportionToItsLength(t *testing.T) {
	many := func(n int, what string) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, what, i)
		}
		return out.String()
	}
	attributes := many(75, " a%d")
	for name, source := range map[string]string{
		"paragraphs in open elements of many attributes": "<p>" + many(100, "<b c%d"+attributes+">") + strings.Repeat("<p>x", 9000),
		"paragraphs in open elements":                    many(500, "<b a%d>") + strings.Repeat("<p>x", 14000),
		"bodies":                                         many(6000, "<body a%d>"),
		"a tag of many attributes before many tags":      "<a" + many(40000, " a%d") + ">" + strings.Repeat("<b>", 200000),
		"open elements":                                  strings.Repeat("<b><i><span>", 80000),
		"elements that nobody knows":                     many(60000, "<x%d>") + many(60000, "</x%d>"),
		"ends of elements that are not open":             strings.Repeat("<div>", 100) + strings.Repeat("</span></b>", 80000),
		"wrong nesting":                                  strings.Repeat("<b><p></b><i></p></i>", 40000),
		"cells":                                          strings.Repeat("<table><tr><td>", 60000),
		"items":                                          strings.Repeat("<ul><li>x", 90) + strings.Repeat("<li>x", 100000),
		"links":                                          strings.Repeat("<a href=http://x/>x", 50000),
		"spoilers":                                       strings.Repeat("<span data-mx-spoiler>", 40000),
		"comments":                                       strings.Repeat("<!--", 200000),
		"signs that begin no tag":                        strings.Repeat("<", 1<<20),
		"ends of literal text":                           "<title>" + strings.Repeat("</titl", 150000),
		"entities":                                       strings.Repeat("&", 1<<20),
		"quotes that do not end":                         strings.Repeat("<a href='", 100000),
		"entities of a link":                             "<a href='" + strings.Repeat("&amp", 200000) + "'>x</a>",
	} {
		content := &event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: source}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ToMSN(content, Options{Emoticons: true, Markup: true}) // with the square of the length, this would take hours
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 64*uint64(len(source)) {
			t.Errorf("%s: %d bytes take %d of memory", name, len(source), spent)
		}
	}
}

// Elements end where browsers have them end.
func TestEndsThatAreNotWritten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ html, want string }{
		{"<p>a<p>b", "a\n\nb"},
		{"<p>a<div>b</div>c", "a\nb\nc"},
		{"a</p>b", "a\nb"},
		{"<ul><li>a<li>b<ul><li>c</ul><li>d</ul>e", "• a\n• b\n  • c\n• d\ne"},
		{"<ul><li>a<blockquote><li>b</blockquote></ul>", "• a\n  > • b"},
		{"<table><tr><td>a<td>b<tr><th>c<td>d</table>e", "a | b\nc | d\ne"},
		{"<table><tr><td>a<table><tr><td>b</table><td>c</table>", "a b | c"},
		{"<dl><dt>a<dd>b<dt>c<dd>d</dl>e", "a\nb\nc\nd\ne"},
		{"<h1>a<h2>b</h1>c", "a\nb\nc"},
		{"<blockquote>a<p>b</blockquote>c", "> a\n> b\nc"},
		{"<a href='http://x/'>a<a href='http://y/'>b</a>", "a (http://x/)b (http://y/)"},
		{"<x-y>a<x-z>b</x-y>c", "abc"},
		{"<b/>a<br/>b<hr/>c", "a\nb\n———\nc"},
		{"a</br>b</b></i></ul>c", "a\nbc"},
		{"a < b <3 </ c> &lt;d <", "a < b <3 <d <"},
		{"a<!-- <b> -->b<!x>c<?d?>e<!-->f", "abcef"},
		{"<title>a<b>&amp;</title><xmp>&amp;<i></xmp>", "a<b>&\n&amp;<i>"},
		{"<span data-mx-spoiler>a<p>b</span>c</p></span>d", "[spoiler]d"},
		{"<mx-reply><blockquote>a</mx-reply>b", "b"},
		{"a <b", "a"},
		{"<a href='http://x/?a&copy=1&amp;b=&#50;'>c</a>", "c (http://x/?a&copy=1&b=2)"},
		{"<a href=http://x/ HREF=http://y/>c</a>", "c (http://x/)"},
	} {
		if got := htmlToMSN(test.html, Options{}); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.html, got, test.want)
		}
	}
}

// A style that ends where a block does not has ended, and one that does not end goes on behind the block.
func TestStylesAcrossBlocks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ html, effects string }{
		{"<p><b>a</p><p>b</p>", "B"},
		{"<b><p>a</p></b>", "B"},
		{"<b><p></b>a</p>", ""},
		{"<b><i></b>a</i>", "I"},
		{"<b><span></b>a</span>", ""},
		{"<table><tr><td><b></table>a", ""},
		{strings.Repeat("<span>", 150) + strings.Repeat("</span>", 150) + "<b>a</b>", "B"},
		{"<b>" + strings.Repeat("<span>", 150) + strings.Repeat("</span>", 150) + "a</b>", "B"},
		{"<b>" + strings.Repeat("<span>", 150) + "</b>a", ""},
	} {
		_, format := ToMSN(&event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: test.html}, Options{})
		if !strings.Contains(format, "EF="+test.effects+";") {
			t.Errorf("%q is announced as %q", test.html, format)
		}
	}
}

// Who wants it keeps the signs of styles that do not cover everything.
func TestMarksOfStyles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ html, want string }{
		{"a <strong>b</strong> <em>c </em><del>d</del> <code>e</code>", "a *b* _c_ ~d~ `e`"},
		{"a <strong>b <em>c</em></strong><b></b> d", "a *b _c_* d"},
		{"<strong>everything</strong>", "everything"},
		{"<b><p>a</p></b>b", "*a*\nb"},
		{"<pre><code>a <b>b</b></code></pre>c", "a b\nc"},
		{"<a href='https://example.com/'><b>https://example.com/</b></a> <code>a <i>b</i></code> c", "https://example.com/ `a b` c"},
		{"<b><a href='https://example.com/'>here</a></b> c", "*here (https://example.com/)* c"},
		{"<pre>a <code>b c</code></pre>d", "a b c\nd"},
	} {
		if got := htmlToMSN(test.html, Options{Markup: true}); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.html, got, test.want)
		}
	}
}

// Emoji go out as emoticons, and not those in code and links.
func TestEmojiInHTML(t *testing.T) {
	t.Parallel()
	const source = `🙂 <b>👍</b> <code>🙂</code> <a href="https://example.com/🙂">🙂</a><pre>🙂</pre>`
	if got := htmlToMSN(source, Options{Emoticons: true}); got != ":) (Y) 🙂 🙂 (https://example.com/🙂)\n🙂" {
		t.Errorf("%q", got)
	}
	if got := htmlToMSN(source, Options{}); strings.Contains(got, ":)") {
		t.Errorf("who does not want it gets %q", got)
	}
	for source, want := range map[string]string{
		"Agreed:<b>👍</b>": "Agreed: (Y)", "Agreed:<br>👍": "Agreed:\n(Y)", "Agreed: <b>👍</b>": "Agreed: (Y)", "<p>a:-</p><p>👍</p>": "a:-\n\n(Y)",
		"<b>🙂</b><i>👍</i>": ":)(Y)",
	} {
		if got := htmlToMSN(source, Options{Emoticons: true}); got != want {
			t.Errorf("%q becomes %q, want %q", source, got, want)
		}
	}
	text, _ := ToMSN(&event.MessageEventContent{MsgType: event.MsgText, Body: "👍"}, Options{Emoticons: true})
	if text != "(Y)" {
		t.Errorf("a plain text becomes %q", text)
	}
	if got := ToMatrix("hi :)", "EF=B", Options{Emoticons: true}); got.Body != "hi 🙂" || got.FormattedBody != "<strong>hi 🙂</strong>" {
		t.Errorf("%q, %q", got.Body, got.FormattedBody)
	}
	if got := ToMatrix("hi :)", "FN=Consolas", Options{Emoticons: true}); got.Body != "hi :)" {
		t.Errorf("in a font of code: %q", got.Body)
	}
}

// Every style that MSN can hold comes back as it went out.
func TestStylesGoRound(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"<strong>x</strong>", "<em>x</em>", "<u>x</u>", "<del>x</del>", "<code>x</code>", `<span data-mx-color="#ff0000">x</span>`,
		`<span data-mx-color="#00aa00"><strong><em><u><del><code>x</code></del></u></em></strong></span>`,
	} {
		text, format := ToMSN(&event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: source}, Options{})
		if got := ToMatrix(text, format, Options{}); got.FormattedBody != source || got.Body != "x" {
			t.Errorf("%q comes back as %q", source, got.FormattedBody)
		}
	}
}

func TestWhatPeopleDo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"/me waves": "waves", "/me ": "", "/men": "", "a /me b": ""} {
		got := ToMatrix(text, "", Options{})
		if emote := got.MsgType == event.MsgEmote; emote != (want != "") || emote && got.Body != want || !emote && got.Body != text {
			t.Errorf("%q becomes %s %q", text, got.MsgType, got.Body)
		}
	}
}

// What people do is told at the beginning of their whole text, behind whatever the bridge puts there.
func TestWhatPeopleDoIsDecidedOnce(t *testing.T) {
	t.Parallel()
	for _, before := range []string{strings.Repeat("x", maxPart-5) + "\n", strings.Repeat("x", maxPart-4), strings.Repeat("ä ", maxPart/3)} {
		for cut := range 8 {
			text := before[cut:] + strings.Repeat("/me waves ", 1000)
			parts := Split(text)
			if strings.Join(parts, "") != text {
				t.Error("not the same when joined")
			}
			for i, part := range parts {
				if got := ToMatrix(part, "", Options{}); len(part) > maxPart || got.MsgType != event.MsgText {
					t.Errorf("part %d of %d bytes becomes %s %.20q", i, len(part), got.MsgType, got.Body)
				}
			}
		}
	}
	if got := ToMatrixWithNote("(note) ", "/me waves", "EF=B", Options{}); got.MsgType != event.MsgEmote || got.Body != "(note) waves" || got.FormattedBody != "<strong>(note) waves</strong>" {
		t.Errorf("behind a note it becomes %s %q, %q", got.MsgType, got.Body, got.FormattedBody)
	}
}

// A text that is said to run from right to left does so, whatever it begins with.
func TestRightToLeftIsKept(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"Windows הוא": rightToLeftMark + "Windows הוא", "הוא Windows": "הוא Windows", "123": "123",
		"שלום\nWindows הוא\n\nLinux": "שלום\n" + rightToLeftMark + "Windows הוא\n\n" + rightToLeftMark + "Linux"} {
		if got := ToMatrix(text, "RL=1", Options{}).Body; got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// message is one of 2 KB as clients send it.
var message = strings.Repeat("<p>Have you seen <strong>this</strong> one? It is <a href=\"https://example.com/x\">here</a> 🙂</p>\n<ul>\n<li>a</li>\n</ul>\n", 16)

func BenchmarkToMSN(b *testing.B) {
	content := &event.MessageEventContent{MsgType: event.MsgText, Format: event.FormatHTML, FormattedBody: message}
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		ToMSN(content, Options{Emoticons: true})
	}
}

func BenchmarkToMatrix(b *testing.B) {
	text := strings.Repeat("Have you seen this one? :) It is here <3 & there.\n", 40)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		ToMatrix(text, "FN=Arial; EF=B; CO=ff; CS=0; PF=22", Options{Emoticons: true})
	}
}
