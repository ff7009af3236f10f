package presence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// Config is what a Keeper works with.
type Config struct {
	Kind       Kind
	Homeserver Homeserver
	Store      Store
	Log        zerolog.Logger
	// Pace is shared by all Keepers of a homeserver. Nil is one for this alone.
	Pace *Pace
	// Repeats is set when presence is to be repeated where the homeserver forgets it.
	Repeats bool
	// Ours reports whether this process is still the one that shows presence. When another
	// has taken its place nothing is sent any more, not even at the end. Nil is yes.
	Ours func() bool
}

// Keeper keeps what Matrix shows of ghosts like what all logins know of them. There is one per
// process: a contact whom two users know is one ghost. Its methods may be called from any
// goroutine, and never wait for the homeserver, but for Stop.
type Keeper struct {
	cfg  Config
	wake chan struct{}
	stop context.CancelFunc // nil while it is not started
	loop sync.WaitGroup

	mu     sync.Mutex
	ghosts map[networkid.UserID]*ghost
	dirty  map[*ghost]struct{} // those of which something is to be sent
	logins map[networkid.UserLoginID]*login
	order  uint64 // of the latest news
	busy   *ghost // of whom something is just being sent or asked

	repeat time.Time // before it nothing is repeated
	server server
	life   life
}

// ghost is one of whom something is known, or shown.
type ghost struct {
	id    networkid.UserID
	seen  map[networkid.UserLoginID]report // by those who see them online
	rooms map[networkid.UserLoginID]struct{}

	shown  State // what the homeserver was told
	sure   bool  // and has taken
	listed bool  // on disk
	put    time.Time
	spoken time.Time // when somebody has last spoken with them

	since   time.Time // when shown began to be wrong
	changed time.Time // when that changed last
	hold    time.Time // until then they are not shown as offline
	aside   time.Time // until then the homeserver is not asked: it refuses this one
}

// report is how a login sees a ghost.
type report struct {
	state State
	order uint64 // which news it was
	round uint64 // of the login
}

// login is one that has told something.
type login struct {
	round uint64
	until time.Time // when what older rounds have told ends; zero when there is nothing
}

// New returns a Keeper that is not started.
func New(cfg Config) *Keeper {
	if cfg.Ours == nil {
		cfg.Ours = func() bool { return true }
	}
	if cfg.Pace == nil {
		cfg.Pace = &Pace{}
	}
	k := &Keeper{
		cfg: cfg, wake: make(chan struct{}, 1),
		ghosts: make(map[networkid.UserID]*ghost), dirty: make(map[*ghost]struct{}), logins: make(map[networkid.UserLoginID]*login),
	}
	if cfg.Kind.lasts {
		k.life.effect, k.life.lasts, k.life.idles = true, true, true
	}
	return k
}

// Start begins to tell the homeserver. Whom it still shows as online after the last run, and
// nobody reports to be, is shown as offline after a while.
func (k *Keeper) Start(ctx context.Context) error {
	listed, err := k.cfg.Store.All(ctx)
	if err != nil {
		return fmt.Errorf("read who is shown as online: %w", err)
	}
	now := time.Now()
	k.mu.Lock()
	for _, id := range listed {
		g := k.ghost(id)
		g.listed, g.sure, g.hold = true, false, now.Add(restart)
		k.settled(g, now)
	}
	k.mu.Unlock()
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	k.loop.Go(func() { k.run(ctx) })
	return nil
}

// ghost returns what is kept of a ghost. mu is held.
func (k *Keeper) ghost(id networkid.UserID) *ghost {
	g := k.ghosts[id]
	if g == nil {
		g = &ghost{
			id: id, shown: offline, sure: true,
			seen: make(map[networkid.UserLoginID]report), rooms: make(map[networkid.UserLoginID]struct{}),
		}
		k.ghosts[id] = g
	}
	return g
}

// wanted is what is to be shown: what the latest news was among those who see the ghost online.
// That some see them offline says little: contacts can block one user and not the other.
// Without a room nobody would see it.
func (g *ghost) wanted() State {
	state, order := offline, uint64(0)
	if len(g.rooms) == 0 {
		return state
	}
	for _, r := range g.seen {
		if r.order > order {
			state, order = r.state, r.order
		}
	}
	return state
}

// settled notes whether something is to be sent of a ghost, of whom something has changed. mu
// is held.
func (k *Keeper) settled(g *ghost, now time.Time) {
	_, was := k.dirty[g]
	want := g.wanted()
	switch {
	case g.sure && g.shown == want:
		delete(k.dirty, g)
		k.forget(g)
		return
	case !was:
		g.since = now
	}
	g.changed = now
	k.dirty[g] = struct{}{}
	k.signal()
}

// forget drops a ghost of whom nothing is known and shown. mu is held.
func (k *Keeper) forget(g *ghost) {
	if g != k.busy && g.sure && g.shown == offline && len(g.seen) == 0 && len(g.rooms) == 0 && !g.listed {
		delete(k.ghosts, g.id)
	}
}

// signal has the loop look what there is to do.
func (k *Keeper) signal() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// login returns what is kept of a login. mu is held.
func (k *Keeper) login(id networkid.UserLoginID) *login {
	l := k.logins[id]
	if l == nil {
		l = &login{}
		k.logins[id] = l
	}
	return l
}

// Begin says that a login has signed in. What it has told before counts for a moment longer;
// its rooms are those that are named now.
func (k *Keeper) Begin(id networkid.UserLoginID, rooms []networkid.UserID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	l := k.login(id)
	l.round++
	l.until = now.Add(settle)
	has := make(map[networkid.UserID]bool, len(rooms))
	for _, room := range rooms {
		has[room] = true
	}
	for _, g := range k.ghosts {
		if _, had := g.rooms[id]; had && !has[g.id] {
			delete(g.rooms, id)
			k.settled(g, now)
		}
	}
	for room := range has {
		k.room(id, room, now)
		if g := k.ghosts[room]; now.Add(settle).Before(g.hold) {
			g.hold = now.Add(settle)
		}
	}
	k.signal()
}

// Lost says that the service of a login is lost. What it has told counts for a while.
func (k *Keeper) Lost(id networkid.UserLoginID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.logins[id]; l != nil {
		l.round++
		l.until = time.Now().Add(outage)
		k.signal()
	}
}

// End says that a login shows nobody any more: it is signed out, or its user does not want it.
func (k *Keeper) End(id networkid.UserLoginID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.logins[id] == nil {
		return
	}
	delete(k.logins, id)
	now := time.Now()
	for _, g := range k.ghosts {
		_, saw := g.seen[id]
		_, had := g.rooms[id]
		if saw || had {
			delete(g.seen, id)
			delete(g.rooms, id)
			k.settled(g, now)
		}
	}
}

// Report says how a login sees a ghost now. It counts between Begin and End.
func (k *Keeper) Report(id networkid.UserLoginID, who networkid.UserID, state State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.logins[id]
	if l == nil {
		return
	}
	g := k.ghost(who)
	g.hold = time.Time{}
	before, saw := g.seen[id]
	switch {
	case saw && before.state == state: // services repeat what they have said
		before.round = l.round
		g.seen[id] = before
		return
	case state.Presence == offline.Presence:
		delete(g.seen, id)
	default:
		k.order++
		g.seen[id] = report{state: state, order: k.order, round: l.round}
	}
	k.settled(g, time.Now())
}

// Room says that a login has a room in which a ghost is. It counts between Begin and End.
func (k *Keeper) Room(id networkid.UserLoginID, who networkid.UserID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.logins[id] != nil {
		k.room(id, who, time.Now())
	}
}

func (k *Keeper) room(id networkid.UserLoginID, who networkid.UserID, now time.Time) {
	g := k.ghost(who)
	if _, had := g.rooms[id]; !had {
		g.rooms[id] = struct{}{}
		k.settled(g, now)
	}
}

// Spoken says that somebody has just spoken with a ghost: they are kept alive before others.
func (k *Keeper) Spoken(who networkid.UserID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if g := k.ghosts[who]; g != nil {
		g.spoken = time.Now()
	}
}

// expire ends what was told in older rounds, and returns when there will be something to end. mu
// is held.
func (k *Keeper) expire(now time.Time) (at time.Time) {
	for id, l := range k.logins {
		switch {
		case l.until.IsZero():
		case now.Before(l.until):
			at = earlier(at, l.until)
		default:
			l.until = time.Time{}
			for _, g := range k.ghosts {
				if r, saw := g.seen[id]; saw && r.round < l.round {
					delete(g.seen, id)
					k.settled(g, now)
				}
			}
		}
	}
	return at
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// later returns the latest of some times.
func later(times ...time.Time) (latest time.Time) {
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}
