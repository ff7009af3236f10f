package inbox

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/queue/queuetest"
	"matrix-msn/database"
)

// model is the table for the model of the queue.
type model struct{ table }

func (*model) Again() {}

func (*model) ID(m *database.QueuedMessage) string { return string(m.MessageID) }

func (m *model) Key(name string) networkid.PortalID { return networkid.PortalID(name) }

func (m *model) Put(ctx context.Context, key, id, owner string) (queue.Entry[*database.QueuedMessage], bool, error) {
	row := &database.QueuedMessage{LoginID: m.login, MessageID: networkid.MessageID(id), PortalID: networkid.PortalID(key), At: time.Now(), Owner: owner}
	added, err := m.query.Put(ctx, row)
	return queue.Entry[*database.QueuedMessage]{Row: row, Position: row.Position, Owner: owner}, added, err
}

func TestNothingIsLostOrOvertakenOnDisk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db, _ := queuetest.OpenDatabase(t, "home/alice")
				queuetest.Run(t, seed, 1, &model{table{db.MSNQueue, "home/alice"}})
			})
		})
	}
}

// shows is work that is done at once.
type shows struct{ shown chan string }

func (s *shows) Begin(_ context.Context, job *queue.Job[*database.QueuedMessage]) queue.Outcome {
	return queue.Done().Then(func(context.Context) { s.shown <- job.Row.Body })
}

func (*shows) Tell(context.Context, *database.QueuedMessage, error) error { return nil }

func newShows(db *database.Database) (*shows, *queue.Loop[networkid.PortalID, *database.QueuedMessage]) {
	work := &shows{make(chan string, 10)}
	return work, queue.New(queue.Config[networkid.PortalID, *database.QueuedMessage]{
		Store: &table{db.MSNQueue, "home/alice"}, Work: work, Window: 1, Batch: 3, Parallel: maxRooms, Patience: time.Minute,
	})
}

func put(t testing.TB, db *database.Database, n int, owner string) *database.QueuedMessage {
	t.Helper()
	m := &database.QueuedMessage{LoginID: "home/alice", MessageID: networkid.MessageID(fmt.Sprint("m", n)), PortalID: "dm:bob",
		Body: fmt.Sprint(n), At: time.Now(), Owner: owner}
	if added, err := db.MSNQueue.Put(t.Context(), m); err != nil || !added {
		t.Fatal(added, err)
	}
	return m
}

// What an earlier run had begun with is handed over again, before what is new.
func TestWhatAnEarlierRunLeftComesFirst(t *testing.T) {
	t.Parallel()
	db, _ := queuetest.OpenDatabase(t, "home/alice")
	work, loop := newShows(db)
	for i := range 4 {
		put(t, db, i, "an earlier run")
	}
	loop.Start(t.Context())
	defer loop.Stop()
	for i := 4; i < 8; i++ {
		m := put(t, db, i, loop.Run())
		loop.WakeWith(m.PortalID, queue.Entry[*database.QueuedMessage]{Row: m, Position: m.Position, Owner: m.Owner})
	}
	for i := range 8 {
		if got := <-work.shown; got != fmt.Sprint(i) {
			t.Errorf("%q came as number %d", got, i)
		}
	}
	if n, err := db.MSNQueue.Count(t.Context(), "home/alice", "dm:bob"); err != nil || n != 0 {
		t.Errorf("left are %d, %v", n, err)
	}
}

// One text through the queue on disk, without the framework and the homeserver.
func BenchmarkText(b *testing.B) {
	db, statements := queuetest.OpenDatabase(b, "home/alice")
	work, loop := newShows(db)
	loop.Start(b.Context())
	defer loop.Stop()
	b.ReportAllocs()
	statements.Store(0)
	n := 0
	for b.Loop() {
		n++
		m := put(b, db, n, loop.Run())
		loop.WakeWith(m.PortalID, queue.Entry[*database.QueuedMessage]{Row: m, Position: m.Position, Owner: m.Owner})
		<-work.shown
	}
	b.ReportMetric(float64(statements.Load())/float64(n), "statements/op")
}
