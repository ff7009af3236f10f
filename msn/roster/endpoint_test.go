package roster

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

const (
	hereGUID = "{aaaaaaaa-0000-4000-8000-000000000000}"
	homeGUID = "{aaaaaaaa-0001-4001-8001-000000000001}"
)

// endpointData is a UBX about the user who is signed in here and at home.
const endpointData = `<Data><PSM></PSM></Data>` +
	`<EndpointData id="` + hereGUID + `"><Capabilities>1:0</Capabilities></EndpointData>` +
	`<EndpointData id="{AAAAAAAA-0001-4001-8001-000000000001}"><Capabilities>1:0</Capabilities></EndpointData>` +
	`<PrivateEndpointData id="` + homeGUID + `"><EpName>Home &amp; garden</EpName><Idle>true</Idle><ClientType>3</ClientType><State>AWY</State></PrivateEndpointData>`

func TestOwnEndpoints(t *testing.T) {
	t.Parallel()
	for d, who := range map[wire.Dialect][]string{16: {"alice@example.com", "1"}, 17: {"alice@example.com", "1"}, 18: {"1:alice@example.com"}} {
		b := New(d, "Alice@Example.com", strings.ToUpper(hereGUID))
		tell := func(payload string) []event.Event { return b.Apply(wire.New("UBX", who...).WithPayload(payload)) }
		want := []Endpoint{{ID: hereGUID, Status: Online, Kind: EndpointComputer, Here: true},
			{ID: homeGUID, Name: "Home & garden", Status: Away, Idle: true, Kind: EndpointMobile}}
		if events := tell(endpointData); !reflect.DeepEqual(events, []event.Event{EndpointsChanged{Endpoints: want}}) {
			t.Errorf("%v: events %+v, want %+v", d, events, want)
		}
		for _, same := range []string{endpointData, "", "<!DOCTYPE x>", "<a><b"} {
			if events := tell(same); len(events) != 0 {
				t.Errorf("%v: %q makes %+v", d, same, events)
			}
		}
		if !slices.Equal(b.Endpoints(), want) || b.EndpointCount("alice@example.com") != 2 {
			t.Errorf("%v: endpoints %+v", d, b.Endpoints())
		}
		if events := tell(`<EndpointData id="` + hereGUID + `"></EndpointData>`); len(events) != 1 || b.EndpointCount("alice@example.com") != 1 {
			t.Errorf("%v: events %+v", d, events)
		}
	}
}

func TestEndpointsOfContactsAreCounted(t *testing.T) {
	t.Parallel()
	b := New(18, "alice@example.com", hereGUID)
	for _, test := range []struct {
		cmd  wire.Command
		want int
	}{
		{wire.New("UBX", "1:bob@example.com").WithPayload(endpointData), 2},
		{wire.New("UBX", "1:bob@example.com").WithPayload(`<EndpointData id="` + hereGUID + `"/>`), 0},
		{wire.New("UBX", "1:bob@example.com").WithPayload(endpointData), 2},
		{wire.New("FLN", "1:bob@example.com"), 0},
	} {
		b.Apply(test.cmd)
		if got := b.EndpointCount("bob@example.com"); got != test.want {
			t.Errorf("%v: %d endpoints, want %d", test.cmd, got, test.want)
		}
	}
}

// Which headers an endpoint of a contact understands is told by it, and where it is not, by the
// contact.
func TestEndpointsThatSpeakLater(t *testing.T) {
	t.Parallel()
	b := New(18, "alice@example.com", hereGUID)
	places := func(here, home string) wire.Command {
		return wire.New("UBX", "1:bob@example.com").WithPayload(`<EndpointData id="` + hereGUID + `"><Capabilities>` + here + `</Capabilities></EndpointData>` +
			`<EndpointData id="` + homeGUID + `"><Capabilities>` + home + `</Capabilities></EndpointData>`)
	}
	online := func(caps string) wire.Command { return wire.New("NLN", "NLN", "1:bob@example.com", "Bob", caps) }
	for _, test := range []struct {
		cmd               wire.Command
		here, home, other bool
	}{
		{online("1:48"), true, true, true},
		{online("1:16"), false, false, false},
		{online("2416181284:00"), false, false, false}, // as libpurple has it
		{online("2788999228:48"), true, true, true},
		{places("2788999228:48", "2416181284:00"), true, false, false},
		{online("1:0"), true, false, false}, // who tells of the endpoints tells it of each
		{places("1:0", "1:4294967295"), false, true, false},
		{places("1:-1", "1:0x20"), false, false, false},
		{places("32", "x:32:32"), false, false, false},
		{wire.New("UBX", "1:bob@example.com").WithPayload("<Data></Data>"), false, false, false},
		{online("1:32"), true, true, true},
		{wire.New("FLN", "1:bob@example.com", "0:0"), false, false, false},
	} {
		b.Apply(test.cmd)
		here, home, other := b.SpeaksLater("bob@example.com", hereGUID), b.SpeaksLater("bob@example.com", homeGUID), b.SpeaksLater("bob@example.com", "")
		if here != test.here || home != test.home || other != test.other {
			t.Errorf("%v %s: %t, %t, %t", test.cmd, test.cmd.Payload, here, home, other)
		}
	}
	if b.SpeaksLater("carol@example.com", "") {
		t.Error("somebody who is not known does")
	}
}

// What a circle says of its members is told apart from what contacts say.
func TestWhatCirclesSayOfTheirMembers(t *testing.T) {
	t.Parallel()
	b := New(18, "alice@example.com", hereGUID)
	const via = ";via=9:00000000-0000-0000-0009-1@live.com"
	lines := []wire.Command{
		wire.New("NLN", "NLN", "1:Bob@example.com"+via, "Bob%20B", "12:48"),
		wire.New("FLN", "1:bob@example.com"+via, "0:0"),
		wire.New("NLN", "NLN", "1:alice@example.com"+via, "Alice", "12:48"),
		wire.New("NLN", "NLN", "1:"+via, "Nobody", "12:48"),
		wire.New("UBX", "1:bob@example.com"+via).WithPayload("<PSM>x</PSM>"),
	}
	for _, line := range lines {
		if events := b.Apply(line); len(events) != 0 {
			t.Errorf("%v makes %+v", line, events)
		}
	}
	var told []Via
	b.OnVia(func(v Via) []event.Event {
		told = append(told, v)
		return []event.Event{ContactChanged{}}
	})
	for _, line := range lines {
		b.Apply(line)
	}
	circle := wire.Address{Network: 9, Account: "00000000-0000-0000-0009-1@live.com"}
	want := []Via{{Address: circle, Account: "bob@example.com", Name: "Bob B", Online: true}, {Address: circle, Account: "bob@example.com"}}
	if !reflect.DeepEqual(told, want) || b.Len() != 0 {
		t.Errorf("told %+v, want %+v", told, want)
	}
}

// FuzzEndpoints reads whatever stands in a UBX about the user.
func FuzzEndpoints(f *testing.F) {
	f.Add(endpointData)
	f.Add("<EndpointData id=\"" + homeGUID + "\">" + strings.Repeat("<a>", 100))
	f.Add("<PrivateEndpointData id='" + homeGUID + "'><EpName>a & b \x01</EpName><State>HUH</State></PrivateEndpointData><ClientType>9</ClientType>")
	many := ""
	for i := range 2 * maxEndpoints {
		many += fmt.Sprintf(`<EndpointData id="{aaaaaaaa-0001-4001-8001-%012d}"/>`, i)
	}
	f.Add(many)
	f.Fuzz(func(t *testing.T, payload string) {
		b := New(18, "alice@example.com", hereGUID)
		b.Apply(wire.New("UBX", "1:alice@example.com").WithPayload(payload))
		checkEndpoints(t, b)
	})
}

// checkEndpoints checks that the endpoints are within the limits.
func checkEndpoints(t *testing.T, b *Book) {
	t.Helper()
	if len(b.endpoints) > maxEndpoints {
		t.Errorf("%d endpoints", len(b.endpoints))
	}
	for _, e := range b.endpoints {
		if !clean.IsGUID(e.ID) || len(e.Name) > MaxEndpointName || e.Status == "" || e.Here != (e.ID == b.endpoint) {
			t.Errorf("endpoint %+v", e)
		}
	}
}
