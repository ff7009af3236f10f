package intake_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/intake"
	"matrix-msn/database"
)

// takes is an Intake that runs, and what it hands on.
type takes struct {
	*intake.Intake
	mu       sync.Mutex
	handedOn []id.EventID
	taking   func(context.Context) // takes its time over an event, unless nil
}

func newTakes(t *testing.T, store *database.IntakeQuery) *takes {
	i := new(takes)
	i.Intake = intake.New(intake.Config{
		Store: store, Log: zerolog.Nop(),
		Deliver: func(ctx context.Context, evt *event.Event) error {
			if i.taking != nil {
				i.taking(ctx)
			}
			i.mu.Lock()
			defer i.mu.Unlock()
			i.handedOn = append(i.handedOn, evt.ID)
			return nil
		},
		Ours:       func(id.UserID) bool { return false },
		Secret:     func(context.Context, id.UserID, id.RoomID) bool { return false },
		Unfinished: func(context.Context, *database.Received) error { return nil },
	})
	i.Accept()
	i.Start(t.Context())
	t.Cleanup(i.Stop)
	return i
}

// push hands messages over: an event and its room each.
func (i *takes) push(messages ...string) {
	var events []string
	for _, message := range messages {
		evt, room, _ := strings.Cut(message, " ")
		events = append(events, fmt.Sprintf(`{"event_id":%q,"room_id":%q,"type":"m.room.message","sender":"@u:x","content":{"msgtype":"m.text","body":"x"}}`, evt, room))
	}
	body := `{"events":[` + strings.Join(events, ",") + `]}`
	i.Receive(http.NotFoundHandler(), func(*http.Request) bool { return true }).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(body)))
	synctest.Wait()
}

// take returns what was handed on since it was called last.
func (i *takes) take() []id.EventID {
	i.mu.Lock()
	defer i.mu.Unlock()
	got := i.handedOn
	i.handedOn = nil
	return got
}

func TestEventThatCannotBeStoredElsewhereIsHandedOnAgainInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newTakes(t, newStore(t))
		i.push("$1 !r", "$2 !r", "$3 !s")
		i.take()
		if !i.Leave("$1") || i.Leave("$unknown") {
			t.Error("what is in the table, and nothing else, can be left")
		}
		if i.Behind("$1") || !i.Behind("$2") || i.Behind("$3") {
			t.Error("behind it is what came later into its room, and nothing else")
		}
		i.Leave("$2")
		i.push("$4 !r")
		if got := i.take(); !slices.Equal(got, []id.EventID{"$4"}) || !i.Behind("$4") {
			t.Errorf("handed on was %v, behind: %t", got, i.Behind("$4"))
		}
		i.Leave("$4")
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if got := i.take(); !slices.Equal(got, []id.EventID{"$1", "$2", "$4"}) {
			t.Errorf("handed on again was %v", got)
		}
		if i.Behind("$1") || !i.Behind("$2") {
			t.Error("what is handed on again is behind those before it")
		}
		i.Taken("$1")
		if i.Behind("$2") {
			t.Error("what is before it was stored")
		}
	})
}

// A stop in the middle: the event is not said to have failed, since the next start hands it on.
func TestStopLetsTheFrameworkTakeWhatItIsGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newTakes(t, newStore(t))
		taking := make(chan error)
		i.taking = func(ctx context.Context) {
			time.Sleep(time.Second)
			taking <- ctx.Err()
			<-ctx.Done() // it is stuck
			taking <- ctx.Err()
		}
		i.push("$1 !r")
		synctest.Wait()
		began := time.Now()
		go i.Stop()
		if err := <-taking; err != nil {
			t.Errorf("while it takes it: %v", err)
		}
		if err := <-taking; err == nil || time.Since(began) > 5*time.Second {
			t.Errorf("what is stuck ends with %v after %v", err, time.Since(began))
		}
	})
}

// ends is a command processor whose commands end at once.
type ends struct{ bridgev2.CommandProcessor }

func (ends) Handle(context.Context, id.RoomID, id.EventID, *bridgev2.User, string, id.EventID) {}

// Else the next start would tell that a command was interrupted which was answered.
func TestEndOfAnEventIsNotedLaterWhenTheDatabaseDoesNotTakeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		i := newTakes(t, store)
		i.push("$1 !r")
		rename := func(from, to string) {
			if err := store.Exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
				t.Fatal(err)
			}
		}
		rename("intake", "elsewhere")
		i.Commands(ends{}).Handle(t.Context(), "!r", "$1", nil, "", "")
		rename("elsewhere", "intake")
		if row, err := store.Get(t.Context(), "$1"); err != nil || row.State == database.ReceivedFinished {
			t.Fatalf("noted at first was %+v, %v", row, err)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if row, err := store.Get(t.Context(), "$1"); err != nil || row.State != database.ReceivedFinished {
			t.Errorf("noted was %+v, %v", row, err)
		}
	})
}
