package notify

import (
	"errors"
	"strings"
	"testing"
)

// Section 6 and row 10 of the checklist.

func TestPagesAreWrittenByteForByte(t *testing.T) {
	t.Parallel()
	home := Callback{Home, "15551114444"}
	for _, test := range []struct {
		name     string
		page     Page
		pag, pgd string
		length   int // of PAG, where the protocol's document prints one
	}{
		{"founding example", Page{Text: "Fish & chips \u00e1 la carte"},
			`<TEXT xml:space="preserve">Fish &amp; chips &#225; la carte</TEXT>`,
			`<TEXT xml:space="preserve" enc="utf-8">Fish &amp; chips ` + "\u00e1" + ` la carte</TEXT>`, 66},
		{"example message", Page{Text: "This is an example message."},
			`<TEXT xml:space="preserve">This is an example message.</TEXT>`,
			`<TEXT xml:space="preserve" enc="utf-8">This is an example message.</TEXT>`, 61},
		{"callback number", Page{"This is an example message with a home callback number.", home},
			`<PHONE pri="1"><LOC>HOME</LOC><NUM>15551114444</NUM></PHONE><TEXT xml:space="preserve">This is an example message with a home callback number.</TEXT>`,
			`<PHONE pri="1"><LOC>HOME</LOC><NUM>15551114444</NUM></PHONE><TEXT xml:space="preserve" enc="utf-8">This is an example message with a home callback number.</TEXT>`, 149},
		{"edges of ASCII", Page{Text: " ~\x7f\u0080"}, `<TEXT xml:space="preserve"> ~` + "\x7f" + `&#128;</TEXT>`, `<TEXT xml:space="preserve" enc="utf-8"> ~` + "\x7f\u0080</TEXT>", 0},
		{"one reference for an astral character", Page{Text: "\U0001F600"}, `<TEXT xml:space="preserve">&#128512;</TEXT>`, `<TEXT xml:space="preserve" enc="utf-8">` + "\U0001F600</TEXT>", 0},
		{"tab and line ends", Page{Text: "a\t\r\nb"}, `<TEXT xml:space="preserve">a&#9;&#13;&#10;b</TEXT>`, `<TEXT xml:space="preserve" enc="utf-8">a&#9;&#13;&#10;b</TEXT>`, 0},
		{"markup", Page{Text: `</TEXT><TEXT x="&lt;'">`}, `<TEXT xml:space="preserve">&lt;/TEXT&gt;&lt;TEXT x="&amp;lt;'"&gt;</TEXT>`, `<TEXT xml:space="preserve" enc="utf-8">&lt;/TEXT&gt;&lt;TEXT x="&amp;lt;'"&gt;</TEXT>`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pag, err := test.page.PAG()
			if err != nil || pag != test.pag || test.length != 0 && len(pag) != test.length {
				t.Errorf("PAG of %d bytes %q, %v\nwant %q", len(pag), pag, err, test.pag)
			}
			pgd, err := test.page.PGD()
			if err != nil || pgd != test.pgd {
				t.Errorf("PGD %q, %v\nwant %q", pgd, err, test.pgd)
			}
			for _, body := range []string{pag, pgd} {
				if back, err := ParsePage(body); err != nil || back != test.page {
					t.Errorf("%q is read as %+v, %v", body, back, err)
				}
			}
		})
	}
	if pgd, _ := (Page{Text: "This is an example message."}).PGD(); len(pgd) != 73 {
		t.Errorf("the PGD example measures %d bytes, not 73", len(pgd))
	}
}

func TestPagesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	tooLong := func(n int) error { return &TooLongError{Count: n} }
	for _, test := range []struct {
		name string
		page Page
		want error
	}{
		{"113 characters", Page{Text: strings.Repeat("x", 113)}, nil},
		{"114 characters", Page{Text: strings.Repeat("x", 114)}, tooLong(114)},
		{"113 characters that are escaped", Page{Text: strings.Repeat("&", 113)}, nil},
		{"113 astral characters", Page{Text: strings.Repeat("\U0001F600", 113)}, nil},
		{"114 astral characters", Page{Text: strings.Repeat("\U0001F600", 114)}, tooLong(114)},
		{"empty", Page{}, ErrEmptyPage},
		{"blanks", Page{Text: " \t\r\n"}, ErrEmptyPage},
		{"NUL", Page{Text: "a\x00b"}, ErrPageText},
		{"31", Page{Text: "a\x1fb"}, ErrPageText},
		{"U+FFFE", Page{Text: "a\ufffeb"}, ErrPageText},
		{"no UTF-8", Page{Text: "a\xffb"}, ErrPageText},
		{"U+FFFD", Page{Text: "a\ufffdb"}, nil},
		{"callback of twenty digits", Page{"x", Callback{Work, strings.Repeat("1", 20)}}, nil},
		{"callback of 21 digits", Page{"x", Callback{Work, strings.Repeat("1", 21)}}, ErrCallback},
		{"callback with punctuation", Page{"x", Callback{Mobile, "+1 555"}}, ErrCallback},
		{"callback with markup", Page{"x", Callback{Mobile, "1</NUM>"}}, ErrCallback},
		{"callback with other digits", Page{"x", Callback{Mobile, "\u0661"}}, ErrCallback},
		{"callback nowhere", Page{"x", Callback{"", "1"}}, ErrCallback},
		{"callback at another place", Page{"x", Callback{"</LOC>", "1"}}, ErrCallback},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, build := range []func() (string, error){test.page.PAG, test.page.PGD} {
				body, err := build()
				var long, wantLong *TooLongError
				if errors.As(test.want, &wantLong) {
					if !errors.As(err, &long) || *long != *wantLong {
						t.Errorf("error %v, want %v", err, test.want)
					}
				} else if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if (body == "") != (test.want != nil) {
					t.Errorf("body %q", body)
				}
			}
		})
	}
}

func TestServersReadPages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       Page
	}{
		{"hexadecimal references of official clients", `<TEXT xml:space="preserve">&#x26;&#x3B;&#x3C;&#x3E;&#x5E;</TEXT>`, Page{Text: "&;<>^"}},
		{"all five entities", `<TEXT>&amp;&lt;&gt;&quot;&apos;</TEXT>`, Page{Text: "&<>\"'"}},
		{"raw UTF-8", "<TEXT>\u00e1\U0001F600</TEXT>", Page{Text: "\u00e1\U0001F600"}},
		{"blanks between elements", "<PHONE pri='1'>\r\n<LOC>WORK</LOC> <NUM>1</NUM></PHONE>\r\n<TEXT>x</TEXT>\r\n", Page{"x", Callback{Work, "1"}}},
		{"blanks are kept", "<TEXT xml:space=\"preserve\"> x </TEXT>", Page{Text: " x "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, err := ParsePage(test.body); err != nil || got != test.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestServersRefuseBrokenPages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       error
	}{
		{"nothing", "", ErrPageBody},
		{"no markup", "hello", ErrPageBody},
		{"text after it", "<TEXT>x</TEXT>y", ErrPageBody},
		{"text in PHONE", "<PHONE>x<LOC>HOME</LOC><NUM>1</NUM></PHONE><TEXT>x</TEXT>", ErrPageBody},
		{"never closed", "<TEXT>x", ErrPageBody},
		{"bare &", "<TEXT>a & b</TEXT>", ErrPageBody},
		{"unknown entity", "<TEXT>&copy;</TEXT>", ErrPageBody},
		{"forbidden reference", "<TEXT>&#7;</TEXT>", ErrPageBody},
		{"no UTF-8", "<TEXT>\xff</TEXT>", ErrPageBody},
		{"two texts", "<TEXT>x</TEXT><TEXT>y</TEXT>", ErrPageBody},
		{"two numbers", "<PHONE><LOC>HOME</LOC><NUM>1</NUM><NUM>1</NUM></PHONE><TEXT>x</TEXT>", ErrPageBody},
		{"another element", "<TEXT>x<B>y</B></TEXT>", ErrPageBody},
		{"DOCTYPE", "<!DOCTYPE x><TEXT>x</TEXT>", ErrPageBody},
		{"CDATA", "<TEXT><![CDATA[x]]></TEXT>", ErrPageBody},
		{"10,000 levels", strings.Repeat("<TEXT>", 10000), ErrPageBody},
		{"more than 64 KiB", "<TEXT>" + strings.Repeat("x", MaxDocument) + "</TEXT>", ErrPageBody},
		{"PHONE without a number", "<PHONE><LOC>HOME</LOC></PHONE><TEXT>x</TEXT>", ErrCallback},
		{"only PHONE", "<PHONE><LOC>HOME</LOC><NUM>1</NUM></PHONE>", ErrPageBody},
		{"empty text", "<TEXT></TEXT>", ErrEmptyPage},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, err := ParsePage(test.body); !errors.Is(err, test.want) || got != (Page{}) {
				t.Errorf("got %+v, %v, want %v", got, err, test.want)
			}
		})
	}
	var long *TooLongError
	if _, err := ParsePage("<TEXT>" + strings.Repeat("&#x26;", 114) + "</TEXT>"); !errors.As(err, &long) || long.Count != 114 {
		t.Errorf("114 references: %v", err)
	}
	if _, err := ParsePage("<TEXT>" + strings.Repeat("&#x26;", 113) + "</TEXT>"); err != nil {
		t.Errorf("113 references: %v", err)
	}
}
