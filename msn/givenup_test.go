package msn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/longtext"
)

func shortAck(c *Config) { c.Timeouts.Ack, c.Timeouts.IdleClose = time.Second, 2*time.Second }

// A text that was given up holds up none that come later, though the switchboard never acknowledges
// what was written of it: they go through another session.
func TestTextThatWasGivenUpHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing, shortAck)
		sb := n.ring(ns, "bob@example.com")
		waitFor[ParticipantJoined](t, client)
		cv := client.Conversation("bob@example.com")
		ctx, cancel := context.WithCancel(t.Context())
		long := make(chan error, 1)
		go func() { long <- cv.SendText(ctx, strings.Repeat("x", 20*longtext.MaxBody), "") }()
		for i := range 16 {
			sb.expect(fmt.Sprintf("MSG %d A", i+2))
		}
		synctest.Wait()
		cancel()
		if err := waitError(t, long); !errors.Is(err, ErrUncertain) || !errors.Is(err, context.Canceled) {
			t.Errorf("what was given up: %v", err)
		}
		sent := goSend(t, cv, "hello")
		next := n.switchboard(ns, afterChat)
		next.expect("MSG 3 A")
		next.send("ACK 3")
		if err := waitError(t, sent); err != nil {
			t.Errorf("the next text: %v", err)
		}
		quit(client, ns)
	})
}

// A session that acknowledges nothing any more is left like another one in which nothing is said.
func TestSessionThatFallsSilentIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(t)
		client, ns := signedIn(t, n, 9, longPing, shortAck)
		sb := n.ring(ns, "bob@example.com")
		waitFor[ParticipantJoined](t, client)
		long := goSend(t, client.Conversation("bob@example.com"), strings.Repeat("x", 20*longtext.MaxBody))
		for i := range 16 {
			sb.expect(fmt.Sprintf("MSG %d A", i+2))
		}
		time.Sleep(100 * time.Millisecond)
		sb.send("ACK 2", "ACK 3", "ACK 4", "ACK 5")
		for i := range 4 {
			sb.expect(fmt.Sprintf("MSG %d A", i+18))
		}
		if err := waitError(t, long); !errors.Is(err, ErrUncertain) {
			t.Errorf("the text: %v", err)
		}
		said := time.Now()
		sb.expect("OUT")
		if waited := time.Since(said); waited > 2*client.cfg.Timeouts.IdleClose {
			t.Errorf("left after %v", waited)
		}
		quit(client, ns)
	})
}
