package msn

import (
	"errors"
	"testing"
)

// What is on the wire is acknowledged after Finish; what waits for its conversation, and what comes, is not sent any more.
func TestFinishLetsWhatIsOnTheWireArrive(t *testing.T) {
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	sent := goSend(t, client.Conversation("bob@example.com"), "on the wire")
	sb := n.switchboard(ns, afterChat)
	sb.expect("MSG 3 A")
	waits := goSend(t, client.Conversation("carol@example.com"), "waits")
	ns.expect("XFR 8 SB")
	client.Finish()
	if err := waitError(t, waits); !errors.Is(err, ErrClosed) || errors.Is(err, ErrUncertain) {
		t.Errorf("what waits fails with %v", err)
	}
	if err := waitError(t, goSend(t, client.Conversation("bob@example.com"), "comes")); !errors.Is(err, ErrClosed) {
		t.Errorf("what comes fails with %v", err)
	}
	sb.send("ACK 3")
	if err := waitError(t, sent); err != nil {
		t.Errorf("what is on the wire fails with %v", err)
	}
}
