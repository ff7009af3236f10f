package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

const (
	// timelineLimit is how many events of a room one sync may bring; more between two syncs would be missed.
	timelineLimit = 1000
	// syncRetryInterval is the time after a sync that failed, as all do while the homeserver is being stopped.
	syncRetryInterval = 100 * time.Millisecond
)

// User is a Matrix user with a client that syncs. Everything that a sync brings is kept, in order, for WaitEvent and
// Count. Its methods may be called from any goroutine.
type User struct {
	// Client is for everything that has no method here. Its syncing belongs to the User.
	Client *mautrix.Client
	// Password is the one that the user has logged in with.
	Password string

	autoJoin bool
	prepare  func(context.Context, *mautrix.Client) error
	seen     *record[Seen]
	cancel   context.CancelFunc
	done     sync.WaitGroup

	settling sync.Mutex
	settleIn id.RoomID // the room for Settle; empty until it is needed
}

// UserOption changes what [Login] makes.
type UserOption func(*User)

// AutoJoin makes the user accept every invitation to a room as soon as she sees it.
func AutoJoin(u *User) { u.autoJoin = true }

// Prepared has something done to the user's client when it is logged in and before it syncs, as making it one that
// encrypts.
func Prepared(how func(context.Context, *mautrix.Client) error) UserOption {
	return func(u *User) { u.prepare = how }
}

// Login logs a user in by password and starts to sync. It returns when the first sync is done; ctx bounds that only.
// The syncing ends with Close.
func Login(ctx context.Context, homeserver, name, password string, options ...UserOption) (*User, error) {
	client, err := mautrix.NewClient(homeserver, "", "")
	if err != nil {
		return nil, fmt.Errorf("log %s in at %s: %w", name, homeserver, err)
	}
	_, err = client.Login(ctx, &mautrix.ReqLogin{
		Type:             mautrix.AuthTypePassword,
		Identifier:       mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: name},
		Password:         password,
		StoreCredentials: true,
	})
	if err != nil {
		return nil, fmt.Errorf("log %s in at %s: %w", name, homeserver, err)
	}
	u := &User{Client: client, Password: password}
	u.seen = newRecord(client.UserID.String(), describeSeen)
	for _, option := range options {
		option(u)
	}
	syncer := newSyncer(u)
	client.Syncer = syncer
	if u.prepare != nil {
		if err := u.prepare(ctx, client); err != nil {
			return nil, fmt.Errorf("prepare the client of %s at %s: %w", name, homeserver, err)
		}
	}

	syncing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	u.cancel = cancel
	u.done.Go(func() {
		err := client.SyncWithContext(syncing)
		u.seen.close(fmt.Errorf("the client has stopped to sync: %w", cmp.Or(syncing.Err(), err)))
	})
	select {
	case <-syncer.first:
		return u, nil
	case <-u.seen.closed:
		u.Close()
		return nil, fmt.Errorf("log %s in at %s: %w", name, homeserver, u.seen.reason)
	case <-ctx.Done():
		u.Close()
		return nil, fmt.Errorf("log %s in at %s: %w", name, homeserver, context.Cause(ctx))
	}
}

// ID returns the user's Matrix ID.
func (u *User) ID() id.UserID {
	return u.Client.UserID
}

// Close ends the syncing and waits for that. It may be called more than once.
func (u *User) Close() {
	u.cancel()
	u.done.Wait()
}

// syncer hands over to a User what mautrix has read from a sync.
type syncer struct {
	*mautrix.DefaultSyncer
	user  *User
	mu    sync.Mutex
	ids   map[keptEvent]struct{} // of the events in the user's record
	first chan struct{}          // closed after the first sync
	once  sync.Once
}

// keptEvent names an event in a record. One that was decrypted has its ID twice.
type keptEvent struct {
	id   id.EventID
	kind event.Type
}

func newSyncer(u *User) *syncer {
	s := &syncer{DefaultSyncer: mautrix.NewDefaultSyncer(), user: u, ids: make(map[keptEvent]struct{}), first: make(chan struct{})}
	s.FilterJSON = &mautrix.Filter{Room: &mautrix.RoomFilter{Timeline: &mautrix.FilterPart{Limit: timelineLimit}}}
	// What a test looks for may well be what cannot be parsed.
	s.ParseErrorHandler = func(*event.Event, error) bool { return true }
	s.OnEvent(func(_ context.Context, evt *event.Event) { s.keep(evt) })
	return s
}

// keep records an event, once: a sync may bring the same state event in the state and in the timeline.
func (s *syncer) keep(evt *event.Event) {
	if evt.ID != "" {
		key := keptEvent{evt.ID, evt.Type}
		s.mu.Lock()
		_, ok := s.ids[key]
		s.ids[key] = struct{}{}
		s.mu.Unlock()
		if ok {
			return
		}
	}
	s.user.seen.add(Seen{Event: evt, At: time.Now()})
}

// ProcessResponse implements [mautrix.Syncer].
func (s *syncer) ProcessResponse(ctx context.Context, response *mautrix.RespSync, since string) error {
	if err := s.DefaultSyncer.ProcessResponse(ctx, response, since); err != nil {
		return err
	}
	if s.user.autoJoin {
		for room := range response.Rooms.Invite {
			if _, err := s.user.Client.JoinRoomByID(ctx, room); err != nil && ctx.Err() == nil {
				return fmt.Errorf("accept the invitation to %s: %w", room, err)
			}
		}
	}
	s.once.Do(func() { close(s.first) })
	return nil
}

// OnFailedSync implements [mautrix.Syncer].
func (s *syncer) OnFailedSync(_ *mautrix.RespSync, err error) (time.Duration, error) {
	if errors.Is(err, mautrix.MUnknownToken) {
		return 0, err
	}
	return syncRetryInterval, nil
}
