package bridge

import (
	"sync"

	"maunium.net/go/mautrix/bridgev2/networkid"
)

// keyedLocks is a lock for each login ID. The zero value is ready.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[networkid.UserLoginID]*sync.Mutex
}

// lock waits for the lock of id; unlock releases it. Locks are few and small, and
// are kept.
func (k *keyedLocks) lock(id networkid.UserLoginID) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = make(map[networkid.UserLoginID]*sync.Mutex)
	}
	l := k.locks[id]
	if l == nil {
		l = new(sync.Mutex)
		k.locks[id] = l
	}
	k.mu.Unlock()
	l.Lock()
	return l.Unlock
}
