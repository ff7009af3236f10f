package bridge

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/msn"
	"matrix-msn/msn/passport"
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

func TestServiceThatAsksForAnotherClientSaysWhich(t *testing.T) {
	t.Parallel()
	got := problemOf(fmt.Errorf("x: %w", &msn.UpgradeError{Version: msn.Version{Recommended: "14.0.8117"}}), &service{key: "home", name: "Home"})
	if got.code != codeNoDialect || !got.retried() || !strings.Contains(got.sentence, "version 14.0.8117 of the client") {
		t.Errorf("got %+v", got)
	}
}

func TestEveryCommandFailureHasItsSentence(t *testing.T) {
	t.Parallel()
	about := subject{target: "Bob", service: "Home", serviceKey: "home"}
	for _, table := range [][]failure{pageFailures, invitationFailures, linkFailures, searchFailures, commonFailures} {
		for _, row := range table {
			code, sentence := explain(fmt.Errorf("x: %w", row.err), table, about)
			if code != row.code || !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, "%!") {
				t.Errorf("%v gives %q, %q", row.err, code, sentence)
			}
		}
	}
	for want, err := range map[string]error{
		"msn-server-error":  &msn.ServerError{Number: 999},
		"msn-error":         fmt.Errorf("something else"),
		"msn-not-connected": fmt.Errorf("x: %w", msn.ErrNotConnected),
	} {
		if code, sentence := explain(err, pageFailures, about); code != want || sentence == "" {
			t.Errorf("%v gives %q, %q", err, code, sentence)
		}
	}
}

func TestWhatTheWebServicesRefuseReachesTheUser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"the account": {
			fmt.Errorf("%w: %w", msn.ErrAccountLocked, &passport.AccountError{Code: "0x80048831", Reason: "its password has expired"}),
			"Home refused the account: its password has expired.",
		},
		"the contact list": {fmt.Errorf("contact list: %w: 503", msn.ErrBusy), "Home is out of order or busy."},
		"the gateway":      {fmt.Errorf("%w: %w: status 404", msn.ErrRefused, msn.ErrGateway), "network.services.home.gateway"},
	} {
		if got := problemOf(test.err, &service{key: "home", name: "Home"}); !strings.Contains(got.sentence, test.want) {
			t.Errorf("%s: told %q", name, got.sentence)
		}
	}
}
