package queuetest

import (
	"context"
	"time"

	"matrix-msn/bridge/queue"
)

// faulty is the table as a process sees it: it fails at times, before or after it has done
// what it was asked for, and for ever once the process is dead.
type faulty[K comparable, R any] struct{ p *process[K, R] }

func (f *faulty[K, R]) try(do func() (bool, error)) (bool, error) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if f.p.dead || f.p.fails() {
		return false, errFault
	}
	changed, err := do()
	if f.p.fails() {
		return false, errFault
	}
	return changed, err
}

func (f *faulty[K, R]) Keys(ctx context.Context) (keys []K, err error) {
	_, err = f.try(func() (bool, error) { keys, err = f.p.table.Keys(ctx); return true, err })
	return keys, err
}

func (f *faulty[K, R]) Read(ctx context.Context, key K, after int64, limit int, run string) (rows []queue.Entry[R], err error) {
	_, err = f.try(func() (bool, error) { rows, err = f.p.table.Read(ctx, key, after, limit, run); return true, err })
	return rows, err
}

func (f *faulty[K, R]) SetOwner(ctx context.Context, e queue.Entry[R], owner string) (bool, error) {
	changed, err := f.try(func() (bool, error) { return f.p.table.SetOwner(ctx, e, owner) })
	if err != nil {
		f.p.mu.Lock()
		f.p.items[f.p.table.ID(e.Row)].unsure = true
		f.p.mu.Unlock()
	}
	return changed, err
}

func (f *faulty[K, R]) Hold(ctx context.Context, e queue.Entry[R]) (bool, error) {
	return f.try(func() (bool, error) {
		changed, err := f.p.table.Hold(ctx, e)
		if it := f.p.items[f.p.table.ID(e.Row)]; changed {
			f.p.note("%s is held", it.id)
			it.held = f.p.events
			if it.heldAt.IsZero() {
				it.heldAt = time.Now()
			}
		}
		return changed, err
	})
}

func (f *faulty[K, R]) Remove(ctx context.Context, e queue.Entry[R]) (bool, error) {
	return f.try(func() (bool, error) { return f.p.table.Remove(ctx, e) })
}
