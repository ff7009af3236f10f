package outbox

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/queue/queuetest"
	"matrix-msn/database"
)

// model is the table for the model of the queue.
type model struct {
	table
	intake *database.IntakeQuery
}

var _ queuetest.Changes[*database.QueuedEvent] = (*model)(nil)

func (m *model) Correct(ctx context.Context, event, text string) (bool, error) {
	return m.query.Correct(ctx, m.login, id.EventID(event), id.EventID(event+"-edit"), "", text, "", nil)
}

func (m *model) Withdraw(ctx context.Context, event string) (bool, error) {
	return m.query.Withdraw(ctx, m.login, id.EventID(event))
}

func (m *model) SetOutcome(ctx context.Context, e *database.QueuedEvent, fate error) error {
	outcome := database.EventDelivered
	if fate != nil {
		outcome = database.EventRefused
	}
	return m.intake.SetOutcome(context.WithoutCancel(ctx), database.Received{EventID: e.EventID, Outcome: outcome, At: time.Now()})
}

func (m *model) Text(e *database.QueuedEvent) string { return e.Body }

func (m *model) ID(e *database.QueuedEvent) string { return string(e.EventID) }

func (m *model) Key(name string) networkid.PortalID { return networkid.PortalID(name) }

func (m *model) Put(ctx context.Context, key, event, owner string) (queue.Entry[*database.QueuedEvent], bool, error) {
	e := &database.QueuedEvent{LoginID: m.login, EventID: id.EventID(event), PortalID: networkid.PortalID(key), WrittenAt: time.Now(), Owner: owner}
	added, err := m.query.Put(ctx, e)
	return queue.Entry[*database.QueuedEvent]{Row: e, Position: e.Position, Owner: owner}, added, err
}

// On disk as in memory, beside another login that is stopped.
func TestNothingIsLostDoubledOrOvertakenOnDisk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db, _ := queuetest.OpenDatabase(t, "home/alice", "home/bob")
				theirs := &model{table{query: db.MatrixQueue, login: "home/bob"}, db.Intake}
				for i := range 5 {
					if _, _, err := theirs.Put(t.Context(), "key0", fmt.Sprint("row", i), ""); err != nil {
						t.Fatal(err)
					}
				}
				queuetest.Run(t, seed, 1+int(seed)%4, &model{table{query: db.MatrixQueue, login: "home/alice"}, db.Intake})
				if left, err := db.MatrixQueue.GetAll(t.Context(), "home/bob"); err != nil || len(left) != 5 {
					t.Errorf("of the other login are left %v, %v", left, err)
				}
			})
		})
	}
}

// sends is work that is done at once.
type sends struct{ sent chan struct{} }

func (s *sends) Begin(ctx context.Context, job *queue.Job[*database.QueuedEvent]) queue.Outcome {
	if err := job.Claim(ctx); err != nil {
		return queue.Retry(err)
	}
	return queue.Tell(nil)
}

func (s *sends) Tell(context.Context, *database.QueuedEvent, error) error {
	s.sent <- struct{}{}
	return nil
}

// One text through the queue on disk, without the framework and the service.
func BenchmarkText(b *testing.B) {
	db, statements := queuetest.OpenDatabase(b, "home/alice")
	work := &sends{make(chan struct{})}
	loop := queue.New(queue.Config[networkid.PortalID, *database.QueuedEvent]{
		Store: &table{query: db.MatrixQueue, login: "home/alice"}, Work: work, Window: window, Batch: batch, Parallel: parallel, Patience: time.Minute,
	})
	defer loop.Stop()
	loop.Start(b.Context())
	stop := db.MatrixQueue.Listen("home/alice", func(e *database.QueuedEvent) {
		loop.WakeWith(e.PortalID, queue.Entry[*database.QueuedEvent]{Row: e, Position: e.Position})
	})
	defer stop()
	b.ReportAllocs()
	statements.Store(0)
	n := 0
	for b.Loop() {
		n++
		e := &database.QueuedEvent{LoginID: "home/alice", EventID: id.EventID(fmt.Sprint("$", n)), PortalID: "dm:bob", Body: "hello", WrittenAt: time.Now()}
		if _, err := db.MatrixQueue.Put(b.Context(), e); err != nil {
			b.Fatal(err)
		}
		<-work.sent
	}
	b.ReportMetric(float64(statements.Load())/float64(n), "statements/op")
}
