package stack

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultWait bounds every wait for an event whose context has no deadline. It is far above what anything here
	// takes, so that only what never comes runs into it, also on a loaded machine.
	DefaultWait = 30 * time.Second
	// quotedEvents is how many of the last events an error quotes.
	quotedEvents = 12
)

// Mark is a place in what somebody has seen. The zero Mark is before everything.
type Mark int

// record keeps what somebody has seen, in order, and wakes those who wait for more.
type record[T any] struct {
	who      string         // in errors
	describe func(T) string // an event in a line, for errors

	mu      sync.Mutex
	seen    []T
	changed chan struct{} // closed and replaced when something is added, closed at the end

	closed chan struct{} // closed when nothing will be added any more
	reason error         // why; to be read after closed is closed
}

func newRecord[T any](who string, describe func(T) string) *record[T] {
	return &record[T]{who: who, describe: describe, changed: make(chan struct{}), closed: make(chan struct{})}
}

// add keeps an event.
func (r *record[T]) add(event T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, event)
	close(r.changed)
	r.changed = make(chan struct{})
}

// close says that nothing will be added any more, and why. It is called once.
func (r *record[T]) close(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reason = reason
	close(r.closed)
	close(r.changed)
}

// over tells whether nothing will be added any more.
func (r *record[T]) over() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

// mark returns the place after everything so far.
func (r *record[T]) mark() Mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Mark(len(r.seen))
}

// from returns what came after mark, and a channel that is closed when that has changed. The channel is nil when
// there will be no change.
func (r *record[T]) from(mark Mark) ([]T, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.seen[mark:len(r.seen):len(r.seen)]
	if r.over() {
		return events, nil
	}
	return events, r.changed
}

// wait returns the first event after mark that matches, as soon as there is one.
func (r *record[T]) wait(ctx context.Context, mark Mark, what string, match func(T) bool) (T, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultWait)
		defer cancel()
	}
	var none T
	begun := time.Now()
	for {
		events, changed := r.from(mark)
		for _, event := range events {
			if match(event) {
				return event, nil
			}
		}
		mark += Mark(len(events))
		if changed == nil {
			return none, fmt.Errorf("%s cannot see %s any more: %w; the last events seen:\n%s", r.who, what, r.reason, r.quote())
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return none, fmt.Errorf("%s has not seen %s in %s (%w); the last events seen:\n%s",
				r.who, what, time.Since(begun).Round(time.Millisecond), context.Cause(ctx), r.quote())
		}
	}
}

// count returns how many events after mark match.
func (r *record[T]) count(mark Mark, match func(T) bool) int {
	events, _ := r.from(mark)
	n := 0
	for _, event := range events {
		if match(event) {
			n++
		}
	}
	return n
}

// follow yields what came after mark and then what comes, until ctx ends or nothing will be added any more.
func (r *record[T]) follow(ctx context.Context, mark Mark) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			events, changed := r.from(mark)
			for _, event := range events {
				if ctx.Err() != nil || !yield(event) {
					return
				}
			}
			mark += Mark(len(events))
			if changed == nil {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// quote describes the last events, a line each.
func (r *record[T]) quote() string {
	events, _ := r.from(0)
	if len(events) == 0 {
		return "  (none)"
	}
	var lines []string
	for _, event := range events[max(0, len(events)-quotedEvents):] {
		lines = append(lines, "  "+r.describe(event))
	}
	return strings.Join(lines, "\n")
}
