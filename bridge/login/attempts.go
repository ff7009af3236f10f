package login

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// How many wrong passwords are tried at a service: so many at once, and one more each time.
// The service would take more for an attack, by this bridge.
const (
	accountAttempts = 5
	accountEvery    = 5 * time.Minute
	userAttempts    = 10
	userEvery       = 3 * time.Minute
	// maxRemembered is of how many accounts and users wrong passwords are remembered.
	maxRemembered = 10_000
	pruneEvery    = time.Minute
)

// attempts are the wrong passwords of late. The zero value is ready.
type attempts struct {
	mu       sync.Mutex
	limiters map[string]*rate.Limiter
	pruned   time.Time
}

// wait returns how long a user has to wait before they may try a password of an account, 0
// when they need not.
func (a *attempts) wait(login networkid.UserLoginID, user id.UserID, now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, limiter := range []*rate.Limiter{a.limiters["account "+string(login)], a.limiters["user "+string(user)]} {
		if limiter == nil {
			continue
		}
		if missing := 1 - limiter.TokensAt(now); missing > 0 {
			wait = max(wait, time.Duration(missing/float64(limiter.Limit())*float64(time.Second)))
		}
	}
	return wait
}

// failed counts a wrong password.
func (a *attempts) failed(login networkid.UserLoginID, user id.UserID, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limiter("account "+string(login), accountAttempts, accountEvery, now).AllowN(now, 1)
	a.limiter("user "+string(user), userAttempts, userEvery, now).AllowN(now, 1)
}

// limiter returns the limiter of a name. When there are many, those are forgotten that limit
// nothing any more; if that is not enough, the newest are not remembered. mu is held.
func (a *attempts) limiter(name string, burst int, every time.Duration, now time.Time) *rate.Limiter {
	if limiter := a.limiters[name]; limiter != nil {
		return limiter
	}
	if a.limiters == nil {
		a.limiters = make(map[string]*rate.Limiter)
	}
	if len(a.limiters) >= maxRemembered && now.Sub(a.pruned) >= pruneEvery {
		a.pruned = now
		for other, limiter := range a.limiters {
			if limiter.TokensAt(now) >= float64(limiter.Burst()) {
				delete(a.limiters, other)
			}
		}
	}
	limiter := rate.NewLimiter(rate.Every(every), burst)
	if len(a.limiters) < maxRemembered {
		a.limiters[name] = limiter
	}
	return limiter
}
