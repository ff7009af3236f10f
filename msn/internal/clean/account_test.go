package clean

import "testing"

func TestAccount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Bob@Example.com": "bob@example.com", "bob@example.com;{1}": "bob@example.com", "BÜRO@example.com": "büro@example.com",
		"": "", "b b@example.com": "", "b\x00@example.com": "", "b\xff@example.com": "", "\u212aen@example.com": "", "b\u0130b@example.com": "",
	} {
		if got, ok := Account(in); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
}
