package msn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/wire"
)

const (
	homeGUID = "{aaaaaaaa-0001-4001-8001-000000000001}"
	workGUID = "{aaaaaaaa-0002-4002-8002-000000000002}"
)

// placesData is a UBX about the user who is signed in here, at home and more.
func placesData(more string) string {
	return `<Data><PSM></PSM></Data>` +
		`<EndpointData id="` + fakeGUID + `"><Capabilities>1:0</Capabilities></EndpointData>` +
		`<EndpointData id="` + strings.ToUpper(homeGUID) + `"><Capabilities>1:0</Capabilities></EndpointData>` +
		`<PrivateEndpointData id="` + homeGUID + `"><EpName>Home &amp; garden</EpName><Idle>true</Idle><ClientType>3</ClientType><State>AWY</State></PrivateEndpointData>` + more
}

// ownUBX is a UBX about the user.
func ownUBX(d wire.Dialect, payload string) string {
	who := "alice@example.com 1"
	if d >= wire.FirstPrefixed {
		who = "1:alice@example.com"
	}
	return fmt.Sprintf("UBX %s %d\r\n%s", who, len(payload), payload)
}

// placeDialects are those in which an account can be at several places.
var placeDialects = []wire.Dialect{16, 17, 18}

func TestPlacesAreTold(t *testing.T) {
	for _, d := range placeDialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			client, _, ns := webIn(t, d, nil)
			ns.send(ownUBX(d, placesData("")), ownUBX(d, placesData("")), ownUBX(d, ""), ownUBX(d, "<!DOCTYPE x>"), ownUBX(d, "<a><b"))
			want := []Endpoint{{ID: fakeGUID, Status: Online, Kind: EndpointComputer, Here: true},
				{ID: homeGUID, Name: "Home & garden", Status: Away, Idle: true, Kind: EndpointMobile}}
			if e := waitFor[EndpointsChanged](t, client); !slices.Equal(e.Endpoints, want) {
				t.Errorf("places %+v, want %+v", e.Endpoints, want)
			}
			if got := client.Endpoints(); !slices.Equal(got, want) {
				t.Errorf("places %+v, want %+v", got, want)
			}
			expectNothingMore(t, client, ns) // the same again and nonsense are no news
			ns.send(ownUBX(d, `<EndpointData id="`+fakeGUID+`"></EndpointData>`))
			if e := waitFor[EndpointsChanged](t, client); len(e.Endpoints) != 1 || !e.Endpoints[0].Here {
				t.Errorf("places %+v", e.Endpoints)
			}
		})
	}
}

func TestPlaceIsSignedOut(t *testing.T) {
	for _, d := range placeDialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			client, _, ns := webIn(t, d, nil)
			ns.send(ownUBX(d, placesData("")))
			waitFor[EndpointsChanged](t, client)
			done := make(chan error, 1)
			go func() { done <- client.SignOutEndpoint(t.Context(), homeGUID) }()
			cmd := ns.expect("UUN " + firstTrID(d) + " alice@example.com;" + homeGUID + " 4")
			if cmd.Payload != "goawyplzthxbye" {
				t.Errorf("payload %q", cmd.Payload)
			}
			ns.send("UUN " + firstTrID(d) + " OK")
			if err := waitError(t, done); err != nil {
				t.Error(err)
			}
			for _, id := range []string{"", fakeGUID, workGUID, "x\r\nOUT"} {
				if err := client.SignOutEndpoint(t.Context(), id); !errors.Is(err, ErrArgument) {
					t.Errorf("%q: %v", id, err)
				}
			}
			ns.barrier()
		})
	}
	client, ns := signedIn(t, newFakeNet(t), 15)
	if err := client.SignOutEndpoint(t.Context(), homeGUID); !errors.Is(err, ErrDialect) {
		t.Errorf("in MSNP15: %v", err)
	}
	ns.barrier()
}

func TestPlaceIsSignedOutByAnother(t *testing.T) {
	for _, payload := range []string{"goawyplzthxbye", "gtfo", "goawyplzthxbye\r\n"} {
		client, _, ns := webIn(t, 18, nil)
		for _, line := range []string{"UBN bob@example.com 4", "UBN alice@example.com 1", "UBN"} {
			ns.send(fmt.Sprintf("%s %d\r\n%s", line, len(payload), payload)) // nobody's right
		}
		ns.send("UBN alice@example.com;" + homeGUID + " 4 5\r\nhello")
		ns.barrier()
		ns.send(fmt.Sprintf("UBN alice@example.com;%s 4 %d\r\n%s", homeGUID, len(payload), payload))
		for {
			if e, over := nextEvent(t, client).(Disconnected); over {
				var out *OutError
				if !errors.As(e.Err, &out) || !out.SignedInElsewhere() {
					t.Errorf("ended by %v", e.Err)
				}
				break
			}
		}
	}
}

// joins sends JOI of an account's places and of itself.
func (f *fakeConn) joins(account string, places ...string) {
	f.t.Helper()
	for i, place := range places {
		f.send("JOI " + account + ";" + place + " Name 1:0")
		if i == 0 {
			f.send("JOI " + account + " Name 1:0")
		}
	}
}

func TestPeopleAreCountedOnceWhateverTheirPlaces(t *testing.T) {
	for _, d := range placeDialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			client, ns := signedIn(t, n, d)
			ns.send("RNG 1 " + fakeSB + " CKI 2 bob@example.com Bob U messenger.msn.com 1")
			sb := n.accept(fakeSB)
			sb.expect("ANS 1 alice@example.com;" + fakeGUID + " 2 1")
			sb.send("IRO 1 1 2 bob@example.com;"+homeGUID+" Bob 1:0", "IRO 1 2 2 bob@example.com Bob 1:0", "ANS 1 OK")
			sb.joins("alice@example.com", workGUID) // the user's other place
			sb.joins("bob@example.com", workGUID)
			if e := waitFor[ParticipantJoined](t, client); e.Account != "bob@example.com" {
				t.Errorf("joined %+v", e)
			}
			sb.send("BYE bob@example.com;" + homeGUID)
			sb.sendMessage("bob@example.com", "Bob", textPayload("still here"))
			// Nobody has left: the text comes next.
			if e, ok := nextEvent(t, client).(TextReceived); !ok || e.Text != "still here" || e.Others != nil {
				t.Errorf("event %+v", e)
			}
			sb.send("BYE bob@example.com;"+workGUID, "BYE bob@example.com")
			if e, ok := nextEvent(t, client).(ParticipantLeft); !ok || e.Account != "bob@example.com" {
				t.Errorf("event %+v", e)
			}
			if lines := sb.expectEnd(); !slices.Equal(lines, []string{"OUT"}) {
				t.Errorf("leaving, the client sent %q", lines)
			}
			expectNothingMore(t, client, ns)
		})
	}
}

func TestTextOfAnotherPlaceIsToldAsSent(t *testing.T) {
	for _, d := range placeDialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			client, ns := signedIn(t, n, d)
			// The user's other place calls bob, and this one with him.
			ns.send("RNG 1 " + fakeSB + " CKI 2 alice@example.com Alice U messenger.msn.com 1")
			sb := n.accept(fakeSB)
			sb.expect("ANS 1 alice@example.com;" + fakeGUID + " 2 1")
			sb.send("IRO 1 1 2 alice@example.com;"+homeGUID+" Alice 1:0", "IRO 1 2 2 alice@example.com Alice 1:0", "ANS 1 OK")
			sb.joins("bob@example.com", workGUID)
			if e := waitFor[ParticipantJoined](t, client); e.Account != "bob@example.com" || e.Conversation.Peer() != "bob@example.com" {
				t.Errorf("joined %+v in %v", e, e.Conversation)
			}
			sb.sendMessage("alice@example.com", "Alice", textPayload("from home"))
			if e := waitFor[TextSent](t, client); e.Text != "from home" || e.Conversation.Peer() != "bob@example.com" || e.Seq != 1 {
				t.Errorf("event %+v", e)
			}
			sb.sendMessage("bob@example.com", "Bob", textPayload("hello"))
			if e := waitFor[TextReceived](t, client); e.From != "bob@example.com" || e.Conversation.Peer() != "bob@example.com" {
				t.Errorf("event %+v", e)
			}
			// What is said here goes into the same session.
			sent := goSend(t, client.Conversation("bob@example.com"), "from here")
			sb.expect("MSG 2 A")
			sb.send("ACK 2")
			if err := waitError(t, sent); err != nil {
				t.Error(err)
			}
			expectNothingMore(t, client, ns)
		})
	}
}

func TestOwnCallRingsTheOtherPlacesToo(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 18)
	ns.send(ownUBX(18, placesData("")))
	waitFor[EndpointsChanged](t, client)
	ns.send("NLN NLN 1:bob@example.com Bob 0:0") // so that there will be a conversation
	waitFor[PresenceChanged](t, client)
	sent := goSend(t, client.Conversation("bob@example.com"), "hello")
	ns.expect("XFR 11 SB")
	ns.send("XFR 11 SB " + fakeSB + " CKI t U messenger.msn.com 1")
	sb := n.accept(fakeSB)
	sb.expect("USR 1 alice@example.com;" + fakeGUID + " t")
	sb.send("USR 1 OK alice@example.com;" + fakeGUID + " Alice")
	sb.expect("CAL 2 alice@example.com")
	sb.expect("CAL 3 bob@example.com")
	sb.send("217 2") // nobody else is there after all: no matter
	sb.joins("bob@example.com", workGUID)
	sb.expect("MSG 4 A")
	sb.send("ACK 4")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

// A call of the user's own in which nobody joins is left, without a word.
func TestOwnCallThatNobodyJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 18, func(c *Config) { c.Timeouts.IdleClose = 10 * time.Second })
		ns.send("RNG 1 " + fakeSB + " CKI 2 alice@example.com Alice")
		sb := n.accept(fakeSB)
		sb.expect("ANS 1 alice@example.com;" + fakeGUID + " 2 1")
		sb.send("IRO 1 1 1 alice@example.com Alice 1:0", "ANS 1 OK")
		if lines := sb.expectEnd(); !slices.Equal(lines, []string{"OUT"}) {
			t.Errorf("the client sent %q", lines)
		}
		expectNothingMore(t, client, ns)
	})
}
