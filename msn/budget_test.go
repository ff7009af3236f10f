package msn

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/chat"
)

// callIn plays a call of one account, with more people in the session.
func (n *fakeNet) callIn(ns *fakeConn, account string, more ...string) *fakeConn {
	n.t.Helper()
	ns.send("RNG 1 " + fakeSB + " CKI 2 " + account + " Name")
	sb := n.accept(fakeSB)
	sb.expect("ANS 1 alice@example.com 2 1")
	for i, account := range append([]string{account}, more...) {
		sb.send(fmt.Sprintf("IRO 1 %d %d %s Name", i+1, len(more)+1, account))
	}
	sb.send("ANS 1 OK")
	return sb
}

// callOut plays a text to one account in a new session, as the trid-th command on
// ns.
func (n *fakeNet) callOut(t *testing.T, client *Client, ns *fakeConn, account string, trid int) *fakeConn {
	t.Helper()
	sent := goSend(t, client.Conversation(account), "x")
	ns.expect(fmt.Sprintf("XFR %d SB", trid))
	ns.send(fmt.Sprintf("XFR %d SB %s CKI t", trid, fakeSB))
	sb := n.accept(fakeSB)
	sb.expect("USR 1 alice@example.com t")
	sb.send("USR 1 OK alice@example.com A")
	sb.expect("CAL 2 " + account)
	sb.send("JOI " + account + " Name")
	sb.expect("MSG 3 A")
	sb.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Fatal(err)
	}
	return sb
}

// Groups that others open and never leave take no room from the user's own calls,
// and none from other callers when nothing is said in them. Its sleeps let the
// clock of the bubble run on, which takes no time.
func TestHostileGroupsThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, func(c *Config) { c.Timeouts.Ping = 24 * time.Hour })
		var groups []*fakeConn
		for i := range chat.MaxIncoming {
			if i == 1 {
				time.Sleep(time.Second) // the first is the oldest
			}
			groups = append(groups, n.callIn(ns, fmt.Sprintf("evil%d@example.com", i/chat.MaxSessionsPerContact), "carol@example.com"))
		}
		refused := func() {
			t.Helper()
			ns.send("RNG 1 " + fakeSB + " CKI 2 dave@example.com Dave")
			synctest.Wait()
			select {
			case <-n.queue(fakeSB):
				t.Error("a call beyond the limit is answered")
			default:
			}
		}
		refused()
		trid := 7
		var own []*fakeConn
		for i := range chat.MaxSessions - chat.MaxIncoming {
			own = append(own, n.callOut(t, client, ns, fmt.Sprintf("friend%d@example.com", i), trid))
			time.Sleep(time.Second)
			trid++
		}
		// All is full: the user's next call takes the place of the quietest session
		// with one contact, which comes again with its next message.
		n.callOut(t, client, ns, "bob@example.com", trid)
		if left := own[0].expectEnd(); !slices.Equal(left, []string{"OUT"}) {
			t.Errorf("leaving, the client sent %q", left)
		}
		refused()
		time.Sleep(defaultIdleClose - 17*time.Second)
		for _, sb := range groups[1:] {
			sb.sendMessage("carol@example.com", "Carol", textPayload("still here"))
		}
		time.Sleep(18 * time.Second)
		dave := n.callIn(ns, "dave@example.com")
		if left := groups[0].expectEnd(); !slices.Equal(left, []string{"OUT"}) {
			t.Errorf("leaving, the client sent %q", left)
		}
		// The only one with one person gives way to the next.
		n.callIn(ns, "erin@example.com")
		if left := dave.expectEnd(); !slices.Equal(left, []string{"OUT"}) {
			t.Errorf("leaving, the client sent %q", left)
		}
		// A contact takes the place of strangers who talk among themselves.
		n.callIn(ns, "bob@example.com")
		n.callIn(ns, "bob@example.com")
	})
}

// Callers who are many block no new ones, and what is known of them is forgotten.
func TestHostileCallersWhoAreMany(t *testing.T) { synctest.Test(t, callersWhoAreMany) }

func callersWhoAreMany(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	old := client.Conversation("bob@example.com")
	for i := range MaxContacts + 10 {
		ns.send(fmt.Sprintf("RNG 1 down.msn.example.com:1864 CKI 2 caller%d@example.com Name", i))
	}
	synctest.Wait() // the calls are answered in vain
	kept := 0
	client.conn.Do(func() { kept = client.chats.Len() })
	if kept > chat.MaxConversations {
		t.Errorf("%d conversations are remembered", kept)
	}
	n.callIn(ns, "dave@example.com")
	if joined := waitFor[ParticipantJoined](t, client); joined.Account != "dave@example.com" {
		t.Errorf("joined %+v", joined)
	}
	// Bob's was forgotten, and is as good as ever; so is another one of his.
	other := client.Conversation("bob@example.com")
	if other == old {
		t.Error("nothing was forgotten")
	}
	sb := n.callIn(ns, "bob@example.com")
	if joined := waitFor[ParticipantJoined](t, client); joined.Conversation != other {
		t.Errorf("joined %+v", joined)
	}
	for i, cv := range []*Conversation{old, other} {
		sent := goSend(t, cv, "x")
		sb.expect(fmt.Sprintf("MSG %d A", i+2))
		sb.send(fmt.Sprintf("ACK %d", i+2))
		if err := waitError(t, sent); err != nil {
			t.Error(err)
		}
		if people := cv.Participants(); !slices.Equal(people, []string{"bob@example.com"}) {
			t.Errorf("participants %q", people)
		}
	}
	old.Close()
	sb.expectEnd()
}
