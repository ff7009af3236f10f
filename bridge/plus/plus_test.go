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

// What is stripped once is stripped, of a text only codes go, and none of the control characters
// is left.
func FuzzStrip(f *testing.F) {
	for _, seed := range []string{"[c=4]Bob[/c]", "·$4,7·#Bob·0", "\x0304Bob\x0f", "[b][i]x[/b]", "a[i]", "[Messenger Plus! Sound] - Data{x} - y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Strip(text)
		if len(got) > len(text) || strings.ContainsAny(got, controls) {
			t.Fatalf("%q becomes %q", text, got)
		}
		if !strings.ContainsAny(text, controls+"[·") && got != text {
			t.Fatalf("%q becomes %q", text, got)
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
			}
		})
	}
}
