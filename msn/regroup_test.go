package msn

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/wire"
)

// A text whose session has become that of a group chat when the connection breaks is
// settled all the same: it goes through another session when nothing of it was written.
func TestTextIsSettledWhenItsSessionBecameAGroupAndBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing, func(c *Config) { c.Timeouts.Ack = 10 * defaultWrite })
		go func() {
			for range client.Events() {
			}
		}()
		sb := n.ring(ns, "bob@example.com")
		synctest.Wait()
		cv := client.Conversation("bob@example.com")
		first := goSend(t, cv, "one") // the switchboard reads nothing any more
		time.Sleep(defaultWrite + time.Millisecond)
		second := goSend(t, cv, "two") // the connection takes nothing any more
		synctest.Wait()
		sb.send("JOI carol@example.com Carol")
		time.Sleep(2 * time.Second) // the last words are over
		next := n.switchboard(ns, "7")
		for i, sent := range []<-chan error{first, second} {
			cmd := next.read()
			if want := []string{"one", "two"}[i]; wire.ParseMessage(cmd.Payload).Body != want {
				t.Errorf("%q was sent, want %q", cmd.Payload, want)
			}
			next.send("ACK " + cmd.Arg(0))
			if err := waitError(t, sent); err != nil {
				t.Errorf("text %d: %v", i, err)
			}
		}
		go answerPings(ns)
		_ = client.Close()
	})
}

// A third person comes into a conversation in which something was said: that is told, once. It is not
// told of a conversation that was meant for several people from the start.
func TestConversationThatBecomesAGroupChatIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing)
		called := n.ring(ns, "bob@example.com")
		called.send("JOI carol@example.com Carol")
		synctest.Wait()
		spoken := n.ring(ns, "bob@example.com")
		spoken.sendMessage("bob@example.com", "Bob", textPayload("hello"))
		spoken.send("JOI erin@example.com Erin", "JOI frank@example.com Frank")
		var became []BecameGroup
		for joined := ""; joined != "frank@example.com"; {
			switch e := nextEvent(t, client).(type) {
			case BecameGroup:
				became = append(became, e)
			case ParticipantJoined:
				joined = e.Account
			}
		}
		go answerPings(ns)
		_ = client.Close()
		if len(became) != 1 || became[0].Was.Peer() != "bob@example.com" || became[0].Account != "erin@example.com" || became[0].Conversation.Group() == "" {
			t.Errorf("told was %+v", became)
		}
	})
}

// Who has called the user is the first member, in whatever order the server names who is there:
// it matters who began a conversation.
func TestWhoCalledIsTheFirstMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing)
		n.ring(ns, "carol@example.com", "bob@example.com").send("JOI dave@example.com Dave")
		for {
			joined := waitFor[ParticipantJoined](t, client)
			if joined.Account != "dave@example.com" {
				continue
			}
			if members := joined.Conversation.Members(); len(members) != 3 || members[0] != "bob@example.com" {
				t.Errorf("the members are %v", members)
			}
			break
		}
		go answerPings(ns)
		_ = client.Close()
	})
}

// Who waits for somebody to come into a group chat is told when the user leaves it.
func TestInvitationEndsWithItsConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 9, longPing)
		group := client.GroupChat("{g}", "bob@example.com")
		result := make(chan error, 1)
		go func() { result <- group.Invite(t.Context(), "carol@example.com") }()
		ns.expect("XFR 7 SB") // and is not answered
		group.Close()
		if err := waitError(t, result); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
		go func() {
			for range client.Events() {
			}
		}()
		go answerPings(ns)
		_ = client.Close()
	})
}

// The user writes to themselves, and somebody else comes into the session: that makes it not
// the one with them, and the text has its answer.
func TestTextToOneselfIsSettledWhoeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		sent := goSend(t, client.Conversation("alice@example.com"), "note to myself")
		ns.expect("XFR 7 SB")
		ns.send("XFR 7 SB " + fakeSB + " CKI 1.1")
		sb := n.accept(fakeSB)
		sb.expect("USR 1 alice@example.com 1.1")
		sb.send("JOI bob@example.com Bob", "USR 1 OK alice@example.com Alice")
		sb.expect("CAL 2 alice@example.com")
		sb.send("217 2")
		if err := waitError(t, sent); !errors.Is(err, ErrOffline) {
			t.Errorf("error %v", err)
		}
		quit(client, ns)
	})
}

// Somebody else comes into each session that is opened for a contact: the text fails in the end,
// and no more sessions are opened.
func TestSessionsThatOthersComeIntoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9)
		sent := goSend(t, client.Conversation("bob@example.com"), "for bob alone")
		for i := range 4 {
			ns.expect(fmt.Sprintf("XFR %d SB", 7+i))
			ns.send(fmt.Sprintf("XFR %d SB %s CKI 1.1", 7+i, fakeSB))
			sb := n.accept(fakeSB)
			sb.expect("USR 1 alice@example.com 1.1")
			sb.send("USR 1 OK alice@example.com Alice")
			sb.expect("CAL 2 bob@example.com")
			sb.send("JOI mallory@example.net M", "JOI bob@example.com Bob")
		}
		if err := waitError(t, sent); !errors.Is(err, ErrSwitchboard) {
			t.Errorf("error %v", err)
		}
		ns.barrier() // nothing more is asked for
		quit(client, ns)
	})
}

// A service calls the user into a conversation of several people before anybody could name it: it
// is the one that was named with the sign-in, and not a new one.
func TestGroupChatThatIsKeptIsKnownFromTheFirstCallOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, func(c *Config) {
			c.Groups = map[string][]string{"{kept}": {"Carol@example.com", "bob@example.com"}, "{other}": {"bob@example.com", "dave@example.com"}}
		})
		sb := n.ring(ns, "bob@example.com", "carol@example.com")
		sb.sendMessage("bob@example.com", "Bob", "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nAre you back?")
		for evt := range client.Events() {
			if text, ok := evt.(TextReceived); ok {
				if group := text.Conversation.Group(); group != "{kept}" {
					t.Errorf("the text is in the group chat %q", group)
				}
				break
			}
		}
		quit(client, ns)
	})
}
