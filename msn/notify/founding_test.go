package notify

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// The documents that protocol/07-misc-founding-spec.md prints.

// calendarAlert is the founding example, with the number, the object it is about,
// and its text; crlf ends every line, the last one too.
func calendarAlert(id, text string) string {
	link := `url="/calendar/isapi.dll?request=action&operation=modify&objectID=` + id + `&uicode1=modifyreminder&locale=2052"/>`
	return strings.Join([]string{
		`<NOTIFICATION ver="1" siteid="111100200" siteurl="http://calendar.msn.com" id="` + id + `">`,
		`<TO pid="0x00060000:0x81ee5a43" name="jabber_test@hotmail.com" />`,
		`<MSG pri="" id="` + id + `">`,
		`<ACTION ` + link,
		`<SUBSCR ` + link + `<CAT id="111100201" />`,
		`<BODY lang="2052" icon="/En/img/calendar.png">`,
		`<TEXT>` + text + `</TEXT>`,
		`</BODY>`, `</MSG>`, `</NOTIFICATION>`, ``,
	}, "\r\n")
}

const plainAlert = "goto club 7. 2002 21:15 - 22:15 "

// damagedText is the text of example A as it was printed, and lostText as it must
// have been on the wire: bytes of characters are missing.
const (
	damagedText = "aaaaa (bbbbb) 2002\xe5\x81\x81\xe5\x8d\x81\xe4\x81\x81\xe6\x9c\x8814\xef\xbf\xbd\xe6\x98\x9f\xe6\x9c\x9f\xef\xbf\xbd21:45 - 22:45 "
	lostText    = "aaaaa (bbbbb) 2002\xe5\xb9\xb4\xe5\x8d\x81\xa5\xe6\x9c\x8814\xe6\x97\xe6\x98\x9f\xe6\x9c\x9f\xe5\x9b 21:45 - 22:45 "
)

// incomingPage is the example of section 7, with LF at the ends of lines.
const incomingPage = `<NOTIFICATION id="0" siteid="111100400" siteurl="http://mobile.msn.com/">
<TO name="example@hotmail.com" pid="0x00000001:0x00000002" email="example@hotmail.com">
<VIA agent="mobile"/>
</TO>
<FROM pid="0x00000001:0x00000002" name="anotheruser@hotmail.com"/>
<MSG pri="1" id="0">
<ACTION url="2wayIM.asp"/>
<SUBSCR url="2wayIM.asp"/>
<CAT id="110110001"/>
<BODY lang="1033">
<TEXT>Hello! I am talking from a mobile device.</TEXT>
</BODY>
</MSG>
</NOTIFICATION>`

// addressBookUpdate is the example of section 5.3.
const addressBookUpdate = `<NOTIFICATION id="0" siteid="45705" siteurl="http://contacts.msn.com">
<TO pid="0x00000002:0x00000001" name="me@example.com"><VIA agent="messenger" /></TO>
<MSG id="0"><SUBSCR url="s.htm" /><ACTION url="a.htm" /><BODY>
&lt;NotificationData xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"&gt;
&lt;Service&gt;ABCHInternal&lt;/Service&gt;
&lt;CID&gt;4294967298&lt;/CID&gt;
&lt;LastModifiedDate&gt;2024-10-26T09:33:27.1020000-08:00&lt;/LastModifiedDate&gt;
&lt;HasNewItem&gt;false&lt;/HasNewItem&gt;
&lt;/NotificationData&gt;
</BODY></MSG></NOTIFICATION>`

// mustParse parses a document that can be read, and takes Raw out of the result.
func mustParse(t *testing.T, document string) *Notification {
	t.Helper()
	n, err := Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	n.Raw = ""
	return n
}

func TestFoundingAlertsAreRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, id, text, want string }{
		{"example B", "1", plainAlert, "goto club 7. 2002 21:15 - 22:15"},
		{"example A as printed", "2", damagedText, "aaaaa (bbbbb) 2002\u5041\u5341\u4041\u670814\ufffd\u661f\u671f\ufffd21:45 - 22:45"},
		{"example A with lost bytes", "2", lostText, "aaaaa (bbbbb) 2002\u5e74\u5341\ufffd\u670814\ufffd\u661f\u671f\ufffd 21:45 - 22:45"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			link := "http://calendar.msn.com/calendar/isapi.dll?request=action&operation=modify&objectID=" + test.id + "&uicode1=modifyreminder&locale=2052"
			want := &Notification{
				ID: test.id, Version: "1", SiteID: "111100200", SiteURL: "http://calendar.msn.com",
				To: Party{PID: "0x00060000:0x81ee5a43", Name: "jabber_test@hotmail.com"},
				Messages: []Message{{
					ID: test.id, ActionURL: link, SubscribeURL: link, IconURL: "http://calendar.msn.com/En/img/calendar.png",
					CategoryID: "111100201", LCID: 2052, Text: test.want,
				}},
			}
			got := mustParse(t, calendarAlert(test.id, test.text))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if len(got.Alerts()) != 1 || got.Messages[0].Kind() != Alert || LanguageTag(got.Messages[0].LCID) != "zh-CN" {
				t.Errorf("alerts %+v", got.Alerts())
			}
		})
	}
}

// Section 5.2, item 1: the lengths measured there.
func TestFixturesHaveTheMeasuredLengths(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, document string
		want           int
	}{
		{"example A", calendarAlert("2", damagedText), 579},
		{"example B", calendarAlert("1", plainAlert), 553},
		{"incoming page", incomingPage, 458},
	} {
		if len(test.document) != test.want {
			t.Errorf("%s has %d bytes, not %d", test.name, len(test.document), test.want)
		}
	}
}

func TestRawIsTheDocument(t *testing.T) {
	t.Parallel()
	document := calendarAlert("1", plainAlert)
	if n, err := Parse(document); err != nil || n.Raw != document {
		t.Errorf("Raw %q, error %v", n.Raw, err)
	}
	if n, _ := Parse("no \xff document"); n.Raw != "no \ufffd document" {
		t.Errorf("Raw %q", n.Raw)
	}
}

func TestDocumentHasTheLayoutOfTheFoundingExample(t *testing.T) {
	t.Parallel()
	n := mustParse(t, calendarAlert("1", plainAlert))
	link := strings.ReplaceAll(n.Messages[0].ActionURL, "&", "&amp;")
	want := strings.Join([]string{
		`<NOTIFICATION ver="1" siteid="111100200" siteurl="http://calendar.msn.com" id="1">`,
		`<TO pid="0x00060000:0x81ee5a43" name="jabber_test@hotmail.com" />`,
		`<MSG pri="" id="1">`,
		`<ACTION url="` + link + `"/>`,
		`<SUBSCR url="` + link + `"/>`,
		`<CAT id="111100201"/>`,
		`<BODY lang="2052" icon="http://calendar.msn.com/En/img/calendar.png">`,
		`<TEXT>goto club 7. 2002 21:15 - 22:15</TEXT>`,
		`</BODY>`, `</MSG>`, `</NOTIFICATION>`, ``,
	}, "\r\n")
	if got := n.Document(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAddressBookUpdatesAreNoAlerts(t *testing.T) {
	t.Parallel()
	n := mustParse(t, addressBookUpdate)
	if len(n.Messages) != 1 || len(n.Alerts()) != 0 {
		t.Fatalf("messages %+v, alerts %+v", n.Messages, n.Alerts())
	}
	want := map[string]string{
		"Service": "ABCHInternal", "CID": "4294967298",
		"LastModifiedDate": "2024-10-26T09:33:27.1020000-08:00", "HasNewItem": "false",
	}
	m := n.Messages[0]
	if !reflect.DeepEqual(m.Data, want) || m.Kind() != AddressBook || m.Text != "" {
		t.Errorf("message %+v", m)
	}
	if n.To.Via != "messenger" || n.ID != "0" {
		t.Errorf("notification %+v", n)
	}
}

func TestKindsOfMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		data map[string]string
		want Kind
	}{
		{"no data", nil, Alert},
		{"address book", map[string]string{"Service": "ABCHInternal"}, AddressBook},
		{"address book in other letters", map[string]string{"Service": "abchinternal"}, AddressBook},
		{"address book that names a circle", map[string]string{"Service": "ABCHInternal", "CircleId": "x"}, AddressBook},
		{"circle", map[string]string{"CircleId": "00000000-0000-0000-0009-98e48abd732b", "HasNewItem": "true"}, Circle},
		{"space", map[string]string{"SpaceHandle": "x", "OwnerCID": "1"}, Space},
		{"part of a space", map[string]string{"ComponentHandle": "x"}, Space},
		{"another service", map[string]string{"Service": "Other"}, OtherData},
		{"empty data", map[string]string{}, OtherData},
	} {
		if got := (Message{Data: test.data}).Kind(); got != test.want {
			t.Errorf("%s: kind %d, want %d", test.name, got, test.want)
		}
	}
}

// Section 7 and rows 11 of the checklist.
func TestPagesAndBounces(t *testing.T) {
	t.Parallel()
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(incomingPage) }
	const text = "Hello! I am talking from a mobile device."
	page := func(from, text string, lcid int) *IncomingPage {
		return &IncomingPage{From: from, Text: text, LCID: lcid}
	}
	empty := []string{text, ""}
	for _, test := range []struct {
		name, document string
		page           *IncomingPage
		bounce         *Bounce
	}{
		{"page", incomingPage, page("anotheruser@hotmail.com", text, 1033), nil},
		{"page with an XML declaration and CR LF", `<?xml version="1.0" encoding="utf-8"?>` + "\r\n" + replace("\n", "\r\n"), page("anotheruser@hotmail.com", text, 1033), nil},
		{"page of a number", replace("anotheruser@hotmail.com", "tel:+15551112222"), page("tel:+15551112222", text, 1033), nil},
		{"account in capitals", replace("anotheruser@hotmail.com", "Another.User@Hotmail.com"), page("another.user@hotmail.com", text, 1033), nil},
		{"MSG id 1", replace(`<MSG pri="1" id="0">`, `<MSG pri="1" id="1">`), page("anotheruser@hotmail.com", text, 1033), nil},
		{"lcid and Id", replace("<BODY lang=", "<BODY lcid=", "<CAT id", "<CAT Id"), page("anotheruser@hotmail.com", text, 1033), nil},
		{"escaped text", replace(text, "Fish &amp; chips &#225; la &#xE1; carte \xc3\xa1"), page("anotheruser@hotmail.com", "Fish & chips \u00e1 la \u00e1 carte \u00e1", 1033), nil},
		{"too long", replace(append(empty, `id="0" siteid`, `id="17" siteid`, `pri="1" id="0"`, `pri="1" id="407"`)...), nil, &Bounce{TrID: 17, Code: BounceTooLong, To: "anotheruser@hotmail.com"}},
		{"unknown failure with a text", replace(`id="0" siteid`, `id="4294967295" siteid`, `pri="1" id="0"`, `pri="1" id="500"`), nil, &Bounce{TrID: 4294967295, Code: "500", To: "anotheruser@hotmail.com"}},
		{"no text", replace(append(empty, `id="0" siteid`, `id="3" siteid`)...), nil, &Bounce{TrID: 3, Code: "0", To: "anotheruser@hotmail.com"}},
		{"no MSG", `<NOTIFICATION id="5"></NOTIFICATION>`, nil, &Bounce{TrID: 5}},
		{"failure of no page", replace(append(empty, `id="0" siteid`, `id="4294967296" siteid`)...), nil, nil},
		{"failure without a number", replace(append(empty, `id="0" siteid`, `siteid`)...), nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := mustParse(t, test.document)
			got, ok := n.Page()
			if ok != (test.page != nil) || ok && got != *test.page {
				t.Errorf("page %+v, %v", got, ok)
			}
			bounce, ok := n.Bounce()
			if ok != (test.bounce != nil) || ok && bounce != *test.bounce {
				t.Errorf("bounce %+v, %v", bounce, ok)
			}
		})
	}
}

func TestLanguageTags(t *testing.T) {
	t.Parallel()
	for lcid, want := range map[int]string{1033: "en-US", 2052: "zh-CN", 5129: "en-NZ", 1031: "de-DE", 1025: "ar-SA", 0: "", -1: "", 1 << 30: ""} {
		if got := LanguageTag(lcid); got != want {
			t.Errorf("%s: %q, want %q", strconv.Itoa(lcid), got, want)
		}
	}
}
