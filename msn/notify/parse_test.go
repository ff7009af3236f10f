package notify

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"matrix-msn/msn/internal/xmltext"
)

// alert wraps the content of a NOTIFICATION.
func alert(content string) string {
	return `<NOTIFICATION id="1" siteid="2" siteurl="http://alerts.example.com">` + content + `</NOTIFICATION>`
}

// Sections 5.2 and 5.3: what every parser must survive.
func TestUntidyDocumentsAreRead(t *testing.T) {
	t.Parallel()
	plain := Message{ID: "7", Text: "news"}
	for _, test := range []struct {
		name, document string
		want           []Message
	}{
		{"nothing but MSG", alert(`<MSG id="7"><BODY><TEXT>news</TEXT></BODY></MSG>`), []Message{plain}},
		{"names in any letter case", `<Notification ID="1"><mSg Id="7"><body><Text>news</tEXT></BODY></msg></NOTIFICATION>`, []Message{plain}},
		{"attributes without quotes", alert(`<MSG pri=1 id=7><ACTION url=/a/b.asp?x=1&y=2 /><BODY lang=1033><TEXT>news</TEXT></BODY></MSG>`),
			[]Message{{ID: "7", Priority: "1", ActionURL: "http://alerts.example.com/a/b.asp?x=1&y=2", LCID: 1033, Text: "news"}}},
		{"single quotes", alert(`<MSG id='7'><BODY><TEXT>news</TEXT></BODY></MSG>`), []Message{plain}},
		{"unknown elements and attributes", alert(`<NEW a="b"><MSG x:y="z" id="7" id="8"><EXTRA/><BODY><LOGO/><TEXT>ne<B>w</B>s</TEXT></BODY></MSG></NEW>`), []Message{plain}},
		{"several MSG", alert(`<MSG id="7"><BODY><TEXT>news</TEXT></BODY></MSG><MSG id="8"/><MSG id="9"><BODY><TEXT>more</TEXT></BODY></MSG>`),
			[]Message{plain, {ID: "8"}, {ID: "9", Text: "more"}}},
		{"empty MSG", alert(`<MSG/>`), []Message{{}}},
		{"no MSG", alert(``), nil},
		{"text without TEXT", alert(`<MSG id="7"><BODY> news </BODY></MSG>`), []Message{plain}},
		{"only EMAILTEXT", alert(`<MSG id="7"><BODY><EMAILTEXT>news</EMAILTEXT><NAME>n</NAME></BODY></MSG>`), []Message{plain}},
		{"all texts", alert(`<MSG id="7"><BODY><TEXTX>&lt;b&gt;n &amp;amp; e&lt;/b&gt;</TEXTX><EMAILTEXT>mail</EMAILTEXT><TEXT>news</TEXT></BODY></MSG>`),
			[]Message{{ID: "7", Text: "news", TextX: "<b>n &amp; e</b>"}}},
		{"language in TEXT", alert(`<MSG id="7"><BODY><TEXT lcid="1031">news</TEXT></BODY></MSG>`), []Message{{ID: "7", Text: "news", LCID: 1031}}},
		{"language that is none", alert(`<MSG id="7"><BODY lang="en-US"><TEXT>news</TEXT></BODY></MSG>`), []Message{plain}},
		{"empty icon", alert(`<MSG id="7"><BODY icon=""><TEXT>news</TEXT></BODY></MSG>`), []Message{plain}},
		{"tags never closed", `<NOTIFICATION><MSG id="7"><CAT id="3"><BODY><TEXT>news`, []Message{{ID: "7", CategoryID: "3", Text: "news"}}},
		{"MSG never closed", alert(`<MSG id="7"><BODY><TEXT>news<MSG id="8"><BODY><TEXT>more`), []Message{plain, {ID: "8", Text: "more"}}},
		{"cut off within a tag", `<NOTIFICATION><MSG id="7"><BODY><TEXT>news</TEXT></BO`, []Message{plain}},
		{"closing tags of nothing", alert(`</TEXT></MSG><MSG id="7"></X><BODY></MSGS><TEXT>news</B></TEXT></BODY></BODY></MSG></MSG>`), []Message{plain}},
		{"a '<' that is text", alert(`<MSG id="7"><BODY><TEXT>I <3 you & 1 < 2</TEXT></BODY></MSG>`), []Message{{ID: "7", Text: "I <3 you & 1 < 2"}}},
		{"other text around", "\ufeff junk" + alert(`x<MSG id="7">y<BODY><TEXT>news</TEXT></BODY></MSG>`) + "junk", []Message{plain}},
		{"declaration of another encoding", `<?xml version="1.1" encoding="gb2312" standalone="no"?>` + alert(`<MSG id="7"><BODY><TEXT>news</TEXT></BODY></MSG>`), []Message{plain}},
		{"entities", alert(`<MSG id="7"><BODY><TEXT>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#x1F600;&#128;&copy;&amp;lt;&#38;lt;</TEXT></BODY></MSG>`),
			[]Message{{ID: "7", Text: "<>&\"'AB\U0001F600\u0080&copy;&lt;&lt;"}}},
		{"what is no reference", alert(`<MSG id="7"><BODY><TEXT>& &; &# &#; &#x; &#xg; &#1 &lt &amp</TEXT></BODY></MSG>`),
			[]Message{{ID: "7", Text: "& &; &# &#; &#x; &#xg; &#1 &lt &amp"}}},
		{"characters XML forbids", alert("<MSG id=\"7\"><BODY><TEXT>\x00n\x01e\ufffew\x1fs&#0;&#31;&#xFFFF;&#xD800;&#x110000;&#99999999999999999999;</TEXT></BODY></MSG>"), []Message{plain}},
		{"bytes that are no UTF-8", alert("<MSG id=\"7\"><BODY><TEXT>caf\xe9 \xed\xa0\x80.</TEXT></BODY></MSG>"), []Message{{ID: "7", Text: "caf\ufffd \ufffd."}}},
		{"elements with a meaning in HTML", alert(`<SCRIPT><STYLE><TITLE><MSG id="7"><BODY><TEXT>news</TEXT></BODY></MSG>`), []Message{plain}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := mustParse(t, test.document).Messages; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %#v\nwant %#v", got, test.want)
			}
		})
	}
}

func TestAttributesOfTheRootAndItsParties(t *testing.T) {
	t.Parallel()
	got := mustParse(t, `<NOTIFICATION siteurl=" http://a.example/ " VER='2' new="&" siteid=45705 id="1342902633">`+
		`<FROM NAME="tel:+15551112222" pid="1:2"><VIA agent="mobile"></FROM><TO email="a@b.example" name="c@d.example"><VIA agent="email"/></TO></NOTIFICATION>`)
	want := &Notification{
		ID: "1342902633", Version: "2", SiteID: "45705", SiteURL: "http://a.example/",
		To:   Party{Name: "c@d.example", Email: "a@b.example", Via: "email"},
		From: Party{PID: "1:2", Name: "tel:+15551112222", Via: "mobile"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestURLsAreResolved(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, site, url, want string }{
		{"rooted path", "http://calendar.msn.com", "/a/b?x=1&y=2", "http://calendar.msn.com/a/b?x=1&y=2"},
		{"site without a slash", "http://contacts.msn.com", "s.htm", "http://contacts.msn.com/s.htm"},
		{"site with a slash", "http://mobile.msn.com/", "2wayIM.asp", "http://mobile.msn.com/2wayIM.asp"},
		{"site with a path", "http://a.example/x/y", "z", "http://a.example/x/z"},
		{"dots", "http://a.example/x/y/", "../../../z", "http://a.example/z"},
		{"only a query", "http://a.example/x?old", "?q=%zz", "http://a.example/x?q=%zz"},
		{"only a fragment", "http://a.example/x", "#top", "http://a.example/x#top"},
		{"absolute", "http://a.example", "HTTPS://B.example/%7Ex?y", "HTTPS://B.example/%7Ex?y"},
		{"absolute without a site", "", "http://b.example", "http://b.example"},
		{"a second URL in the query", "http://a.example", "http://b.example/r?to=http://c.example/?d=1&e=%2F|\u00e9", "http://b.example/r?to=http://c.example/?d=1&e=%2F|\u00e9"},
		{"a second URL in a relative query", "http://a.example", "r.asp?to=http://c.example/a b", "http://a.example/r.asp?to=http://c.example/a b"},
		{"another host", "https://a.example", "//b.example/c", "https://b.example/c"},
		{"backslashes are no slashes", "http://a.example", `\\b.example\c`, "http://a.example/%5C%5Cb.example%5Cc"},
		{"another scheme is left to the caller", "http://a.example", "javascript:alert(1)", "javascript:alert(1)"},
		{"relative without a site", "", "/x", ""},
		{"relative to no host", "mailto:a@b.example", "x", ""},
		{"relative to nonsense", "http://[", "x", ""},
		{"nonsense", "http://a.example", "http://[::1/x", ""},
		{"broken escape", "http://a.example", "/100%", ""},
		{"colon in a relative path", "http://a.example", "1:2", ""},
		{"line end", "http://a.example", "/a&#10;b", ""},
		{"empty", "http://a.example", " ", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := mustParse(t, `<NOTIFICATION siteurl="`+test.site+`"><MSG><ACTION url="`+test.url+`"/><SUBSCR url="`+test.url+`"/><BODY icon="`+test.url+`"/></MSG></NOTIFICATION>`)
			if m := n.Messages[0]; m.ActionURL != test.want || m.SubscribeURL != test.want || m.IconURL != test.want {
				t.Errorf("got %q, %q, %q, want %q", m.ActionURL, m.SubscribeURL, m.IconURL, test.want)
			}
		})
	}
}

func TestNotificationDataIsReadHoweverItIsEscaped(t *testing.T) {
	t.Parallel()
	const inner = `<NotificationData xmlns:xsd="http://www.w3.org/2001/XMLSchema"><SERVICE>ABCHInternal</SERVICE><New><Deep>a &amp; b</Deep></New><CID/></NotificationData>`
	want := map[string]string{"Service": "ABCHInternal", "Deep": "a & b", "CID": ""}
	for _, test := range []struct{ name, body string }{
		{"not escaped", inner},
		{"once", xmltext.Escape(inner)},
		{"with line ends, tabs and a declaration", "\r\n\t\t" + strings.ReplaceAll(xmltext.Escape(`<?xml version="1.0"?>`+inner), "&gt;&lt;", "&gt;\r\n\t\t&lt;") + "\r\n\t"},
		{"twice", xmltext.Escape(xmltext.Escape(inner))},
		{"three times", xmltext.Escape(xmltext.Escape(xmltext.Escape(inner)))},
		{"never closed", xmltext.Escape(strings.TrimSuffix(inner, "</NotificationData>"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := mustParse(t, alert(`<MSG id="0"><BODY>`+test.body+`</BODY></MSG>`)).Messages[0]
			if !reflect.DeepEqual(m.Data, want) || m.Text != "" {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestHostileNotificationDataIsNoAlert(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("<A></A>", 5)
	for i := range 1000 {
		many += "<E" + strconv.Itoa(i) + ">x</E" + strconv.Itoa(i) + ">"
	}
	for _, test := range []struct{ name, data string }{
		{"entity bomb", `<!DOCTYPE x [<!ENTITY a "aa">]><NotificationData><Service>&a;</Service></NotificationData>`},
		{"5,000 levels", "<NotificationData>" + strings.Repeat("<a>", 5000)},
		{"a thousand elements", "<NotificationData>" + many + "</NotificationData>"},
		{"strange names", "<NotificationData><Se\"r>1</Se\"r><1a>2</1a><a=b>3</a=b></NotificationData>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := mustParse(t, alert(`<MSG id="0"><BODY>`+xmltext.Escape(test.data)+`</BODY></MSG>`))
			if m := n.Messages[0]; m.Kind() != OtherData || len(n.Alerts()) != 0 || len(m.Data) > maxData {
				t.Errorf("%d elements of kind %d", len(m.Data), m.Kind())
			}
			for name := range n.Messages[0].Data {
				if !isName(name) {
					t.Errorf("element %q", name)
				}
			}
		})
	}
}

// The rows of hostile-input.md on XML.
func TestHostileDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, document string }{
		{"nothing", ""},
		{"no XML", "goto club 7. 2002"},
		{"another document", "<ml><d n=\"example.com\"/></ml>"},
		{"DOCTYPE", `<!DOCTYPE NOTIFICATION SYSTEM "file:///etc/passwd">` + alert("")},
		{"entity bomb", `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "` + strings.Repeat("x", 1000) + `"><!ENTITY b "&a;&a;">]>` + alert(`<MSG><BODY><TEXT>&b;</TEXT></BODY></MSG>`)},
		{"CDATA", alert(`<MSG><BODY><TEXT><![CDATA[x]]></TEXT></BODY></MSG>`)},
		{"comment", alert(`<!-- x -->`)},
		{"a declaration with a character that is dropped", "<\x01!DOCTYPE x>" + alert("")},
		{"10,000 levels", alert(strings.Repeat("<a>", 10000))},
		{"10,000 levels within TEXT", alert("<MSG><BODY><TEXT>" + strings.Repeat("<b>", 10000))},
		{"a body of 64 KiB and a byte", alert(strings.Repeat(" ", MaxDocument))},
		{"a body of 20 MB", strings.Repeat("\xff", 20<<20)},
		{"10,000 messages", alert(strings.Repeat("<MSG>", 10000))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, err := Parse(test.document)
			if !errors.Is(err, ErrUnreadable) {
				t.Errorf("error %v", err)
			}
			if n == nil {
				t.Fatal("no Notification")
			}
			if len(n.Raw) > MaxDocument || !utf8.ValidString(n.Raw) || n.Raw == "" && test.document != "" {
				t.Errorf("Raw has %d bytes", len(n.Raw))
			}
			if n.Raw = ""; !reflect.DeepEqual(n, &Notification{}) {
				t.Errorf("more than Raw: %+v", n)
			}
		})
	}
}

func TestDocumentAndParseAgree(t *testing.T) {
	t.Parallel()
	for _, n := range []*Notification{
		{},
		{ID: "1", Messages: []Message{{}}},
		{
			ID: "1", Version: "2", SiteID: "199999999", SiteURL: "https://alerts.example.com/x?a=1&b=2",
			To:   Party{PID: "0x1:0x2", Name: "a@example.com", Email: "b@example.com", Via: "messenger"},
			From: Party{Via: "mobile"},
			Messages: []Message{
				{ID: "1", Priority: "1", ActionURL: `http://x.example/?a="b"&amp;c=<d>`, SubscribeURL: "mailto:x@example.com", IconURL: "https://x.example/i.png", CategoryID: "5", LCID: 1033, Text: "a <b> & \"c\" 'd' &amp; &#65;\r\n\te\rf \U0001F600", TextX: "<a href=\"x\">&lt;</a>"},
				{ID: "2", Data: map[string]string{"Service": "ABCHInternal", "HasNewItem": "<&>", "CID": ""}},
				{ID: "3", Data: map[string]string{}, Text: "beside data"},
			},
		},
	} {
		document := n.Document()
		if got := mustParse(t, document); !reflect.DeepEqual(got, n) {
			t.Errorf("got  %+v\nwant %+v\nfrom %s", got, n, document)
		}
		for line := range strings.SplitSeq(document, "\n") {
			if line != "" && !strings.HasSuffix(line, "\r") {
				t.Errorf("line %q", line)
			}
		}
	}
}
