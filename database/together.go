package database

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"go.mau.fi/util/dbutil"
)

const (
	// maxTogether is how many changes are made in one transaction.
	maxTogether = 64
	// togetherTimeout bounds each transaction.
	togetherTimeout = 10 * time.Second
	// maxLeaders is how many transactions there are at a time, where the database makes several: while one waits for the
	// disk, or for an answer, others go on. More would only have each make fewer changes.
	maxLeaders = 4
)

// errInterrupted is what whoever waits is told when the program is coming to an end in the middle of a change.
var errInterrupted = errors.New("the change was interrupted")

// together makes changes that several want at the same time in one transaction: each that is committed by itself
// waits for the disk. Nobody waits for others to come. Whoever comes first makes their own change; what comes meanwhile is
// made by one of those that wait, for all of them.
type together struct {
	db   *dbutil.Database
	most int // how many transactions there may be at a time

	mu      sync.Mutex
	leaders int      // who makes changes, or was told to
	waiting []*piece // in the order in which they came
}

// newTogether makes changes in a database.
func newTogether(db *dbutil.Database) *together {
	t := &together{db: db, most: 1} // SQLite has one that writes at a time
	if db.Dialect == dbutil.Postgres {
		t.most = leadersOf(db.RawDB.Stats().MaxOpenConnections)
	}
	return t
}

// leadersOf returns how many transactions there may be at a time where there are so many connections at most, 0 for without a limit.
// Some connections are left to those that read.
func leadersOf(connections int) int {
	if connections == 0 {
		return maxLeaders
	}
	return min(max(connections/2, 1), maxLeaders)
}

// piece is one change.
type piece struct {
	ctx  context.Context
	kind maker
	of   any   // what of its kind is changed
	over bool  // it was made, or failed
	err  error // what came of it then
	// turn gets the changes that whoever wants this one, the first of them, is to make, and is closed when this one is over. It is nil
	// where nobody waits.
	turn chan []*piece
}

// maker makes changes of one kind.
type maker interface {
	// makeAll makes changes, all or none.
	makeAll(ctx context.Context, pieces []*piece) error
}

// kind are changes of which those that wait together are made at once.
type kind[T any] struct {
	together *together
	// make makes all of these changes in one transaction, or none. It may be called again with some of them when one has failed, after all of what it did was undone.
	make func(ctx context.Context, all []T) error
}

// Do makes a change as [together.Do].
func (k *kind[T]) Do(ctx context.Context, of T) error { return k.together.do(ctx, k, of) }

func (k *kind[T]) makeAll(ctx context.Context, pieces []*piece) error {
	all := make([]T, len(pieces))
	for i, p := range pieces {
		all[i] = p.of.(T)
	}
	return k.make(ctx, all)
}

// each are changes that are made one after the other.
type each struct{}

func (each) makeAll(ctx context.Context, pieces []*piece) error {
	for _, p := range pieces {
		if err := p.of.(func(context.Context) error)(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Do makes a change, with others perhaps. change may be called again when another one has failed, after all of
// what it did was undone. Of two changes that wait at the same time each may be made first. Within a transaction it is
// made there. The error of a change may be that of the transaction: then nobody knows whether it was made.
func (t *together) Do(ctx context.Context, change func(context.Context) error) error {
	return t.do(ctx, each{}, change)
}

func (t *together) do(ctx context.Context, kind maker, of any) error {
	p := &piece{ctx: ctx, kind: kind, of: of}
	if _, in := t.db.Execable(ctx).(dbutil.Transaction); in {
		return kind.makeAll(ctx, []*piece{p})
	}
	t.mu.Lock()
	if t.leaders < t.most { // so that nothing waits
		t.leaders++
		t.mu.Unlock()
		t.lead([]*piece{p})
		return p.err
	}
	p.turn = make(chan []*piece, 1)
	t.waiting = append(t.waiting, p)
	t.mu.Unlock()
	select {
	case batch, now := <-p.turn:
		if now {
			t.lead(batch)
		}
		return p.err
	case <-ctx.Done():
	}
	if t.withdraw(p) {
		return ctx.Err()
	}
	if batch, now := <-p.turn; now { // it is being made, or its turn has just come
		t.lead(batch)
	}
	return p.err
}

// DoTxn is Do for a change of several statements: all of them are made, or none.
func (t *together) DoTxn(ctx context.Context, change func(context.Context) error) error {
	return t.Do(ctx, func(ctx context.Context) error { return t.db.DoTxn(ctx, nil, change) })
}

// change is Do for one statement, and reports whether it has changed rows.
func (t *together) change(ctx context.Context, query string, args ...any) (changed bool, err error) {
	err = t.Do(ctx, func(ctx context.Context) (err error) {
		changed, err = changes(t.db.Exec(ctx, query, args...))
		return err
	})
	return changed && err == nil, err
}

// withdraw takes back a change that nobody makes yet.
func (t *together) withdraw(p *piece) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.Index(t.waiting, p)
	if at < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, at, at+1)
	return true
}

// next takes the changes that are made next from those that wait. mu is held.
func (t *together) next() []*piece {
	n := min(len(t.waiting), maxTogether)
	batch := slices.Clone(t.waiting[:n])
	t.waiting = slices.Delete(t.waiting, 0, n)
	return batch
}

// lead makes changes, and has the first of those that have come meanwhile go on.
func (t *together) lead(batch []*piece) {
	defer func() { // also when a change panics: others go on
		t.mu.Lock()
		if next := t.next(); len(next) > 0 {
			next[0].turn <- next
		} else {
			t.leaders--
		}
		t.mu.Unlock()
		for _, p := range batch {
			p.end()
		}
	}()
	t.makeAll(batch)
}

// end has who waits for a change go on. Who makes the change calls it.
func (p *piece) end() {
	if p.over {
		return
	}
	if p.over = true; p.turn != nil {
		close(p.turn)
	}
}

// alone makes a change by itself, until a deadline at most: others wait for it.
func (p *piece) alone(deadline time.Time) {
	p.err = errInterrupted
	ctx := p.ctx
	if own, has := ctx.Deadline(); !has || own.After(deadline) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	p.err = p.kind.makeAll(ctx, []*piece{p})
}

// makeAll makes changes in one transaction, those of a kind at once. When it cannot be begun, or one of them
// fails, all are undone, and each is made by itself. When the end of the transaction fails it is not certain
// that they are not made: all fail.
func (t *together) makeAll(batch []*piece) {
	if len(batch) == 1 {
		batch[0].alone(time.Now().Add(togetherTimeout))
		return
	}
	for _, p := range batch {
		p.err = errInterrupted
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), togetherTimeout)
	defer cancel()
	ended := false // all were made, and it is for the end of the transaction to fail
	err := t.db.DoTxn(ctx, nil, func(ctx context.Context) error {
		for kind, pieces := range byKind(batch) {
			if err := kind.makeAll(ctx, pieces); err != nil {
				return err
			}
		}
		ended = true
		return nil
	})
	if err == nil || ended {
		for _, p := range batch {
			p.err = err
		}
		return
	}
	deadline := time.Now().Add(togetherTimeout) // of all: behind them others wait
	for _, p := range batch {
		p.alone(deadline)
		p.end()
	}
}

// byKind goes through the kinds of changes, in the order in which the first of each has come.
func byKind(batch []*piece) iter.Seq2[maker, []*piece] {
	return func(yield func(maker, []*piece) bool) {
		for rest := batch; len(rest) > 0; {
			of, others := rest[:0:0], rest[:0:0]
			for _, p := range rest {
				if p.kind == rest[0].kind {
					of = append(of, p)
				} else {
					others = append(others, p)
				}
			}
			if !yield(of[0].kind, of) {
				return
			}
			rest = others
		}
	}
}
