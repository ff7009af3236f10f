package command

import (
	"slices"
	"testing"

	"maunium.net/go/mautrix/bridgev2/commands"
)

func TestArgumentsAsTheyWereTyped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		raw  string
		args []string
		want string
	}{
		{"a  b\nc", []string{"a", "b", "c"}, "a  b\nc"},
		{"Page a  b", []string{"a", "b"}, "a  b"},
		{"\na", []string{"a"}, "a"},
		{"PAGE\na", []string{"a"}, "a"},
		{"", nil, ""},
		{"Page", nil, ""},
		{"page page", []string{"page", "page"}, "page page"},
	} {
		if got := typedArguments(&commands.Event{RawArgs: test.raw, Args: test.args}); got != test.want {
			t.Errorf("%q gives %q, want %q", test.raw, got, test.want)
		}
	}
}

func TestBareCommandsAreThoseOfTheHelp(t *testing.T) {
	t.Parallel()
	var bare []string
	for _, handler := range new(Commands).Handlers() {
		full := handler.(*commands.FullHandler)
		switch full.Name {
		case commands.CommandCreateGroup.Name, commands.CommandSetRelay.Name, commands.CommandUnsetRelay.Name, commands.CommandUnbridge.Name, commands.CommandHelp.Name:
			continue // the framework's, but for what they do
		}
		if full.Help.Description == "" || full.Help.Section != helpSection {
			t.Errorf("%s is not in the help", full.Name)
		}
		if slices.Contains(full.Aliases, "!"+full.Name) {
			bare = append(bare, full.Name)
		}
	}
	want := []string{"accept", "account", "add", "alerts", "block", "circles", "client-version", "compose", "contacts", "decline", "emoticons", "find", "group", "inbox", "invite",
		"mobile", "nick", "nudge", "page", "picture", "places", "presence", "privacy", "profile", "psm", "remove", "rename", "retry", "status", "unblock", "url", "whois"}
	if !slices.Equal(slices.Sorted(slices.Values(bare)), want) {
		t.Errorf("the help has %v, the table %v", bare, want)
	}
}
