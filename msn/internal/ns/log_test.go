package ns_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
)

// logged returns a connection, in a bubble, and what is in its log so far.
func logged(t *testing.T) (conn *ns.Conn, lines func() []string) {
	var log bytes.Buffer
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	conn = ns.Start(client, ns.Config{
		Account: "alice@example.com",
		Log:     slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		Timeouts: ns.Timeouts{Request: time.Minute, Write: time.Minute,
			Ping: 24 * time.Hour, Pong: time.Hour},
	})
	conn.Do(conn.Ready)
	t.Cleanup(func() {
		conn.Abandon(errs.ErrClosed)
		_ = server.Close()
	})
	return conn, func() (all []string) {
		conn.Query(func() { all = strings.Split(strings.TrimSpace(log.String()), "\n") })
		return all
	}
}

// What somebody else can bring about as often as they like makes few lines, and none is
// passed over in silence. Kinds do not take the room of each other.
func TestFloodOfLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, lines := logged(t)
		conn.Do(func() {
			for i := range 10_000 {
				conn.Warn("a flood", "number", i)
			}
			conn.Note("something else")
		})
		if got := lines(); len(got) != ns.LogBurst+1 {
			t.Fatalf("%d lines:\n%s", len(got), strings.Join(got, "\n"))
		}
		time.Sleep(ns.LogPeriod + time.Second)
		got := lines()
		want := fmt.Sprintf(`msg="a flood" account=alice@example.com number=9999 left_out=%d`, 10_000-ns.LogBurst-1)
		if last := got[len(got)-1]; len(got) != ns.LogBurst+2 || !strings.Contains(last, want) || !strings.Contains(last, "level=WARN") {
			t.Fatalf("%d lines, the last %q", len(got), last)
		}
		// Another period begins, in which all is written again.
		conn.Do(func() { conn.Warn("a flood", "number", 0) })
		time.Sleep(2 * ns.LogPeriod)
		if got := lines(); len(got) != ns.LogBurst+3 || strings.Contains(got[len(got)-1], "left_out") {
			t.Errorf("after a quiet period: %q", got[len(got)-1])
		}
	})
}

// A flood that goes on makes as many lines in each period.
func TestFloodOfLogLinesThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, lines := logged(t)
		const minutes, perSecond = 10, 100
		for range minutes * 60 {
			conn.Do(func() {
				for range perSecond {
					conn.Note("a flood")
				}
			})
			time.Sleep(time.Second)
		}
		time.Sleep(ns.LogPeriod)
		told := 0
		for _, line := range lines() {
			told++
			if _, count, ok := strings.Cut(line, "left_out="); ok {
				var n int
				if _, err := fmt.Sscan(count, &n); err != nil {
					t.Fatal(err)
				}
				told += n
			}
		}
		if n := len(lines()); n > (minutes+1)*(ns.LogBurst+1) {
			t.Errorf("%d lines", n)
		}
		if told != minutes*60*perSecond {
			t.Errorf("the lines account for %d", told)
		}
	})
}

// What was left out is told when the connection ends before the period does.
func TestLogLinesLeftOutAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, lines := logged(t)
		conn.Do(func() {
			for range ns.LogBurst + 3 {
				conn.Warn("a flood")
			}
			conn.End(errors.New("over"))
		})
		if all := strings.Join(lines(), "\n"); !strings.Contains(all, "left_out=2") {
			t.Errorf("the log is\n%s", all)
		}
	})
}

// Lines below the level of the log are not kept either.
func TestLogLinesThatNobodyWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, server) }()
		defer server.Close()
		var log bytes.Buffer
		conn := ns.Start(client, ns.Config{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})),
			Timeouts: ns.Timeouts{Request: time.Minute, Write: time.Minute, Ping: time.Hour, Pong: time.Hour}})
		defer conn.Abandon(errs.ErrClosed)
		conn.Do(func() {
			for range ns.LogBurst + 3 {
				conn.Warn("a flood")
			}
		})
		time.Sleep(2 * ns.LogPeriod)
		conn.Do(func() {
			if log.Len() > 0 {
				t.Errorf("the log is %q", log.String())
			}
		})
	})
}
