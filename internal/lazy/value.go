package lazy

import "sync"

// Value is something that is made when it is needed first. The zero value is ready.
type Value[T any] struct {
	once  sync.Once
	value T
}

// Get returns the value, which is made by the first call. Any goroutine may call it.
func (v *Value[T]) Get(make func() T) T {
	v.once.Do(func() { v.value = make() })
	return v.value
}

// Slots are as many places as Of is told, for works of which no more may go on at once. They take no memory before the first. The
// zero value is ready.
type Slots struct{ places Value[chan struct{}] }

// Of returns a channel with room for n: who sends to it has a place, and receives from it to leave. n is always the same.
func (s *Slots) Of(n int) chan struct{} {
	return s.places.Get(func() chan struct{} { return make(chan struct{}, n) })
}
