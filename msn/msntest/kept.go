package msntest

import (
	"context"
	"errors"
	"slices"
)

// kept is the last things of a kind, which are counted from 1 by all there were.
// The server's lock guards it.
type kept[T any] struct {
	limit int
	count int // of all there were
	last  []T
}

func (k *kept[T]) add(x T) {
	k.count++
	if k.last = append(k.last, x); len(k.last) > k.limit {
		k.last = slices.Delete(k.last, 0, len(k.last)-k.limit)
	}
}

// get returns the n-th; it reports false when that is not kept any more.
func (k *kept[T]) get(n int) (x T, ok bool) {
	i := n - 1 - (k.count - len(k.last))
	if i < 0 || i >= len(k.last) {
		return x, false
	}
	return k.last[i], true
}

var errNotKept = errors.New("msntest: not kept any more, see WithRecordLimit")

// awaitKept waits until there are n and returns the n-th.
func awaitKept[T any](ctx context.Context, s *Server, k *kept[T], n int) (T, error) {
	var x T
	if err := s.wait(ctx, func() bool { return k.count >= n }); err != nil {
		return x, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := k.get(n)
	if !ok {
		return x, errNotKept
	}
	return x, nil
}
