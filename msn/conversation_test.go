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
func goSend(t testing.TB, cv *Conversation, text string) <-chan error {
	result := make(chan error, 1)
	go func() { result <- cv.SendText(t.Context(), text, "") }()
	return result
}

func waitError(t testing.TB, result <-chan error) error {
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
		{"connecting to the switchboard", func(_ *fakeNet, ns *fakeConn) {
			ns.read()
			ns.send("XFR 7 SB silent.msn.example.com:1864 CKI t")
		}, ErrTimeout},
		{"connecting to the switchboard, as the system says", func(_ *fakeNet, ns *fakeConn) {
			ns.read()
			ns.send("XFR 7 SB far.msn.example.com:1864 CKI t")
		}, ErrTimeout},
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
		}, ErrTimeout},
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
				err := <-sent
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if test.want == ErrTimeout && errors.Is(err, ErrSwitchboard) {
					t.Errorf("error %v says that a session was refused", err)
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
		wait := cv.StartText(t.Context(), fmt.Sprint(i), "")
		go func() { result <- wait() }()
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
	if got := waitFor[NudgeReceived](t, client); got.From != "bob@example.com" || got.FromName != "Bob" || got.Seq != 3 || got.Conversation != text.Conversation {
		t.Errorf("nudge %+v", got)
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
