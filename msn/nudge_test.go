package msn

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/wire"
)

// goNudge calls SendNudge in the background.
func goNudge(t testing.TB, cv *Conversation) <-chan error {
	result := make(chan error, 1)
	go func() { result <- cv.SendNudge(t.Context()) }()
	return result
}

const nudge = "MIME-Version: 1.0\r\nContent-Type: text/x-msnmsgr-datacast\r\n\r\nID: 1\r\n\r\n"

// A nudge calls the contact as a text would, and stands in line with the texts.
func TestNudgesAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 12, longPing)
		cv := client.Conversation("bob@example.com")
		nudged := goNudge(t, cv)
		synctest.Wait()
		text := goSend(t, cv, "behind it")
		sb := n.switchboard(ns, afterChat)
		if cmd := sb.expect("MSG 3 A"); cmd.Payload != nudge || len(cmd.Payload) != 69 {
			t.Errorf("nudge %q", cmd.Payload)
		}
		if cmd := sb.expect("MSG 4 A"); wire.ParseMessage(cmd.Payload).Text() != "behind it" {
			t.Errorf("text %q", cmd.Payload)
		}
		// Two at once are one.
		if err := waitError(t, goNudge(t, cv)); !errors.Is(err, ErrTooFast) {
			t.Errorf("two at once: %v", err)
		}
		sb.send("ACK 3", "ACK 4")
		if err := errors.Join(waitError(t, nudged), waitError(t, text)); err != nil {
			t.Error(err)
		}
		// Another one a while later, and one to somebody else at once.
		time.Sleep(NudgeEvery - time.Second)
		if err := waitError(t, goNudge(t, cv)); !errors.Is(err, ErrTooFast) {
			t.Errorf("too early: %v", err)
		}
		other := goNudge(t, client.Conversation("carol@example.com"))
		ns.expect("XFR 8 SB")
		ns.send("XFR 8 SB " + fakeSB + " CKI t")
		board := n.accept(fakeSB)
		board.expect("USR 1 alice@example.com t")
		board.send("USR 1 OK alice@example.com A")
		board.expect("CAL 2 carol@example.com")
		board.send("217 2")
		if err := waitError(t, other); !errors.Is(err, ErrOffline) {
			t.Errorf("to somebody who is offline: %v", err)
		}
		time.Sleep(time.Second)
		nudged = goNudge(t, cv)
		sb.expect("MSG 5 A")
		sb.send("NAK 5")
		if err := waitError(t, nudged); !errors.Is(err, ErrNotDelivered) {
			t.Errorf("not delivered: %v", err)
		}
		// One that failed is none.
		nudged = goNudge(t, cv)
		sb.expect("MSG 6 A")
		sb.close()
		if err := waitError(t, nudged); !errors.Is(err, ErrUncertain) {
			t.Errorf("lost: %v", err)
		}
		// This one may have arrived.
		if err := waitError(t, goNudge(t, cv)); !errors.Is(err, ErrTooFast) {
			t.Errorf("after an uncertain one: %v", err)
		}
	})
}

// A nudge that fails late takes back its own time, and not that of another one which was taken since.
func TestNudgeThatFailsLeavesTheTimeOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 12, longPing, func(c *Config) { c.Timeouts.Request = time.Hour })
		cv := client.Conversation("bob@example.com")
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { first <- cv.SendNudge(ctx) }()
		ns.expect("XFR 7 SB") // and is not answered
		time.Sleep(NudgeEvery)
		second := goNudge(t, cv)
		synctest.Wait()
		cancel()
		if err := waitError(t, first); !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
		if err := waitError(t, goNudge(t, cv)); !errors.Is(err, ErrTooFast) {
			t.Errorf("right after the second: %v", err)
		}
		cv.Close()
		if err := waitError(t, second); !errors.Is(err, ErrClosed) {
			t.Errorf("the second: %v", err)
		}
		quit(client, ns)
	})
}

func TestNudgesNeedMSNP11(t *testing.T) {
	for _, d := range []wire.Dialect{2, 7, 9, 10} {
		client, ns := signedIn(t, newFakeNet(t), d)
		if err := client.Conversation("bob@example.com").SendNudge(t.Context()); !errors.Is(err, ErrDialect) {
			t.Errorf("%v: %v", d, err)
		}
		if d >= wire.FirstChallenges {
			ns.barrier() // nothing was sent
		}
	}
	n := newFakeNet(t)
	client, _ := signedIn(t, n, 11)
	if err := client.Conversation("").SendNudge(t.Context()); !errors.Is(err, ErrNoSuchContact) {
		t.Errorf("to nobody: %v", err)
	}
}

// Clients write the same nudge in 67, 69 and 71 bytes.
func TestDatacastsAreRead(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 12)
	sb := n.ring(ns, "bob@example.com")
	waitFor[ParticipantJoined](t, client)
	const head = "MIME-Version: 1.0\r\nContent-Type: text/x-msnmsgr-datacast\r\n\r\n"
	say := func(body string) { sb.sendMessage("bob@example.com", "Bob", head+body) }
	bodies := []string{"ID: 1\r\n", "ID: 1\r\n\r\n", "ID: 1\r\n\r\n\r\n", "id:1", "X: y\r\nID: 1\r\n\r\n"}
	for i, body := range bodies {
		say(body)
		if e, ok := nextEvent(t, client).(NudgeReceived); !ok || e.From != "bob@example.com" || e.Seq != i+1 || e.Conversation.Peer() != "bob@example.com" || e.At.IsZero() {
			t.Errorf("%q: %+v", body, e)
		}
	}
	say("ID: 2\r\nData: <msnobj Creator=\"bob@example.com\" Size=\"1\" Type=\"8\" Location=\"a\" Friendly=\"AAA=\" SHA1D=\"x\"/>\r\n\r\n")
	if e, ok := nextEvent(t, client).(WinkReceived); !ok || e.From != "bob@example.com" {
		t.Errorf("wink %+v", e)
	}
	say("ID: 3\r\nData: <msnobj Type=\"11\"/>\r\n\r\n")
	if e, ok := nextEvent(t, client).(VoiceClipReceived); !ok || e.From != "bob@example.com" {
		t.Errorf("voice clip %+v", e)
	}
	say("ID: 4\r\nData: Bob plays: Solitaire Ω\r\n\r\n")
	if e, ok := nextEvent(t, client).(ActionReceived); !ok || e.Text != "Bob plays: Solitaire Ω" {
		t.Errorf("action %+v", e)
	}
	// These are none.
	for _, body := range []string{"", "ID: 10\r\n\r\n", "ID: \r\n\r\n", "\x00\xff"} {
		say(body)
		if e, ok := nextEvent(t, client).(OtherReceived); !ok {
			t.Errorf("%q: %+v", body, e)
		}
	}
	say("ID: 4\r\nData: \r\n\r\n")
	sb.sendMessage("bob@example.com", "Bob", textPayload("done"))
	if e, ok := nextEvent(t, client).(TextReceived); !ok || e.Text != "done" {
		t.Errorf("an action without a text is %+v", e)
	}
}

// Other networks and circles are nudged without a switchboard.
func TestNudgesWithoutASwitchboard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, ns := webIn(t, 15, yahoo, longPing)
		nudged := goNudge(t, client.Conversation("frank@yahoo.example"))
		if cmd := ns.read(); cmd.Verb != "UUM" || cmd.Arg(1) != "frank@yahoo.example" || cmd.Arg(2) != "32" || cmd.Arg(3) != "3" || cmd.Payload != nudge {
			t.Errorf("sent %v", cmd)
		}
		if err := waitError(t, nudged); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		client, _, ns := circleIn(t, longPing)
		nudged := goNudge(t, client.CircleChat(circleAddress))
		cmd := ns.expect("SDG 14")
		said, _ := wire.ParseRouted(cmd.Payload)
		if said.Content.Get("Message-Type") != "Nudge" || said.Body != "ID: 1\r\n\r\n" {
			t.Errorf("sent %q", cmd.Payload)
		}
		ns.send("201 14")
		if err := waitError(t, nudged); !errors.Is(err, ErrCircle) {
			t.Errorf("error %v", err)
		}
	})
}
