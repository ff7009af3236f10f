package grapheme

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

const (
	family = "👨‍👩‍👧‍👦" // 25 bytes, seven code points
	flag   = "🇩🇪"
	thumb  = "👍🏽"
)

func TestCutKeepsWhatPeopleSeeWhole(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		n          int
		head       string
	}{
		{"short", "abc", 3, "abc"},
		{"letters", "abcdef", 4, "abcd"},
		{"umlaut", "aäb", 2, "a"},
		{"accent", "ae\u0301b", 3, "a"},
		{"family", "hi " + family, 20, "hi "},
		{"family at the end", "hi " + family + "!", 3 + len(family), "hi " + family},
		{"flag", flag + flag, 12, flag},
		{"second flag of three", flag + flag + flag, 2*len(flag) + 4, flag + flag},
		{"skin tone", "ok" + thumb, 7, "ok"},
		{"line end", "ab\r\ncd", 3, "ab"},
		{"one that does not fit", family, 10, "👨\u200d"},
		{"nothing fits", "ä", 1, "ä"},
		{"no room", "abc", 0, ""},
	} {
		head, rest := Cut(test.text, test.n)
		if test.name == "one that does not fit" {
			if head == "" || len(head) > test.n || head+rest != test.text {
				t.Errorf("%s: cut into %q and %q", test.name, head, rest)
			}
			continue
		}
		if head != test.head || head+rest != test.text {
			t.Errorf("%s: cut into %q and %q, want the head %q", test.name, head, rest, test.head)
		}
	}
}

func TestSplitLosesNothing(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("Ein Gruß "+family+flag+thumb+" e\u0301\r\n", 50)
	for n := 1; n < 200; n++ {
		if got := strings.Join(Split(text, n), ""); got != text {
			t.Fatalf("pieces of %d bytes do not make the text again", n)
		}
	}
	for _, piece := range Split(text, 64) {
		if len(piece) > 64 {
			t.Errorf("a piece of %d bytes: %q", len(piece), piece)
		}
	}
}

func TestLimitLeavesOutWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"abc": "abc", family: "", "a" + family: "a", "ab" + flag: "ab"} {
		if got := Limit(in, 6); got != want {
			t.Errorf("%q limited is %q, want %q", in, got, want)
		}
	}
	if got := Limit("a"+strings.Repeat("\u0301", 1000), 501); len(got) != 501 {
		t.Errorf("a character without end is limited to %d bytes", len(got))
	}
}

// Cutting takes time in proportion to the text, whatever that holds: each cut reads only what is near it.
func TestSplitTakesTimeInProportion(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"accents on one letter": "a" + strings.Repeat("\u0301", 1<<16),
		"joined emoji":          strings.Repeat("👨\u200d", 1<<14),
		"flags":                 strings.Repeat(flag, 1<<14),
		"letters":               strings.Repeat("a", 1<<17),
		"lines":                 strings.Repeat("\r\n", 1<<16),
	} {
		pieces := Split(text, 400)
		if strings.Join(pieces, "") != text {
			t.Errorf("%s: the pieces do not make the text again", name)
		}
		end := 0
		for _, piece := range pieces[:len(pieces)-1] {
			end += len(piece)
			if start, seen := around(text, end); start > end || len(seen) > 4*longest+utf8.UTFMax {
				t.Fatalf("%s: to cut %d bytes at %d, %d bytes from %d are read", name, len(text), end, len(seen), start)
			}
		}
	}
}

// FuzzCut holds Cut against the clusters of the whole text.
func FuzzCut(f *testing.F) {
	for _, seed := range []string{"abc", family, flag + flag + flag, "e\u0301\u0301\u0301", "\r\n\r\n", strings.Repeat("\u0301", 300), "\xff\xfe"} {
		f.Add(seed, 5)
		f.Add("some words before it "+seed, 24)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = min(max(n, 0), 4096)
		head, rest := Cut(text, n)
		if head+rest != text {
			t.Fatalf("%q and %q are not %q", head, rest, text)
		}
		if len(head) > n && (n <= 0 || utf8.RuneCountInString(head) > 1) {
			t.Fatalf("a head of %d bytes where %d fit", len(head), n)
		}
		if rest == "" || head == "" || !utf8.ValidString(text) || len(text) > longest {
			return
		}
		whole := make(map[int]bool)
		at, first := 0, 0
		for g := uniseg.NewGraphemes(text); g.Next(); {
			at += len(g.Str())
			if first == 0 {
				first = at
			}
			whole[at] = true
		}
		if first <= n && !whole[len(head)] {
			t.Fatalf("%q is cut inside a character at %d", text, len(head))
		}
	})
}
