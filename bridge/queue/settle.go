package queue

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/retry"
)

// job is a Job as a run knows it.
type job[K comparable, R any] struct {
	Job[R]
	key      K
	releases int  // of the key, before the attempt
	probe    bool // the first of the rows that are held, to see whether it still must be
}

// newJob makes an attempt at a row.
func (r *run[K, R]) newJob(key K, e Entry[R]) *job[K, R] {
	j := &job[K, R]{key: key, Job: Job[R]{Entry: e, Earlier: e.Owner != "" && e.Owner != r.id, Attempt: 1, Since: r.began}}
	j.claim = func(ctx context.Context) error { return r.setOwner(ctx, j, r.id) }
	j.unclaim = func(ctx context.Context) error { return r.setOwner(ctx, j, "") }
	return j
}

// setOwner claims the row of a job, or gives it back.
func (r *run[K, R]) setOwner(ctx context.Context, j *job[K, R], owner string) error {
	if j.Owner == owner {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	changed, err := r.loop.cfg.Store.SetOwner(ctx, j.Entry, owner)
	if err == nil && !changed {
		err = ErrLost
	}
	if err == nil {
		j.Owner = owner
	}
	return err
}

// settle notes what became of a row, and lets its lane go on.
func (r *run[K, R]) settle(lane *lane[K, R], job *job[K, R], o Outcome) {
	r.mu.Lock()
	awaited := r.finishing // that it is noted, too
	if !awaited {
		r.decide()
	}
	r.mu.Unlock()
	held := o.kind == kindHold || o.kind == kindStillHeld
	if held {
		// Before the table knows: rows behind this one must not be tried any more.
		r.mu.Lock()
		if lane.releases != job.releases {
			lane.overdue++
		} else if lane.holding++; !r.ended() {
			r.keep(lane, job.Position, o.until)
		}
		r.mu.Unlock()
	}
	again := o.kind == kindFollow || o.kind == kindPutBack
	if again {
		// Nor must they be begun while the table is told.
		r.mu.Lock()
		lane.following = true
		r.mu.Unlock()
	}
	noted := r.note(job, o)
	gone := !noted && r.ctx.Err() == nil && r.isGone(job) // a run that has ended leaves what it has
	r.mu.Lock()
	defer r.mu.Unlock()
	lane.forget(job.Position)
	if awaited {
		r.decide()
	}
	if held && lane.attempted == job.Position {
		lane.attempts-- // it was not for the work to fail
	}
	released := held && lane.releases != job.releases
	if released {
		lane.overdue--
	} else if held {
		lane.holding--
	}
	lane.full = lane.full && len(lane.underWay) > r.loop.cfg.Window/2
	if r.ended() {
		return
	}
	switch {
	case released:
		lane.setBack(job.Position - 1) // released meanwhile, when it was not held yet
	case held:
	case noted && again:
		lane.setBack(job.Position - 1)
		if lane.attempted == job.Position {
			lane.attempts-- // nor was this
		}
		if o.kind == kindPutBack {
			lane.waits.Reset() // it was not for the row to fail
			r.rest(lane)
		}
	case noted && o.kind == kindRetry:
		lane.setBack(job.Position - 1)
		zerolog.Ctx(r.ctx).Warn().Err(o.err).Any("key", lane.key).Int("attempt", job.Attempt).Msg("Message stays in the queue and is tried again")
		r.rest(lane)
	default:
		if !noted && !gone {
			if r.left == nil {
				r.left = make(map[K]bool)
			}
			r.left[lane.key] = true
		}
		lane.waits.Reset()
		if lane.attempted == job.Position {
			lane.attempts = 0
		}
		if job.probe && lane.probing {
			r.free(lane, job.Position)
		}
	}
	r.schedule(lane)
}

// keep remembers that a row is held. mu is held.
func (r *run[K, R]) keep(lane *lane[K, R], position int64, until time.Time) {
	if lane.heldFrom == 0 || position < lane.heldFrom {
		lane.heldFrom = position
	}
	lane.probing = false
	if !lane.until.IsZero() && !until.Before(lane.until) {
		return
	}
	lane.until = until
	if lane.deadline != nil {
		lane.deadline.Stop()
	}
	lane.deadline = time.AfterFunc(time.Until(until), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.release(lane.key)
	})
}

// note has the table note what became of a row, for as long as the run lasts. It reports
// whether the row was this run's to be changed.
func (r *run[K, R]) note(job *job[K, R], o Outcome) (noted bool) {
	switch o.kind {
	case kindLeave:
		return false
	case kindDone:
		noted = r.remove(job)
	case kindTell:
		noted = r.insist("claim", func(ctx context.Context) (bool, error) { return r.claimed(ctx, job) }) && r.tell(job, o.err)
		if noted && !r.remove(job) {
			r.loop.told.add(job.key, job.Position)
			noted = false
		}
	case kindHold:
		noted = r.insist("hold", func(ctx context.Context) (bool, error) { return r.loop.cfg.Store.Hold(ctx, job.Entry) })
	case kindStillHeld:
		noted = true
	case kindRetry, kindFollow, kindPutBack:
		noted = job.Owner != r.id || r.insist("give back", func(ctx context.Context) (bool, error) {
			return r.loop.cfg.Store.SetOwner(ctx, job.Entry, "")
		})
	}
	if noted && o.kind == kindRetry {
		r.noteFailure(job, o.err)
	}
	if noted && o.then != nil {
		o.then(r.ctx)
	}
	return noted
}

// isGone reports whether a row that was not changed is surely in the table no more: whoever has written it has taken it back after it was
// read, and nothing is left as it is.
func (r *run[K, R]) isGone(job *job[K, R]) (gone bool) {
	r.insist("look", func(ctx context.Context) (bool, error) {
		rows, err := r.loop.cfg.Store.Read(ctx, job.key, job.Position-1, 1, r.id)
		gone = err == nil && (len(rows) == 0 || rows[0].Position != job.Position)
		return gone, err
	})
	return gone
}

// noteFailure has the table note why a row waits, where it does. Nothing depends on it.
func (r *run[K, R]) noteFailure(job *job[K, R], why error) {
	failures, ok := r.loop.cfg.Store.(Failures[R])
	if !ok || why == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), storeTimeout)
	defer cancel()
	if err := failures.Failed(ctx, job.Entry, why); err != nil {
		zerolog.Ctx(r.ctx).Debug().Err(err).Msg("Failed to note why a message waits")
	}
}

// remove takes a row out of the queue. It reports false when the run ended before. A row
// that somebody else has taken out is out as well.
func (r *run[K, R]) remove(job *job[K, R]) bool {
	removed := false
	r.insist("remove", func(ctx context.Context) (bool, error) {
		_, err := r.loop.cfg.Store.Remove(ctx, job.Entry)
		removed = err == nil
		return removed, err
	})
	if removed {
		r.loop.told.drop(job.key, job.Position)
	}
	return removed
}

// claimed is Claim for insist.
func (r *run[K, R]) claimed(ctx context.Context, job *job[K, R]) (bool, error) {
	err := job.Claim(ctx)
	if err == ErrLost {
		return false, nil
	}
	return err == nil, err
}

// insist changes a row, and goes on trying until the run ends. It reports false when the
// row is not this run's, or the run has ended.
func (r *run[K, R]) insist(what string, change func(context.Context) (bool, error)) bool {
	for waits := retry.Storing(); ; {
		// The end of the run is no reason not to store how far it has come.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), storeTimeout)
		changed, err := change(ctx)
		cancel()
		if err == nil {
			return changed
		}
		zerolog.Ctx(r.ctx).Err(err).Str("change", what).Msg("Failed to note what became of a message")
		if !retry.Sleep(r.ctx, waits.NextBackOff()) {
			return false
		}
	}
}

// tell tells the fate of a row, and goes on trying until the run ends or it is in vain. It
// reports whether that is over.
func (r *run[K, R]) tell(job *job[K, R], fate error) bool {
	waits := retry.Waits()
	for attempt := 1; ; attempt++ {
		err := r.loop.cfg.Work.Tell(r.ctx, job.Row, fate)
		if err == nil {
			return true
		}
		last := attempt >= maxTells
		zerolog.Ctx(r.ctx).Err(err).Bool("given_up", last).Msg("Failed to tell what became of a message")
		if last {
			return true
		}
		if !retry.Sleep(r.ctx, waits.NextBackOff()) {
			return false
		}
	}
}

// settleAll settles the rows of a key as decide says, in order.
func (r *run[K, R]) settleAll(key K, decide func(context.Context, *Job[R]) Outcome) {
	for after := int64(0); r.ctx.Err() == nil; {
		rows, err := r.loop.cfg.Store.Read(r.ctx, key, after, r.loop.cfg.Batch, r.id)
		if err != nil {
			zerolog.Ctx(r.ctx).Err(err).Any("key", key).Msg("Failed to read what is left")
		}
		for _, e := range rows {
			job := r.newJob(key, e)
			o := Done()
			if !r.loop.told.has(key, e.Position) {
				o = decide(r.ctx, &job.Job)
			}
			r.note(job, o)
			after = e.Position
		}
		if err != nil || len(rows) < r.loop.cfg.Batch {
			return
		}
	}
}

// marked are rows that something has to be remembered of. It holds no memory while there are none.
type marked[K comparable] struct {
	mu   sync.Mutex
	rows map[K][]int64 // positions
}

func (m *marked[K]) add(key K, position int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = make(map[K][]int64)
	}
	m.rows[key] = append(m.rows[key], position)
}

// drop forgets a row, and reports whether it was there.
func (m *marked[K]) drop(key K, position int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.rows[key])
	left := slices.DeleteFunc(m.rows[key], func(other int64) bool { return other == position })
	if len(left) > 0 {
		m.rows[key] = left
	} else {
		delete(m.rows, key)
	}
	return len(left) < before
}

func (m *marked[K]) has(key K, position int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.rows[key], position)
}
