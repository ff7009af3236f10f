package names

import (
	"strings"
	"testing"
)

func TestNamesAreClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Bob":                        "Bob",
		" Bob \r\n Builder\t":        "Bob Builder",
		"\u202eevil":                 "evil",
		"a\x00b\x07c":                "abc",
		"שלום":                       "שלום",
		"\xff\xfe":                   "",
		strings.Repeat("x", 500):     strings.Repeat("x", Max-1) + "…",
		"\u0003" + "4red" + "\u000f": "red",
		"[c=4]Bob[/c=12] ·$3x·0":     "Bob x",
	} {
		if got := Clean(strings.ToValidUTF8(in, "\uFFFD")); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNoCharacterIsCutInTwo(t *testing.T) {
	t.Parallel()
	const family = "👨\u200d👩\u200d👧" // one character of five runes
	for _, test := range []struct {
		name, in string
		n        int
		want     string
	}{
		{"short enough", "abc", 3, "abc"},
		{"letters", "abcd", 3, "ab…"},
		{"emoji joined to one", "a" + family + "b", 5, "a…"},
		{"emoji that fits", family + "bc", 6, family + "…"},
		{"colour of a skin", "ab👍🏽c", 4, "ab…"},
		{"emoji shown in colour", "a❤\ufe0fbc", 3, "a…"},
		{"letter with its mark", "ae\u0301bc", 3, "a…"},
		{"first of two flags", "🇩🇪🇫🇷", 3, "🇩🇪…"},
		{"half a flag", "a🇩🇪bc", 3, "a…"},
		{"flag of tags", "a🏴\U000e0067\U000e0062\U000e007fbc", 4, "a…"},
		{"nothing but one character", family + family, 2, "…"},
	} {
		if got := Cut(test.in, test.n); got != test.want {
			t.Errorf("%s: %q cut to %d is %q, want %q", test.name, test.in, test.n, got, test.want)
		}
	}
	if got := Cut("a"+strings.Repeat("\u0301", 1000), 500); len([]rune(got)) != 500 {
		t.Errorf("a character that has no end is cut to %d runes", len([]rune(got)))
	}
	if got := CutBytes("ab👍🏽c", 9); got != "ab …" {
		t.Errorf("cut to 9 bytes: %q", got)
	}
}

func TestNamesThatLookTheSame(t *testing.T) {
	t.Parallel()
	book := NewBook("MSN Alerts", "")
	book.Add("bob@example.com", "Bob")
	book.Add("carol@example.com", " Carol ")
	book.Add("carol@example.com", "Carla")
	book.Add("mallory@example.com", "B\u043eb")
	book.Add("nobody@example.com", "")
	for _, test := range []struct {
		account, name string
		want          bool
	}{
		{"carol@example.com", "Carol", false}, {"carol@example.com", "CAROL", false}, {"carol@example.com", "msn alerts", true},
		{"carol@example.com", "a@example.com", true}, {"carol@example.com", "", false},
		{"bob@example.com", "Bob", true}, {"carol@example.com", "Bob", true}, {"nobody@example.com", "Nobody", false},
		// Who is not in the book has the name of one who is.
		{"stranger@example.com", "Carol", true}, {"stranger@example.com", "\u0421arol", true}, {"nobody@example.com", "Carol", true},
		{"stranger@example.com", "Somebody", false}, {"stranger@example.com", "", false},
	} {
		if got := book.Ambiguous(test.account, test.name); got != test.want {
			t.Errorf("%q of %s is ambiguous: %v", test.name, test.account, got)
		}
	}
	if book.Name("carol@example.com") != "Carol" || book.Name("nobody@example.com") != "" {
		t.Errorf("names are %q and %q", book.Name("carol@example.com"), book.Name("nobody@example.com"))
	}
	if n := book.Bearers("Carol"); n != 1 {
		t.Errorf("%d people are called Carol", n)
	}
}

func FuzzCut(f *testing.F) {
	f.Add("a👨\u200d👩\u200d👧b", 3)
	f.Add("\xff\u0301\U0001F1E9\U0001F1EA", 2)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 1 {
			return
		}
		if got := Cut(s, n); len([]rune(got)) > n {
			t.Errorf("%q cut to %d is %q", s, n, got)
		}
		if got := CutBytes(s, n); len(got) > n+len(" …") {
			t.Errorf("%q cut to %d bytes is %q", s, n, got)
		}
	})
}

// What could become a link or a mention in a name of somebody's becomes none; the user's own
// names stay as they wrote them.
func TestNamesBecomeNoLinks(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"http://evil":     "http:\u2060/\u2060/\u2060evil",
		"[x](evil.test)":  "[x](evil.\u2060test)",
		"@room":           "@\u2060room",
		"Bob B.":          "Bob B.",
		"Bob: the second": "Bob: the second",
		"":                "",
		"a.\xff":          "a.\u2060\ufffd",
	} {
		if got := Unlinked(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	if got := Own("a.b “c”"); got != `“a.b "c"”` {
		t.Errorf("an own name becomes %q", got)
	}
}

// Only what could be taken for an address is one: an at sign alone is not.
func TestNamesThatHoldAddresses(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Bob is @ work": false, "@home": false, "work@": false, "Bob @ 5": false, "@": false, "Bob": false, "": false,
		"bob@example.com": true, "I am bob@example.com!": true, "a@b": true,
	} {
		if HoldsAddress(name) != want {
			t.Errorf("%q holds an address: %v", name, !want)
		}
	}
}
