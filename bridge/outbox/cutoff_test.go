package outbox

import (
	"fmt"
	"testing"

	"matrix-msn/msn"
)

// A text waits for the next connection only when it is sure that nothing of it went out, and that nothing else kept it.
func TestTextIsCutOffByTheEndOfItsConnectionAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{msn.ErrNotConnected, true},
		{fmt.Errorf("%w: %w", msn.ErrSwitchboard, msn.ErrNotConnected), false}, // the account is signed in
		{fmt.Errorf("%w: %w", msn.ErrUncertain, msn.ErrNotConnected), false},
		{&msn.PartsError{Acknowledged: 1, Parts: 2, Reason: msn.ErrNotConnected}, false},
		{msn.ErrClosed, false},
		{msn.ErrOffline, false},
	} {
		if got := cutOff(nil, test.err); got != test.want {
			t.Errorf("%v: cut off is %t", test.err, got)
		}
	}
}
