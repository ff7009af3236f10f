package outage

import (
	"context"
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
	told   map[networkid.UserLoginID]bool
	cancel context.CancelFunc
	ended  chan struct{}
}

// NewQueues returns Queues that are not looked at yet.
func NewQueues(db *database.Database) *Queues {
	return &Queues{waiting: db.Waiting, told: make(map[networkid.UserLoginID]bool)}
}

// Start looks at the queues every LookEvery, until Stop.
func (q *Queues) Start(ctx context.Context) {
	ctx, q.cancel = context.WithCancel(ctx)
	q.ended = make(chan struct{})
	go func() {
		defer close(q.ended)
		ticker := time.NewTicker(LookEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				q.look(ctx, now)
			}
		}
	}()
}

// Stop ends what Start began. It may be called again, and without Start.
func (q *Queues) Stop() {
	if q == nil || q.cancel == nil {
		return
	}
	q.cancel()
	<-q.ended
	q.cancel = nil
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
