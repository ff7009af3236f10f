package inbox

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue/queuetest"
	"matrix-msn/database"
)

// gated is an Inbox of which the table can be made to keep whoever stores something waiting.
type gated struct {
	*Inbox
	side *side
	ctx  context.Context
	open chan struct{}
}

// newGated returns a gated Inbox that runs, whose table is closed.
func newGated(t *testing.T, db *database.Database) *gated {
	s := &side{db: db, closed: make(map[networkid.PortalID]bool), shown: make(map[networkid.PortalID][]string), known: make(map[networkid.MessageID]bool)}
	return &gated{Inbox: s.start(t.Context()), side: s, ctx: t.Context(), open: make(chan struct{})}
}

// message makes a message.
func message(portal networkid.PortalID, body string) *database.QueuedMessage {
	return &database.QueuedMessage{LoginID: "home/alice", MessageID: networkid.MessageID(string(portal) + "/" + body), PortalID: portal, Sender: "bob", At: time.Now(), Body: body, Kind: database.QueuedText}
}

// block has the table wait with a message, and what comes behind it, until open is closed.
func (g *gated) block() {
	g.put(g.ctx, arrival{parts: []*database.QueuedMessage{message("dm:bob", "first")}, store: func(ctx context.Context, m *database.QueuedMessage) (bool, error) {
		<-g.open
		return g.side.db.MSNQueue.Put(ctx, m)
	}})
	synctest.Wait()
}

// unlimited has as many texts stored as is usual.
func (g *gated) unlimited() {
	kind := g.kinds()[database.QueuedText]
	kind.Limit = nil
	g.Use(func() map[database.QueuedKind]Kind { return map[database.QueuedKind]Kind{database.QueuedText: kind} })
}

// shownIn returns what is shown in a room.
func (g *gated) shownIn(portal networkid.PortalID) []string {
	g.side.mu.Lock()
	defer g.side.mu.Unlock()
	return slices.Clone(g.side.shown[portal])
}

func TestWhatComesWhileTheDatabaseIsBusyIsStoredTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, statements := queuetest.OpenDatabase(t, "home/alice")
		g := newGated(t, db)
		defer g.Stop()
		g.unlimited()
		g.block()
		want := map[networkid.PortalID][]string{"dm:bob": {"first"}}
		for n := range 5 {
			for _, portal := range []networkid.PortalID{"dm:bob", "dm:carol"} {
				body := fmt.Sprint(n)
				want[portal] = append(want[portal], body)
				g.Put(g.ctx, message(portal, body)) // which waits for nobody
				if n == 3 {
					g.Put(g.ctx, message(portal, body)) // the same event twice
				}
			}
		}
		<-time.After(storeTimeout / 2)
		synctest.Wait()
		if len(g.shownIn("dm:bob"))+len(g.shownIn("dm:carol")) > 0 || g.Idle("dm:carol") {
			t.Error("something is shown that is not stored, or nothing is said to wait")
		}
		statements.Store(0)
		close(g.open)
		synctest.Wait() // they are stored now, and each room shows its first for a second
		if n := statements.Load(); n > 6 {
			t.Errorf("it took %d statements to store twelve messages behind one", n)
		}
		if n := g.Unsaved(); n > 0 {
			t.Errorf("%d messages wait in memory", n)
		}
		<-time.After(time.Minute)
		for portal, bodies := range want {
			if got := g.shownIn(portal); !slices.Equal(got, bodies) {
				t.Errorf("%s shows %q, not %q", portal, got, bodies)
			}
		}
		if !g.Idle("dm:carol") {
			t.Error("something still waits")
		}
	})
}

// What is read ahead of the database is bounded: the service keeps the rest.
func TestSessionWaitsForADatabaseThatIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _ := queuetest.OpenDatabase(t, "home/alice")
		g := newGated(t, db)
		defer g.Stop()
		g.unlimited()
		g.block()
		read := 0
		go func() {
			for n := range 2 * maxAhead {
				g.Put(g.ctx, message("dm:carol", fmt.Sprint(n)))
				read++
			}
		}()
		synctest.Wait()
		if read != maxAhead-1 {
			t.Errorf("%d messages were read ahead, besides the one that is being stored", read)
		}
		close(g.open)
		<-time.After(time.Hour)
		synctest.Wait()
		if got := g.shownIn("dm:carol"); read != 2*maxAhead || len(got) != read {
			t.Errorf("%d were read, %d shown", read, len(got))
		}
	})
}

// Nothing that was taken is lost when the login is stopped over it, by whoever stops it.
func TestStopStoresWhatWasRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _ := queuetest.OpenDatabase(t, "home/alice")
		g := newGated(t, db)
		g.block()
		var want []string
		for n := range 5 {
			g.Put(g.ctx, message("dm:carol", fmt.Sprint(n)))
			want = append(want, fmt.Sprint(n))
		}
		waits := make(chan struct{})
		go func() { // from another conversation
			for n := range maxAhead {
				g.Put(g.ctx, message("dm:dave", fmt.Sprint(n)))
			}
			close(waits)
		}()
		for range 2 {
			go g.Stop()
		}
		synctest.Wait()
		g.Put(g.ctx, message("dm:carol", "last")) // after the stop began
		close(g.open)
		g.Stop()
		<-waits
		synctest.Wait()
		rows, err := db.MSNQueue.ForPortal(g.ctx, "home/alice", "dm:carol", 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows {
			got = append(got, row.Body)
		}
		if want = append(want, "last"); !slices.Equal(got, want) {
			t.Errorf("stored is %q, not %q", got, want)
		}
		if n := g.Unsaved(); n > 0 {
			t.Errorf("%d messages wait in memory", n)
		}
		g.Start(g.ctx)
		<-time.After(time.Hour)
		synctest.Wait()
		if got := g.shownIn("dm:carol"); !slices.Equal(got, want) {
			t.Errorf("shown is %q after the next start", got)
		}
		g.Stop()
	})
}

// One that the database refuses takes none of those with it that are stored in the same transaction.
func TestRefusedMessageAmongOthersIsLeftOutAlone(t *testing.T) {
	t.Parallel()
	for at := range 5 {
		synctest.Test(t, func(t *testing.T) {
			db, _ := queuetest.OpenDatabase(t, "home/alice")
			g := newGated(t, db)
			defer g.Stop()
			if err := db.MSNQueue.Exec(g.ctx, "CREATE TRIGGER refuses BEFORE INSERT ON msn_queue WHEN NEW.body='poison' BEGIN SELECT RAISE(ABORT, 'refused'); END"); err != nil {
				t.Fatal(err)
			}
			g.block()
			var want []string
			for n := range 5 {
				body := fmt.Sprint(n)
				if n == at {
					body = "poison"
				}
				g.Put(g.ctx, message("dm:carol", body))
				if n == at {
					body = NotTaken
				}
				want = append(want, body)
			}
			close(g.open)
			<-time.After(time.Minute)
			synctest.Wait()
			if got := g.shownIn("dm:carol"); !slices.Equal(got, want) {
				t.Errorf("shown is %q, not %q", got, want)
			}
		})
	}
}

// What is stored with something else is stored when PutBy returns, behind what came before.
func TestPutByReturnsWhenItIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _ := queuetest.OpenDatabase(t, "home/alice")
		g := newGated(t, db)
		defer g.Stop()
		g.block()
		g.Put(g.ctx, message("dm:carol", "before"))
		returned := false
		go func() {
			g.PutBy(g.ctx, message("dm:carol", "with something"), func(ctx context.Context, m *database.QueuedMessage) (bool, error) {
				if n, err := db.MSNQueue.Count(ctx, "home/alice", "dm:carol"); err != nil || n != 1 {
					t.Errorf("%d messages are before it: %v", n, err)
				}
				return db.MSNQueue.Put(ctx, m)
			})
			returned = true
		}()
		synctest.Wait()
		if returned {
			t.Error("it is not stored yet")
		}
		close(g.open)
		synctest.Wait()
		if !returned {
			t.Error("it is stored, and whoever gave it still waits")
		}
	})
}
