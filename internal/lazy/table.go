package lazy

import (
	"cmp"
	"iter"
	"slices"
)

// maxListed is how many entries a Table holds in a list: a search in it takes five steps, and an insertion moves half of them.
const maxListed = 32

// Table is a map for what is nearly always small and of which there are many, as one for each account with an entry for each
// contact: up to maxListed entries are a sorted list, which takes half the memory of a map. The zero value is empty and ready.
// It is not safe for use by several goroutines at once.
type Table[K cmp.Ordered, V any] struct {
	list []entry[K, V] // by key
	rest map[K]V       // all of them, once there were more; list is nil then
}

type entry[K cmp.Ordered, V any] struct {
	key   K
	value V
}

// Get returns the value of a key, and whether there is one.
func (t *Table[K, V]) Get(key K) (value V, ok bool) {
	if t.rest != nil {
		value, ok = t.rest[key]
		return value, ok
	}
	if at, ok := t.find(key); ok {
		return t.list[at].value, true
	}
	return value, false
}

// Key returns a key as the table has it: equal strings can share their bytes then. One that the table does not have, or has among more
// than maxListed, is returned as it is given.
func (t *Table[K, V]) Key(key K) K {
	if at, ok := t.find(key); ok {
		return t.list[at].key
	}
	return key
}

// Put gives a key a value.
func (t *Table[K, V]) Put(key K, value V) {
	if t.rest != nil {
		t.rest[key] = value
		return
	}
	at, known := t.find(key)
	switch {
	case known:
		t.list[at].value = value
	case len(t.list) == maxListed:
		t.rest = make(map[K]V, 2*maxListed)
		for _, e := range t.list {
			t.rest[e.key] = e.value
		}
		t.list, t.rest[key] = nil, value
	default:
		if len(t.list) == cap(t.list) { // append would double it
			t.list = append(make([]entry[K, V], 0, min(len(t.list)+4, maxListed)), t.list...)
		}
		t.list = slices.Insert(t.list, at, entry[K, V]{key, value})
	}
}

// Delete removes a key, if it is there. An empty table holds no memory.
func (t *Table[K, V]) Delete(key K) {
	if t.rest != nil {
		if delete(t.rest, key); len(t.rest) == 0 {
			t.rest = nil
		}
		return
	}
	if at, ok := t.find(key); ok {
		if t.list = slices.Delete(t.list, at, at+1); len(t.list) == 0 {
			t.list = nil
		}
	}
}

// Len returns how many keys there are.
func (t *Table[K, V]) Len() int { return max(len(t.list), len(t.rest)) }

// All returns all keys and their values, in no order. Nothing else may be done with the table meanwhile; see DeleteFunc.
func (t *Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, e := range t.list {
			if !yield(e.key, e.value) {
				return
			}
		}
		for key, value := range t.rest {
			if !yield(key, value) {
				return
			}
		}
	}
}

// Equal reports whether two tables have the same keys with the same values.
func Equal[K cmp.Ordered, V comparable](t, u *Table[K, V]) bool {
	if t.Len() != u.Len() {
		return false
	}
	for key, value := range t.All() {
		if other, ok := u.Get(key); !ok || other != value {
			return false
		}
	}
	return true
}

// DeleteFunc removes those of whom del reports so.
func (t *Table[K, V]) DeleteFunc(del func(K, V) bool) {
	for key, value := range t.rest {
		if del(key, value) {
			delete(t.rest, key)
		}
	}
	t.list = slices.DeleteFunc(t.list, func(e entry[K, V]) bool { return del(e.key, e.value) })
	if t.Len() == 0 {
		*t = Table[K, V]{}
	}
}

func (t *Table[K, V]) find(key K) (at int, ok bool) {
	return slices.BinarySearchFunc(t.list, key, func(e entry[K, V], key K) int { return cmp.Compare(e.key, key) })
}
