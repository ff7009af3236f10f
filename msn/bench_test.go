package msn_test

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

const (
	// manyClients is how many accounts one process has to carry.
	manyClients = 1000
	// maxIdleClient is the memory in bytes that one of them may take while
	// nothing happens, its server's side in the same process included.
	maxIdleClient = 64 << 10
)

// crowd signs in manyClients clients to one server and returns the memory that
// each takes, heap and stacks, when all is quiet.
func crowd(tb testing.TB) (perClient float64, leave func()) {
	tb.Helper()
	before := memory()
	srv := msntest.NewServer(tb, msntest.WithRecordLimit(0))
	var clients []*msn.Client
	var readers sync.WaitGroup
	for i := range manyClients {
		account := fmt.Sprintf("user%d@example.com", i)
		srv.AddAccount(account, password)
		if i > 0 {
			srv.Befriend(account, fmt.Sprintf("user%d@example.com", i-1))
		}
	}
	var mu sync.Mutex
	var logins sync.WaitGroup
	gate := make(chan struct{}, 16)
	for i := range manyClients {
		logins.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			client, err := msn.Login(tb.Context(), configFor(srv, fmt.Sprintf("user%d@example.com", i), 12, 11, 7))
			if err != nil {
				tb.Error(err)
				return
			}
			readers.Go(func() {
				for range client.Events() {
				}
			})
			mu.Lock()
			defer mu.Unlock()
			clients = append(clients, client)
		})
	}
	logins.Wait()
	if len(clients) != manyClients {
		tb.Fatalf("%d of %d clients are signed in", len(clients), manyClients)
	}
	perClient = float64(memory()-before) / manyClients
	for _, client := range clients {
		if client.Err() != nil {
			tb.Errorf("a Client has ended: %v", client.Err())
		}
	}
	return perClient, func() {
		var closing sync.WaitGroup
		for _, client := range clients {
			closing.Go(func() { _ = client.Close() })
		}
		closing.Wait()
		readers.Wait()
	}
}

// memory returns the bytes in use by heap and stacks, when that does not fall any more:
// each collection halves the stacks that have become too large, and the last may be one
// before everything was quiet.
func memory() int64 {
	var m runtime.MemStats
	for last := uint64(math.MaxUint64); ; {
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		now := m.HeapAlloc + m.StackInuse
		if now >= last {
			return int64(last)
		}
		last = now
	}
}

// BenchmarkIdleClients reports what an idle account costs. Its time is that of
// signing all of them in.
func BenchmarkIdleClients(b *testing.B) {
	for b.Loop() {
		perClient, leave := crowd(b)
		b.ReportMetric(perClient, "B/client")
		b.StopTimer()
		leave()
		b.StartTimer()
	}
}

func TestThousandIdleClients(t *testing.T) {
	perClient, leave := crowd(t)
	defer leave()
	t.Logf("%.0f bytes per idle client, the server's side included", perClient)
	if perClient > maxIdleClient {
		t.Errorf("%.0f bytes per idle client, want at most %d", perClient, maxIdleClient)
	}
}
