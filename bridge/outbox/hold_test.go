package outbox

import (
	"errors"
	"fmt"
	"testing"

	"matrix-msn/msn"
)

func TestTextOfWhichAPartIsLeftWithTheServiceIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		fails   int
		arrived bool
	}{{"the first part fails", 1, false}, {"the second part fails", 2, true}} {
		sent := 0
		err := inOrder([]string{"ä", "b", "c"}, func(string) error {
			if sent++; sent == test.fails {
				return msn.ErrNotConnected
			}
			return nil
		})
		if parts, ok := errors.AsType[*msn.PartsError](err); ok && (parts.First != 1 || parts.Characters != 3) {
			t.Errorf("%s: %+v", test.name, parts)
		}
		if !errors.Is(err, msn.ErrNotConnected) || mayHaveArrived(err) != test.arrived || sent != test.fails {
			t.Errorf("%s: %v after %d parts, may have arrived: %t", test.name, err, sent, mayHaveArrived(err))
		}
	}
}

func TestTextOfWhichAPartArrivedIsNotLeftForAContactWhoWentOffline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fate error
		want bool
	}{
		"nothing arrived":             {msn.ErrOffline, true},
		"no part arrived":             {fmt.Errorf("%w: %w", &msn.PartsError{Parts: 2}, msn.ErrOffline), true},
		"a part arrived":              {fmt.Errorf("%w: %w", &msn.PartsError{Parts: 2, Acknowledged: 1}, msn.ErrOffline), false},
		"it may have arrived":         {fmt.Errorf("%w: %w", msn.ErrUncertain, msn.ErrOffline), false},
		"it failed for other reasons": {msn.ErrBlocked, false},
	} {
		if got := undeliveredOffline(test.fate); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}
