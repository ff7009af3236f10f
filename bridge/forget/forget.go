// Package forget deletes what is old in the database, once a day and a little at a time.
package forget

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/retry"
	"matrix-msn/database"
)

const (
	// every is the time between two looks for what is old.
	every = 24 * time.Hour
	// atOnce is how many rows go in one statement: with SQLite nobody else writes meanwhile.
	atOnce = 200
	// pause is the time between two statements.
	pause = 200 * time.Millisecond
	// timeout bounds a statement.
	timeout = 10 * time.Second
)

// Store deletes rows; see database.OldQuery.
type Store interface {
	Forget(ctx context.Context, kind database.OldKind, before time.Time, limit int) (int, error)
}

// Ages say how long each kind of rows is kept. What is not among them, or 0, is kept for ever.
type Ages map[database.OldKind]time.Duration

// Forgetting deletes what is old, from Start to Stop.
type Forgetting struct {
	store  Store
	ages   Ages
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// Start looks for what is old at once, and then once a day.
func Start(store Store, ages Ages, log zerolog.Logger) *Forgetting {
	ctx, cancel := context.WithCancel(log.WithContext(context.Background()))
	f := &Forgetting{store: store, ages: ages, cancel: cancel}
	f.ended.Go(func() { f.run(ctx) })
	return f
}

// Stop ends what Start began. It may be called on nil, and twice.
func (f *Forgetting) Stop() {
	if f == nil {
		return
	}
	f.cancel()
	f.ended.Wait()
}

func (f *Forgetting) run(ctx context.Context) {
	for {
		for _, kind := range database.OldKinds() {
			if age := f.ages[kind]; age > 0 && ctx.Err() == nil {
				f.forget(ctx, kind, time.Now().Add(-age))
			}
		}
		if !retry.Sleep(ctx, every) {
			return
		}
	}
}

// forget deletes what is older than a time. What fails is left for the next day.
func (f *Forgetting) forget(ctx context.Context, kind database.OldKind, before time.Time) {
	all := 0
	for {
		asking, cancel := context.WithTimeout(ctx, timeout)
		n, err := f.store.Forget(asking, kind, before, atOnce)
		cancel()
		if err != nil && ctx.Err() == nil {
			zerolog.Ctx(ctx).Err(err).Str("kind", string(kind)).Msg("Failed to delete what is old; it is tried again tomorrow")
		}
		all += n
		if err != nil || n == 0 || !retry.Sleep(ctx, pause) {
			break
		}
	}
	if all > 0 {
		zerolog.Ctx(ctx).Info().Str("kind", string(kind)).Int("rows", all).Time("older_than", before).Msg("Deleted what is old")
	}
}
