package msn

import (
	"bytes"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/wire"
)

// answered is what a call returned.
type answered[T any] struct {
	value T
	err   error
}

// goCall makes a call in the background.
func goCall[T any](call func() (T, error)) <-chan answered[T] {
	result := make(chan answered[T], 1)
	go func() {
		value, err := call()
		result <- answered[T]{value, err}
	}()
	return result
}

func waitCall[T any](t testing.TB, result <-chan answered[T]) (T, error) {
	t.Helper()
	select {
	case r := <-result:
		return r.value, r.err
	case <-time.After(patience):
		t.Fatal("the call hangs")
		panic("unreachable")
	}
}

// inEveryDialect runs a test for each dialect with a Client that is signed in.
// trid is the first one after signing in.
func inEveryDialect(t *testing.T, test func(t *testing.T, client *Client, ns *fakeConn, trid string), change ...func(*Config)) {
	t.Helper()
	for d := MinDialect; d <= MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), d, change...)
			test(t, client, ns, firstTrID(d))
		})
	}
}

// firstTrID is that of the first command after signing in.
func firstTrID(d wire.Dialect) string { return tridAfter(lastTrID(d), 1) }

// lastTrID is that of the last command of signing in.
func lastTrID(d wire.Dialect) string {
	switch {
	case d < wire.FirstTweener:
		return "7" // VER INF USR USR SYN CHG CVR
	case d < wire.FirstSOAP:
		return "6" // VER CVR USR USR SYN CHG
	case d < wire.FirstEndpoints:
		return "8" // VER CVR USR USR BLP ADL PRP CHG
	}
	return "10" // VER CVR USR USR BLP ADL PRP UUX UUX CHG
}

// tridAfter adds n to a TrID.
func tridAfter(trid string, n int) string {
	number, _ := strconv.Atoi(trid)
	return strconv.Itoa(number + n)
}

// testLog gathers what a Client logs, debugging included.
type testLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *testLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *testLog) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
