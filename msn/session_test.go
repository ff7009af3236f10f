package msn

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/wire"
)

func TestBadTicketGetsAnotherOne(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sent := goSend(t, client.Conversation("bob@example.com"), "x")
	ns.expect("XFR 7 SB")
	ns.send("XFR 7 SB " + fakeSB + " CKI old")
	sb := n.accept(fakeSB)
	sb.read()
	sb.send("911 1")
	sb = n.switchboard(ns, "8")
	sb.expect("MSG 3 A")
	sb.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

func TestSimultaneousCalls(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	cv := client.Conversation("bob@example.com")
	sent := goSend(t, cv, "one")
	ns.expect("XFR 7 SB")
	ns.send("XFR 7 SB " + fakeSB + " CKI t")
	out := n.accept(fakeSB)
	out.read()
	out.send("USR 1 OK alice@example.com A")
	out.expect("CAL 2 bob@example.com")
	out.send("CAL 2 RINGING 1")
	in := n.ring(ns, "bob@example.com")
	in.expect("MSG 2 A") // it does not wait for the other session
	in.send("ACK 2")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
	out.send("JOI bob@example.com Bob")
	waitFor[ParticipantJoined](t, client)
	waitFor[ParticipantJoined](t, client)
	sent = goSend(t, cv, "two")
	out.expect("MSG 3 A") // the newest is written to
	out.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
	for i, sb := range []*fakeConn{in, out} { // both are read
		sb.sendMessage("bob@example.com", "Bob", textPayload(fmt.Sprint(i)))
		if text := waitFor[TextReceived](t, client); text.Text != fmt.Sprint(i) || text.Conversation != cv {
			t.Errorf("text %+v", text)
		}
	}
	out.send("BYE bob@example.com")
	if left := out.expectEnd(); len(left) != 1 || left[0] != "OUT" {
		t.Errorf("after BYE the client sent %q", left)
	}
	sent = goSend(t, cv, "three")
	in.expect("MSG 3 A")
	in.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

func TestCallFailsWhileTheContactCalls(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sent := goSend(t, client.Conversation("bob@example.com"), "one")
	ns.expect("XFR 7 SB")
	ns.send("RNG 4242 " + fakeSB + " CKI 99 bob@example.com Bob")
	sb := n.accept(fakeSB)
	sb.expect("ANS 1 alice@example.com 99 4242")
	ns.send("800 7")
	ns.barrier()
	sb.send("IRO 1 1 1 bob@example.com Bob", "ANS 1 OK")
	sb.expect("MSG 2 A")
	sb.send("ACK 2")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

func TestNothingGoesToThirdPersons(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns, "bob@example.com", "carol@example.com")
	sb.sendMessage("carol@example.com", "Carol", textPayload("hi all"))
	text := waitFor[TextReceived](t, client)
	if text.From != "carol@example.com" || len(text.Others) != 1 || text.Others[0] != "bob@example.com" {
		t.Errorf("text %+v", text)
	}
	if text.Conversation.Group() == "" {
		t.Error("several people are no group chat")
	}
	bob := client.Conversation("bob@example.com")
	sent := goSend(t, bob, "for bob only")
	alone := n.switchboard(ns, "7")
	alone.expect("MSG 3 A")
	alone.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
	if err := bob.SendTyping(t.Context()); err != nil {
		t.Error(err)
	}
	alone.expect("MSG 4 U")
	alone.send("JOI carol@example.com Carol")
	waitFor[ParticipantJoined](t, client) // bob
	waitFor[ParticipantJoined](t, client)
	sent = goSend(t, bob, "bob only, again")
	third := n.switchboard(ns, "8")
	third.expect("MSG 3 A")
	third.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

// queued waits until the text that is sent next was handed to a transport.
func queued(cv *Conversation) {
	for waiting, sent := 0, 0; waiting != 0 || sent != 1; {
		waiting, sent = cv.Unsettled()
	}
}

func TestSessionIsOpenedAgain(t *testing.T) {
	open := func(t *testing.T) (*fakeNet, *Client, *fakeConn, *fakeConn, *Conversation) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		return n, client, ns, n.ring(ns, "bob@example.com"), client.Conversation("bob@example.com")
	}
	again := func(t *testing.T, n *fakeNet, ns *fakeConn, sent <-chan error, want string) {
		t.Helper()
		sb := n.switchboard(ns, "7")
		msg := sb.expect("MSG 3 A")
		if body := wire.ParseMessage(msg.Payload).Body; body != want {
			t.Errorf("sent %q, want %q", body, want)
		}
		sb.send("ACK 3")
		if err := waitError(t, sent); err != nil {
			t.Error(err)
		}
	}
	t.Run("after BYE", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		sb.send("BYE bob@example.com 1")
		if left := waitFor[ParticipantLeft](t, client); !left.Idle || left.Account != "bob@example.com" {
			t.Errorf("left %+v", left)
		}
		again(t, n, ns, goSend(t, cv, "x"), "x")
	})
	t.Run("after the connection ended", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sb.close()
		again(t, n, ns, goSend(t, cv, "x"), "x")
	})
	t.Run("ends without acknowledging", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.close()
		if err := waitError(t, sent); !errors.Is(err, ErrUncertain) {
			t.Errorf("error %v", err)
		}
		again(t, n, ns, goSend(t, cv, "y"), "y") // the first session that is asked for
	})
	t.Run("ends after BYE without acknowledging", func(t *testing.T) {
		t.Parallel()
		_, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.send("BYE bob@example.com")
		sb.close()
		if err := waitError(t, sent); !errors.Is(err, ErrUncertain) {
			t.Errorf("error %v", err)
		}
		ns.barrier()
	})
	t.Run("after OUT", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.send("ACK 2", "OUT")
		if err := waitError(t, sent); err != nil {
			t.Error(err)
		}
		sb.expectEnd()
		again(t, n, ns, goSend(t, cv, "y"), "y")
	})
	t.Run("ends before anything is written", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x") // nobody reads it: the pipe holds nothing
		queued(cv)
		sb.close()
		again(t, n, ns, sent, "x")
	})
	t.Run("ends again and again before anything is written", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		queued(cv)
		sb.close()
		for i := range chat.MaxSessionsPerContact {
			n.switchboard(ns, fmt.Sprint(7+i)).close()
		}
		if err := waitError(t, sent); !errors.Is(err, ErrSwitchboard) || errors.Is(err, ErrUncertain) {
			t.Errorf("error %v", err)
		}
		ns.barrier()
	})
	t.Run("NAK after BYE", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.send("BYE bob@example.com", "NAK 2")
		again(t, n, ns, sent, "x")
	})
	t.Run("ACK after BYE", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.send("BYE bob@example.com", "ACK 2")
		again(t, n, ns, sent, "x")
	})
	t.Run("NAK", func(t *testing.T) {
		t.Parallel()
		_, client, _, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.send("NAK 2")
		if err := waitError(t, sent); !errors.Is(err, ErrNotDelivered) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("error number", func(t *testing.T) {
		t.Parallel()
		_, client, _, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.send("282 2")
		var e *ServerError
		if err := waitError(t, sent); !errors.Is(err, ErrNotDelivered) || !errors.As(err, &e) || e.Number != 282 {
			t.Errorf("error %v", err)
		}
	})
}

func TestIdleSessionIsLeftAndOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, func(c *Config) { c.Timeouts.Ping = 24 * time.Hour })
		cv := client.Conversation("bob@example.com")
		sent := goSend(t, cv, "one")
		sb := n.switchboard(ns, "7")
		sb.expect("MSG 3 A")
		sb.send("ACK 3")
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		<-time.After(4 * time.Minute)
		sb.sendMessage("bob@example.com", "Bob", textPayload("still here"))
		talked := time.Now()
		_ = sb.conn.SetReadDeadline(time.Time{})
		cmd, err := sb.reader.Read()
		if err != nil || cmd.Verb != "OUT" {
			t.Fatalf("the client sent %v, %v", cmd, err)
		}
		if idle := time.Since(talked); idle < defaultIdleClose || idle > 2*defaultIdleClose {
			t.Errorf("left after %v", idle)
		}
		sent = goSend(t, cv, "two")
		sb = n.switchboard(ns, "8")
		sb.expect("MSG 3 A")
		sb.send("ACK 3")
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	})
}

func TestIdleGroupIsNotLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, func(c *Config) { c.Timeouts.Ping = 24 * time.Hour })
		sb := n.ring(ns, "bob@example.com", "carol@example.com")
		<-time.After(time.Hour)
		sb.sendMessage("carol@example.com", "Carol", textPayload("anybody?"))
		waitFor[TextReceived](t, client)
	})
}

func TestLateAnswerFindsNobody(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sb := n.ring(ns)
	if sent := sb.expectEnd(); len(sent) != 1 || sent[0] != "OUT" {
		t.Errorf("the client sent %q", sent)
	}
	ns.barrier()
	if people := client.Conversation("bob@example.com").Participants(); len(people) != 0 {
		t.Errorf("participants %v", people)
	}
}
