// Package queue works off the rows of a table: in order per key, each claimed before
// anything is done with it, retried, held and released, and told once.
//
// A Loop sleeps until it is woken. While nothing is to be done it has no goroutine;
// what waits for a time has a timer.
package queue

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Entry is a row as the table had it when it was read.
type Entry[R any] struct {
	Row R
	// Position orders the rows of a key. It is above 0, and grows from row to row.
	Position int64
	// Owner is the run that has claimed the row, "" while nobody has.
	Owner string
}

// Store is the table with the rows of one login. Each method that changes a row is a
// compare-and-set: it changes the row only while its owner is still the one in the
// entry, and reports whether the row is now as asked for. One that is so already, since
// an answer of the database was lost, counts as changed.
type Store[K comparable, R any] interface {
	// Keys returns the keys that have rows.
	Keys(ctx context.Context) ([]K, error)
	// Read returns the first rows of a key behind a position, in order, at most limit.
	// A store may claim them for the run while it reads them, where it does not matter
	// whether an earlier run had begun with them.
	Read(ctx context.Context, key K, after int64, limit int, run string) ([]Entry[R], error)
	// SetOwner claims a row for a run, or gives it back when owner is "".
	SetOwner(ctx context.Context, e Entry[R], owner string) (changed bool, err error)
	// Hold notes that a row waits until its key is released, and gives it back.
	Hold(ctx context.Context, e Entry[R]) (changed bool, err error)
	// Remove takes a row out of the queue.
	Remove(ctx context.Context, e Entry[R]) (changed bool, err error)
}

// Failures is a Store that notes in its rows why they wait.
type Failures[R any] interface {
	// Failed notes that an attempt at a row has failed.
	Failed(ctx context.Context, e Entry[R], why error) error
}

// Work is what is done with the rows.
type Work[R any] interface {
	// Begin takes a row up. It is called for the rows of a key in order and one at a
	// time, and may wait. When it is not known yet what becomes of the row the Outcome is
	// Pending, and the next row is begun while fewer than Window are under way.
	Begin(ctx context.Context, job *Job[R]) Outcome
	// Tell says what became of a row whose Outcome is Tell. It is called again, after a
	// wait, when it returns an error, and never once it has returned nil.
	Tell(ctx context.Context, row R, fate error) error
}

// Job is one attempt to do the work of a row.
type Job[R any] struct {
	Entry[R]
	// Earlier is set when a run that has ended had claimed the row and not said what
	// became of it: its work may be done.
	Earlier bool
	// Behind is set when a row before this one is held.
	Behind bool
	// Alone is set when no other row of the key is under way: what became of those before this
	// one is settled.
	Alone bool
	// Attempt counts from 1 how often in a row the work was tried in this run. That a row was
	// held is no attempt.
	Attempt int
	// Since is when this run began, or when the key was last released.
	Since time.Time

	claim, unclaim func(context.Context) error
}

// Claim notes in the table that the work has begun, for the case that this process does
// not live to tell its end. It must come before anything that others can see. The error
// is ErrLost, or that of the database.
func (j *Job[R]) Claim(ctx context.Context) error { return j.claim(ctx) }

// Unclaim takes back that the work has begun, for a row that was put in the name of the run and has to wait after all. The error
// is ErrLost, or that of the database: the Outcome is Leave then, or Retry.
func (j *Job[R]) Unclaim(ctx context.Context) error { return j.unclaim(ctx) }

// ErrLost says that a row is not there any more, or belongs to somebody else. The Outcome
// is Leave then.
var ErrLost = errors.New("queue: the row is not for this run")

// Outcome is what became of a job.
type Outcome struct {
	kind  kind
	err   error // the fate to tell, or why to try again
	until time.Time
	then  func(context.Context)
	// finish returns when it is known what became of the row.
	finish func() Outcome
}

type kind int

const (
	kindLeave kind = iota
	kindDone
	kindTell
	kindRetry
	kindFollow
	kindHold
	kindStillHeld
	kindPutBack
	kindPending
)

// Done takes the row out of the queue.
func Done() Outcome { return Outcome{kind: kindDone} }

// Tell has the fate of the row told, and then takes it out of the queue. fate is nil for
// good news.
func Tell(fate error) Outcome { return Outcome{kind: kindTell, err: fate} }

// Retry has the row tried again after a while. Rows behind it wait unless they are under
// way already.
func Retry(err error) Outcome { return Outcome{kind: kindRetry, err: err} }

// Follow has the row begun again once all rows of its key that are under way are settled: it
// must not overtake one of them.
func Follow() Outcome { return Outcome{kind: kindFollow} }

// Hold keeps the row until its key is released, or until a time.
func Hold(until time.Time) Outcome { return Outcome{kind: kindHold, until: until} }

// StillHeld is Hold for a row that is noted as held in the table and was not claimed since.
func StillHeld(until time.Time) Outcome { return Outcome{kind: kindStillHeld, until: until} }

// PutBack gives a row back of which surely nothing was done. It keeps its place: if the run goes on, it is begun again after the
// first of the waits, when all rows of its key that are under way are settled, and before those behind it. Work that is begun with
// one of these before the Loop knows answers Follow or PutBack, too.
func PutBack() Outcome { return Outcome{kind: kindPutBack} }

// Leave leaves the row as it is. The next run finds it.
func Leave() Outcome { return Outcome{} }

// Then has something done once the table has noted the outcome.
func (o Outcome) Then(do func(context.Context)) Outcome {
	o.then = do
	return o
}

// Pending is for a row of which it is not known yet what becomes of it. finish returns when
// it is; its Outcome is not Pending.
func Pending(finish func() Outcome) Outcome { return Outcome{kind: kindPending, finish: finish} }

// Config says how a Loop works.
type Config[K comparable, R any] struct {
	Store Store[K, R]
	Work  Work[R]
	// Window is how many rows of a key may be under way at once. With 1 the next row is
	// not begun before the last is settled.
	Window int
	// Batch is how many rows are read at once.
	Batch int
	// Parallel is how many keys are worked on at once.
	Parallel int
	// Patience is after how long a row does not count for Parallel any more, so that keys
	// that are stuck do not hold up the others.
	Patience time.Duration
	// Again is for work that does no harm when it is done again: whether an earlier run had begun with a row does not matter.
	Again bool
	// Waits makes the waits between attempts at a key, from the first on. It is retry.Waits
	// if it is nil.
	Waits func() backoff.BackOff
}

const (
	// maxTells is how often it is tried to tell a fate: for about half an hour.
	maxTells = 12
	// storeTimeout bounds one statement. What is under way when a run ends is stored
	// all the same.
	storeTimeout = 5 * time.Second
	// soon is how long it may take at most to take up a row if one that is put behind it is to be begun at once.
	soon = time.Second
)
