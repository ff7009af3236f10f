package bridge

import "sync"

// keyedLocks is a lock for each key. The zero value is ready.
type keyedLocks[K comparable] struct {
	mu    sync.Mutex
	locks map[K]*sync.Mutex
}

// lock waits for the lock of key; unlock releases it. Locks are few and small, and
// are kept.
func (k *keyedLocks[K]) lock(key K) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = make(map[K]*sync.Mutex)
	}
	l := k.locks[key]
	if l == nil {
		l = new(sync.Mutex)
		k.locks[key] = l
	}
	k.mu.Unlock()
	l.Lock()
	return l.Unlock
}
