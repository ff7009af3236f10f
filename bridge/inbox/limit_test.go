package inbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/queue/queuetest"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
	"matrix-msn/database"
)

const (
	modelMost    = 6 // messages that wait for a room of the model
	modelInstead = "(left out)"
)

// side is what is around an Inbox: rooms that may be made or not, and what they show.
type side struct {
	db *database.Database

	mu     sync.Mutex
	random *rand.Rand
	faults float64
	closed map[networkid.PortalID]bool
	shown  map[networkid.PortalID][]string
	known  map[networkid.MessageID]bool // what was shown
}

// handleTexts says how texts are shown.
func handleTexts(b *Inbox, kind Kind) {
	b.Use(func() map[database.QueuedKind]Kind { return map[database.QueuedKind]Kind{database.QueuedText: kind} })
}

// start makes an Inbox, as the start of the bridge does.
func (s *side) start(ctx context.Context) *Inbox {
	login := &bridgev2.UserLogin{UserLogin: &bridgedb.UserLogin{ID: "home/alice", Metadata: new(account.Metadata)}}
	br := &bridgev2.Bridge{DB: bridgedb.New("", bridgedb.MetaTypes{}, s.db.MSNQueue.GetDB())}
	a := account.New(br, login, s.db, new(config.Config), msnid.Identity{Service: "home", Account: "alice"})
	b := New(a, room.New(a, nil, new(room.Places)), Pace{})
	handleTexts(b, Kind{
		Limit: func(context.Context, *database.QueuedMessage, int) (Limit, error) {
			return Limit{Most: modelMost, Instead: modelInstead}, nil
		},
		Admit: func(_ context.Context, m *database.QueuedMessage) (time.Time, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closed[m.PortalID] && m.Sender != "alice" {
				return time.Now().Add(time.Hour), nil
			}
			return time.Time{}, nil
		},
		Show: func(_ context.Context, m *database.QueuedMessage) (bool, error) {
			<-time.After(time.Second)
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.known[m.MessageID] { // as the framework knows it
				s.shown[m.PortalID] = append(s.shown[m.PortalID], m.Body)
			}
			s.known[m.MessageID] = true
			return true, nil
		},
	})
	b.Start(ctx)
	return b
}

// store is the table, which fails at times, before or after it has stored a message.
func (s *side) store(ctx context.Context, m *database.QueuedMessage) (added bool, err error) {
	fails := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.random.Float64() < s.faults
	}
	if fails() {
		return false, errors.New("the database is out of order")
	}
	added, err = s.db.MSNQueue.Put(ctx, m)
	if fails() {
		return false, errors.New("the answer of the database was lost")
	}
	return added, err
}

// Whatever comes in whatever order: messages are stored with all their parts or not at all,
// come once and in order when their room may be made, and where some are left out it is said.
func TestMessagesThatWaitAgainstTheirModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { playModel(t, seed) })
		})
	}
}

func playModel(t *testing.T, seed uint64) {
	db, _ := queuetest.OpenDatabase(t, "home/alice")
	random := rand.New(rand.NewPCG(seed, 1))
	s := &side{db: db, random: rand.New(rand.NewPCG(seed, 2)), closed: make(map[networkid.PortalID]bool), shown: make(map[networkid.PortalID][]string),
		known: make(map[networkid.MessageID]bool)}
	ctx, end := context.WithCancel(t.Context())
	b := s.start(ctx)
	portals := []networkid.PortalID{"dm:bob", "dm:carol", "dm:dave"}
	written := make(map[networkid.PortalID][][]string) // the parts of each message
	set := func(portal networkid.PortalID, closed bool) {
		s.mu.Lock()
		s.closed[portal] = closed
		s.mu.Unlock()
		if !closed {
			b.Release(portal)
		}
	}
	for step := range 120 {
		portal := portals[random.IntN(len(portals))]
		switch random.IntN(12) {
		case 0, 1:
			// Closed only while nothing is half-way, so that what is shown is known.
			<-time.After(time.Minute)
			synctest.Wait()
			set(portal, !s.closed[portal])
		case 2:
			s.mu.Lock()
			s.faults = max(0, random.Float64()-0.5)
			s.mu.Unlock()
		case 3:
			<-time.After(time.Duration(random.Int64N(int64(2 * time.Hour))))
		case 4: // a restart; what waits in memory then is stored
			s.mu.Lock()
			s.faults = 0
			s.mu.Unlock()
			<-time.After(10 * time.Minute)
			synctest.Wait()
			end()
			b.Stop()
			ctx, end = context.WithCancel(t.Context())
			b = s.start(ctx)
		case 5:
			b.Release(portal)
		default:
			sender := string(portal)
			if random.IntN(4) == 0 {
				sender = "alice" // makes the room, but does not overtake what waits
			}
			var parts []*database.QueuedMessage
			var bodies []string
			for part := range 1 + random.IntN(3) {
				bodies = append(bodies, fmt.Sprintf("%d.%d", step, part))
				parts = append(parts, &database.QueuedMessage{
					LoginID: "home/alice", MessageID: networkid.MessageID(bodies[part]), PortalID: portal, Sender: sender, At: time.Now(),
					Body: bodies[part], Kind: database.QueuedText,
				})
			}
			written[portal] = append(written[portal], bodies)
			again := make([]*database.QueuedMessage, len(parts))
			for i, part := range parts {
				again[i] = ptr.Clone(part)
			}
			b.put(ctx, arrival{parts: parts, store: s.store})
			if random.IntN(3) == 0 { // the same event twice
				b.put(ctx, arrival{parts: again, store: s.store})
			}
		}
	}
	s.mu.Lock()
	s.faults = 0
	s.mu.Unlock()
	<-time.After(time.Hour)
	for _, portal := range portals {
		set(portal, false)
	}
	<-time.After(24 * time.Hour)
	synctest.Wait()
	if left, err := db.MSNQueue.Portals(ctx, "home/alice"); err != nil || len(left) > 0 || len(b.unsaved) > 0 {
		t.Errorf("left are %q, %d in memory: %v", left, len(b.unsaved), err)
	}
	for _, portal := range portals {
		if wrong := compare(written[portal], s.shown[portal]); wrong != "" {
			t.Errorf("%s: %s\nwritten %q\nshown %q", portal, wrong, written[portal], s.shown[portal])
		}
	}
	end()
	b.Stop()
}

// compare says what is wrong with what was shown of what was written.
func compare(written [][]string, shown []string) string {
	leftOut := false
	for _, parts := range written {
		switch {
		case len(shown) >= len(parts) && strings.Join(shown[:len(parts)], " ") == strings.Join(parts, " "):
			shown, leftOut = shown[len(parts):], false
		case leftOut:
		case len(shown) > 0 && shown[0] == modelInstead:
			shown, leftOut = shown[1:], true
		default:
			return fmt.Sprintf("%q is neither shown nor said to be left out", parts)
		}
	}
	if len(shown) > 0 {
		return fmt.Sprintf("%q is shown besides", shown)
	}
	return ""
}

// Of what is beyond a limit of nothing, nothing is kept.
func TestNothingIsKeptWhereNothingMayWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _ := queuetest.OpenDatabase(t, "home/alice")
		s := &side{db: db, random: rand.New(rand.NewPCG(0, 0)), closed: map[networkid.PortalID]bool{"dm:bob": true}}
		ctx, end := context.WithCancel(t.Context())
		b := s.start(ctx)
		kind := b.kinds()[database.QueuedText]
		kind.Limit = func(context.Context, *database.QueuedMessage, int) (Limit, error) { return Limit{}, nil }
		handleTexts(b, kind)
		m := &database.QueuedMessage{LoginID: "home/alice", MessageID: "m", PortalID: "dm:bob", At: time.Now(), Body: "x"}
		b.Put(ctx, m)
		b.Put(ctx)
		synctest.Wait()
		if n, err := db.MSNQueue.Count(ctx, "home/alice", "dm:bob"); err != nil || n != 0 {
			t.Errorf("%d wait: %v", n, err)
		}
		kind.Limit = nil
		handleTexts(b, kind)
		b.Put(ctx, m)
		synctest.Wait()
		if n, err := db.MSNQueue.Count(ctx, "home/alice", "dm:bob"); err != nil || n != 1 {
			t.Errorf("%d wait: %v", n, err)
		}
		end()
		b.Stop()
	})
}

// A message that the database never takes does not keep back those behind it; its room is told.
// Each part counts of what waits in memory.
func TestMessageThatTheDatabaseRefusesHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _ := queuetest.OpenDatabase(t, "home/alice")
		s := &side{db: db, closed: make(map[networkid.PortalID]bool), shown: make(map[networkid.PortalID][]string), known: make(map[networkid.MessageID]bool)}
		ctx, end := context.WithCancel(t.Context())
		b := s.start(ctx)
		refuses := func(text, body, sender string) {
			if err := db.MSNQueue.Exec(ctx, "CREATE TRIGGER "+text+" BEFORE INSERT ON msn_queue WHEN NEW.body='"+body+"' OR NEW.sender='"+sender+"' BEGIN SELECT RAISE(ABORT, 'refused'); END"); err != nil {
				t.Fatal(err)
			}
		}
		refuses("refuses", "poison", "mallory")
		rename := func(from, to string) {
			if err := db.MSNQueue.Exec(ctx, "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
				t.Fatal(err)
			}
		}
		rename("msn_queue", "gone")
		put := func(id, sender string, bodies ...string) {
			var parts []*database.QueuedMessage
			for n, body := range bodies {
				parts = append(parts, &database.QueuedMessage{LoginID: "home/alice", MessageID: networkid.MessageID(fmt.Sprint(id, n)), PortalID: "dm:bob", Sender: sender, At: time.Now(), Body: body, Kind: database.QueuedText})
			}
			b.Put(ctx, parts...)
		}
		put("1", "bob", "first")
		put("2", "bob", "half", "poison")
		put("3", "bob", "second")
		put("4", "mallory", "that it is left out cannot be told")
		put("5", "bob", "third")
		synctest.Wait()
		b.mu.Lock()
		waiting := b.inMemory()
		b.mu.Unlock()
		if waiting != 6 {
			t.Errorf("%d wait in memory", waiting)
		}
		rename("gone", "msn_queue")
		<-time.After(10 * time.Minute)
		synctest.Wait()
		s.mu.Lock()
		if got, want := s.shown["dm:bob"], []string{"first", NotTaken, "second", "third"}; !slices.Equal(got, want) {
			t.Errorf("shown was %q, want %q", got, want)
		}
		s.mu.Unlock()
		end()
		b.Stop()
	})
}

// While the database takes nothing many messages come. Each of them must not make the wait for
// the next attempt longer.
func TestMessagesInMemoryAreStoredSoonAfterTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _ := queuetest.OpenDatabase(t, "home/alice")
		s := &side{db: db, closed: make(map[networkid.PortalID]bool), shown: make(map[networkid.PortalID][]string), known: make(map[networkid.MessageID]bool)}
		ctx, end := context.WithCancel(t.Context())
		b := s.start(ctx)
		rename := func(from, to string) {
			if err := db.MSNQueue.Exec(ctx, "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
				t.Fatal(err)
			}
		}
		rename("msn_queue", "gone")
		for n := range 100 {
			b.Put(ctx, &database.QueuedMessage{LoginID: "home/alice", MessageID: networkid.MessageID(fmt.Sprint(n)), PortalID: "dm:bob", Sender: "bob", At: time.Now(), Body: "x", Kind: database.QueuedText})
			time.Sleep(50 * time.Millisecond) // the first attempts fail
		}
		rename("gone", "msn_queue")
		time.Sleep(retry.LongestStoring)
		synctest.Wait()
		b.mu.Lock()
		waiting := b.inMemory()
		b.mu.Unlock()
		if waiting > 0 {
			t.Errorf("%d messages wait in memory", waiting)
		}
		end()
		b.Stop()
	})
}
