package database

import (
	"context"
	"errors"
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
)

// errInterrupted is what whoever waits is told when the program is coming to an end in the middle of a change.
var errInterrupted = errors.New("the change was interrupted")

// together makes changes that several want at the same time in one transaction: each that is committed by itself
// waits for the disk. Nobody waits for others to come. Whoever comes first makes their own change; what comes meanwhile is
// made by one of those that wait, for all of them.
type together struct {
	db *dbutil.Database

	mu      sync.Mutex
	led     bool     // somebody makes changes, or was told to
	waiting []*piece // in the order in which they came
}

// piece is one change.
type piece struct {
	ctx  context.Context
	make func(context.Context) error
	err  error         // what came of it, when done is closed
	done chan struct{} // closed when it was made, or failed
	turn chan struct{} // has something when it is its turn to make changes
}

// Do makes a change, with others perhaps. change may be called again when another one has failed, after all of
// what it did was undone. Changes that come one after the other are made in that order. Within a transaction it is
// made there. The error of a change may be that of the transaction: then nobody knows whether it was made.
func (t *together) Do(ctx context.Context, change func(context.Context) error) error {
	if _, in := t.db.Execable(ctx).(dbutil.Transaction); in {
		return change(ctx)
	}
	p := &piece{ctx: ctx, make: change, done: make(chan struct{}), turn: make(chan struct{}, 1)}
	t.mu.Lock()
	t.waiting = append(t.waiting, p)
	leads := !t.led
	t.led = true
	t.mu.Unlock()
	if leads {
		t.lead()
		return p.err
	}
	select {
	case <-p.turn:
		t.lead()
	case <-p.done:
	case <-ctx.Done():
		if t.withdraw(p) {
			return ctx.Err()
		}
		select { // it is being made, or its turn has just come
		case <-p.turn:
			t.lead()
		case <-p.done:
		}
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
	if at < 0 || len(p.turn) > 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, at, at+1)
	return true
}

// lead makes the changes that wait, and has the first of those that have come meanwhile do so next.
func (t *together) lead() {
	t.mu.Lock()
	n := min(len(t.waiting), maxTogether)
	batch := slices.Clone(t.waiting[:n])
	t.waiting = slices.Delete(t.waiting, 0, n)
	t.mu.Unlock()
	defer func() { // also when a change panics: others go on
		t.mu.Lock()
		if t.led = len(t.waiting) > 0; t.led {
			t.waiting[0].turn <- struct{}{}
		}
		t.mu.Unlock()
		for _, p := range batch {
			close(p.done)
		}
	}()
	t.makeAll(batch)
}

// alone makes a change by itself. It has no more time than several together: others wait for it.
func (p *piece) alone() {
	p.err = errInterrupted
	ctx, cancel := context.WithTimeout(p.ctx, togetherTimeout)
	defer cancel()
	p.err = p.make(ctx)
}

// makeAll makes changes in one transaction. When it cannot be begun they are made each by itself; when one of them
// fails all are undone, and the others are made each by itself. When the end of the transaction fails it is not certain
// that they are not made: all fail.
func (t *together) makeAll(batch []*piece) {
	if len(batch) == 1 {
		batch[0].alone()
		return
	}
	for _, p := range batch {
		p.err = errInterrupted
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), togetherTimeout)
	defer cancel()
	failed := -1
	err := t.db.DoTxn(ctx, nil, func(ctx context.Context) error {
		failed = -1
		for i, p := range batch {
			if err := p.make(ctx); err != nil {
				failed = i
				return err
			}
		}
		return nil
	})
	unbegun := errors.Is(err, dbutil.ErrTxnBegin)
	for i, p := range batch {
		if !unbegun && (err == nil || failed < 0 || i == failed) {
			p.err = err
		} else {
			p.alone()
		}
	}
}
