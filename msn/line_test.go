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
