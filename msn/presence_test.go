package msn

import (
	"reflect"
	"strings"
	"testing"

	"matrix-msn/msn/wire"
)

// Presence as it is told in each of the later dialects (protocol/03-presence.md,
// section 3).
func TestPresenceShapes(t *testing.T) {
	bob := func(status Status, network int, name string, caps uint32, object string) *Contact {
		return &Contact{Account: "bob@example.com", Status: status, Network: network, Name: name, Capabilities: caps, Object: object}
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
		{16, "NLN LUN bob@example.com 1 Bob 12:48 0", bob(OutToLunch, 1, "Bob", 12, "")},
		{16, "FLN bob@example.com 1 0:0", bob(Offline, 0, "", 0, "")},
		{16, "NLN NLN alice@example.com 1 Alice 12:48 0", nil},
		{16, "FLN alice@example.com 1", nil},
		{18, "NLN NLN 1:bob@example.com Bob 12:48 0", bob(Online, 1, "Bob", 12, "")},
		{18, "NLN PHN 32:bob@example.com Bob 12:48 0 http://icon", bob(OnThePhone, 32, "Bob", 12, "")},
		{18, "NLN NLN 1:bob@example.com;via=9:0-0-0-9-1@live.com Bob 12:48", nil},
		{18, "FLN 1:bob@example.com;via=9:0-0-0-9-1@live.com 0:0", nil},
		{18, "FLN 1:bob@example.com 0:0", bob(Offline, 0, "", 0, "")},
		{18, "NLN HDN 1:alice@example.com Alice 12:48 0", nil},
		{18, "NLN NLN 1:", nil},
		{18, "NLN NLN", nil},
	} {
		t.Run(test.d.String()+" "+test.line, func(t *testing.T) {
			b := newBook()
			b.self, b.dialect = "alice@example.com", test.d
			cmd, err := wire.NewReader(strings.NewReader(test.line+"\r\n"), wire.FromServer).Read()
			if err != nil {
				t.Fatal(err)
			}
			events := b.offline
			if cmd.Verb != "FLN" {
				events = b.online
			}
			got := events(cmd)
			if test.want == nil {
				if len(got) != 0 || b.find("alice@example.com") != nil {
					t.Errorf("events %+v", got)
				}
				return
			}
			want := []Event{PresenceChanged{Contact: *test.want, Initial: cmd.Verb == "ILN"}}
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
		b := newBook()
		b.self, b.dialect = "alice@example.com", test.d
		events := b.personal(wire.New("UBX", strings.Split(test.who, " ")...).WithPayload(data))
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
	b := newBook()
	b.self, b.dialect, b.ownName = "alice@example.com", 18, "Alice"
	b.online(wire.New("NLN", "NLN", "1:alice@example.com", "Alice%20New", "1:0"))
	if b.ownName != "Alice New" {
		t.Errorf("the name is %q", b.ownName)
	}
	b.online(wire.New("NLN", "NLN", "1:alice@example.com;via=9:x@live.com", "Else", "1:0"))
	if b.ownName != "Alice New" {
		t.Errorf("a circle makes it %q", b.ownName)
	}
}
