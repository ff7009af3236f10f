package call

import (
	"maps"
	"testing"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typed, rest string
		want        Options
	}{
		{"a b", "a b", Options{}},
		{"--callback home  a\n b", "a\n b", Options{"callback": "home"}},
		{"--CallBack=home=123 a", "a", Options{"callback": "home=123"}},
		{"—login x --callback y a --login z", "a --login z", Options{"login": "x", "callback": "y"}},
		{"--callback=a—b c", "c", Options{"callback": "a—b"}},
		{"--other x", "--other x", Options{}},
		{"--callback", "", Options{"callback": ""}},
		{"", "", Options{}},
		{"-- a", "-- a", Options{}},
	} {
		got := make(Options)
		if rest := got.Take(test.typed, "login", "callback"); rest != test.rest || !maps.Equal(got, test.want) {
			t.Errorf("%q gives %q, %v", test.typed, rest, got)
		}
	}
}
