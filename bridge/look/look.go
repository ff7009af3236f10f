// Package look asks the database how people are shown, once for all parts of a login that want to know it at about the same time.
package look

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/background"
	"matrix-msn/bridge/retry"
	"matrix-msn/database"
)

const (
	// pause is the shortest time between two looks: people on no list can have the user's list looked at as often as they like, and
	// it can be long. Of those who come online together one look asks.
	pause = 200 * time.Millisecond
	// crowdPause is how long the first who wants a look waits for others while many logins sign in: the friends of an account come online
	// one after another then, and each by itself would cost as much as all of them.
	crowdPause = 8 * time.Second
)

// key is that of the look among the works of the login.
const key = "looks"

// Question is what a part wants to know. The zero value is none.
type Question struct {
	// Accounts are those it is about.
	Accounts []string
	// Answer is called with those of whom there is a ghost, or with the error of the database, which is logged already. It reports whether nothing is
	// left to be done: otherwise the part is asked once more after a while. Others may be among them.
	Answer func(ctx context.Context, shown map[string]*database.Shown, err error) (done bool)
}

// Shown returns how those of some accounts are shown of whom there is a ghost, by account.
type Shown func(ctx context.Context, accounts []string) (map[string]*database.Shown, error)

// Looks ask for all parts of one login.
type Looks struct {
	shown   Shown
	work    *background.Work
	crowded func() bool
	parts   []func(context.Context) Question // set before the first Want

	mu     sync.Mutex
	looked time.Time   // when that was the last time
	later  *time.Timer // nil while nobody waits for others
}

// New returns the looks of a login, which are done among its work and ask shown. crowded reports whether many logins are just signing in.
func New(shown Shown, work *background.Work, crowded func() bool) *Looks {
	return &Looks{shown: shown, work: work, crowded: crowded}
}

// Ask has a part asked at each look what it wants to know. It is called by one goroutine at a time.
func (l *Looks) Ask(question func(context.Context) Question) { l.parts = append(l.parts, question) }

// Want has it looked soon, and each part asked. It does not wait.
func (l *Looks) Want() {
	if !l.crowded() {
		l.work.Try(key, l.look)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.later == nil {
		l.later = time.AfterFunc(crowdPause, l.come)
	}
}

// come looks for those who have waited for others.
func (l *Looks) come() {
	l.mu.Lock()
	waited := l.later != nil
	l.later = nil
	l.mu.Unlock()
	if waited {
		l.work.Try(key, l.look)
	}
}

// Start implements session.Part.
func (*Looks) Start(context.Context) {}

// Stop implements session.Part. Who waits for others is for the next start.
func (l *Looks) Stop() {
	l.mu.Lock()
	if l.later != nil {
		l.later.Stop()
	}
	l.mu.Unlock()
	l.come()
}

// look asks for everybody.
func (l *Looks) look(ctx context.Context) (done bool) {
	l.mu.Lock()
	wait := time.Until(l.looked.Add(pause))
	l.mu.Unlock()
	if wait > 0 && !retry.Sleep(ctx, wait) {
		return false
	}
	l.mu.Lock()
	l.looked = time.Now()
	l.mu.Unlock()
	var questions []Question
	var accounts []string
	for _, ask := range l.parts {
		if q := ask(ctx); q.Answer != nil {
			questions = append(questions, q)
			accounts = append(accounts, q.Accounts...)
		}
	}
	if len(questions) == 0 {
		return true
	}
	slices.Sort(accounts)
	shown, err := l.shown(ctx, slices.Compact(accounts))
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to look how people are shown")
	}
	done = true
	for _, q := range questions {
		done = q.Answer(ctx, shown, err) && done
	}
	return done
}
