package database

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"go.mau.fi/util/dbutil"
)

// begun counts transactions.
type begun struct {
	dbutil.DatabaseLogger
	n atomic.Int64
}

func (b *begun) QueryTiming(_ context.Context, method, _ string, _ []any, _ int, _ time.Duration, _ error) {
	if method == "Begin" {
		b.n.Add(1)
	}
}

// testTogether is on a database with a table of numbers.
func testTogether(t *testing.T) (*together, *begun) {
	t.Helper()
	log := &begun{DatabaseLogger: dbutil.NoopLogger}
	db, err := dbutil.NewFromConfig("test", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: "file:" + filepath.Join(t.TempDir(), "a.db") + "?_txlock=immediate", MaxOpenConns: 4, MaxIdleConns: 4,
	}}, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(t.Context(), "CREATE TABLE number (n INTEGER PRIMARY KEY, seen INTEGER)"); err != nil {
		t.Fatal(err)
	}
	return newTogether(db), log
}

// numbers returns what is in the table, in order of their arrival.
func (t *together) numbers(ctx context.Context) (map[int]bool, error) {
	rows, err := t.db.Query(ctx, "SELECT n FROM number")
	list, err := dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[int], err).AsList()
	all := make(map[int]bool)
	for _, n := range list {
		all[n] = true
	}
	return all, err
}

func (t *together) insert(ctx context.Context, n int) error {
	_, err := t.db.Exec(ctx, "INSERT INTO number (n, seen) VALUES ($1, 0)", n)
	return err
}

var errTest = errors.New("a change that fails")

// Many at once, of which some fail and some give up: what was said to be made is made, once, and nothing else.
func TestTogetherMakesEachOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			all, _ := testTogether(t)
			if seed%3 == 2 {
				all.most = maxLeaders // as on PostgreSQL; SQLite has those that make changes wait for each other
			}
			random := rand.New(rand.NewPCG(seed, 1))
			var mu sync.Mutex
			want := make(map[int]bool)
			var changing sync.WaitGroup
			for n := range 400 {
				ctx, cancel := context.WithCancel(t.Context())
				fails, hurries, several := random.IntN(10) == 0, random.IntN(10) == 0, random.IntN(5) == 0
				if hurries {
					cancel()
				}
				changing.Go(func() {
					defer cancel()
					do := all.Do
					if several {
						do = all.DoTxn
					}
					err := do(ctx, func(ctx context.Context) error {
						if err := all.insert(ctx, n); err != nil {
							return err
						}
						if fails && several {
							return errTest // the insert is to be undone
						}
						return nil
					})
					switch {
					case err == nil:
						mu.Lock()
						want[n] = true
						mu.Unlock()
					case hurries && errors.Is(err, context.Canceled), fails && several && errors.Is(err, errTest):
					default:
						t.Errorf("%d: %v", n, err)
					}
				})
			}
			changing.Wait()
			got, err := all.numbers(t.Context())
			if err != nil || !maps.Equal(got, want) {
				t.Errorf("%d rows, %d were said to be made, %v", len(got), len(want), err)
			}
			if all.leaders > 0 || len(all.waiting) > 0 {
				t.Errorf("%d are left", len(all.waiting))
			}
		})
	}
}

// What waits while a change is made is made in one transaction, in order.
func TestWhatWaitsIsMadeTogether(t *testing.T) {
	t.Parallel()
	all, transactions := testTogether(t)
	first, goOn := make(chan struct{}), make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		if err := all.Do(t.Context(), func(context.Context) error { close(first); <-goOn; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-first
	const others = 50
	var order []int
	for n := range others {
		changing.Go(func() {
			if err := all.Do(t.Context(), func(ctx context.Context) error { order = append(order, n); return all.insert(ctx, n) }); err != nil {
				t.Error(err)
			}
		})
		for waits := 0; waits <= n; { // each is in its place before the next comes
			all.mu.Lock()
			waits = len(all.waiting)
			all.mu.Unlock()
		}
	}
	before := transactions.n.Load()
	close(goOn)
	changing.Wait()
	if made := transactions.n.Load() - before; made != 1 {
		t.Errorf("%d transactions", made)
	}
	for n, got := range order {
		if got != n {
			t.Fatalf("made in the order %v", order)
		}
	}
	if got, err := all.numbers(t.Context()); err != nil || len(got) != others {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

// Who gives up before it is their turn is not made; who does so while their change is being made waits for its end:
// what it writes belongs to them.
func TestWhoGivesUpInMidCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, _ := testTogether(t)
		holds := func() (change func(context.Context) error, release func()) {
			over := make(chan struct{})
			return func(context.Context) error { <-over; return nil }, func() { close(over) }
		}
		first, releaseFirst := holds()
		second, releaseSecond := holds()
		results := make([]error, 4)
		made := make([]bool, 4)
		ended := make([]bool, 4)
		var changing sync.WaitGroup
		begin := func(n int, ctx context.Context, change func(context.Context) error) {
			changing.Go(func() {
				results[n] = all.Do(ctx, func(ctx context.Context) error { made[n] = true; return change(ctx) })
				ended[n] = true
			})
			synctest.Wait()
		}
		nothing := func(context.Context) error { return nil }
		early, giveUpEarly := context.WithCancel(t.Context())
		late, giveUpLate := context.WithCancel(t.Context())
		begin(0, t.Context(), first)
		begin(1, t.Context(), second)
		begin(2, early, nothing)
		begin(3, late, nothing)
		giveUpEarly()
		synctest.Wait()
		if !ended[2] || made[2] || !errors.Is(results[2], context.Canceled) {
			t.Errorf("who gives up before their turn: ended %t, made %t, %v", ended[2], made[2], results[2])
		}
		releaseFirst()
		synctest.Wait()
		giveUpLate()
		synctest.Wait()
		if ended[3] {
			t.Error("who gives up while it is being made does not wait for its end")
		}
		releaseSecond()
		changing.Wait()
		if !made[3] || results[3] != nil {
			t.Errorf("it was made: %t, %v", made[3], results[3])
		}
	})
}

// Within a transaction there is no other one: it would wait for itself.
func TestTogetherWithinATransaction(t *testing.T) {
	t.Parallel()
	all, transactions := testTogether(t)
	err := all.db.DoTxn(t.Context(), nil, func(ctx context.Context) error {
		return all.Do(ctx, func(ctx context.Context) error { return all.insert(ctx, 1) })
	})
	if got, gone := all.numbers(t.Context()); err != nil || gone != nil || len(got) != 1 || transactions.n.Load() != 1 {
		t.Errorf("%d rows in %d transactions, %v", len(got), transactions.n.Load(), errors.Join(err, gone))
	}
}

// When the database is away all fail, and work again when it is back.
func TestTogetherWithoutADatabase(t *testing.T) {
	t.Parallel()
	all, _ := testTogether(t)
	if err := all.db.RawDB.Close(); err != nil {
		t.Fatal(err)
	}
	var changing sync.WaitGroup
	for n := range 20 {
		changing.Go(func() {
			if err := all.Do(t.Context(), func(ctx context.Context) error { return all.insert(ctx, n) }); err == nil {
				t.Errorf("%d is made", n)
			}
		})
	}
	changing.Wait()
}

// A change that panics does not keep the others waiting.
func TestChangeThatPanics(t *testing.T) {
	t.Parallel()
	all, _ := testTogether(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		_ = all.Do(t.Context(), func(context.Context) error { panic("a fault of the program's") })
	}()
	if err := all.Do(t.Context(), func(ctx context.Context) error { return all.insert(ctx, 1) }); err != nil {
		t.Error(err)
	}
}

func TestTransactionsAtATimeLeaveConnectionsToOthers(t *testing.T) {
	t.Parallel()
	for connections, want := range map[int]int{0: maxLeaders, 1: 1, 2: 1, 5: 2, 8: 4, 100: maxLeaders} {
		if got := leadersOf(connections); got != want {
			t.Errorf("%d of %d connections, want %d", got, connections, want)
		}
	}
}
