package bridge

import (
	"context"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/msn"
)

// What package msn returns is wrapped; the row that says the most must win.
func TestErrorsComeOutAsTheRowThatSaysTheMost(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"msn-untrusted-address": fmt.Errorf("%w: %w", msn.ErrSwitchboard, msn.ErrUntrusted),
		"msn-session-refused":   fmt.Errorf("%w: %w", msn.ErrSwitchboard, &msn.ServerError{Number: 280}),
		"msn-uncertain":         fmt.Errorf("%w: %w", msn.ErrUncertain, context.Canceled),
		"msn-timeout":           context.DeadlineExceeded,
		"msn-not-connected":     notConnectedError{},
		"msn-offline":           fmt.Errorf("x: %w", msn.ErrOffline),
		"msn-error":             fmt.Errorf("something else"),
	} {
		status, ok := refused(err, recipient{name: "Bob", service: "Home"}).(bridgev2.MessageStatus)
		if !ok || status.Message == "" || !status.SendNotice {
			t.Errorf("%v gives %+v", err, status)
			continue
		}
		if got := fmt.Sprint(status.InternalError); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
