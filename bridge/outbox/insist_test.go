package outbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatTheTableDoesNotTakeIsTriedForAWhile(t *testing.T) {
	t.Parallel()
	refused := errors.New("locked")
	for name, test := range map[string]struct {
		works   int           // with which attempt
		stopped time.Duration // when the bridge stops, 0 for never
		want    error
		least   time.Duration
		most    time.Duration
	}{
		"at once":          {works: 1},
		"later":            {works: 3, least: 2 * time.Second, most: 10 * time.Second},
		"never":            {works: 1000, want: refused, least: 10 * time.Second, most: storeTimeout},
		"the bridge stops": {works: 1000, stopped: 5 * time.Second, want: refused, least: 5 * time.Second, most: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.stopped > 0 {
					time.AfterFunc(test.stopped, cancel)
				}
				began, attempts := time.Now(), 0
				err := insist(ctx, func(context.Context) error {
					if attempts++; attempts < test.works {
						return refused
					}
					return nil
				})
				if took := time.Since(began); !errors.Is(err, test.want) || took < test.least || took > test.most {
					t.Errorf("%v after %d attempts in %v", err, attempts, took)
				}
			})
		})
	}
}
