package intake_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"go.mau.fi/util/dbutil"
	_ "go.mau.fi/util/dbutil/litestream" // the driver
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/intake"
	"matrix-msn/database"
)

// newStore makes a database with the table.
func newStore(t testing.TB) *database.IntakeQuery {
	t.Helper()
	raw, err := dbutil.NewFromConfig("test", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite3-fk-wal", URI: "file:" + filepath.Join(t.TempDir(), "test.db") + "?_txlock=immediate", MaxOpenConns: 1, MaxIdleConns: 1,
	}}, dbutil.NoopLogger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	if err := bridgedb.New("", bridgedb.MetaTypes{}, raw).Upgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	db := database.New("", raw, dbutil.NoopLogger)
	if err := db.Upgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db.Intake
}

// FuzzTransaction gives an Intake transactions, each twice. Nothing is handed on twice, and
// all that is stored is handed on.
func FuzzTransaction(f *testing.F) {
	f.Add([]byte(`{"events":[{"event_id":"$1","room_id":"!r:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}}]}`))
	f.Add([]byte(`{"events":[{"event_id":"$1","type":"m.room.redaction","redacts":7,"content":[]},{"event_id":"$1","state_key":null}]}`))
	f.Add([]byte(`{"events":[null,1,"x",[],{}]}`))
	f.Add([]byte(`{"events":null,"ephemeral":[{}],"x":1}`))
	store := newStore(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := store.Exec(t.Context(), "DELETE FROM intake"); err != nil {
			t.Fatal(err)
		}
		delivered := make(map[id.EventID]int)
		var i *intake.Intake
		i = intake.New(intake.Config{
			Store: store, Log: zerolog.Nop(),
			Deliver: func(ctx context.Context, evt *event.Event) error {
				delivered[evt.ID]++
				if evt.Type == event.EventEncrypted {
					i.Dispatched(ctx, evt)
				}
				return nil
			},
			Ours:       func(id.UserID) bool { return false },
			Secret:     func(context.Context, id.UserID, id.RoomID) bool { return false },
			Unfinished: func(context.Context, *database.Received) error { return nil }, Asked: func(context.Context) {},
		})
		i.Accept()
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		for range 2 {
			i.Receive(next, func(*http.Request) bool { return true }).
				ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", bytes.NewReader(body)))
		}
		waiting, err := store.InState(t.Context(), database.ReceivedWaiting, 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		i.Drain(t.Context())
		for evt, n := range delivered {
			if n > 1 {
				t.Errorf("%s was handed on %d times", evt, n)
			}
		}
		for _, row := range waiting {
			if left, err := store.Get(t.Context(), row.EventID); delivered[row.EventID] == 0 && (err != nil || left.State != database.ReceivedFinished) {
				t.Errorf("%s is stored and was not handed on: %v", row.EventID, err)
			}
		}
	})
}

// The bridge is killed right after it has answered: all kinds of events are handed on by the
// next run, in order.
func TestWhatWasAnsweredForIsHandedOnByTheNextRun(t *testing.T) {
	store := newStore(t)
	delivered := make(chan string, 4)
	run := func() *intake.Intake {
		var i *intake.Intake
		i = intake.New(intake.Config{
			Store: store, Log: zerolog.Nop(),
			Deliver: func(ctx context.Context, evt *event.Event) error {
				delivered <- string(evt.ID) + " " + evt.Type.Type
				if evt.Type == event.EventEncrypted {
					i.Dispatched(ctx, evt)
				}
				return nil
			},
			Ours:       func(id.UserID) bool { return false },
			Secret:     func(context.Context, id.UserID, id.RoomID) bool { return false },
			Unfinished: func(context.Context, *database.Received) error { return nil }, Asked: func(context.Context) {},
		})
		i.Accept()
		return i
	}
	body := `{"events":[` +
		`{"event_id":"$1","room_id":"!r:x","type":"m.room.encrypted","sender":"@u:x","content":{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"x"}},` +
		`{"event_id":"$2","room_id":"!r:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"!page bob@example.com x"}},` +
		`{"event_id":"$3","room_id":"!r:x","type":"m.reaction","sender":"@u:x","content":{}},` +
		`{"event_id":"$4","room_id":"!r:x","type":"m.room.redaction","sender":"@u:x","redacts":"$2","content":{}}]}`
	answer := httptest.NewRecorder()
	run().Receive(http.NotFoundHandler(), func(*http.Request) bool { return true }).
		ServeHTTP(answer, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(body)))
	if answer.Code != http.StatusOK || len(delivered) > 0 {
		t.Fatalf("answered %d, handed on %d", answer.Code, len(delivered))
	}
	next := run()
	next.Start(t.Context())
	defer next.Stop()
	for _, want := range []string{"$1 m.room.encrypted", "$2 m.room.message", "$3 m.reaction", "$4 m.room.redaction"} {
		select {
		case got := <-delivered:
			if got != want {
				t.Errorf("handed on %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is not handed on", want)
		}
	}
}

// The database stores a transaction and does not say so while the bridge starts. What is stored is
// handed on in its place, behind what came before it.
func TestWhatIsStoredWithoutAnAnswerKeepsItsPlace(t *testing.T) {
	store := newStore(t)
	delivered := make(chan id.EventID, 8)
	i := intake.New(intake.Config{
		Store: store, Log: zerolog.Nop(),
		Deliver:    func(_ context.Context, evt *event.Event) error { delivered <- evt.ID; return nil },
		Ours:       func(id.UserID) bool { return false },
		Secret:     func(context.Context, id.UserID, id.RoomID) bool { return false },
		Unfinished: func(context.Context, *database.Received) error { return nil }, Asked: func(context.Context) {},
	})
	i.Accept()
	text := func(evt id.EventID) string {
		return fmt.Sprintf(`{"event_id":%q,"room_id":"!r:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}}`, evt)
	}
	stored := func(evt id.EventID) {
		row := &database.Received{EventID: evt, RoomID: "!r:x", Sender: "@u:x", Content: text(evt), At: time.Now()}
		if _, err := store.Put(t.Context(), []*database.Received{row}); err != nil {
			t.Fatal(err)
		}
	}
	pushed := func(evt id.EventID) {
		answer := httptest.NewRecorder()
		i.Receive(http.NotFoundHandler(), func(*http.Request) bool { return true }).ServeHTTP(answer,
			httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(`{"events":[`+text(evt)+`]}`)))
		if answer.Code != http.StatusOK {
			t.Fatalf("answered %d", answer.Code)
		}
	}
	stored("$1") // by an earlier run
	pushed("$2")
	stored("$3")
	pushed("$4")
	stored("$5")
	i.Start(t.Context())
	defer i.Stop()
	for _, want := range []id.EventID{"$1", "$2", "$3", "$4", "$5"} {
		select {
		case got := <-delivered:
			if got != want {
				t.Errorf("handed on %s, want %s", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is not handed on", want)
		}
	}
}

// A homeserver that was refused comes again only after a while. So a transaction that comes while the bridge starts is answered when
// it can be stored; when that takes too long, or the bridge stops, it is for later.
func TestTransactionDuringAStartIsAnsweredWhenItIsStored(t *testing.T) {
	for _, test := range []struct {
		name  string
		then  func(*intake.Intake)
		after time.Duration
		code  int
	}{
		{"the start is over", (*intake.Intake).Accept, 2 * time.Second, http.StatusOK},
		{"the start takes too long", (*intake.Intake).Accept, time.Hour, http.StatusServiceUnavailable},
		{"the bridge stops", (*intake.Intake).Stop, 2 * time.Second, http.StatusServiceUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newStore(t)
			synctest.Test(t, func(t *testing.T) {
				i := intake.New(intake.Config{
					Store: store, Log: zerolog.Nop(),
					Ours:   func(id.UserID) bool { return false },
					Secret: func(context.Context, id.UserID, id.RoomID) bool { return false },
				})
				then := time.AfterFunc(test.after, func() { test.then(i) })
				defer then.Stop()
				w := httptest.NewRecorder()
				begun := time.Now()
				body := `{"events":[{"event_id":"$1","room_id":"!r:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}}]}`
				i.Receive(http.NotFoundHandler(), func(*http.Request) bool { return true }).
					ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(body)))
				// Homeservers wait for a minute.
				if took := time.Since(begun); w.Code != test.code || took >= time.Minute || took < min(test.after, 10*time.Second) {
					t.Errorf("answered %d after %v, want %d", w.Code, took, test.code)
				}
				row, err := store.Get(context.Background(), "$1")
				if (row != nil) != (test.code == http.StatusOK) || err != nil {
					t.Errorf("stored is %v, %v", row, err)
				}
			})
		})
	}
}

// A homeserver that calls the bridge back sends again what the bridge has not taken, and cannot while it waits for an answer to that. So
// what waits for the end of the start then is refused, and what comes afterwards waits.
func TestTransactionBeforeTheHomeserverCallsBackIsRefused(t *testing.T) {
	store := newStore(t)
	synctest.Test(t, func(t *testing.T) {
		i := intake.New(intake.Config{
			Store: store, Log: zerolog.Nop(),
			Ours:   func(id.UserID) bool { return false },
			Secret: func(context.Context, id.UserID, id.RoomID) bool { return false },
		})
		send := func() <-chan int {
			code := make(chan int, 1)
			go func() {
				w := httptest.NewRecorder()
				body := `{"events":[{"event_id":"$1","room_id":"!r:x","type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}}]}`
				i.Receive(http.NotFoundHandler(), func(*http.Request) bool { return true }).
					ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(body)))
				code <- w.Code
			}()
			synctest.Wait()
			return code
		}
		first := send()
		i.CallBack(t.Context())
		select {
		case code := <-first:
			if code != http.StatusServiceUnavailable {
				t.Errorf("what waits is answered %d", code)
			}
		default:
			t.Error("what waits is not answered when the homeserver calls back")
		}
		again := send()
		i.Accept()
		if code := <-again; code != http.StatusOK {
			t.Errorf("what comes afterwards is answered %d", code)
		}
		begun := time.Now()
		if i.CallBack(t.Context()); time.Since(begun) > 0 {
			t.Error("the homeserver waits though nothing else does")
		}
	})
}
