package emoticon

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Every code is shown as its emoji, every emoji goes out as the first code, and no code stands
// for two.
func TestEveryEmoticonBothWays(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, p := range pairs {
		for _, code := range p.codes {
			if seen[code] {
				t.Errorf("%q stands for two emoji", code)
			}
			seen[code] = true
			for _, around := range [][2]string{{"", ""}, {"well ", " so"}, {"hm. ", "!"}} {
				text := around[0] + code + around[1]
				got := ToEmoji(text)
				if plain(got) != around[0]+p.emoji+around[1] {
					t.Errorf("%q is shown as %q", text, got)
				}
				if back := FromEmoji(got); back != around[0]+p.codes[0]+around[1] {
					t.Errorf("%q goes out as %q", got, back)
				}
			}
		}
		for _, emoji := range p.alike {
			if got := FromEmoji(emoji); got != p.codes[0] {
				t.Errorf("%q goes out as %q", emoji, got)
			}
		}
	}
	if len(pairs) < 70 {
		t.Errorf("there are %d", len(pairs))
	}
}

func TestTextToEmoji(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "hello", "hello"},
		{"empty", "", ""},
		{"behind a word", "hello:) how are you;-)", "hello🙂 how are you😉"},
		{"before a word", ":)hello", "🙂hello"},
		{"the longest first", "<:o) and :o", "🥳 and 😮"},
		{"several", ":):):D (Y)(Y)(L)", "🙂🙂😀 👍👍❤️"},
		{"more mouths", "haha :)))", "haha 🙂))"},
		{"in small letters", "(y) (l) (k) :p :d :s", "👍 ❤️ 💋 😛 😀 😕"},
		{"moon in capitals only", "file(s) and (s) and (S)", "file(s) and (s) and 🌜"},
		{"half a moon in a word", "the file(S)", "the file(S)"},
		{"lines", "a :)\nb :(\n", "a 🙂\nb 🙁\n"},
		{"behind an emoji", "🎉:)", "🎉🙂"},
		{"in other letters", "привет:) 你好(L)", "привет🙂 你好(L)"},
		{"kisses and hearts", "(k)(l)", "💋❤️"},
		{"brackets close", "(just a joke :))", "(just a joke 🙂)"},

		{"401(k)", "my 401(k) and a 403(b)", "my 401(k) and a 403(b)"},
		{"plural", "the person(s), Freund(in), o(n)", "the person(s), Freund(in), o(n)"},
		{"list", "(a) one\n(b) two\n(c) three", "(a) one\n(b) two\n(c) three"},
		{"list in a line", "either (a) this or (b) that", "either (a) this or (b) that"},
		{"list of one", "(i) first of all", "(i) first of all"},
		{"numbers", "(5) five\n(6) six", "(5) five\n(6) six"},
		{"asterisk before a line", "(*) note", "(*) note"},
		{"a long list", "(a) one\n(b) two\n(c) three\n(d) four\n(e) five\n(f) six\n(g) seven\n(h) eight\n(i) nine\n(j) ten\n(k) eleven", "(a) one\n(b) two\n(c) three\n(d) four\n(e) five\n(f) six\n(g) seven\n(h) eight\n(i) nine\n(j) ten\n(k) eleven"},
		{"the rest of a list", "(k) eleven\n(l) twelve", "(k) eleven\n(l) twelve"},
		{"a long list in a line", "(A) x (B) x (C) x (D) x (E) x (F) x (G) x", "(A) x (B) x (C) x (D) x (E) x (F) x (G) x"},
		{"Roman numbers", "either (i) one, (ii) two or (iii) three", "either (i) one, (ii) two or (iii) three"},
		{"high Roman numbers", "as in (ix) and (x), or (xix) and (xx)", "as in (ix) and (x), or (xix) and (xx)"},
		{"kisses line by line", "(k)\n(l)", "💋\n❤️"},
		{"done", "- (x) done", "- (x) done"},
		{"list in a list", "1. (a) sub", "1. (a) sub"},
		{"quoted list", "> (a) quoted\n“(b) more", "> (a) quoted\n“(b) more"},
		{"in capitals", "(A) First option", "(A) First option"},
		{"copyright", "Copyright (c) 2026 Acme", "Copyright (c) 2026 Acme"},
		{"copyright of a year", "(C) 2026 Acme", "(C) 2026 Acme"},
		{"copyright of a name", "all (c) Acme", "all (c) Acme"},
		{"copyright behind", "it is copyright (c) of us", "it is copyright (c) of us"},
		{"registered", "Acme (r) tools", "Acme (r) tools"},
		{"coffee and rainbows", "a (c) under the (r)", "a ☕ under the 🌈"},
		{"fenced code", "look:\n```\ny := x :)\nz (y)\n```\nok :)", "look:\n```\ny := x :)\nz (y)\n```\nok 🙂"},
		{"a fence that has no end", "```\nok :)", "```\nok 🙂"},
		{"a function", "y = f (x)", "y = f (x)"},
		{"what is assigned", "x = (y)", "x = (y)"},
		{"what is selected", "SELECT (c) FROM t", "SELECT (c) FROM t"},
		{"a heart between letters", "i (l) u", "i ❤️ u"},
		{"an angel alone", "you are an (a)", "you are an 😇"},
		{"thumbs before a line", "(Y) good idea", "👍 good idea"},
		{"link", "see http://example.com/:)/(y) and www.example.com/:D", "see http://example.com/:)/(y) and www.example.com/:D"},
		{"link and then one", "http://example.com/ :)", "http://example.com/ 🙂"},
		{"mail", "mailto:a:)b@example.com x:)y@example.com", "mailto:a:)b@example.com x:)y@example.com"},
		{"Matrix ID", "ask :@bob:example.com", "ask :@bob:example.com"},
		{"in backticks", "type `:) (y)` :)", "type `:) (y)` 🙂"},
		{"one backtick", "rock`n roll :)", "rock`n roll 🙂"},
		{"in quotes", `type ":)" or ':D'`, `type ":)" or ':D'`},
		{"times and ratios", "10:30 16:9 1:0 3:(2)", "10:30 16:9 1:0 3:(2)"},
		{"path", `C:\D D:P c:o`, `C:\D D:P c:o`},
		{"C++", "std::ostream &o = (x);", "std::ostream &o = (x);"},
		{"C", "if (a) { return (b); }", "if (a) { return (b); }"},
		{"C over lines", "for (i) {\n    x = (y)\n}", "for (i) {\n    x = (y)\n}"},
		{"Python", "x = d[1:(n)] == (a)", "x = d[1:(n)] == (a)"},
		{"lambda", "lambda x:(x)", "lambda x:(x)"},
		{"Go", "s := f(o) :)", "s := f(o) :)"},
		{"shell", "echo $(x) :)", "echo $(x) :)"},
		{"JSON", `{"a":[1,2],"b":"x"}`, `{"a":[1,2],"b":"x"}`},
		{"YAML", "a:\n    b: (x)", "a:\n    b: (x)"},
		{"XML", "<a>:)</a>", "<a>:)</a>"},
		{"regular expression", "^(a|b)$ (x|y)", "^(a|b)$ (x|y)"},
		{"printf", "%d:%s %s:s", "%d:%s %s:s"},
		{"half a code", "( : 8 |", "( : 8 |"},
		{"not UTF-8", "\xff:)\xff", "\xff🙂\xff"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := ToEmoji(test.text); got != test.want {
				t.Errorf("%q is shown as %q, want %q", test.text, got, test.want)
			}
		})
	}
}

func TestEmojiToText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"hello", "hello"},
		{"", ""},
		{"ok👍🏽 ❤️❤ ☀️", "ok(Y) (L)(L) (#)"},
		{"🤷‍♀️ 🤷🏿‍♂️ 🤷", ":^) :^) :^)"},
		{"🎉 no code", "🎉 no code"},
		{"family 👨‍👩‍👦 and flag 🇨🇿", "family 👨‍👩‍👦 and flag 🇨🇿"},
		{"boy 👦 and girl 👧🏻", "boy (Z) and girl (X)"},
		{"heart on fire ❤️‍🔥", "heart on fire ❤️‍🔥"},
		{"https://example.com/👍 👍", "https://example.com/👍 (Y)"},
		{"6️⃣ ©️", "6️⃣ ©️"},
		{"🙂🙂\n🙂", ":):)\n:)"},
		{"Agreed:👍", "Agreed: (Y)"},
		{"so:-👍 :'👍 +o👍", "so:- (Y) :' (Y) +o (Y)"},
		{"a:🙂:🙂", "a: :): :)"},
		{"(👍) 8👍 -👍 *🙂", "((Y)) 8(Y) -(Y) *:)"},
		{"\xff🙂\xff", "\xff:)\xff"},
	} {
		if got := FromEmoji(test.text); got != test.want {
			t.Errorf("%q goes out as %q, want %q", test.text, got, test.want)
		}
	}
}

// Whatever stands before an emoji, no other emoticon comes of it, and behind a sign it comes back.
func TestNoEmojiMakesAnotherEmoticon(t *testing.T) {
	t.Parallel()
	for _, before := range []string{":", ":-", ":'", "8-", "8o", "8", "|", "|-", "*", "*-", "+o", "^", "^o", "<:", "<", "(", "(b", "(br", "(xx", "('.", ";", ";-"} {
		for emoji, code := range written {
			for _, got := range []string{FromEmoji(before + emoji), before + FromEmojiBehind(before, emoji)} {
				for i := 0; i < len(got); { // from left to right, as clients do
					if i == len(got)-len(code) {
						break
					}
					if c, ok := at(got, i); ok {
						i += len(c.text)
					} else {
						i++
					}
					if i > len(got)-len(code) {
						t.Errorf("%q goes out as %q, in which %q is not seen", before+emoji, got, code)
						break
					}
				}
			}
		}
		if got := FromEmoji("well " + before + "👍"); strings.HasSuffix(got, " (Y)") && !strings.HasSuffix(ToEmoji(got), "👍") {
			t.Errorf("%q comes back as %q", got, ToEmoji(got))
		}
	}
}

// Whatever a text is, what is no code stays in its order, and one without codes stays as it is.
func FuzzToEmoji(f *testing.F) {
	for _, seed := range []string{"hello:)", "(a) one\n(b)", "`:)` :)", "http://x/:) :D", "<:o)", "\xff:)", "👍:)", "(Y)(Y)", "a  :)  \n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := ToEmoji(text)
		if !holdsCode(text) && got != text {
			t.Fatalf("%q became %q", text, got)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("%q became %q", text, got)
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Fatalf("%q became %q: lines are lost", text, got)
		}
		back := FromEmoji(text)
		if utf8.ValidString(text) && !utf8.ValidString(back) {
			t.Fatalf("%q went out as %q", text, back)
		}
		if strings.IndexFunc(text, func(r rune) bool { return begins[r] }) < 0 && back != text {
			t.Fatalf("%q went out as %q", text, back)
		}
	})
}

// bench are texts of 2 KB, and of 1 MB that take the worst way.
var bench = map[string]string{
	"prose":       strings.Repeat("How are you today? I hope that all is well over there. ", 37),
	"emoticons":   strings.Repeat("How are you? :) (Y) I hope that :-O all is well <:o) ", 38),
	"emoji":       strings.Repeat("How are you? 🙂 👍 I hope that 😮 all is well 🎉 ", 38),
	"1MB colons":  strings.Repeat(":", 1<<20),
	"1MB faces":   strings.Repeat(":)", 1<<19),
	"1MB in word": strings.Repeat("x:)", 1<<20/3),
	"1MB emoji":   strings.Repeat("🙂", 1<<18),
	"1MB joined":  strings.Repeat("🙂\u200d", 1<<20/7),
	"1MB ticks":   strings.Repeat("`:)", 1<<20/3),
	"1MB blanks":  strings.Repeat(" ", 1<<19) + strings.Repeat("(a) ", 1<<17),
	"1MB indents": strings.Repeat("\u00a0", 1<<18) + strings.Repeat("x :)(a) ", 1<<16),
	"1MB lines":   strings.Repeat("(a)\n", 1<<18),
	"1MB fences":  strings.Repeat("```\n:)\n", 1<<17),
	"1MB fence":   "```" + strings.Repeat("\n:)", 1<<18),
	"1MB kinds":   strings.Repeat("👍:", 1<<18),
}

// It takes time in proportion to the text, whatever that is: with the square of such lengths, the test
// would take hours and be ended.
func TestEmoticonsTakeTimeInProportion(t *testing.T) {
	t.Parallel()
	for name, text := range bench {
		if ToEmoji(text) == "" || FromEmoji(text) == "" {
			t.Errorf("of %s nothing is left", name)
		}
	}
}

func BenchmarkToEmoji(b *testing.B) { benchmark(b, ToEmoji) }

func BenchmarkFromEmoji(b *testing.B) { benchmark(b, FromEmoji) }

func benchmark(b *testing.B, translate func(string) string) {
	for name, text := range bench {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				translate(text)
			}
		})
	}
}
