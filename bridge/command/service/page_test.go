package service

import (
	"strings"
	"testing"
)

const (
	bob   = "bob@example.com"
	carol = "carol@example.com"
)

func TestWhomAPageIsFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, typed, contact string
		to, text, problem    string
	}{
		{"address", "Bob@Example.com Call me", "", bob, "Call me", ""},
		{"number", "+1-555-111-2222 Call  me", "", "tel:+15551112222", "Call  me", ""},
		{"number with tel", "TEL:+15551112222 x", "", "tel:+15551112222", "x", ""},
		{"lines", "bob@example.com\na\n b", "", bob, "a\n b", ""},
		{"neither", "bob x", "", "", "", "bob is neither an e-mail address nor a number"},
		{"short number", "+123 x", "", "", "", "+123 is neither"},
		{"nothing", "", "", "", "", "Whom, and what? Write `!page bob@example.com Call me`"},
		{"the contact of the room", "Call me", bob, bob, "Call me", ""},
		{"a short number is text there", "+1 from me", bob, bob, "+1 from me", ""},
		{"a word with an at sign is text there", "meet@noon ok", bob, bob, "meet@noon ok", ""},
		{"another address there", "carol@example.com x", bob, carol, "x", ""},
		{"a number there", "+15551112222 x", bob, "tel:+15551112222", "x", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			to, text, problem := pageTarget(test.typed, test.contact)
			if to != test.to || text != test.text || !strings.Contains(problem, test.problem) || test.problem == "" && problem != "" {
				t.Errorf("got %q, %q, %q", to, text, problem)
			}
		})
	}
}
