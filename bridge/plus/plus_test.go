package plus

import (
	"strings"
	"testing"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"hello", "hello"},
		{"[c=4]Bob[/c]", "Bob"},
		{"[C=#FF0000]Bob[/C=#00ff00] x", "Bob x"},
		{"[c=red]Bob", "Bob"},
		{"[a=12][b]Bob[/b][/a]", "Bob"},
		{"[b][i]Bob", "Bob"},
		{"[b]Bob[/b] [u]x[/u]", "Bob x"},
		{"·$4Bob·0", "Bob"},
		{"·$4,7·#Bob·# ·$#FF0000x·$,3y·0", "Bob xy"},
		{"\x0304Bob\x0f \x02b\x02 \x1fu\x05i\x06s", "Bob b uis"},
		{"\x03(255,0,10)Bob\x033,12x", "Bobx"},
		{"a\x043b", "ab"},
		{"[Messenger Plus! Sound] - Data{ABCDEFGHIJKL}\u00a0-\u00a0Applause\u00a0", "♫ Applause\u00a0"},

		{"a[i] = b[i]", "a[i] = b[i]"},
		{"[a] or [c]", "[a] or [c]"},
		{"[/c] closes", "[/c] closes"},
		{"[c=] [c=?!] [d=4]", "[c=] [c=?!] [d=4]"},
		{"see [1] and [x]", "see [1] and [x]"},
		{"paral·lel 3·0 · x", "paral·lel 3·0 · x"},
		{"costs ·$ and · #", "costs ·$ and · #"},
		{"a [b] c", "a [b] c"},
	} {
		if got := Strip(test.text); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.text, got, test.want)
		}
	}
}

func TestStripMessage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"hello", "hello"},
		{"[c=4]hello[/c] you", "hello you"},
		{"[C=#FF0000]hello[/C=#00ff00] x", "hello x"},
		{"[a=12][b]hello[/b][/a]", "hello"},
		{"[b]one [i]two[/b] three[/i]", "one two three"},
		{"[b][b]x[/b] y", "[b]x y"},
		{"·$4,7·#hello·# ·$#FF0000x·$,3y·0", "hello xy"},
		{"·$4one\ntwo·0", "one\ntwo"},
		{"·&a·& b·& c·&", "a b c"},
		{"\x0304hello\x0f \x02b\x02", "hello b"},
		{"[Messenger Plus! Sound] - Data{ABCDEFGHIJKL}\u00a0-\u00a0Applause", "♫ Applause"},

		{"[i] is the index; a[i] = b[i]", "[i] is the index; a[i] = b[i]"},
		{"[b] see appendix b, not [b]", "[b] see appendix b, not [b]"},
		{"[i] first\n[ii] second", "[i] first\n[ii] second"},
		{"·$5 coffee\n·$10 tea, pH 7·05", "·$5 coffee\n·$10 tea, pH 7·05"},
		{"·@bob: pH 7·05", "·@bob: pH 7·05"},
		{"·#1 milk\n·#2 bread", "·#1 milk\n·#2 bread"},
		{"3·0 and ·$", "3·0 and ·$"},
		{"x[c=1]=2", "x[c=1]=2"},
		{"array[a=12]", "array[a=12]"},
		{"[c=red]hello", "[c=red]hello"},
		{"[/b] closes", "[/b] closes"},
		{"https://example.com/?[c=4]&a[b]=1&a[/b]", "https://example.com/?[c=4]&a[b]=1&a[/b]"},
		{"[b]see https://example.com/?a[/b]", "[b]see https://example.com/?a[/b]"},
		{"[b]see[/b] https://example.com/·#a·#", "see https://example.com/·#a·#"},
	} {
		if got := StripMessage(test.text); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.text, got, test.want)
		}
	}
}

// Of a text only codes go, and none of the control characters is left.
func FuzzStrip(f *testing.F) {
	for _, seed := range []string{"[c=4]Bob[/c]", "·$4,7·#Bob·0", "\x0304Bob\x0f", "[b][i]x[/b]", "a[i]", "[Messenger Plus! Sound] - Data{x} - y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, got := range []string{Strip(text), StripMessage(text)} {
			if len(got) > len(text) || strings.ContainsAny(got, controls) {
				t.Fatalf("%q becomes %q", text, got)
			}
			if !strings.ContainsAny(text, controls+"[·") && got != text {
				t.Fatalf("%q becomes %q", text, got)
			}
		}
	})
}

func BenchmarkStrip(b *testing.B) {
	for name, text := range map[string]string{
		"none": strings.Repeat("How are you today? I hope that all is well. ", 46), "codes": strings.Repeat("[c=4]Bob[/c] ·$4x·0 [b]y[/b] ", 60),
		"1MB open": strings.Repeat("[", 1<<20), "1MB dots": strings.Repeat("·", 1<<19), "1MB bold": strings.Repeat("[b]", 1<<20/3),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Strip(text)
				StripMessage(text)
			}
		})
	}
}
