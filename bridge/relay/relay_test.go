package relay

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// matrix is a room with some people in it.
type matrix struct {
	bridgev2.MatrixConnector
	names map[id.UserID]string
	fails error
}

func (m matrix) GetMemberInfo(_ context.Context, _ id.RoomID, user id.UserID) (*event.MemberEventContent, error) {
	return &event.MemberEventContent{Displayname: m.names[user]}, m.fails
}

func (m matrix) IsConfusableName(_ context.Context, _ id.RoomID, user id.UserID, name string) (others []id.UserID, err error) {
	for other, its := range m.names {
		if other != user && its == name {
			others = append(others, other)
		}
	}
	return others, m.fails
}

// exampleFormats are the formats of the example config.
func exampleFormats(t *testing.T) bridgeconfig.RelayConfig {
	t.Helper()
	data, err := os.ReadFile("../../example-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Bridge struct {
			Relay bridgeconfig.RelayConfig `yaml:"relay"`
		} `yaml:"bridge"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil || len(file.Bridge.Relay.MessageFormats) == 0 {
		t.Fatalf("the example config has formats %v, %v", file.Bridge.Relay.MessageFormats, err)
	}
	return file.Bridge.Relay
}

const (
	mallory = id.UserID("@mallory:evil.example")
	dave    = id.UserID("@dave:example.com")
)

// speaker returns mallory, called so, in a room with dave.
func speaker(t *testing.T, name string, formats bridgeconfig.RelayConfig) *Speaker {
	t.Helper()
	br := &bridgev2.Bridge{Config: &bridgeconfig.BridgeConfig{Relay: formats}, Matrix: matrix{names: map[id.UserID]string{mallory: name, dave: "Dave"}}}
	return Of(t.Context(), br, "!room", mallory, func(name string) bool { return name == "Bob" })
}

// Whatever somebody calls themselves: what they say begins with a name that is theirs, and is not
// taken for what somebody else says.
func TestHostileNamesImitateNobody(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct{ name, want string }{
		"plain":                   {"Mallory", "Mallory: hi"},
		"none":                    {"", "@mallory:evil.example: hi"},
		"blanks":                  {" \u200b\u2060 ", "@mallory:evil.example: hi"},
		"another's":               {"Dave", "Dave (@mallory:evil.example): hi"},
		"a contact's":             {"Bob", "Bob (@mallory:evil.example): hi"},
		"another's, unseen signs": {"Da\u200bve\u2060", "Dave (@mallory:evil.example): hi"},
		"another's with a colon":  {"Dave:", "Dave (@mallory:evil.example): hi"},
		"another's words":         {"Dave: I quit.", "Dave I quit. (@mallory:evil.example): hi"},
		"other colons":            {"Dave：I quit꞉ now", "Dave I quit now (@mallory:evil.example): hi"},
		"line ends":               {"M\r\nDave: hi\u2028Dave: ho\u0085x", "M Dave hi Dave ho x (@mallory:evil.example): hi"},
		"an emote":                {"* Dave", "Dave (@mallory:evil.example): hi"},
		"a quote":                 {"> Dave", "Dave (@mallory:evil.example): hi"},
		"right to left":           {"\u202eevaD\u2066x", "evaDx: hi"},
		"codes":                   {"\u0002M[c=4]allory[/c]\u00034", "Mallory: hi"},
		"HTML":                    {"<b>M</b>&amp;", "<b>M</b>&amp; (@mallory:evil.example): hi"},
		"signs alone":             {":)", "@mallory:evil.example: hi"},
		"an emoticon":             {"(Y)", "@mallory:evil.example: hi"},
		"signs of styles":         {"*M* _x_ `y`", "M* _x_ `y` (@mallory:evil.example): hi"},
		"another's address":       {"@dave:example.com", "@dave example.com (@mallory:evil.example): hi"},
		"an e-mail address":       {"bob@example.com", "bob@example.com (@mallory:evil.example): hi"},
		"the place of the text":   {mark, "@mallory:evil.example: hi"},
		"templates":               {"{{ .Message }}", "{{ .Message }} (@mallory:evil.example): hi"},
	} {
		for formats, config := range map[string]bridgeconfig.RelayConfig{"none": {}, "those of the example": exampleFormats(t)} {
			if got := speaker(t, test.name, config).Says(event.MsgText, "hi"); got != test.want {
				t.Errorf("%s, formats %s: %q, want %q", what, formats, got, test.want)
			}
		}
	}
}

// Of a name that is too long for its place the Matrix ID is shown too: two such names may differ
// in what is not shown.
func TestLongNameIsCutAndToldApart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("x", 41), strings.Repeat("x", 10<<10), strings.Repeat("ä\n", 5<<10)} {
		got := speaker(t, name, exampleFormats(t)).Says(event.MsgText, "hi")
		if len(got) > 200 || strings.Contains(got, "\n") || !strings.HasSuffix(got, "… (@mallory:evil.example): hi") {
			t.Errorf("%d bytes make %q", len(name), got)
		}
	}
}

func TestNamesWithoutTheHomeserverAreMatrixIDs(t *testing.T) {
	t.Parallel()
	br := &bridgev2.Bridge{Config: &bridgeconfig.BridgeConfig{}, Matrix: matrix{fails: errors.New("no answer")}}
	got := Of(t.Context(), br, "!room", mallory, func(string) bool { return false }).Says(event.MsgText, "hi")
	if got != "@mallory:evil.example: hi" {
		t.Errorf("got %q", got)
	}
}

func TestLinesOfATextAreNoTextsOfOthers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"one\ntwo":                   "Mallory: one\n  two",
		"one\r\nDave: two\u2028x\vy": "Mallory: one\n  Dave: two\n  x\n  y",
		"\nDave: one":                "Mallory: Dave: one",
		"a " + mark + " b":           "Mallory: a " + mark + " b",
		"":                           "",
	} {
		if got := speaker(t, "Mallory", exampleFormats(t)).Says(event.MsgText, text); got != want {
			t.Errorf("%q makes %q, want %q", text, got, want)
		}
	}
}

func TestEveryKindOfMessageHasItsFormat(t *testing.T) {
	t.Parallel()
	own := exampleFormats(t)
	if err := yaml.Unmarshal([]byte("message_formats: {m.text: '<i>{{ .Sender.FormattedName }}</i> says <b>{{ .Message }}</b>'}\ndisplayname_format: '{{ .DisambiguatedName }} (Matrix)'"), &own); err != nil {
		t.Fatal(err)
	}
	broken := bridgeconfig.RelayConfig{}
	if err := yaml.Unmarshal([]byte("message_formats: {m.text: '{{ .Sender.Displayname }}', m.emote: '{{ .Nothing }}'}"), &broken); err != nil {
		t.Fatal(err)
	}
	file := &event.MessageEventContent{MsgType: event.MsgFile, Body: "a:b.pdf", FileName: "a:b.pdf"}
	for what, test := range map[string]struct {
		formats bridgeconfig.RelayConfig
		say     func(*Speaker) string
		want    string
	}{
		"emote":             {exampleFormats(t), func(s *Speaker) string { return s.Says(event.MsgEmote, "waves") }, "* Mallory waves"},
		"emote, usual":      {bridgeconfig.RelayConfig{}, func(s *Speaker) string { return s.Says(event.MsgEmote, "waves") }, "* Mallory waves"},
		"file":              {exampleFormats(t), func(s *Speaker) string { return s.Shows(file, "") }, "Mallory sent a file"},
		"file with words":   {exampleFormats(t), func(s *Speaker) string { return s.Shows(file, "look\nhere") }, "Mallory sent a file: look\n  here"},
		"file, usual":       {bridgeconfig.RelayConfig{}, func(s *Speaker) string { return s.Shows(file, "look") }, "Mallory sent a file: look"},
		"location":          {exampleFormats(t), func(s *Speaker) string { return s.Says(event.MsgLocation, "here") }, "Mallory: here"},
		"format of its own": {own, func(s *Speaker) string { return s.Says(event.MsgText, "hi") }, "Mallory (Matrix) says hi"},
		"without a text":    {broken, func(s *Speaker) string { return s.Says(event.MsgText, "hi") }, "Mallory: hi"},
		"that fails":        {broken, func(s *Speaker) string { return s.Says(event.MsgEmote, "waves") }, "* Mallory waves"},
	} {
		if got := test.say(speaker(t, "Mallory", test.formats)); got != test.want {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
	if got := (*Speaker)(nil).Says(event.MsgText, "a\nb"); got != "a\nb" {
		t.Errorf("the user says %q", got)
	}
}

// What looks like a colon in some script does not end a name: it has the Matrix ID behind it.
func TestSignsInNamesAreTold(t *testing.T) {
	t.Parallel()
	for _, sign := range []string{"\uA4FD", "\u16EC", "\u0903", "\u0A83", "\u1803", "\u1809", "\u1365", ";", "|", "\u2236", ":"} {
		if name, whole := Name("Bob" + sign + " I owe you 5"); whole {
			t.Errorf("%+q is a whole name", name)
		}
	}
	for _, told := range []string{"Bob", "Anne-Marie O'Neill", "J. R. 2nd", "Ольга", "山田 太郎", "Zoë", "Anna 🌸"} {
		if name, whole := Name(told); !whole || name != told {
			t.Errorf("%q is %q, whole: %t", told, name, whole)
		}
	}
}
