package presence

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/internal/lazy"
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

	mu      sync.Mutex
	ghosts  map[networkid.UserID]*ghost
	dirty   map[*ghost]struct{} // those of which something is to be sent
	present map[*ghost]struct{} // those that are shown as anything but offline: few of many of whom something is known
	logins  map[networkid.UserLoginID]*login
	ends    ends   // when what logins have told ends
	order   uint64 // of the latest news
	busy    *ghost // of whom something is just being sent or asked

	repeat time.Time // before it nothing is repeated
	server server
	life   life
}

// ghost is one of whom something is known, or shown.
type ghost struct {
	id   networkid.UserID
	ties []tie
	many *many // nil while there are few ties

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

// tie is what a login has to do with a ghost: it sees them online, or has a room with them, or both. There are many logins
// and many ghosts, and few that have to do with each other: a list of them takes less memory than a table.
type tie struct {
	login *login
	state *State // as it sees them, nil when not online; it does not change, and those who see the same share it
	order uint64 // which news that was
	round uint32 // of the login
	room  bool
}

// login is one that has told something.
type login struct {
	round  uint32
	until  time.Time // when what older rounds have told ends; zero when there is nothing
	ghosts []*ghost  // those with a tie to it
}

// tie returns what a login has to do with a ghost, or nil. It is valid until the next is made or dropped.
func (g *ghost) tie(l *login) *tie {
	if g.many != nil {
		if i, known := g.many.at[l]; known {
			return &g.ties[i]
		}
		return nil
	}
	for i := range g.ties {
		if g.ties[i].login == l {
			return &g.ties[i]
		}
	}
	return nil
}

// change changes what a login has to do with a ghost.
func (l *login) change(g *ghost, change func(*tie)) {
	t := g.tie(l)
	if t == nil {
		g.ties, l.ghosts = lazy.Append(g.ties, tie{login: l}), lazy.Append(l.ghosts, g)
		t = &g.ties[len(g.ties)-1]
		g.joined()
	}
	before := *t
	change(t)
	g.moved(before, *t)
	if t.state == nil && !t.room {
		g.drop(l)
		l.ghosts = without(l.ghosts, func(other *ghost) bool { return other == g })
	}
}

// without returns a list without those that match, and nil when nothing is left.
func without[E any](list []E, match func(E) bool) []E {
	if list = slices.DeleteFunc(list, match); len(list) == 0 {
		return nil
	}
	return list
}

// hasRoom reports whether a login has a room with a ghost.
func (l *login) hasRoom(g *ghost) bool {
	t := g.tie(l)
	return t != nil && t.room
}

// see notes how a login sees a ghost, nil for not online, and which news that is.
func (l *login) see(g *ghost, state *State, order uint64) {
	if state != nil {
		state = g.same(state)
	}
	l.change(g, func(t *tie) { t.state, t.order, t.round = state, order, l.round })
}

// share notes that a login has a room with a ghost, or has none any more.
func (l *login) share(g *ghost, has bool) {
	l.change(g, func(t *tie) { t.room = has })
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
		ghosts: make(map[networkid.UserID]*ghost), dirty: make(map[*ghost]struct{}), present: make(map[*ghost]struct{}), logins: make(map[networkid.UserLoginID]*login),
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
		g = &ghost{id: id, shown: offline, sure: true}
		k.ghosts[id] = g
	}
	return g
}

// wanted is what is to be shown: what the latest news was among those who see the ghost online.
// That some see them offline says little: contacts can block one user and not the other.
// Without a room nobody would see it.
func (g *ghost) wanted() State {
	rooms, latest := g.sum()
	if rooms == 0 || latest.state == nil {
		return offline
	}
	return *latest.state
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
	if g != k.busy && g.sure && g.shown == offline && len(g.ties) == 0 && !g.listed {
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
	k.endRound(l, now.Add(settle))
	has := make(map[networkid.UserID]bool, len(rooms))
	for _, room := range rooms {
		has[room] = true
	}
	for _, g := range slices.Clone(l.ghosts) {
		if l.hasRoom(g) && !has[g.id] {
			l.share(g, false)
			k.settled(g, now)
		}
	}
	for room := range has {
		k.room(l, room, now)
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
		k.endRound(l, time.Now().Add(outage))
		k.signal()
	}
}

// End says that a login shows nobody any more: it is signed out, or its user does not want it.
func (k *Keeper) End(id networkid.UserLoginID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.logins[id]
	if l == nil {
		return
	}
	delete(k.logins, id)
	l.until = time.Time{}
	now := time.Now()
	for _, g := range l.ghosts {
		g.drop(l)
		k.settled(g, now)
	}
	l.ghosts = nil
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
	before := g.tie(l)
	switch {
	case before != nil && before.state != nil && *before.state == state: // services repeat what they have said
		before.round = l.round
		return
	case state.Presence == offline.Presence:
		l.see(g, nil, 0)
	default:
		k.order++
		l.see(g, &state, k.order)
	}
	k.settled(g, time.Now())
}

// Room says that a login has a room in which a ghost is. It counts between Begin and End.
func (k *Keeper) Room(id networkid.UserLoginID, who networkid.UserID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.logins[id]; l != nil {
		k.room(l, who, time.Now())
	}
}

func (k *Keeper) room(l *login, who networkid.UserID, now time.Time) {
	g := k.ghost(who)
	if !l.hasRoom(g) {
		l.share(g, true)
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

// endRound begins a new round of a login. What older ones have told counts until then. mu is held.
func (k *Keeper) endRound(l *login, until time.Time) {
	l.round++
	l.until = until
	heap.Push(&k.ends, end{until, l})
}

// expire ends what was told in older rounds, and returns when there will be something to end. mu
// is held.
func (k *Keeper) expire(now time.Time) (at time.Time) {
	for len(k.ends) > 0 {
		next := k.ends[0]
		l := next.login
		switch {
		case !l.until.Equal(next.at): // another one counts, or the login is gone
		case now.Before(next.at):
			return next.at
		default:
			l.until = time.Time{}
			for _, g := range slices.Clone(l.ghosts) {
				if t := g.tie(l); t.state != nil && t.round < l.round {
					l.see(g, nil, 0)
					k.settled(g, now)
				}
			}
		}
		heap.Pop(&k.ends)
	}
	return time.Time{}
}

// end is when what a login has told in older rounds does not count any more.
type end struct {
	at    time.Time
	login *login
}

// ends is a heap, the next one first.
type ends []end

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *ends) Push(one any) { *e = append(*e, one.(end)) }

// Pop implements heap.Interface.
func (e *ends) Pop() any {
	last := len(*e) - 1
	one := (*e)[last]
	(*e)[last] = end{}
	if *e = (*e)[:last]; last == 0 {
		*e = nil
	}
	return one
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
