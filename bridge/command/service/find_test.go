package service

import (
	"testing"

	"matrix-msn/msn"
)

func TestWhatIsSearchedFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typed string
		want  msn.Query
		ok    bool
	}{
		{"Bob Builder", msn.Query{FirstName: "Bob", LastName: "Builder"}, true},
		{" Bob  van der Builder City=New York country=US", msn.Query{FirstName: "Bob", LastName: "van der Builder", City: "New York", Country: "US"}, true},
		{"Bob b=c state=NY", msn.Query{FirstName: "Bob", LastName: "b=c", State: "NY"}, true},
		{"Bob", msn.Query{}, false},
		{"", msn.Query{}, false},
		{"Bob city=X", msn.Query{}, false},
	} {
		got, ok := parseQuery(test.typed)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%q gives %+v, %v", test.typed, got, ok)
		}
	}
}
