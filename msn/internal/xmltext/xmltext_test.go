package xmltext

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"<a>b</a>":              "<a>b</a>",
		"a & b &c; &copy; &":    "a &amp; b &amp;c; &amp;copy; &amp;",
		"&amp;&lt;&#65;":        "&#38;&#60;&#65;",
		"&#x2665; &#9829;":      "♥ ♥",
		"caf\xe9":               "caf\uFFFD",
		"a\x00b\x1fc\uFFFEd":    "abcd",
		"&#0;&#1;&#xD800;&#9;":  "&#9;",
		"&#99999999999999999;x": "x",
		"&#;&#x;&#xg;&#12":      "&amp;#;&amp;#x;&amp;#xg;&amp;#12",
	} {
		if got := Clean(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for s, want := range map[string]string{
		"plain": "plain", "&amp;amp;": "&amp;", "&apos;&quot;&#65;&#x42;": `'"AB`, "a & b": "a & b", "&copy; &#0;": "&copy; ", "&": "&",
	} {
		if got := Unescape(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

// What was escaped reads as it was, and what was cleaned is text that XML takes.
func FuzzText(f *testing.F) {
	f.Add("a <b> & \"c\" 'd' ♥ \r\n\t \x01 \xe9 &amp; &#1; ]]>")
	f.Fuzz(func(t *testing.T, s string) {
		escaped := Escape(s)
		want := strings.Map(func(r rune) rune {
			if Allowed(r) {
				return r
			}
			return -1
		}, strings.ToValidUTF8(s, "\uFFFD"))
		if got := Unescape(escaped); got != want {
			t.Errorf("%q is read as %q", s, got)
		}
		var element struct {
			Text string `xml:",chardata"`
			A    string `xml:"a,attr"`
		}
		if err := xml.Unmarshal([]byte(`<x a="`+escaped+`">`+escaped+`</x>`), &element); err != nil || element.Text != want || element.A != want {
			t.Errorf("%q: %q, %v", s, element, err)
		}
		clean := Clean(s)
		if !utf8.ValidString(clean) || Unescape(Clean(clean)) != Unescape(clean) {
			t.Errorf("%q is cleaned to %q, then to %q", s, clean, Clean(clean))
		}
		if text := strings.NewReplacer("<", "", ">", "").Replace(clean); xml.Unmarshal([]byte("<x>"+text+"</x>"), &element) != nil {
			t.Errorf("%q is not text: %q", s, text)
		}
	})
}

// Most documents need no repair, and lists of contacts are long.
func TestCleanDocumentIsNotCopied(t *testing.T) {
	document := strings.Repeat("<name>Bob ♥ of the \t clean \uFFFD text</name>\n", 100)
	if n := testing.AllocsPerRun(10, func() {
		if Clean(document) != document {
			t.Error("it is changed")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
