package msn

import (
	"errors"
	"testing"
)

// What stands behind a text that found nobody fails too, and asks the service for nothing. A text
// of another line, or of none, goes on.
func TestLineEndsWithATextThatFindsNobody(t *testing.T) {
	t.Parallel()
	n := newFakeNet(t)
	client, ns := signedIn(t, n, 9)
	conversation := client.Conversation("bob@example.com")
	var line Line
	start := func(line *Line) <-chan error {
		failed := make(chan error, 1)
		wait := conversation.StartTextIn(t.Context(), line, "x", "")
		go func() { failed <- wait() }()
		return failed
	}
	first := start(&line)
	ns.expect("XFR 7 SB")
	ns.send("XFR 7 SB " + fakeSB + " CKI t")
	sb := n.accept(fakeSB)
	sb.expect("USR 1 alice@example.com t")
	sb.send("USR 1 OK alice@example.com Alice")
	sb.expect("CAL 2 bob@example.com")
	sb.send("217 2")
	if err := waitError(t, first); !errors.Is(err, ErrOffline) || !line.Broken() {
		t.Errorf("the first failed with %v, the line is broken %t", err, line.Broken())
	}
	if err := waitError(t, start(&line)); !errors.Is(err, ErrBehind) {
		t.Errorf("what stands behind it failed with %v", err)
	}
	start(new(Line))
	ns.expect("XFR 8 SB")
}

// What waits for its conversation when the connection to the service ends has surely not gone out: it may be sent by the next connection,
// and what stands behind it must not overtake it there. Of what is on the wire nobody knows whether it arrived: nothing has to wait for it.
func TestLineEndsWithATextThatDidNotGoOut(t *testing.T) {
	for name, test := range map[string]struct {
		open   bool // the conversation
		want   error
		broken bool
	}{
		"it waits for its conversation": {false, ErrNotConnected, true},
		"it is on the wire":             {true, ErrUncertain, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newFakeNet(t)
			client, ns := signedIn(t, n, 9)
			var line Line
			start := func(line *Line) <-chan error {
				failed := make(chan error, 1)
				wait := client.Conversation("bob@example.com").StartTextIn(t.Context(), line, "x", "")
				go func() { failed <- wait() }()
				return failed
			}
			first := start(&line)
			if test.open {
				n.switchboard(ns, afterChat).expect("MSG 3 A")
			} else {
				ns.expect("XFR " + afterChat + " SB")
			}
			ns.close()
			if err := waitError(t, first); !errors.Is(err, test.want) || line.Broken() != test.broken {
				t.Errorf("failed with %v, the line is broken %t", err, line.Broken())
			}
			// By whichever connection: this one has ended for good, or not yet.
			var late Line
			if err := waitError(t, start(&late)); !errors.Is(err, ErrNotConnected) || !late.Broken() {
				t.Errorf("the next failed with %v, its line is broken %t", err, late.Broken())
			}
			_ = client.Close()
			var last Line
			if err := waitError(t, start(&last)); !errors.Is(err, ErrNotConnected) || !last.Broken() {
				t.Errorf("the last failed with %v, its line is broken %t", err, last.Broken())
			}
		})
	}
}
