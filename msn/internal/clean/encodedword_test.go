package clean

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// mailField is the limit of the fields in these tests.
const mailField = 1024

func TestEncodedWords(t *testing.T) {
	for _, test := range []struct{ name, raw, want string }{
		{"plain", "Hello, world", "Hello, world"},
		{"quotes around the charset", `=?"us-ascii"?Q?new_subject?=`, "new subject"},
		{"base64", "=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"},
		{"base64 without its end", "=?utf-8?B?R3LDvMOfZQ?=", "Grüße"},
		{"a blank inside", "=?utf-8?B?QWxpY2U= ?=", "Alice"},
		{"blanks inside", "=?utf-8?B?QWxp Y2U= ?=", "Alice"},
		{"blanks in Q", "=?utf-8?q?a b_c?=", "a b c"},
		{"Q that ends in an equals sign", "=?utf-8?Q?=41?=", "A"},
		{"two words", "=?utf-8?B?R3LDvMOfZQ==?=\t=?utf-8?Q?_an_?= =?utf-8?Q?alle?=", "Grüße an alle"},
		{"words and text", "Re: =?iso-8859-1?Q?Gr=FC=DFe?= an  =?utf-8?Q?alle?=!", "Re: Grüße an  alle!"},
		{"a charset of the East", "=?gb2312?B?1tDOxA==?=", "中文"},
		{"Shift-JIS", "=?Shift_JIS?B?k/qWew==?=", "日本"},
		{"with a language", "=?utf-8*de?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
		{"an unknown charset", "=?x-none?Q?abc?=", "=?x-none?Q?abc?="},
		{"an unknown encoding", "=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		{"broken base64", "=?utf-8?B?###?=", "=?utf-8?B?###?="},
		{"broken Q", "=?utf-8?Q?=ZZ?=", "=?utf-8?Q?=ZZ?="},
		{"no end", "=?utf-8?Q?abc", "=?utf-8?Q?abc"},
		{"a broken word before a good one", "=?a =?utf-8?Q?b?=", "=?a =?utf-8?Q?b?="},
		{"line ends and escapes", "=?utf-8?Q?a=0D=0AOUT=1B[2J?=", "a  OUT [2J"},
		{"no UTF-8", "=?utf-8?Q?=FF?= \xff", "\uFFFD \uFFFD"},
		{"nothing", "", ""},
	} {
		if got := Words(test.raw, mailField); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzEncodedWords(f *testing.F) {
	for _, seed := range []string{`=?"us-ascii"?Q?new_subject?=`, "=?utf-8?B?QWxpY2U= ?=", "=?gb2312?B?1tDOxA==?= =?a?b?c?=", "=?=?=?=", "=??????="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := Words(raw, mailField)
		if !utf8.ValidString(got) || len(got) > mailField || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%q becomes %q", raw, got)
		}
		if !strings.Contains(raw, "=?") && len(raw) < mailField && utf8.ValidString(raw) && got != Line(raw) {
			t.Errorf("%q becomes %q", raw, got)
		}
	})
}

func TestCharset(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ label, text, want string }{
		{"utf-8", "Grüße", "Grüße"},
		{"", "Grüße", "Grüße"},
		{"windows-1252", "\x93hi\x94 5\x80", "“hi” 5€"},
		{"iso-8859-1", "gr\xfc\xdfe", "grüße"},
		{"Shift_JIS", "\x82\xb1\x82\xf1", "こん"},
		{"gb2312", "\xd6\xd0\xce\xc4", "中文"},
		{"koi8-r", "\xf0\xd2\xc9", "При"},
		{"utf-16le", "h\x00i\x00", "hi"},
		{"unicode", "\xff\xfeh\x00i\x00", "hi"},
		{"nonsense", "plain \xff", "plain \uFFFD"},
		{"utf-8", "a\x00b", "a\uFFFDb"},
	} {
		if got := Charset(test.text, test.label); got != test.want {
			t.Errorf("%s: %q, want %q", test.label, got, test.want)
		}
	}
}
