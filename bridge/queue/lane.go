package queue

import (
	"context"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
)

// lane is a key with rows. It is guarded by its run, and forgotten when nothing is left
// to be known of it.
type lane[K comparable, R any] struct {
	key K

	after  int64      // up to where rows were read
	epoch  int        // counts how often after was set back
	woken  bool       // there may be rows behind after
	buffer []Entry[R] // rows that were read and not begun
	// preclaimed are rows that were claimed for the run when they were put, and not begun, by position.
	preclaimed map[int64]Entry[R]

	reading bool
	settled map[int64]bool // positions of rows that were settled while rows were read

	working, queued bool           // a goroutine begins rows; it is to
	begun           time.Time      // when it took the last one up
	underWay        map[int64]bool // positions of rows that were begun and not settled
	following       bool           // no row is begun until all that are under way are settled
	full            bool           // Window rows are, or were and not half of them is settled

	attempted int64 // position of the row that was to be tried again
	attempts  int   // how often it was
	pause     *time.Timer
	waits     backoff.BackOff

	heldFrom int64 // position of the first row that is held, 0 for none
	holding  int   // rows that the table does not know to be held yet
	overdue  int   // of these, what was released meanwhile
	releases int   // how often the key was released
	released time.Time
	probing  bool // the first row that is held is tried before anything else
	until    time.Time
	deadline *time.Timer // of the row that is held for the shortest time
}

func (l *lane[K, R]) stopTimers() {
	if l.pause != nil {
		l.pause.Stop()
	}
	if l.deadline != nil {
		l.deadline.Stop()
	}
}

// setBack has the rows behind a position read again.
func (l *lane[K, R]) setBack(after int64) {
	if l.after = min(l.after, after); len(l.buffer) > 0 {
		l.after = min(l.after, l.buffer[0].Position-1)
	}
	l.epoch++
	l.buffer = nil
	l.woken = true
}

func (l *lane[K, R]) hasWork() bool { return len(l.buffer) > 0 || l.woken || l.probing }

// mustWait reports whether rows that are under way have to be settled before another is
// begun: there are Window of them, or it might overtake one that is held.
func (l *lane[K, R]) mustWait() bool {
	return l.full || (l.following || l.probing) && len(l.underWay) > 0 || l.overdue > 0
}

// lane returns the lane of a key.
func (r *run[K, R]) lane(key K) *lane[K, R] {
	if r.lanes == nil {
		r.lanes = make(map[K]*lane[K, R])
	}
	if r.lanes[key] == nil {
		r.lanes[key] = &lane[K, R]{key: key, underWay: make(map[int64]bool), waits: r.loop.cfg.Waits(), released: r.began}
	}
	return r.lanes[key]
}

func (r *run[K, R]) wake(key K, position int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.look(key, position)
	}
}

// look has a row looked for. mu is held.
func (r *run[K, R]) look(key K, position int64) {
	lane := r.lane(key)
	lane.woken = true
	if position <= lane.after {
		lane.setBack(position - 1)
	}
	// What is new must not overtake what waits.
	lane.probing = lane.heldFrom != 0
	r.schedule(lane)
}

// give puts a row behind those of its lane that were read, or has it looked for when there may
// be others in between, or too many. It reports false when the row is in the name of another run.
func (r *run[K, R]) give(key K, e Entry[R]) (ours bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ours = e.Owner == "" || e.Owner == r.id
	if e.Owner != "" && !r.loop.cfg.Again && r.loop.begunUngiven.drop(key, e.Position) {
		return true // something else has had it found: it must not be begun again, nor given back
	}
	if r.stopped || !ours && !r.loop.cfg.Again {
		return ours && e.Owner == ""
	}
	lane := r.lanes[key]
	if lane != nil && lane.underWay[e.Position] {
		return true // the run has claimed it, found in the name of nobody: it must not be given back either
	}
	known := ours && (lane != nil || r.loaded && !r.left[key])
	if lane == nil {
		lane = r.lane(key)
	}
	if e.Owner != "" && !r.loop.cfg.Again {
		if lane.preclaimed == nil {
			lane.preclaimed = make(map[int64]Entry[R])
		}
		lane.preclaimed[e.Position] = e
	}
	if !known || lane.woken || lane.reading || lane.heldFrom != 0 || e.Position <= lane.after || len(lane.buffer) >= r.loop.cfg.Batch {
		r.look(key, e.Position)
		return ours
	}
	lane.buffer, lane.after = append(lane.buffer, e), e.Position
	r.schedule(lane)
	return true
}

// wouldBegin reports whether a row that is put now would be begun at once. mu is held.
func (r *run[K, R]) wouldBegin(key K) bool {
	lane := r.lanes[key]
	switch {
	case r.ended() || !r.open || !r.loaded || r.left[key]:
		return false
	case lane != nil && (lane.hasWork() || lane.reading || lane.queued || lane.heldFrom != 0 || lane.pause != nil || lane.mustWait()):
		return false
	}
	if lane != nil && lane.working {
		return time.Since(lane.begun) < soon // else the one before it takes its time, and this one can be changed meanwhile
	}
	return r.busy < r.loop.cfg.Parallel
}

// release has the rows of a key that are held tried again. mu is held.
func (r *run[K, R]) release(key K) {
	lane := r.lanes[key]
	if lane == nil || r.stopped {
		return
	}
	lane.releases++
	lane.overdue, lane.holding = lane.overdue+lane.holding, 0
	if lane.heldFrom != 0 {
		r.free(lane, lane.heldFrom-1)
	}
	r.schedule(lane)
}

// free ends that rows of a lane are held, and goes on behind a position.
func (r *run[K, R]) free(lane *lane[K, R], after int64) {
	lane.setBack(after)
	lane.released = time.Now()
	lane.heldFrom, lane.probing = 0, false
	lane.until = time.Time{}
	if lane.deadline != nil {
		lane.deadline.Stop()
		lane.deadline = nil
	}
}

// schedule has a goroutine work on a lane if there is something to do, and forgets a lane
// of which nothing is left. mu is held.
func (r *run[K, R]) schedule(lane *lane[K, R]) {
	if r.ended() || lane.working || lane.queued || lane.pause != nil {
		return
	}
	if lane.hasWork() && !lane.mustWait() {
		lane.queued = true
		r.ready = append(r.ready, lane)
		r.dispatch()
		return
	}
	if !lane.hasWork() && len(lane.underWay) == 0 && lane.heldFrom == 0 {
		if delete(r.lanes, lane.key); len(r.lanes) == 0 {
			r.lanes = nil
		}
	}
}

// dispatch starts goroutines for lanes that are ready. mu is held.
func (r *run[K, R]) dispatch() {
	for r.open && !r.ended() && len(r.ready) > 0 && r.busy < r.loop.cfg.Parallel {
		lane := r.ready[0]
		r.ready[0] = nil
		if r.ready = r.ready[1:]; len(r.ready) == 0 {
			r.ready = nil
		}
		lane.queued, lane.working = false, true
		r.busy++
		r.name()
		r.begin(func() { r.work(lane) })
	}
}

// slot is the right of a goroutine to count for Parallel.
type slot struct{ given bool }

// giveUp lets another lane have the slot. mu is held.
func (r *run[K, R]) giveUp(s *slot) {
	if s.given {
		return
	}
	s.given = true
	r.busy--
	r.dispatch()
}

// work begins rows of a lane, for one turn.
func (r *run[K, R]) work(lane *lane[K, R]) {
	s := new(slot)
	for range r.loop.cfg.Batch {
		job := r.next(lane)
		if job == nil {
			break
		}
		timer := time.AfterFunc(r.loop.cfg.Patience, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.giveUp(s)
		})
		o := Done()
		if !r.loop.told.has(lane.key, job.Position) {
			o = r.loop.cfg.Work.Begin(r.ctx, &job.Job)
		}
		r.finish(lane, job, o)
		if !timer.Stop() {
			break // to queue up for a slot again
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	lane.working = false
	r.giveUp(s)
	r.schedule(lane)
}

// finish sees a job to its end. It waits for that only as long as the next row of the lane
// must not be begun.
func (r *run[K, R]) finish(lane *lane[K, R], job *job[K, R], o Outcome) {
	switch {
	case r.loop.cfg.Window == 1 && o.kind == kindPending:
		r.settle(lane, job, o.finish())
	case r.loop.cfg.Window == 1:
		r.settle(lane, job, o)
	case o.kind == kindPending:
		r.do(func() { r.settle(lane, job, o.finish()) })
	case o.kind == kindTell:
		// The table has to know first that the row is not to be sent any more: it must not
		// follow the next ones after a crash.
		if r.insist("claim", func(ctx context.Context) (bool, error) { return r.claimed(ctx, job) }) {
			r.do(func() { r.settle(lane, job, o) })
		} else {
			r.settle(lane, job, Leave())
		}
	default:
		r.settle(lane, job, o)
	}
}

// next takes the next row of a lane up, or returns nil when none may be begun now.
func (r *run[K, R]) next(lane *lane[K, R]) *job[K, R] {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		lane.full = lane.full && len(lane.underWay) > r.loop.cfg.Window/2 || len(lane.underWay) >= r.loop.cfg.Window
		switch {
		case r.ended() || lane.pause != nil || lane.mustWait():
			return nil
		case lane.probing:
			if e, ok := r.read(lane, lane.heldFrom-1, 1); ok && lane.probing {
				if len(e) == 0 { // somebody has taken them away
					r.free(lane, lane.after)
					continue
				}
				lane.heldFrom = e[0].Position
				return r.take(lane, e[0])
			}
		case len(lane.buffer) > 0:
			e := lane.buffer[0]
			lane.buffer = lane.buffer[1:]
			if !lane.isOver(e) {
				return r.take(lane, e)
			}
		case lane.woken:
			lane.woken = false
			if rows, ok := r.read(lane, lane.after, r.loop.cfg.Batch); ok && len(rows) > 0 {
				lane.woken = lane.woken || len(rows) == r.loop.cfg.Batch
				lane.after = rows[len(rows)-1].Position
				lane.buffer = rows
			}
		default:
			return nil
		}
	}
}

// read reads rows of a lane, during which mu is not held. It reports false when they are
// not the ones to go on with: the table failed, or the lane was set back meanwhile.
func (r *run[K, R]) read(lane *lane[K, R], after int64, limit int) (rows []Entry[R], ok bool) {
	epoch := lane.epoch
	lane.reading, lane.settled = true, nil
	r.mu.Unlock()
	rows, err := r.loop.cfg.Store.Read(r.ctx, lane.key, after, limit, r.id)
	r.mu.Lock()
	lane.reading = false
	if err != nil && !r.ended() {
		zerolog.Ctx(r.ctx).Err(err).Any("key", lane.key).Msg("Failed to read what waits")
		lane.woken = true
		r.rest(lane)
	}
	// What is not begun is given back at the end of the run: nothing may be begun any more.
	return rows, err == nil && lane.epoch == epoch && !r.ended()
}

// isOver reports whether a row that was read is not to be begun: it is under way, or was
// settled since. What was read of it is out of date then. mu is held.
func (l *lane[K, R]) isOver(e Entry[R]) bool { return l.underWay[e.Position] || l.settled[e.Position] }

// forget drops a row that is settled from what was read. mu is held.
func (l *lane[K, R]) forget(position int64) {
	delete(l.underWay, position)
	l.buffer = slices.DeleteFunc(l.buffer, func(e Entry[R]) bool { return e.Position == position })
	if l.reading {
		if l.settled == nil {
			l.settled = make(map[int64]bool)
		}
		l.settled[position] = true
	}
}

// rest lets a lane alone for a while. mu is held.
func (r *run[K, R]) rest(lane *lane[K, R]) {
	if lane.pause != nil || r.ended() {
		return
	}
	lane.pause = time.AfterFunc(lane.waits.NextBackOff(), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		lane.pause = nil
		r.schedule(lane)
	})
}

// take makes the next attempt at a row of a lane. mu is held.
func (r *run[K, R]) take(lane *lane[K, R], e Entry[R]) *job[K, R] {
	lane.underWay[e.Position] = true
	r.undecided++
	lane.begun = time.Now()
	if _, given := lane.preclaimed[e.Position]; given {
		delete(lane.preclaimed, e.Position)
	} else if e.Owner == r.id && !r.loop.cfg.Again {
		r.loop.begunUngiven.add(lane.key, e.Position)
	}
	lane.following = false
	if lane.attempted != e.Position {
		lane.attempted, lane.attempts = e.Position, 0
	}
	lane.attempts++
	j := r.newJob(lane.key, e)
	j.Behind = lane.heldFrom != 0 && e.Position > lane.heldFrom
	j.Alone = len(lane.underWay) == 1
	j.Attempt, j.Since = lane.attempts, lane.released
	j.releases, j.probe = lane.releases, lane.probing
	return j
}
