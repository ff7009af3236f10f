package notify

import (
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/wire"
)

// FuzzParse reads anything at all: no panic, nothing beyond the limits, only texts
// that a document can carry, and what was read is read again from Document.
func FuzzParse(f *testing.F) {
	for _, document := range []string{
		calendarAlert("1", plainAlert), calendarAlert("2", lostText), incomingPage, addressBookUpdate,
		alert(`<MSG id=7><ACTION url=/a?b&c><BODY lcid=1031><TEXTX>&lt;b&gt;</TEXTX><EMAILTEXT>x</BODY><MSG><BODY>text`),
		alert(`<MSG><BODY>` + xmltext.Escape(xmltext.Escape(`<NotificationData><CircleId>1</CircleId><a><b/></a>`)) + `</BODY></MSG>`),
		alert(`<MSG><BODY><NotificationData><Title>x<Style>&lt;y`), `<?xml version="1.0"?><NOTIFICATION/>`, "<!DOCTYPE x>",
		"<NOTIFICATION siteurl=http://a/b><MSG><ACTION url='?x=&#10;'><SUBSCR url='//c'><BODY icon='#'>",
	} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		n, err := Parse(document)
		if n == nil {
			t.Fatal("no Notification")
		}
		if len(n.Raw) > MaxDocument || !utf8.ValidString(n.Raw) {
			t.Fatalf("Raw of %d bytes", len(n.Raw))
		}
		if n.Raw = ""; err != nil {
			if !errors.Is(err, ErrUnreadable) || !reflect.DeepEqual(n, &Notification{}) {
				t.Fatalf("error %v with %+v", err, n)
			}
			return
		}
		checkTexts(t, reflect.ValueOf(*n))
		checkLimits(t, n)
		again := n.Document()
		checkXML(t, again)
		if len(again) > MaxDocument {
			return // escaping makes it longer
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatalf("%q cannot be read: %v", again, err)
		}
		if back.Raw = ""; !reflect.DeepEqual(back, n) {
			t.Fatalf("%+v is written %q and read as %+v", n, again, back)
		}
	})
}

// checkTexts looks at all strings that v holds.
func checkTexts(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !xmltext.Allowed(r) }) {
			t.Fatalf("text %q", s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			checkTexts(t, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkTexts(t, v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			checkTexts(t, key)
			checkTexts(t, v.MapIndex(key))
		}
	}
}

func checkLimits(t *testing.T, n *Notification) {
	t.Helper()
	if len(n.Messages) > maxMessages {
		t.Fatalf("%d messages", len(n.Messages))
	}
	for _, m := range n.Messages {
		if len(m.Data) > maxData {
			t.Fatalf("%d elements of data", len(m.Data))
		}
		for _, link := range []string{m.ActionURL, m.SubscribeURL, m.IconURL} {
			if link == "" {
				continue
			}
			head, _, _ := strings.Cut(link, "?")
			head, _, _ = strings.Cut(head, "#")
			if u, err := url.Parse(head); err != nil || !u.IsAbs() {
				t.Fatalf("link %q: %v", link, err)
			}
		}
	}
}

// checkXML reads s as strictly as XML wants.
func checkXML(t *testing.T, s string) {
	t.Helper()
	for dec := xml.NewDecoder(strings.NewReader(s)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
	}
}

// FuzzPage sends any text to anybody: one command, valid XML, at most 113
// characters, and the server reads what was meant.
func FuzzPage(f *testing.F) {
	for _, text := range []string{
		"Fish & chips \u00e1 la carte", strings.Repeat("\U0001F600", 113), strings.Repeat("x", 114), "a\r\nOUT\r\n", "\x00\x1f\x7f\u0080\ufffe\ufffd",
		"]]></TEXT><TEXT>", "&#38;#38;", " ", "\xff",
	} {
		f.Add(text, "", "")
		f.Add(text, "HOME", "15551114444")
	}
	f.Add("x", "WORK", "1\r\n")
	f.Add("x", "</LOC>", "+1")
	f.Fuzz(func(t *testing.T, text, location, number string) {
		page := Page{Text: text, Callback: Callback{Location(location), number}}
		pag, err := page.PAG()
		pgd, errPGD := page.PGD()
		if (err == nil) != (errPGD == nil) || err != nil && err.Error() != errPGD.Error() {
			t.Fatalf("PAG says %v, PGD %v", err, errPGD)
		}
		if number == "" {
			page.Callback = Callback{}
		}
		if _, err := ParsePage(text); err != nil && !knownPageError(err) {
			t.Fatalf("ParsePage: %v", err)
		}
		if err != nil {
			if !knownPageError(err) || pag != "" || pgd != "" {
				t.Fatalf("error %v with %q and %q", err, pag, pgd)
			}
			return
		}
		if n := utf8.RuneCountInString(text); n > MaxPageText {
			t.Fatalf("%d characters were taken", n)
		}
		if strings.ContainsFunc(pag, func(r rune) bool { return r < ' ' || r > 127 }) {
			t.Fatalf("PAG is not ASCII: %q", pag)
		}
		checkOneCommand(t, wire.New("PAG", "5", "bob@example.com").WithPayload(pag))
		checkOneCommand(t, wire.New("PGD", "5", "tel:+15551112222", "1").WithPayload(pgd))
		for _, body := range []string{pag, pgd} {
			checkXML(t, "<page>"+body+"</page>")
			if back, err := ParsePage(body); err != nil || back != page {
				t.Fatalf("%+v is written %q and read as %+v, %v", page, body, back, err)
			}
		}
	})
}

func knownPageError(err error) bool {
	var long *TooLongError
	return errors.Is(err, ErrEmptyPage) || errors.Is(err, ErrPageText) || errors.Is(err, ErrCallback) ||
		errors.Is(err, ErrPageBody) || errors.As(err, &long) && long.Count > MaxPageText
}

func checkOneCommand(t *testing.T, cmd wire.Command) {
	t.Helper()
	data, err := wire.Append(nil, cmd)
	if err != nil {
		t.Fatal(err)
	}
	r := wire.NewReader(strings.NewReader(string(data)), wire.FromClient)
	if got, err := r.Read(); err != nil || got.Verb != cmd.Verb || got.Payload != cmd.Payload || !reflect.DeepEqual(got.Args, cmd.Args) {
		t.Fatalf("%q is read as %+v, %v", data, got, err)
	}
	if more, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Fatalf("%q holds more: %+v, %v", data, more, err)
	}
}
