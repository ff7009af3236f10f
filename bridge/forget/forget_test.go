package forget

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/database"
)

// table is a store in memory: the times of the rows of each kind.
type table struct {
	mu    sync.Mutex
	rows  map[database.OldKind][]time.Time
	asked []string
	err   error
	hangs bool
}

func (s *table) Forget(ctx context.Context, kind database.OldKind, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, string(kind))
	if s.hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	var left []time.Time
	n := 0
	for _, at := range s.rows[kind] {
		if at.Before(before) && n < limit {
			n++
		} else {
			left = append(left, at)
		}
	}
	if n > 0 {
		s.rows[kind] = left
	}
	return n, nil
}

// calls returns what was asked since the last time.
func (s *table) calls() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.asked = nil }()
	return strings.Join(s.asked, " ")
}

func (s *table) fill(kind database.OldKind, n int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = make(map[database.OldKind][]time.Time)
	}
	for range n {
		s.rows[kind] = append(s.rows[kind], at)
	}
}

func (s *table) left(kind database.OldKind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows[kind])
}

func TestWhatIsOldGoesAtTheStartAndEveryDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := new(table)
		const age = 30 * 24 * time.Hour
		store.fill(database.OldAlerts, 2*atOnce+1, time.Now().Add(-age-time.Second))
		store.fill(database.OldAlerts, 1, time.Now().Add(-age+time.Hour))
		store.fill(database.OldMessages, 5, time.Now().Add(-10*age))
		f := Start(store, Ages{database.OldAlerts: age, database.OldPages: time.Hour, database.OldMessages: 0}, zerolog.Nop())
		synctest.Wait()
		// Others can write between the parts.
		if calls := store.calls(); calls != "alerts" || store.left(database.OldAlerts) != atOnce+2 {
			t.Errorf("at first: %q, %d left", calls, store.left(database.OldAlerts))
		}
		time.Sleep(time.Minute)
		if calls := store.calls(); calls != "alerts alerts alerts pages" || store.left(database.OldAlerts) != 1 {
			t.Errorf("then: %q, %d left", calls, store.left(database.OldAlerts))
		}
		time.Sleep(every - 2*time.Minute)
		if calls := store.calls(); calls != "" {
			t.Errorf("within the day: %q", calls)
		}
		time.Sleep(3 * time.Minute)
		if calls := store.calls(); calls != "alerts alerts pages" || store.left(database.OldAlerts) != 0 {
			t.Errorf("the next day: %q, %d left", calls, store.left(database.OldAlerts))
		}
		if store.left(database.OldMessages) != 5 {
			t.Error("what is kept for ever is gone")
		}
		f.Stop()
		f.Stop()
		(*Forgetting)(nil).Stop()
	})
}

// A database that takes nothing is asked again the next day, and the log says so once.
func TestWhatCannotBeDeletedIsTriedTheNextDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := &table{err: errors.New("the disk is full")}
		store.fill(database.OldPages, 3, time.Now().Add(-time.Hour))
		f := Start(store, Ages{database.OldPages: time.Minute, database.OldPictures: time.Minute}, zerolog.New(&log))
		time.Sleep(time.Hour)
		synctest.Wait()
		if calls := store.calls(); calls != "pages pictures" || strings.Count(log.String(), "tried again tomorrow") != 2 {
			t.Errorf("%q, and the log says %s", calls, &log)
		}
		store.mu.Lock()
		store.err = nil
		store.mu.Unlock()
		time.Sleep(every)
		synctest.Wait()
		if store.left(database.OldPages) != 0 || !strings.Contains(log.String(), `"rows":3`) {
			t.Errorf("%d are left, and the log says %s", store.left(database.OldPages), &log)
		}
		f.Stop()
	})
}

// A stop waits for no statement, and not for the next part either.
func TestStopInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, hangs := range []bool{true, false} {
		t.Run(fmt.Sprint("hangs ", hangs), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				store := &table{hangs: hangs}
				store.fill(database.OldAlerts, 10*atOnce, time.Now().Add(-time.Hour))
				f := Start(store, Ages{database.OldAlerts: time.Minute, database.OldPages: time.Minute}, zerolog.New(&log))
				synctest.Wait()
				began := time.Now()
				f.Stop()
				if took := time.Since(began); took > 0 || store.calls() != "alerts" || strings.Contains(log.String(), "Failed") {
					t.Errorf("it took %s, and the log says %s", took, &log)
				}
			})
		})
	}
}

// All kinds that there are have their turn.
func TestEveryKindIsLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, ages := new(table), make(Ages)
		for _, kind := range database.OldKinds() {
			ages[kind] = time.Minute
		}
		f := Start(store, ages, zerolog.Nop())
		time.Sleep(time.Minute)
		f.Stop()
		if calls := strings.Fields(store.calls()); len(calls) != len(ages) {
			t.Errorf("looked at %q of %d", calls, len(ages))
		}
	})
}
