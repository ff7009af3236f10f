package msn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/wire"
)

// goSend calls SendText in the background.
func goSend(t *testing.T, cv *Conversation, text string) <-chan error {
	result := make(chan error, 1)
	go func() { result <- cv.SendText(t.Context(), text, "") }()
	return result
}

func waitError(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatal("the call hangs")
		return nil
	}
}

// switchboard plays the server's part of an outgoing call up to the JOI.
func (n *fakeNet) switchboard(ns *fakeConn, xfr string) *fakeConn {
	n.t.Helper()
	ns.expect("XFR " + xfr + " SB")
	ns.send("XFR " + xfr + " SB " + fakeSB + " CKI 17262740.1")
	sb := n.accept(fakeSB)
	sb.expect("USR 1 alice@example.com 17262740.1")
	sb.send("USR 1 OK alice@example.com Alice%20A")
	sb.expect("CAL 2 bob@example.com")
	sb.send("CAL 2 RINGING 11752013", "JOI bob@example.com Bob")
	return sb
}

// ring plays the server's part of a call from bob, until the session is open.
func (n *fakeNet) ring(ns *fakeConn, people ...string) *fakeConn {
	n.t.Helper()
	ns.send("RNG 4242 " + fakeSB + " CKI 99 bob@example.com Bob")
	sb := n.accept(fakeSB)
	sb.expect("ANS 1 alice@example.com 99 4242")
	for i, account := range people {
		sb.send(fmt.Sprintf("IRO 1 %d %d %s Name", i+1, len(people), account))
	}
	sb.send("ANS 1 OK")
	return sb
}

// afterChat is the TrID of the first command after sign-in.
const afterChat = "7" // MSNP8 and later

func TestSendTextOpensASession(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	cv := client.Conversation("Bob@example.com")
	if cv != client.Conversation("bob@EXAMPLE.com") || cv.Peer() != "bob@example.com" {
		t.Error("letter case makes another conversation")
	}
	sent := goSend(t, cv, "Hello\nthere ♥")
	sb := n.switchboard(ns, afterChat)
	msg := sb.expect("MSG 3 A")
	m := wire.ParseMessage(msg.Payload)
	if m.MediaType() != "text/plain" || m.Body != "Hello\r\nthere ♥" {
		t.Errorf("message %q", msg.Payload)
	}
	sb.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Fatal(err)
	}
	if joined := waitFor[ParticipantJoined](t, client); joined.Account != "bob@example.com" || joined.Conversation != cv {
		t.Errorf("joined %+v", joined)
	}
	if got := cv.Participants(); len(got) != 1 || got[0] != "bob@example.com" {
		t.Errorf("participants %v", got)
	}
	// The session is used again, with a style.
	go func() { sent := cv.SendText(t.Context(), "again", "FN=Arial; EF=B"); _ = sent }()
	if msg := sb.expect("MSG 4 A"); !strings.Contains(msg.Payload, "\r\nX-MMS-IM-Format: FN=Arial; EF=B\r\n") {
		t.Errorf("message %q", msg.Payload)
	}
	sb.send("ACK 4")
}

func TestSendTextErrors(t *testing.T) {
	reply := func(lines ...string) func(*testing.T, *fakeNet, *fakeConn) {
		return func(t *testing.T, _ *fakeNet, ns *fakeConn) {
			ns.expect("XFR 7 SB")
			ns.send(lines...)
		}
	}
	greeted := func(t *testing.T, n *fakeNet, ns *fakeConn) *fakeConn {
		ns.expect("XFR 7 SB")
		ns.send("XFR 7 SB " + fakeSB + " CKI t")
		sb := n.accept(fakeSB)
		sb.expect("USR 1 alice@example.com t")
		return sb
	}
	called := func(t *testing.T, n *fakeNet, ns *fakeConn) *fakeConn {
		sb := greeted(t, n, ns)
		sb.send("USR 1 OK alice@example.com Alice")
		sb.expect("CAL 2 bob@example.com")
		return sb
	}
	call := func(lines ...string) func(*testing.T, *fakeNet, *fakeConn) {
		return func(t *testing.T, n *fakeNet, ns *fakeConn) { called(t, n, ns).send(lines...) }
	}
	for _, test := range []struct {
		name string
		play func(*testing.T, *fakeNet, *fakeConn)
		want error
		not  error
	}{
		{"hidden", reply("913 7"), ErrHidden, ErrSwitchboard},
		{"too fast", reply("800 7"), ErrTooFast, nil},
		{"server trouble", reply("600 7"), ErrSwitchboard, nil},
		{"untrusted switchboard", reply("XFR 7 SB 10.0.0.1:1864 CKI t"), ErrUntrusted, nil},
		{"no ticket", reply("XFR 7 SB " + fakeSB), ErrSwitchboard, nil},
		{"no switchboard there", reply("XFR 7 SB down.msn.example.com:1864 CKI t"), ErrSwitchboard, nil},
		{"closed at USR", func(t *testing.T, n *fakeNet, ns *fakeConn) { greeted(t, n, ns).close() }, ErrRefused, nil},
		{"bad ticket twice", func(t *testing.T, n *fakeNet, ns *fakeConn) {
			greeted(t, n, ns).send("911 1")
			ns.expect("XFR 8 SB")
			ns.send("XFR 8 SB " + fakeSB + " CKI u")
			sb := n.accept(fakeSB)
			sb.expect("USR 1 alice@example.com u")
			sb.send("911 1")
		}, ErrSwitchboard, ErrBadCredentials},
		{"offline", call("217 2"), ErrOffline, ErrSwitchboard},
		{"blocked", call("216 2"), ErrBlocked, nil},
		{"no such account", call("208 2"), ErrNoSuchContact, nil},
		{"called too often", call("713 2"), ErrTooFast, nil},
		{"closed at CAL", func(t *testing.T, n *fakeNet, ns *fakeConn) { called(t, n, ns).close() }, ErrRefused, nil},
		{"number nobody knows", call("299 2"), ErrSwitchboard, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			client, ns := signedIn(t, n, 9)
			sent := goSend(t, client.Conversation("bob@example.com"), "x")
			test.play(t, n, ns)
			err := waitError(t, sent)
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if test.not != nil && errors.Is(err, test.not) {
				t.Errorf("error %v is %v too", err, test.not)
			}
		})
	}
}

func TestSendTextTimeouts(t *testing.T) {
	for _, test := range []struct {
		name string
		play func(*fakeNet, *fakeConn)
		want error
	}{
		{"XFR", func(_ *fakeNet, ns *fakeConn) { ns.read() }, ErrTimeout},
		{"USR", func(n *fakeNet, ns *fakeConn) {
			ns.read()
			ns.send("XFR 7 SB " + fakeSB + " CKI t")
			n.accept(fakeSB).read()
		}, ErrTimeout},
		{"CAL", func(n *fakeNet, ns *fakeConn) {
			ns.read()
			ns.send("XFR 7 SB " + fakeSB + " CKI t")
			sb := n.accept(fakeSB)
			sb.read()
			sb.send("USR 1 OK alice@example.com A")
			sb.read()
		}, ErrNoAnswer},
		{"JOI", func(n *fakeNet, ns *fakeConn) {
			ns.read()
			ns.send("XFR 7 SB " + fakeSB + " CKI t")
			sb := n.accept(fakeSB)
			sb.read()
			sb.send("USR 1 OK alice@example.com A")
			sb.read()
			sb.send("CAL 2 RINGING 1")
		}, ErrNoAnswer},
		{"ACK", func(n *fakeNet, ns *fakeConn) { n.switchboard(ns, "7").read() }, ErrUncertain},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t)
				client, ns := signedIn(t, n, 9)
				start := time.Now()
				sent := goSend(t, client.Conversation("bob@example.com"), "x")
				test.play(n, ns)
				go answerPings(ns)
				if err := <-sent; !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if took := time.Since(start); took > time.Minute {
					t.Errorf("told after %v", took)
				}
			})
		})
	}
}

// answerPings reads what the client sends and answers PNG, until the connection
// ends.
func answerPings(f *fakeConn) {
	_ = f.conn.SetReadDeadline(time.Time{})
	for {
		cmd, err := f.reader.Read()
		if err != nil {
			return
		}
		if cmd.Verb == "PNG" {
			if _, err := io.WriteString(f.conn, "QNG\r\n"); err != nil {
				return
			}
		}
	}
}

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

func TestTextsAreSentInOrder(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	cv := client.Conversation("bob@example.com")
	first := goSend(t, cv, "0")
	ns.expect("XFR 7 SB")
	const count = 40
	results := []<-chan error{first}
	for i := 1; i < count; i++ {
		result := make(chan error, 1)
		d := &delivery{conversation: cv, text: fmt.Sprint(i), result: result}
		client.ask(func() { cv.enqueue(d) })
		results = append(results, result)
	}
	ns.send("XFR 7 SB " + fakeSB + " CKI t")
	sb := n.accept(fakeSB)
	sb.read()
	sb.send("USR 1 OK alice@example.com A")
	sb.read()
	sb.send("JOI bob@example.com")
	for i := range count {
		cmd := sb.read()
		if body := wire.ParseMessage(cmd.Payload).Body; body != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, body)
		}
		sb.send("ACK " + cmd.Arg(0))
	}
	for i, result := range results {
		if err := waitError(t, result); err != nil {
			t.Errorf("text %d: %v", i, err)
		}
	}
}

func TestReceivedMessages(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 12)
	sb := n.ring(ns, "bob@example.com")
	joined := waitFor[ParticipantJoined](t, client)
	if joined.Account != "bob@example.com" || joined.Conversation.Peer() != "bob@example.com" {
		t.Errorf("joined %+v", joined)
	}
	sb.sendMessage("Bob@Example.com", "Bob%20B", "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"+
		"X-MMS-IM-Format: FN=Arial; EF=; CO=0\r\nP4-Context: Carol\r\n\r\nHi ♥\r\nyou")
	text := waitFor[TextReceived](t, client)
	if text.From != "bob@example.com" || text.FromName != "Bob B" || text.Text != "Hi ♥\nyou" ||
		text.Format != "FN=Arial; EF=; CO=0" || text.Seq != 1 || text.Others != nil || text.Conversation != joined.Conversation {
		t.Errorf("text %+v", text)
	}
	if !strings.HasPrefix(text.Session, "4242.") {
		t.Errorf("session %q", text.Session)
	}
	sb.sendMessage("bob@example.com", "Bob", "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgscontrol\r\nTypingUser: bob@example.com\r\n\r\n\r\n")
	if typing := waitFor[TypingReceived](t, client); typing.From != "bob@example.com" {
		t.Errorf("typing %+v", typing)
	}
	nudge := "MIME-Version: 1.0\r\nContent-Type: text/x-msnmsgr-datacast\r\n\r\nID: 1\r\n\r\n"
	sb.sendMessage("bob@example.com", "Bob", nudge)
	if other := waitFor[OtherReceived](t, client); other.Message.MediaType() != "text/x-msnmsgr-datacast" || other.Seq != 3 {
		t.Errorf("other %+v", other)
	}
	// An answer goes into the same session.
	sent := goSend(t, text.Conversation, "answer")
	cmd := sb.read()
	if cmd.Verb != "MSG" || cmd.Arg(1) != "A" {
		t.Errorf("sent %v", cmd)
	}
	sb.send("ACK " + cmd.Arg(0))
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
	if err := text.Conversation.SendTyping(t.Context()); err != nil {
		t.Error(err)
	}
	typing := sb.expect("MSG 3 U")
	if want := "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgscontrol\r\nTypingUser: alice@example.com\r\n\r\n\r\n"; typing.Payload != want {
		t.Errorf("typing note %q", typing.Payload)
	}
}

func TestSendTypingOpensNoSession(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	if err := client.Conversation("bob@example.com").SendTyping(t.Context()); err != nil {
		t.Error(err)
	}
	ns.barrier() // the QRY is the first thing that is sent
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
	sent := goSend(t, text.Conversation, "for bob only")
	alone := n.switchboard(ns, "7")
	alone.expect("MSG 3 A")
	alone.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
	if err := text.Conversation.SendTyping(t.Context()); err != nil {
		t.Error(err)
	}
	alone.expect("MSG 4 U")
	alone.send("JOI carol@example.com Carol")
	waitFor[ParticipantJoined](t, client) // bob
	waitFor[ParticipantJoined](t, client)
	sent = goSend(t, text.Conversation, "bob only, again")
	third := n.switchboard(ns, "8")
	third.expect("MSG 3 A")
	third.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

// queued waits until the text that is sent next was handed to a transport.
func queued(client *Client, cv *Conversation) {
	for sent := false; !sent; {
		client.ask(func() { sent = len(cv.outbox) == 1 && cv.outbox[0].parts != nil })
	}
}

// A text in several messages is not sent again where a part may have arrived, and
// the error says how far it came.
func TestPartsAreNotSentTwice(t *testing.T) {
	text := strings.Repeat("x", 3*safeBody)
	for _, test := range []struct {
		name string
		caps string // of bob; 1073741856 joins parts
		end  []string
		want PartsError
		kind error
	}{
		{"the connection ends", "0", []string{"ACK 2"}, PartsError{Parts: 3, Acknowledged: 1, Uncertain: 2}, ErrUncertain},
		{"the connection ends, parts are joined", "1073741856", []string{"ACK 2"}, PartsError{Parts: 3, Acknowledged: 1, Uncertain: 2}, ErrUncertain},
		{"NAK", "0", []string{"ACK 2", "NAK 3"}, PartsError{Parts: 3, Acknowledged: 1, Uncertain: 1}, ErrNotDelivered},
		{"NAK of the last", "0", []string{"ACK 2", "ACK 3", "NAK 4"}, PartsError{Parts: 3, Acknowledged: 2}, ErrNotDelivered},
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
			if got := (PartsError{parts.Parts, parts.Acknowledged, parts.Uncertain, nil}); got != test.want {
				t.Errorf("error %v", err)
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
		queued(client, cv)
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
		queued(client, cv)
		sb.close()
		again(t, n, ns, sent, "x")
	})
	t.Run("ends twice before anything is written", func(t *testing.T) {
		t.Parallel()
		n, client, ns, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		queued(client, cv)
		sb.close()
		n.switchboard(ns, "7").close()
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
		_, client, _, sb, cv := open(t)
		waitFor[ParticipantJoined](t, client)
		sent := goSend(t, cv, "x")
		sb.expect("MSG 2 A")
		sb.send("BYE bob@example.com", "ACK 2")
		if err := waitError(t, sent); err != nil {
			t.Error(err)
		}
		sb.expectEnd()
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
		time.Sleep(4 * time.Minute)
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
		time.Sleep(time.Hour)
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

func TestSendTextGivesUpWithItsContext(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	cv := client.Conversation("bob@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() { waiting <- cv.SendText(ctx, "never sent", "") }()
	ns.expect("XFR 7 SB")
	cancel()
	if err := waitError(t, waiting); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUncertain) {
		t.Errorf("error %v", err)
	}
	ns.send("XFR 7 SB " + fakeSB + " CKI t")
	sb := n.accept(fakeSB)
	sb.read()
	sb.send("USR 1 OK alice@example.com A")
	sb.read()
	sb.send("JOI bob@example.com Bob")
	ctx, cancel = context.WithCancel(t.Context())
	go func() { waiting <- cv.SendText(ctx, "sent", "") }()
	if msg := sb.expect("MSG 3 A"); !strings.HasSuffix(msg.Payload, "\r\n\r\nsent") {
		t.Errorf("sent %q", msg.Payload)
	}
	cancel()
	if err := waitError(t, waiting); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUncertain) {
		t.Errorf("error %v", err)
	}
}

func TestSendTextRefusesTexts(t *testing.T) {
	n := newFakeNet(t)
	client, _ := signedIn(t, n, 9)
	cv := client.Conversation("bob@example.com")
	if err := cv.SendText(t.Context(), "", ""); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	if err := cv.SendText(t.Context(), strings.Repeat("x", MaxText+1), ""); !errors.Is(err, ErrTooLong) {
		t.Errorf("long: %v", err)
	}
	for _, account := range []string{"", "a b@example.com", "a@example.com\r\nOUT", strings.Repeat("a", 300)} {
		if err := client.Conversation(account).SendText(t.Context(), "x", ""); !errors.Is(err, ErrNoSuchContact) {
			t.Errorf("account %.20q: %v", account, err)
		}
	}
}

func TestConversationClose(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	cv := client.Conversation("bob@example.com")
	sb := n.ring(ns, "bob@example.com")
	waitFor[ParticipantJoined](t, client)
	sent := goSend(t, cv, "x")
	sb.expect("MSG 2 A")
	closed := make(chan struct{})
	go func() { cv.Close(); close(closed) }()
	if left := sb.expectEnd(); len(left) != 1 || left[0] != "OUT" {
		t.Errorf("the client sent %q", left)
	}
	<-closed
	if err := waitError(t, sent); !errors.Is(err, ErrUncertain) || !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
	sent = goSend(t, cv, "again")
	sb = n.switchboard(ns, "7")
	sb.expect("MSG 3 A")
	sb.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Error(err)
	}
}

func TestSendTextWhenTheClientEnds(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	cv := client.Conversation("bob@example.com")
	waiting := goSend(t, cv, "waiting")
	ns.expect("XFR 7 SB")
	ns.send("OUT OTH")
	err := waitError(t, waiting)
	var out *OutError
	if !errors.Is(err, ErrNotConnected) || !errors.As(err, &out) || !out.SignedInElsewhere() {
		t.Errorf("waiting text: %v", err)
	}
	if err := cv.SendText(t.Context(), "late", ""); !errors.Is(err, ErrNotConnected) {
		t.Errorf("late text: %v", err)
	}
	if err := cv.SendTyping(t.Context()); !errors.Is(err, ErrNotConnected) {
		t.Errorf("late typing: %v", err)
	}
	if err := client.SetStatus(t.Context(), Busy); !errors.Is(err, ErrNotConnected) {
		t.Errorf("late status: %v", err)
	}
	if _, ok := client.Contact("bob@example.com"); !ok {
		t.Error("contacts cannot be read after the end")
	}
}
