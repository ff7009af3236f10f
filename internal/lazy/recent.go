package lazy

import (
	"slices"
	"sync"
)

// Recent are the latest entries of a map, so many at most: the oldest makes room for a new one. They take memory for those that are there.
// Any goroutine may call its methods.
type Recent[K comparable, V any] struct {
	most int

	mu     sync.Mutex
	list   []recent[K, V]
	oldest int // where in the list, once it is full
}

type recent[K comparable, V any] struct {
	key   K
	value V
}

// NewRecent returns a Recent of so many entries at most, of which there are few enough to look through.
func NewRecent[K comparable, V any](most int) *Recent[K, V] { return &Recent[K, V]{most: most} }

// Get returns the value of a key, and whether there is one.
func (r *Recent[K, V]) Get(key K) (value V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := r.find(key); at >= 0 {
		return r.list[at].value, true
	}
	return value, false
}

// Put gives a key a value. One that is there keeps its age.
func (r *Recent[K, V]) Put(key K, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.find(key)
	switch {
	case at >= 0:
		r.list[at].value = value
	case len(r.list) < r.most:
		r.list = Append(r.list, recent[K, V]{key, value})
	default:
		r.list[r.oldest] = recent[K, V]{key, value}
		r.oldest = (r.oldest + 1) % r.most
	}
}

func (r *Recent[K, V]) find(key K) int {
	return slices.IndexFunc(r.list, func(e recent[K, V]) bool { return e.key == key })
}
