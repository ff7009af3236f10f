package queuetest

import (
	"context"
	"slices"
	"sync"

	"matrix-msn/bridge/queue"
)

// Memory is a queue.Store that is in memory alone.
type Memory[K comparable, R any] struct {
	mu   sync.Mutex
	last int64
	rows map[K][]queue.Entry[R] // in order
	keys map[int64]K            // of rows, by their positions
}

// NewMemory returns an empty store.
func NewMemory[K comparable, R any]() *Memory[K, R] { return new(Memory[K, R]) }

// Put adds a row and returns its position.
func (m *Memory[K, R]) Put(key K, row R) (position int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.put(key, row)
}

// PutOnce is Put unless a row of the key waits that nobody has claimed: work that claims
// its row before it looks what is to be done sees what was put meanwhile.
func (m *Memory[K, R]) PutOnce(key K, row R) (position int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if rows := m.rows[key]; len(rows) > 0 && rows[len(rows)-1].Owner == "" {
		return rows[len(rows)-1].Position
	}
	return m.put(key, row)
}

func (m *Memory[K, R]) put(key K, row R) (position int64) {
	if m.rows == nil {
		m.rows, m.keys = make(map[K][]queue.Entry[R]), make(map[int64]K)
	}
	m.last++
	m.rows[key] = append(m.rows[key], queue.Entry[R]{Row: row, Position: m.last})
	m.keys[m.last] = key
	return m.last
}

// Keys returns the keys that have rows.
func (m *Memory[K, R]) Keys(context.Context) (keys []K, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.rows {
		keys = append(keys, key)
	}
	return keys, nil
}

// Read returns rows of a key behind a position.
func (m *Memory[K, R]) Read(_ context.Context, key K, after int64, limit int, _ string) ([]queue.Entry[R], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.rows[key]
	for len(rows) > 0 && rows[0].Position <= after {
		rows = rows[1:]
	}
	return slices.Clone(rows[:min(limit, len(rows))]), nil
}

// SetOwner claims a row, or gives it back.
func (m *Memory[K, R]) SetOwner(_ context.Context, e queue.Entry[R], owner string) (bool, error) {
	return m.change(e, owner, func(row *queue.Entry[R]) { row.Owner = owner })
}

// Hold gives a row back.
func (m *Memory[K, R]) Hold(ctx context.Context, e queue.Entry[R]) (bool, error) {
	return m.SetOwner(ctx, e, "")
}

// Remove takes a row out.
func (m *Memory[K, R]) Remove(_ context.Context, e queue.Entry[R]) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, i, ok := m.find(e)
	if !ok || m.rows[key][i].Owner != e.Owner {
		return false, nil
	}
	if m.rows[key] = slices.Delete(m.rows[key], i, i+1); len(m.rows[key]) == 0 {
		delete(m.rows, key)
	}
	if delete(m.keys, e.Position); len(m.keys) == 0 {
		m.rows, m.keys = nil, nil
	}
	return true, nil
}

// change changes a row whose owner is that of e, or the new one already.
func (m *Memory[K, R]) change(e queue.Entry[R], owner string, change func(*queue.Entry[R])) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key, i, ok := m.find(e)
	if !ok || m.rows[key][i].Owner != e.Owner && m.rows[key][i].Owner != owner {
		return false, nil
	}
	change(&m.rows[key][i])
	return true, nil
}

func (m *Memory[K, R]) find(e queue.Entry[R]) (key K, i int, ok bool) {
	key = m.keys[e.Position]
	i = slices.IndexFunc(m.rows[key], func(row queue.Entry[R]) bool { return row.Position == e.Position })
	return key, i, i >= 0
}
