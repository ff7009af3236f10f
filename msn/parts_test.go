package msn

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"matrix-msn/msn/internal/longtext"
	"matrix-msn/msn/wire"
)

// A text in several messages is not sent again where a part may have arrived, and
// the error says how far it came.
func TestPartsAreNotSentTwice(t *testing.T) {
	text := strings.Repeat("x", 3*longtext.MaxBody)
	for _, test := range []struct {
		name string
		caps string // of bob; 1073741856 joins parts
		end  []string
		want PartsError
		kind error
	}{
		{"the connection ends", "0", []string{"ACK 2"}, PartsError{Parts: 3, Acknowledged: 1, Uncertain: 2, First: longtext.MaxBody}, ErrUncertain},
		{"the connection ends, parts are joined", "1073741856", []string{"ACK 2"}, PartsError{Parts: 3, Acknowledged: 1, Uncertain: 2, First: longtext.MaxBody, Joined: true}, ErrUncertain},
		{"NAK", "0", []string{"ACK 2", "NAK 3"}, PartsError{Parts: 3, Acknowledged: 1, Uncertain: 1, First: longtext.MaxBody}, ErrNotDelivered},
		{"NAK of the last", "0", []string{"ACK 2", "ACK 3", "NAK 4"}, PartsError{Parts: 3, Acknowledged: 2, First: 2 * longtext.MaxBody}, ErrNotDelivered},
		{"OUT", "0", []string{"OUT"}, PartsError{Parts: 3, Uncertain: 3}, ErrUncertain},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			client, ns := signedIn(t, n, 12)
			ns.send("NLN NLN bob@example.com Bob " + test.caps)
			waitFor[PresenceChanged](t, client)
			sb := n.ring(ns, "bob@example.com")
			waitFor[ParticipantJoined](t, client)
			sent := goSend(t, client.Conversation("bob@example.com"), text)
			for i := range test.want.Parts {
				sb.expect(fmt.Sprintf("MSG %d A", i+2))
			}
			sb.send(test.end...)
			sb.close()
			err := waitError(t, sent)
			var parts *PartsError
			if !errors.As(err, &parts) || !errors.Is(err, test.kind) {
				t.Fatalf("error %v", err)
			}
			got := *parts
			got.Reason = nil
			if test.want.Characters = 3 * longtext.MaxBody; got != test.want {
				t.Errorf("error %+v", got)
			}
			if errors.Is(err, ErrUncertain) != (parts.Uncertain > 0) {
				t.Errorf("error %v", err)
			}
			ns.barrier() // no session is asked for
		})
	}
	t.Run("the contact leaves", func(t *testing.T) {
		t.Parallel()
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		sb := n.ring(ns, "bob@example.com")
		waitFor[ParticipantJoined](t, client)
		cv := client.Conversation("bob@example.com")
		sent := goSend(t, cv, text)
		parts := make(map[string]string)
		for range 3 {
			cmd := sb.read()
			parts[cmd.Arg(0)] = cmd.Payload
		}
		queued(cv)
		next := goSend(t, cv, "next")
		sb.expect("MSG 5 A")
		sb.send("ACK 2", "BYE bob@example.com", "NAK 3")
		other := n.switchboard(ns, "7")
		// What is unanswered may still come back: nothing may overtake it.
		ns.barrier()
		sb.send("NAK 4", "NAK 5")
		for i, want := range []string{parts["3"], parts["4"]} {
			if cmd := other.expect(fmt.Sprintf("MSG %d A", i+3)); cmd.Payload != want {
				t.Errorf("sent %q, want %q", cmd.Payload, want)
			}
		}
		if cmd := other.expect("MSG 5 A"); wire.ParseMessage(cmd.Payload).Body != "next" {
			t.Errorf("sent %q", cmd.Payload)
		}
		other.send("ACK 3", "ACK 4", "ACK 5")
		for _, result := range []<-chan error{sent, next} {
			if err := waitError(t, result); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("the contact leaves, parts are joined", func(t *testing.T) {
		t.Parallel()
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 12)
		ns.send("NLN NLN bob@example.com Bob 1073741856")
		waitFor[PresenceChanged](t, client)
		sb := n.ring(ns, "bob@example.com")
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, client.Conversation("bob@example.com"), text)
		for range 3 {
			sb.read()
		}
		sb.send("ACK 2", "BYE bob@example.com", "NAK 3", "NAK 4")
		n.switchboard(ns, "7")
		err := waitError(t, sent)
		var parts *PartsError
		if !errors.As(err, &parts) || parts.Acknowledged != 1 || parts.Uncertain != 0 || !errors.Is(err, ErrNotDelivered) {
			t.Errorf("error %v", err)
		}
	})
}

func TestChunksAreOnlySentToThoseWhoJoinThem(t *testing.T) {
	for _, test := range []struct {
		d    wire.Dialect
		caps string
		want bool
	}{{11, "1073741856", true}, {12, "32", true}, {11, "1073741824", false}, {10, "1073741856", false}, {11, "0", false}} {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, test.d)
		ns.send("NLN NLN bob@example.com Bob " + test.caps)
		waitFor[PresenceChanged](t, client)
		sb := n.ring(ns, "bob@example.com")
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, client.Conversation("bob@example.com"), strings.Repeat("long ", 400))
		for range 2 {
			cmd := sb.read()
			if got := strings.Contains(cmd.Payload, "Message-ID: "); got != test.want {
				t.Errorf("%v with %s: chunked %v", test.d, test.caps, got)
			}
			sb.send("ACK " + cmd.Arg(0))
		}
		if err := waitError(t, sent); err != nil {
			t.Error(err)
		}
	}
}
