package roster

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

// Presence as it is told in each of the later dialects (protocol/03-presence.md,
// section 3).
func TestPresenceShapes(t *testing.T) {
	bob := func(status Status, network int, name string, caps uint32, object string) *Contact {
		return &Contact{Account: "bob@example.com", Status: status, Network: network, Name: name, Told: name, Capabilities: caps, Object: object}
	}
	later := func(status Status, network int, name string, caps uint32, object string) *Contact {
		c := bob(status, network, name, caps, object)
		c.Extended = 48
		return c
	}
	for _, test := range []struct {
		d    wire.Dialect
		line string
		want *Contact // nil: no event
	}{
		{13, "NLN BSY Bob@example.com Bob%20B 12 %3Cmsnobj%20Creator%3D%22b%22%2F%3E", bob(Busy, 0, "Bob B", 12, `<msnobj Creator="b"/>`)},
		{13, "ILN 9 AWY bob@example.com Bob 12", bob(Away, 0, "Bob", 12, "")},
		{13, "FLN bob@example.com", bob(Offline, 0, "", 0, "")},
		{14, "NLN NLN bob@example.com 1 Bob 12 0", bob(Online, 1, "Bob", 12, "")},
		{14, "ILN 9 IDL bob@example.com 32 Bob 12", bob(Idle, 32, "Bob", 12, "")},
		{14, "FLN bob@example.com 1 0", bob(Offline, 0, "", 0, "")},
		{16, "NLN LUN bob@example.com 1 Bob 12:48 0", later(OutToLunch, 1, "Bob", 12, "")},
		{16, "FLN bob@example.com 1 0:0", bob(Offline, 0, "", 0, "")},
		{16, "NLN NLN alice@example.com 1 Alice 12:48 0", nil},
		{16, "FLN alice@example.com 1", nil},
		{18, "NLN NLN 1:bob@example.com Bob 12:48 0", later(Online, 1, "Bob", 12, "")},
		{18, "NLN PHN 32:bob@example.com Bob 12:48 0 http://icon", later(OnThePhone, 32, "Bob", 12, "")},
		{18, "NLN NLN 1:bob@example.com;via=9:0-0-0-9-1@live.com Bob 12:48", nil},
		{18, "FLN 1:bob@example.com;via=9:0-0-0-9-1@live.com 0:0", nil},
		{18, "FLN 1:bob@example.com 0:0", bob(Offline, 0, "", 0, "")},
		{18, "NLN HDN 1:alice@example.com Alice 12:48 0", nil},
		{18, "NLN NLN 1:", nil},
		{18, "NLN NLN", nil},
	} {
		t.Run(test.d.String()+" "+test.line, func(t *testing.T) {
			b := New(test.d, "alice@example.com", "")
			cmd, err := wire.NewReader(strings.NewReader(test.line+"\r\n"), wire.FromServer).Read()
			if err != nil {
				t.Fatal(err)
			}
			got := b.Apply(cmd)
			if test.want == nil {
				got = slices.DeleteFunc(got, func(e event.Event) bool { return e == NameChanged{Name: "Alice"} })
				if len(got) != 0 || b.find("alice@example.com") != nil {
					t.Errorf("events %+v", got)
				}
				return
			}
			want := []event.Event{PresenceChanged{Contact: *test.want, Initial: cmd.Verb == "ILN"}}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("events %+v, want %+v", got, want)
			}
		})
	}
}

func TestPersonalMessageShapes(t *testing.T) {
	const data = "<Data><PSM>mine</PSM></Data>"
	for _, test := range []struct {
		d    wire.Dialect
		who  string
		told bool
	}{
		{13, "bob@example.com", true}, {14, "bob@example.com 1", true}, {16, "bob@example.com 1", true}, {18, "1:bob@example.com", true},
		{18, "1:bob@example.com;via=9:x@live.com", false}, {18, "1:alice@example.com", false}, {16, "alice@example.com 1", false}, {18, "1:", false},
	} {
		b := New(test.d, "alice@example.com", "")
		events := b.Apply(wire.New("UBX", strings.Split(test.who, " ")...).WithPayload(data))
		if !test.told {
			if len(events) != 0 {
				t.Errorf("%v %s: %+v", test.d, test.who, events)
			}
			continue
		}
		if e, ok := events[0].(PersonalMessageChanged); !ok || e.Contact.Account != "bob@example.com" || e.Contact.Personal != "mine" {
			t.Errorf("%v %s: %+v", test.d, test.who, events)
		}
	}
}

// The user's own name follows what the server echoes.
func TestOwnNameOfTheEcho(t *testing.T) {
	b := New(18, "alice@example.com", "")
	b.SetOwnName("Alice")
	b.Apply(wire.New("NLN", "NLN", "1:alice@example.com", "Alice%20New", "1:0"))
	if b.OwnName() != "Alice New" {
		t.Errorf("the name is %q", b.OwnName())
	}
	b.Apply(wire.New("NLN", "NLN", "1:alice@example.com;via=9:x@live.com", "Else", "1:0"))
	if b.OwnName() != "Alice New" {
		t.Errorf("a circle makes it %q", b.OwnName())
	}
}

func TestPresenceLines(t *testing.T) {
	for line, want := range map[string]Contact{
		"ILN 9 NLN bob@example.com Bob":                                              {Name: "Bob", Status: Online},
		"NLN BSY Bob@Example.com Bob%20B":                                            {Name: "Bob B", Status: Busy},
		"ILN 9 AWY bob@example.com Bob 268435492":                                    {Name: "Bob", Status: Away, Capabilities: 268435492},
		"NLN NLN bob@example.com Bob 4294967295 0":                                   {Name: "Bob", Status: Online, Capabilities: 4294967295},
		"NLN NLN bob@example.com Bob 1:48 %3Cmsnobj%2F%3E":                           {Name: "Bob", Status: Online, Capabilities: 1, Extended: 48},
		"NLN NLN bob@example.com Bob 1 %3Cmsnobj%20Creator%3D%22b%22%2F%3E":          {Name: "Bob", Status: Online, Capabilities: 1, Object: `<msnobj Creator="b"/>`},
		"NLN NLN bob@example.com Bob -1":                                             {Name: "Bob", Status: Online},
		"NLN NLN bob@example.com Bob 99999999999":                                    {Name: "Bob", Status: Online},
		"NLN ZZZ bob@example.com Bob":                                                {Name: "Bob", Status: Online},
		"NLN HDN bob@example.com Bob":                                                {Name: "Bob", Status: Offline},
		"NLN NLN bob@example.com":                                                    {Status: Online},
		"FLN bob@example.com":                                                        {Status: Offline},
		"FLN bob@example.com 1 0":                                                    {Status: Offline},
		"NLN NLN bob@example.com B 1 " + strings.Repeat("x", clean.MaxField+1):       {Name: "B", Status: Online, Capabilities: 1},
		"NLN NLN bob@example.com " + strings.Repeat("%E2%82%AC", clean.MaxName) + "": {Name: strings.Repeat("€", clean.MaxName/3), Status: Online},
	} {
		b := New(9, "me@example.com", "")
		cmd, err := wire.NewReader(strings.NewReader(line+"\r\n"), wire.FromServer).Read()
		if err != nil {
			t.Fatal(err)
		}
		b.Apply(cmd)
		want.Account, want.Told = "bob@example.com", want.Name
		if got := b.find("bob@example.com"); got == nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%.60s: %+v, want %+v", line, got, want)
		}
	}
	b := New(9, "me@example.com", "")
	for _, line := range []string{"NLN", "NLN NLN", "ILN 9 NLN", "NLN NLN  Bob", "FLN", "FLN ", "NLN NLN a\xff@b Bob"} {
		cmd, err := wire.NewReader(strings.NewReader(line+"\r\n"), wire.FromServer).Read()
		if err != nil {
			t.Fatal(err)
		}
		if events := append(b.Apply(cmd), b.Apply(wire.New("FLN", cmd.Arg(0)+" "))...); len(events) != 0 {
			t.Errorf("%q makes %+v", line, events)
		}
	}
}

func TestPersonalMessages(t *testing.T) {
	for payload, want := range map[string][2]string{
		"<Data><PSM>Hello &amp; &lt;welcome&gt; ♥</PSM><CurrentMedia></CurrentMedia></Data>": {"Hello & <welcome> ♥", ""},
		`<Data><PSM>p</PSM><CurrentMedia>\0Music\01\0{0} - {1}\0A &#x26; B\0</CurrentMedia>`: {"p", `\0Music\01\0{0} - {1}\0A & B\0`},
		"<Data><PSM>a < b & c</PSM></Data>":                                                  {"a < b & c", ""},
		"<Data><PSM>&apos;&quot;&#65;&#x42;</PSM>":                                           {`'"AB`, ""},
		"<Data><PSM>&copy; &#0; &#xD800; &#99999999;":                                        {"", ""},
		"<Data><PSM>&copy &#0; &#xD800; &#99999999;</PSM>":                                   {"&copy   ", ""},
		"":                                {"", ""},
		"<Data><PSM>caf\xe9</PSM></Data>": {"caf\uFFFD", ""},
	} {
		b := New(9, "me@example.com", "")
		b.Apply(wire.New("UBX", "bob@example.com").WithPayload(payload))
		got := b.find("bob@example.com")
		if got.Personal != want[0] || got.Media != want[1] {
			t.Errorf("%q: %q, %q", payload, got.Personal, got.Media)
		}
	}
	b := New(9, "me@example.com", "")
	if events := b.Apply(wire.New("UBX", "bob@example.com").WithPayload("<!DOCTYPE x><Data><PSM>evil</PSM></Data>")); events != nil {
		t.Errorf("a document type makes %+v", events)
	}
}

// The user takes their name for a contact away, for which the list has the address until somebody knows a
// better one, and hears from the contact before the server has answered: they are called as they say.
func TestNameThatIsTakenAwayIsTheirOwn(t *testing.T) {
	for _, lines := range [][]string{
		{"NLN NLN bob@example.com Builder", "REA 9 258 bob@example.com Bob@example.com"},
		{"REA 9 258 bob@example.com bob@example.com", "NLN NLN bob@example.com Builder"},
	} {
		b, _ := feed(t, 7, append([]string{"SYN 5 1", "LST 5 FL 1 1 1 bob@example.com Bobby 0", "LST 5 RL 1 0 0"}, lines...)...)
		if bob := b.find("bob@example.com"); bob == nil || bob.Name != "Builder" {
			t.Errorf("after %q: %+v", lines, bob)
		}
	}
	b, _ := feed(t, 7, "SYN 5 1", "LST 5 FL 1 1 1 bob@example.com Bobby 0", "LST 5 RL 1 0 0", "REA 9 258 bob@example.com bob@example.com")
	if bob := b.find("bob@example.com"); bob.Name != "bob@example.com" {
		t.Errorf("while nothing is known of them: %+v", bob)
	}
}
