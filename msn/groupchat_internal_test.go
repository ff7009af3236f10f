package msn

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Its sleeps let the clock of the bubble run on, which takes no time.
func TestMemberOfAGroupChatIsToldMissingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, func(c *Config) { c.Timeouts.Ping = 24 * time.Hour })
		sent := goSend(t, client.GroupChat("mine", "bob@example.com", "carol@example.com", "dave@example.com"), "hello")
		ns.expect("XFR 7 SB")
		ns.send("XFR 7 SB " + fakeSB + " CKI 123")
		sb := n.accept(fakeSB)
		sb.expect("USR 1 alice@example.com 123")
		sb.send("USR 1 OK alice@example.com Alice")
		for _, call := range []string{"CAL 2 bob@example.com", "CAL 3 carol@example.com", "CAL 4 dave@example.com"} {
			sb.expect(call)
		}
		sb.send("CAL 2 RINGING 1", "JOI bob@example.com Bob", "217 3", "CAL 4 RINGING 1", "JOI dave@example.com Dave")
		sb.expect("MSG 5 A")
		sb.send("ACK 5", "BYE dave@example.com")
		if err := waitError(t, sent); err != nil {
			t.Fatal(err)
		}
		if e := waitFor[CallFailed](t, client); e.Account != "carol@example.com" || !errors.Is(e.Err, ErrOffline) {
			t.Errorf("told %+v", e)
		}
		time.Sleep(2 * client.cfg.Timeouts.Answer)
		ns.barrier()
		for range client.backlogLength() {
			if e, ok := nextEvent(t, client).(CallFailed); ok {
				t.Errorf("told again: %+v", e)
			}
		}
	})
}

// Who waits for somebody to come hears of it when the session ends before.
func TestInvitationIsAnsweredWhenTheSessionEnds(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	chat := client.GroupChat("mine", "bob@example.com", "carol@example.com")
	sent := goSend(t, chat, "hello")
	ns.expect("XFR 7 SB")
	ns.send("XFR 7 SB " + fakeSB + " CKI 123")
	sb := n.accept(fakeSB)
	sb.expect("USR 1 alice@example.com 123")
	sb.send("USR 1 OK alice@example.com Alice")
	sb.expect("CAL 2 bob@example.com")
	sb.expect("CAL 3 carol@example.com")
	sb.send("JOI bob@example.com Bob", "JOI carol@example.com Carol")
	sb.expect("MSG 4 A")
	sb.send("ACK 4")
	if err := waitError(t, sent); err != nil {
		t.Fatal(err)
	}
	invited := make(chan error, 1)
	go func() { invited <- chat.Invite(t.Context(), "dave@example.com") }()
	sb.expect("CAL 5 dave@example.com")
	sb.close()
	if err := waitError(t, invited); !errors.Is(err, ErrSwitchboard) {
		t.Errorf("error %v", err)
	}
}

// Who is invited while a session is on its way comes into it, and who has come already is
// there: the call returns.
func TestInvitedWhileTheSessionOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		chat := client.GroupChat("{g}", "bob@example.com", "carol@example.com")
		sent := goSend(t, chat, "hello")
		ns.expect("XFR 7 SB")
		ns.send("XFR 7 SB " + fakeSB + " CKI 1.1")
		sb := n.accept(fakeSB)
		sb.expect("USR 1 alice@example.com 1.1")
		sb.send("USR 1 OK alice@example.com Alice")
		sb.expect("CAL 2 bob@example.com")
		sb.expect("CAL 3 carol@example.com")
		sb.send("CAL 2 RINGING 1", "CAL 3 RINGING 1", "JOI bob@example.com Bob")
		waitFor[ParticipantJoined](t, client)
		invite := func(account string) chan error {
			result := make(chan error, 1)
			go func() { result <- chat.Invite(t.Context(), account) }()
			return result
		}
		there, called := invite("bob@example.com"), invite("dave@example.com")
		synctest.Wait()
		// carol does not come in time: the session opens without her.
		sb.expect("CAL 4 dave@example.com")
		sb.expect("MSG 5 A")
		sb.send("ACK 5", "CAL 4 RINGING 1", "JOI dave@example.com Dave")
		for name, result := range map[string]<-chan error{"who is there": there, "who was called late": called, "the text": sent} {
			if err := waitError(t, result); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		quit(client, ns)
	})
}

// Whoever calls the user into many conversations makes the client forget none of those that the user
// has, nor that in which something was said just now.
func TestManyCallersMakeNobodysGroupChatForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing, func(c *Config) {
			c.Groups = map[string][]string{"{kept}": {"bob@example.com", "carol@example.com"}}
		})
		named := client.GroupChat("{named}", "bob@example.com", "dave@example.com").Group()
		calls := func(caller, other string) (group string) {
			ns.send("RNG 4242 " + fakeSB + " CKI 99 " + caller + " Name")
			sb := n.accept(fakeSB)
			sb.expect("ANS 1 alice@example.com 99 4242")
			sb.send("IRO 1 1 2 "+caller+" Name", "IRO 1 2 2 "+other+" Name", "ANS 1 OK")
			sb.sendMessage(caller, "Name", textPayload("hello"))
			group = waitFor[TextReceived](t, client).Conversation.Group()
			sb.close()
			return group
		}
		first := calls("erin@example.com", "frank@example.com")
		for i := range 600 {
			time.Sleep(time.Second)
			calls(fmt.Sprintf("m%d@example.net", i), "mallory@example.net")
			if i%100 == 0 {
				if again := calls("erin@example.com", "frank@example.com"); again != first {
					t.Errorf("after %d calls another one of erin's is opened", i)
				}
			}
		}
		for other, want := range map[string]string{"carol@example.com": "{kept}", "dave@example.com": named} {
			if got := calls("bob@example.com", other); got != want {
				t.Errorf("bob and %s call into %q, want %q", other, got, want)
			}
		}
		quit(client, ns)
	})
}
