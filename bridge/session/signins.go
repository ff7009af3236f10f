package session

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/exsync"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/config"
	"matrix-msn/msn"
)

// Lane is where a sign-in waits for its turn.
type Lane uint8

// The lanes. People who wait for an answer do not stand behind the bridge's own attempts.
const (
	Background  Lane = iota // the bridge signs in by itself, at a start or after an outage
	Interactive             // somebody waits for it
	lanes
)

// maxSignIns is how many accounts sign in to one service at the same time in one lane.
// After a restart of the bridge hundreds want to, and to a service that would look like
// an attack.
const maxSignIns = 8

// SignIns opens the sessions of all logins of the bridge. The zero value is ready.
type SignIns struct {
	// Took is told how long it took to sign in to a service, or to fail. It may be nil.
	Took func(service string, took time.Duration, err error)

	// Rush is called when many begin to sign in at once, and when that is over. It may be nil, and must not wait.
	Rush func(begins bool)

	logins exsync.KeyedMutex[networkid.UserLoginID]

	mu    sync.Mutex
	turns map[string]*[lanes]turns // by service
	rush  rush
}

// Lock waits until nobody else signs a login in or out or replaces it. It must not be
// called by who has the lock.
func (s *SignIns) Lock(login networkid.UserLoginID) (unlock func()) { return s.logins.WithLock(login) }

// Credentials are what an account signs in with.
type Credentials struct {
	Account, Password string
	MachineGUID       string // the login's name for this endpoint
	Status            msn.Status
	// Groups are the members of the group chats that the login keeps, by their IDs.
	Groups map[string][]string
	// Picture is the user's display picture, nil for none.
	Picture []byte
}

// Open signs in to a service. Of each service few sign-ins are under way in each lane; the
// others wait, until ctx ends.
func (s *SignIns) Open(ctx context.Context, lane Lane, service *config.Service, who Credentials, log zerolog.Logger) (*msn.Client, error) {
	if err := s.await(ctx, lane, service.Key); err != nil {
		return nil, err
	}
	defer s.done(lane, service.Key)
	return s.open(ctx, service, who, log)
}

// open is Open for who has a turn.
func (s *SignIns) open(ctx context.Context, service *config.Service, who Credentials, log zerolog.Logger) (*msn.Client, error) {
	cfg := service.Template
	cfg.Account, cfg.Password, cfg.MachineGUID, cfg.Status = who.Account, who.Password, who.MachineGUID, who.Status
	cfg.Groups, cfg.Picture = who.Groups, who.Picture
	cfg.Logger = slog.New(zerolog.NewSlogHandler(log))
	began := time.Now()
	client, err := msn.Login(ctx, cfg)
	if s.Took != nil && ctx.Err() == nil {
		s.Took(service.Key, time.Since(began), err)
	}
	return client, err
}

// Discard closes a session whose events nobody wants.
func Discard(client *msn.Client) {
	var reading sync.WaitGroup
	reading.Go(func() {
		for range client.Events() {
		}
	})
	client.Close()
	reading.Wait()
}
