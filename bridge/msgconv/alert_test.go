package msgconv

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"matrix-msn/bridge/words"

	"golang.org/x/net/html"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

func TestAlertToMatrix(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		alert      Alert
		body, html string
	}{
		{"text alone", Alert{Text: "goto club "}, "goto club", ""},
		{"no text", Alert{}, words.Text("msgconv.no_text"), ""},
		{"action", Alert{Text: "a", ActionURL: "http://calendar.msn.com/x?a=1&b=2"},
			"a\nOpen: http://calendar.msn.com/x?a=1&b=2", `a<br><a href="http://calendar.msn.com/x?a=1&amp;b=2">Open</a>`},
		{"the same subscription is left out", Alert{Text: "a", ActionURL: "http://x/", SubscribeURL: "http://x/"},
			"a\nOpen: http://x/", `a<br><a href="http://x/">Open</a>`},
		{"both links", Alert{Text: "a", ActionURL: "http://x/a", SubscribeURL: "https://x/s"},
			"a\nOpen: http://x/a\nChange subscription: https://x/s",
			`a<br><a href="http://x/a">Open</a> · <a href="https://x/s">Change subscription</a>`},
		{"subscription alone", Alert{Text: "a", SubscribeURL: "https://x/s"},
			"a\nChange subscription: https://x/s", `a<br><a href="https://x/s">Change subscription</a>`},
		{"language", Alert{Text: "俱乐部", Language: "zh-CN"}, "俱乐部", `<span lang="zh-CN">俱乐部</span>`},
		{"language that is none", Alert{Text: "a", Language: "x y"}, "a", ""},
		{"markup is text", Alert{Text: `<script>alert("1")</script>`, Language: "en-US"}, `<script>alert("1")</script>`,
			`<span lang="en-US">&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;</span>`},
		{"lines", Alert{Text: "a\nb", Language: "en-US"}, "a\nb", `<span lang="en-US">a<br>b</span>`},
		{"control characters", Alert{Text: "a\x1b[31m\x00b"}, "a[31mb", ""},
		{"right to left", Alert{Text: "שלום", Language: "he-IL"}, "שלום", `<span lang="he-IL">שלום</span>`},
		{"rich text where there is no plain one", Alert{Text: " ", TextX: "<b>bold</b> &amp; <script>x</script>more"}, "bold & more", ""},
		{"plain text counts", Alert{Text: "plain", TextX: "<b>rich</b>"}, "plain", ""},
		{"icon", Alert{Text: "a", Icon: "mxc://example.com/abc"}, "a", `<img src="mxc://example.com/abc" alt="" height="32"> a`},
		{"icon that is none", Alert{Text: "a", Icon: `https://example.com/x"onerror=`}, "a", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := AlertToMatrix(test.alert)
			if got.Body != test.body || got.FormattedBody != test.html || got.MsgType != event.MsgNotice {
				t.Errorf("got %q, %q", got.Body, got.FormattedBody)
			}
			if got.Mentions == nil || len(got.Mentions.UserIDs) > 0 {
				t.Errorf("it mentions %v", got.Mentions)
			}
		})
	}
}

// Notices do not ring, whoever they mention (the rule .m.rule.suppress_notices).
func TestUrgentAlertIsATextThatMentions(t *testing.T) {
	t.Parallel()
	got := AlertToMatrix(Alert{Text: "now", Mention: "@alice:example.com"})
	if got.MsgType != event.MsgText || !got.Mentions.Has("@alice:example.com") {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsALink(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, address, want string }{
		{"http", "http://calendar.msn.com/calendar/isapi.dll?request=action&operation=modify&objectID=1", "http://calendar.msn.com/calendar/isapi.dll?request=action&operation=modify&objectID=1"},
		{"https in capitals", "HTTPS://Example.COM/A", "https://example.com/A"},
		{"blanks around", " http://example.com/ ", "http://example.com/"},
		{"a second address in the query", "http://x.example/?u=http://y.example/", "http://x.example/?u=http://y.example/"},
		{"port", "http://example.com:8080/", "http://example.com:8080/"},
		{"IPv6", "http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"},
		{"foreign letters in the host", "http://bücher.example/", "http://xn--bcher-kva.example/"},
		{"letters that look like others", "http://еxample.com/", "http://xn--xample-2of.com/"},
		{"quotes in the query", `http://example.com/?a="><img src=x>`, "http://example.com/?a=%22%3E%3Cimg%20src=x%3E"},
		{"right-to-left override in the query", "http://example.com/?a=\u202egnp", "http://example.com/?a=%E2%80%AEgnp"},
		{"right-to-left override in the path", "http://example.com/\u202egnp", "http://example.com/%E2%80%AEgnp"},
		{"fragment", "http://example.com/#a\"b", "http://example.com/#a%22b"},
		{"javascript", "javascript:alert(1)", ""},
		{"javascript in capitals", "JaVaScRiPt:alert(1)", ""},
		{"javascript behind a line end", "java\nscript:alert(1)", ""},
		{"data", "data:text/html,<script>", ""},
		{"file", "file:///etc/passwd", ""},
		{"mxc", "mxc://example.com/a", ""},
		{"no scheme", "//example.com/", ""},
		{"relative", "/calendar", ""},
		{"no host", "http:///x", ""},
		{"host of a port", "http://:80/", ""},
		{"opaque", "http:example.com", ""},
		{"user", "http://microsoft.com@evil.example/", ""},
		{"user and password", "https://a:b@evil.example/", ""},
		{"blank in the host", "http://a b/", ""},
		{"line end", "http://example.com/\r\nX: y", ""},
		{"control character", "http://example.com/\x01", ""},
		{"dot alone", "http://./", ""},
		{"markup in the host", "http://a<b>/", ""},
		{"a name that stands for no letters", "http://xn--zn7c/", ""},
		{"too long", "http://example.com/" + strings.Repeat("a", maxLink), ""},
		{"too long when escaped", "http://example.com/" + strings.Repeat("é", maxLink/3), ""},
		{"empty", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok := SafeLink(test.address)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, test.want)
			}
		})
	}
}

func TestLongestAlertFitsIntoAnEvent(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"<", "&", "\"", "\u200b", "é"} {
		content := AlertToMatrix(Alert{Text: strings.Repeat(c, maxAlert*2), Language: "en-US", Icon: "mxc://example.com/a",
			ActionURL:    "http://example.com/?" + strings.Repeat("&", maxLink-30),
			SubscribeURL: "http://example.org/?" + strings.Repeat("&", maxLink-30)})
		data, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 63<<10 {
			t.Errorf("%q: an event of %d bytes", c, len(data))
		}
		if !strings.Contains(content.Body, "more bytes were left out") {
			t.Errorf("%q: nothing says that the text was cut", c)
		}
	}
}

// FuzzAlertToHTML: whatever an alert holds, its HTML is made of our elements, and
// its links lead to the web.
func FuzzAlertToHTML(f *testing.F) {
	f.Add("text", "", "http://example.com/", "http://example.com/s", "en-US", "mxc://example.com/a")
	f.Add(`</span><a href="javascript:x">`, "<img src=x onerror=y>", "javascript:alert(1)", "data:text/html,x", "zh-CN", `mxc://x/" onerror="y`)
	f.Add("", "<p>&lt;b&gt;</p>", "http://a@b/", "http://a/\"><script>", `en" onclick="x`, "")
	f.Add("\xff\x00\u202e", "\xff<", "HTTP://[::1]/?\"'<>`", "http://ex\u0430mple/", "he-IL", "mxc:///")
	f.Fuzz(func(t *testing.T, text, textX, action, subscribe, language, icon string) {
		content := AlertToMatrix(Alert{Text: text, TextX: textX, ActionURL: action, SubscribeURL: subscribe, Language: language, Icon: id.ContentURIString(icon)})
		if content.Body == "" {
			t.Fatal("no text")
		}
		if len(text) < maxAlert && utf8.ValidString(text) && strings.TrimSpace(Clean(text)) != "" && !strings.HasPrefix(content.Body, strings.TrimSpace(Clean(text))) {
			t.Fatalf("%q is lost in %q", text, content.Body)
		}
		if content.FormattedBody == "" {
			return
		}
		if spent := checkElements(t, content.FormattedBody); spent["a"] > 2 || spent["img"] > 1 || spent["span"] > 1 {
			t.Fatalf("%v in %q", spent, content.FormattedBody)
		}
	})
}

// checkElements fails unless HTML holds only elements and attributes that
// AlertToMatrix makes; it counts them.
func checkElements(t *testing.T, source string) map[string]int {
	t.Helper()
	allowed := map[string][]string{"a": {"href"}, "br": nil, "span": {"lang"}, "img": {"src", "alt", "height"}}
	count := make(map[string]int)
	tokens := html.NewTokenizer(strings.NewReader(source))
	for {
		kind := tokens.Next()
		token := tokens.Token()
		switch kind {
		case html.ErrorToken:
			return count
		case html.CommentToken, html.DoctypeToken:
			t.Fatalf("%v in %q", token, source)
		case html.StartTagToken, html.SelfClosingTagToken:
			attributes, ok := allowed[token.Data]
			if !ok {
				t.Fatalf("element %q in %q", token.Data, source)
			}
			count[token.Data]++
			for _, a := range token.Attr {
				if !slices.Contains(attributes, a.Key) {
					t.Fatalf("attribute %q of %q in %q", a.Key, token.Data, source)
				}
				if a.Key == "href" {
					if link, ok := SafeLink(a.Val); !ok || link != a.Val {
						t.Fatalf("link to %q in %q", a.Val, source)
					}
				}
				if a.Key == "src" && !strings.HasPrefix(a.Val, "mxc://") {
					t.Fatalf("picture %q in %q", a.Val, source)
				}
			}
		}
	}
}
