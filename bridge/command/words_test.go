package command

import (
	"strings"
	"testing"
)

func TestNearestCommand(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"conatcts": "contacts", "contact": "contacts", "whoi": "whois", "hlep": "help", "list-login": "list-logins", "acept": "accept",
		"star-chat": "start-chat", "secret": "", "": "", "x": "",
		"resolve": "resolve-identifier", "start": "start-chat", "log": "", "lo": "", "remov": "remove", "remvoe": "remove", "removal": "", "remorse": "",
		strings.Repeat("contacts", 1000): "",
	} {
		if got := suggested(typed); got != want {
			t.Errorf("%.20q is taken for %q, want %q", typed, got, want)
		}
	}
}
