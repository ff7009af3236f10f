package msn

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The way of a text is tried without anybody being called, and what is wrong with it is told as it would be of
// a text; nothing is left open.
func TestSwitchboardProbe(t *testing.T) {
	for name, test := range map[string]struct {
		answer string // to XFR, "" for none
		board  string // to USR, "" for none
		want   error
	}{
		"all is well":             {"XFR 7 SB " + fakeSB + " CKI t", "USR 1 OK alice@example.com A", nil},
		"no answer":               {"", "", ErrTimeout},
		"no conversations":        {"913 7", "", ErrHidden},
		"something else":          {"XFR 7 NS " + fakeSB + " 0 x", "", ErrSwitchboard},
		"a forbidden address":     {"XFR 7 SB 10.0.0.1:1863 CKI t", "", ErrUntrusted},
		"a board that is silent":  {"XFR 7 SB " + fakeSB + " CKI t", "", ErrTimeout},
		"a board that refuses":    {"XFR 7 SB " + fakeSB + " CKI t", "911 1", ErrSwitchboard},
		"a board that talks rot":  {"XFR 7 SB " + fakeSB + " CKI t", "USR 1 NO", ErrSwitchboard},
		"a board that hangs up":   {"XFR 7 SB " + fakeSB + " CKI t", "hang up", ErrSwitchboard},
		"a board that says chaff": {"XFR 7 SB " + fakeSB + " CKI t", "BYE carol@example.com\r\nUSR 1 OK alice@example.com A\r\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t)
				client, ns := signedIn(t, n, 9, longPing)
				result := make(chan error, 1)
				go func() { result <- client.ProbeSwitchboard(t.Context()) }()
				ns.expect("XFR 7 SB")
				if test.answer != "" {
					ns.send(test.answer)
				}
				if test.board != "" {
					sb := n.accept(fakeSB)
					sb.expect("USR 1 alice@example.com t")
					if test.board == "hang up" {
						sb.close()
					} else {
						sb.send(test.board)
						if left := sb.expectEnd(); len(left) != 1 || left[0] != "OUT" {
							t.Errorf("then came %q", left)
						}
					}
				}
				began := time.Now()
				if err := <-result; test.want == nil && err != nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if took := time.Since(began); took > 2*defaultRequest {
					t.Errorf("took %v", took)
				}
				if client.Err() != nil {
					t.Error(client.Err())
				}
			})
		})
	}
}
