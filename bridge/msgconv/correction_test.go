package msgconv

import (
	"strings"
	"testing"
)

func TestCorrection(t *testing.T) {
	t.Parallel()
	const long = "I think that we should meet at the station around seven tonight"
	const longer = ", if it is not too late for you and the others"
	const lines = "first we go to the market\nthen we see teh film at the cinema\nand home"
	for _, test := range []struct{ name, old, corrected, want string }{
		{"a short text", "helo", "hello", "* hello"},
		{"a word of a short text", "see you tomorow", "see you tomorrow", "* see you tomorrow"},
		{"a word", long, strings.Replace(long, "seven", "eight", 1), "* … around eight tonight"},
		{"a word in the middle", long, strings.Replace(long, "should", "could", 1), "* … we could meet …"},
		{"words", long, strings.Replace(long, "the station", "my place", 1), "* … at my place around …"},
		{"the first word", long, strings.Replace(long, "I", "We", 1), "* We think …"},
		{"the last word", long, strings.Replace(long, "tonight", "tomorrow", 1), "* … seven tomorrow"},
		{"a word more", long, strings.Replace(long, "seven", "half seven", 1), "* … around half seven …"},
		{"a word more at the end", long, long + " then", "* … tonight then"},
		{"a word less", long, strings.Replace(long, "that ", "", 1), "* … think we …"},
		{"two places far from each other", long + longer, strings.NewReplacer("that", "dat", "seven", "eight").Replace(long + longer), "* … think dat we … around eight tonight, …"},
		{"two places of a text that is not long enough", long, strings.NewReplacer("that", "dat", "seven", "eight").Replace(long), "* " + strings.NewReplacer("that", "dat", "seven", "eight").Replace(long)},
		{"two places beside each other", long + longer, strings.NewReplacer("should", "could", " at ", " in ").Replace(long + longer), "* … we could meet in the …"},
		{"many places", long + " " + long + " " + long, strings.ReplaceAll(long+" "+long+" "+long, "we", "you"), "* … that you should … that you should … that you should …"},
		{"too many places", strings.Repeat("one two three four ", 9), strings.Repeat("one two 3 four ", 9), "* " + strings.Repeat("one two 3 four ", 9)},
		{"in two lines", lines, strings.NewReplacer("market", "shops", "teh", "the").Replace(lines), "* … the shops … see the film …"},
		{"another text", long, "forget it, I have no time at all this evening, sorry", "* forget it, I have no time at all this evening, sorry"},
		{"nothing but blanks", long, strings.Replace(long, "we", " we", 1), "* " + strings.Replace(long, "we", " we", 1)},
		{"nothing", long, long, "* " + long},
		{"a text that is not known any more", "", long, "* " + long},
		{"everything gone", long, "", "* "},
		{"in a line", lines, strings.Replace(lines, "teh", "the", 1), "* … see the film …"},
		{"at the beginning of a line", lines, strings.Replace(lines, "then", "after", 1), "* … after we …"},
		{"at the end of a line", lines, strings.Replace(lines, "cinema", "Ritz", 1), "* … the Ritz …"},
		{"a line end more", lines, strings.Replace(lines, " at", "\nat", 1), "* " + strings.Replace(lines, " at", "\nat", 1)},
		{"a long word", "look at this: http://example.com/" + strings.Repeat("a", 80) + " it is great", "look at this: http://example.com/" + strings.Repeat("b", 80) + " it is great",
			"* look at this: http://example.com/" + strings.Repeat("b", 80) + " it is great"},
		{"a script without blanks", strings.Repeat("明日は駅で会いましょう", 5), strings.Repeat("明日は家で会いましょう", 5), "* " + strings.Repeat("明日は家で会いましょう", 5)},
		{"right to left", "אני חושב שכדאי שניפגש בתחנה בסביבות שבע בערב היום", "אני חושב שכדאי שניפגש בתחנה בסביבות שמונה בערב היום", "* … בסביבות שמונה בערב …"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Correction(test.old, test.corrected); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What is shown of a text is a part of it.
func FuzzCorrection(f *testing.F) {
	f.Add("a b c d e f g h i j k l m n o p q r s t u v w x y z", "a b c d e f g h i j k l M n o p q r s t u v w x y z")
	f.Fuzz(func(t *testing.T, old, corrected string) {
		got, ok := strings.CutPrefix(Correction(old, corrected), correctionMark)
		if !ok {
			t.Fatalf("the correction is %q", got)
		}
		if got == corrected {
			return
		}
		all := strings.Join(wordsOf(corrected), " ")
		for _, part := range strings.Split(got, cut) {
			if !strings.Contains(all, strings.TrimSpace(part)) {
				t.Errorf("%q is no part of %q", part, all)
			}
		}
	})
}

// However much has changed in however long a text, there is not much to do.
func BenchmarkCorrection(b *testing.B) {
	old, corrected := strings.Repeat("a b ", 12<<10), strings.Repeat("a c ", 12<<10)
	b.ReportAllocs()
	for b.Loop() {
		Correction(old, corrected)
	}
}
