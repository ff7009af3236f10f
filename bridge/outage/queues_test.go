package outage

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/database"
)

// waits is what waits.
type waits struct {
	mu  sync.Mutex
	all map[networkid.UserLoginID]database.Waiting
	err error
}

func (w *waits) All(context.Context) (map[networkid.UserLoginID]database.Waiting, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all, w.err
}

func (w *waits) set(all map[networkid.UserLoginID]database.Waiting, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all, w.err = all, err
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// The admin is told once of each login, also when the database fails in between, and again of the next time.
func TestQueuesThatAreOldAreLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log lines
		of := &waits{}
		q := &Queues{waiting: of, told: make(map[networkid.UserLoginID]bool)}
		q.Stop() // before it was started
		q.Start(zerolog.New(&log).WithContext(t.Context()))
		lines := func() (warned, over int) {
			synctest.Wait()
			text := log.take()
			return strings.Count(text, "wait for long:"), strings.Count(text, "do not wait for long")
		}
		began := time.Now()
		of.set(map[networkid.UserLoginID]database.Waiting{
			"home/alice": {In: 3, Oldest: began}, "home/bob": {Out: 1, Oldest: began}, "home/carol": {Kept: 7},
		}, nil)
		time.Sleep(WaitsLong - time.Second)
		if warned, over := lines(); warned+over != 0 {
			t.Errorf("at first %d are told of, %d are over", warned, over)
		}
		time.Sleep(time.Hour)
		of.set(nil, errors.New("locked"))
		time.Sleep(time.Hour)
		of.set(map[networkid.UserLoginID]database.Waiting{"home/alice": {In: 3, Oldest: began}}, nil)
		time.Sleep(time.Hour)
		if warned, over := lines(); warned != 2 || over != 1 {
			t.Errorf("%d are told of, %d are over", warned, over)
		}
		of.set(nil, nil)
		time.Sleep(time.Hour)
		of.set(map[networkid.UserLoginID]database.Waiting{"home/alice": {In: 1, Oldest: began}}, nil)
		time.Sleep(time.Hour)
		if warned, over := lines(); warned != 1 || over != 1 {
			t.Errorf("later %d are told of, %d are over", warned, over)
		}
		q.Stop()
		q.Stop()
	})
}
