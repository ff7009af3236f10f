package outage

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/database"
)

const (
	// LookEvery is how often it is looked what waits in the queues of all logins.
	LookEvery = 5 * time.Minute
	// WaitsLong is how old what waits may be before the admin is told. What is kept for somebody who is
	// offline does not count.
	WaitsLong = 15 * time.Minute
)

// Queues tells the admin in the log, once per login, that messages wait for long, and that they do not any more.
type Queues struct {
	waiting interface {
		All(context.Context) (map[networkid.UserLoginID]database.Waiting, error)
	}
	told map[networkid.UserLoginID]bool // by look

	mu      sync.Mutex
	cancel  context.CancelFunc // nil while it is stopped
	timer   *time.Timer
	looking sync.WaitGroup
}

// NewQueues returns Queues that are not looked at yet.
func NewQueues(db *database.Database) *Queues {
	return &Queues{waiting: db.Waiting, told: make(map[networkid.UserLoginID]bool)}
}

// Start looks at the queues every LookEvery, until Stop. There is no goroutine in between.
func (q *Queues) Start(ctx context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ctx, q.cancel = context.WithCancel(ctx)
	q.timer = time.AfterFunc(LookEvery, func() {
		q.mu.Lock()
		if ctx.Err() != nil {
			q.mu.Unlock()
			return
		}
		q.looking.Add(1)
		q.mu.Unlock()
		defer q.looking.Done()
		q.look(ctx, time.Now())
		q.mu.Lock()
		defer q.mu.Unlock()
		if ctx.Err() == nil {
			q.timer.Reset(LookEvery)
		}
	})
}

// Stop ends what Start began. It may be called again, and without Start.
func (q *Queues) Stop() {
	if q == nil {
		return
	}
	q.mu.Lock()
	if q.cancel != nil {
		q.cancel()
		q.timer.Stop()
		q.cancel = nil
	}
	q.mu.Unlock()
	q.looking.Wait()
}

func (q *Queues) look(ctx context.Context, now time.Time) {
	log := zerolog.Ctx(ctx)
	all, err := q.waiting.All(ctx)
	if err != nil {
		if ctx.Err() == nil {
			log.Warn().Err(err).Msg("Failed to look at what waits")
		}
		return
	}
	for login := range q.told {
		if of := all[login]; of.Oldest.IsZero() || now.Sub(of.Oldest) < WaitsLong {
			delete(q.told, login)
			log.Info().Str("login_id", string(login)).Msg("Messages do not wait for long any more")
		}
	}
	for login, of := range all {
		if q.told[login] || of.Oldest.IsZero() || now.Sub(of.Oldest) < WaitsLong {
			continue
		}
		q.told[login] = true
		log.Warn().Str("login_id", string(login)).Int("to_msn", of.Out).Int("to_matrix", of.In).Time("since", of.Oldest).
			Msg("Messages wait for long: see what `logins` says of the account, and whether the homeserver answers")
	}
}
