package intake_test

import (
	"context"
	"errors"
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
	waits    []id.RoomID           // that were told that they wait
	givenUp  []id.EventID          // of which it was told that they were given up
	deaf     int                   // how many rooms cannot be told that they wait
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
		Unfinished: func(context.Context, *database.Received) error { return nil }, Asked: func(context.Context) {},
		GivenUp: func(_ context.Context, given *database.Received) error {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.givenUp = append(i.givenUp, given.EventID)
			return nil
		},
		IsCommand: func(context.Context, *event.Event) bool { return true },
		Waits: func(_ context.Context, waits *database.Received) error {
			i.mu.Lock()
			defer i.mu.Unlock()
			if i.deaf > 0 {
				i.deaf--
				return errors.New("the homeserver is away")
			}
			i.waits = append(i.waits, waits.RoomID)
			return nil
		},
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

// does is a command processor whose commands do something.
type does struct {
	bridgev2.CommandProcessor
	what func()
}

func (d does) Handle(context.Context, id.RoomID, id.EventID, *bridgev2.User, string, id.EventID) {
	d.what()
}

// renames has a table called otherwise, so that nothing can be stored there.
func renames(t *testing.T, store *database.IntakeQuery) func(from, to string) {
	return func(from, to string) {
		if err := store.Exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Error(err)
		}
	}
}

// Else the next start would tell that a command was interrupted which was answered.
func TestEndOfAnEventIsNotedLaterWhenTheDatabaseDoesNotTakeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		i := newTakes(t, store)
		i.push("$1 !r")
		rename := renames(t, store)
		i.Commands(does{what: func() { rename("intake", "elsewhere") }}).Handle(t.Context(), "!r", "$1", nil, "", "")
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

// A command that cannot be noted as run is not run: a kill right after would have it run twice. It is
// run when the database takes that again, at once or later.
func TestCommandIsNotRunBeforeThatIsNoted(t *testing.T) {
	t.Parallel()
	for _, outage := range []time.Duration{5 * time.Second, 40 * time.Second} {
		t.Run(outage.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				i := newTakes(t, store)
				i.push("$1 !r")
				rename := renames(t, store)
				rename("intake", "elsewhere")
				run := 0
				commands := i.Commands(does{what: func() {
					run++
					if row, err := store.Get(t.Context(), "$1"); err != nil || row.State != database.ReceivedBegun {
						t.Errorf("it is run as %+v, %v", row, err)
					}
				}})
				handled := make(chan struct{})
				go func() {
					defer close(handled)
					commands.Handle(t.Context(), "!r", "$1", nil, "", "")
				}()
				time.Sleep(outage)
				if run != 0 {
					t.Error("it is run while that cannot be noted")
				}
				rename("elsewhere", "intake")
				<-handled
				if outage > 20*time.Second { // the dispatcher hands it on again
					again()
					commands.Handle(t.Context(), "!r", "$1", nil, "", "")
				}
				if run != 1 {
					t.Errorf("it is run %d times", run)
				}
			})
		})
	}
}

// again lets the time pass after which what was left is handed on again.
func again() {
	time.Sleep(time.Minute + time.Second)
	synctest.Wait()
}

// Most outages are short: what was left is handed on again soon, and then less and less often.
func TestWhatWasLeftComesBackSoonAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newTakes(t, newStore(t))
		i.push("$1 !r", "$2 !r")
		i.take()
		for _, wait := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
			i.Leave("$1")
			i.Leave("$2")
			time.Sleep(wait*time.Second - time.Millisecond)
			synctest.Wait()
			if got := i.take(); len(got) > 0 {
				t.Errorf("%v was handed on again before %d s", got, wait)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if got := i.take(); !slices.Equal(got, []id.EventID{"$1", "$2"}) {
				t.Errorf("handed on after %d s was %v", wait, got)
			}
		}
		// The next outage is a new one.
		i.Taken("$1")
		i.Taken("$2")
		i.push("$3 !r")
		i.take()
		i.Leave("$3")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := i.take(); !slices.Equal(got, []id.EventID{"$3"}) {
			t.Errorf("handed on after two seconds was %v", got)
		}
	})
}

// A text that the database never takes must not hold up its room for ever; a database that takes
// nothing is not the text's fault.
func TestEventThatNobodyCanStoreHasAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		i := newTakes(t, store)
		i.push("$1 !r", "$2 !r")
		rename := func(from, to string) {
			if err := store.Exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
				t.Fatal(err)
			}
		}
		rename("intake", "elsewhere")
		for pass := range 20 {
			if !i.Leave("$1") || !i.Leave("$2") {
				t.Fatalf("ended after %d passes of a database that takes nothing", pass)
			}
			again()
		}
		rename("elsewhere", "intake")
		if i.Leave("$1") {
			t.Error("left once more")
		}
		// Its sender is not told yet.
		if row, err := store.Get(t.Context(), "$1"); err != nil || row.State != database.ReceivedGivenUp {
			t.Errorf("noted was %+v, %v", row, err)
		}
		if i.Behind("$2") {
			t.Error("what comes after it still waits for it")
		}
		if !slices.Equal(i.waits, []id.RoomID{"!r"}) {
			t.Errorf("told were %v", i.waits)
		}
		i.Taken("$2")
		i.push("$3 !r", "$4 !s")
		for range 7 {
			i.Leave("$3")
			again()
		}
		if !slices.Equal(i.waits, []id.RoomID{"!r", "!r"}) {
			t.Errorf("told were %v", i.waits)
		}
	})
}

// Who is not told that a text was given up, because the bridge is killed, is told by the next start,
// and once.
func TestSenderOfWhatWasGivenUpIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		i := newTakes(t, store)
		i.push("$told !r", "$killed !r", "$unheard !r")
		for range 16 {
			i.Leave("$told")
			i.Leave("$killed")
			i.Leave("$unheard")
			again()
		}
		for _, evt := range []id.EventID{"$told", "$killed", "$unheard"} {
			if i.Leave(evt) {
				t.Errorf("%s is left once more", evt)
			}
		}
		i.Untold("$unheard")
		// The rooms' loops come past them, of two.
		i.Commands(does{what: func() {}}).Handle(t.Context(), "!r", "$told", nil, "", "")
		i.Commands(does{what: func() {}}).Handle(t.Context(), "!r", "$unheard", nil, "", "")
		i.Stop()
		for _, want := range [][]id.EventID{{"$killed", "$unheard"}, nil} {
			next := newTakes(t, store)
			synctest.Wait()
			next.mu.Lock()
			if !slices.Equal(next.givenUp, want) || len(next.handedOn) > 0 {
				t.Errorf("told of %v, want %v; handed on were %v", next.givenUp, want, next.handedOn)
			}
			next.mu.Unlock()
			next.Stop()
		}
	})
}

// A room that could not be told that its messages wait is told later.
func TestRoomThatWaitsIsToldUntilItHears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newTakes(t, newStore(t))
		i.deaf = 2
		i.push("$1 !r")
		for range 10 {
			i.Leave("$1")
			again()
		}
		if !slices.Equal(i.waits, []id.RoomID{"!r"}) {
			t.Errorf("told were %v", i.waits)
		}
	})
}

// commands is a command processor whose commands take their time.
type commands struct {
	bridgev2.CommandProcessor
	mu    sync.Mutex
	ran   []id.EventID
	takes time.Duration
}

func (c *commands) Handle(_ context.Context, _ id.RoomID, evt id.EventID, _ *bridgev2.User, _ string, _ id.EventID) {
	c.mu.Lock()
	c.ran = append(c.ran, evt)
	c.mu.Unlock()
	time.Sleep(c.takes)
}

func (c *commands) take() []id.EventID {
	c.mu.Lock()
	defer c.mu.Unlock()
	ran := c.ran
	c.ran = nil
	return ran
}

// The end of what the framework was given first is not that of what it was given again.
func TestLateEndOfAnEventDoesNotEndItsNextPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		i := newTakes(t, store)
		i.push("$1 !r")
		slow := &commands{takes: 5 * time.Minute}
		go i.Commands(slow).Handle(t.Context(), "!r", "$1", nil, "", "")
		synctest.Wait()
		i.Leave("$1")
		again()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if row, err := store.Get(t.Context(), "$1"); err != nil || row.State == database.ReceivedFinished {
			t.Errorf("noted was %+v, %v", row, err)
		}
		i.Commands(does{what: func() {}}).Handle(t.Context(), "!r", "$1", nil, "", "")
		if row, err := store.Get(t.Context(), "$1"); err != nil || row.State != database.ReceivedFinished {
			t.Errorf("noted was %+v, %v", row, err)
		}
	})
}

// The framework runs each command in a goroutine, and those that were typed while the bridge was
// down come at once.
func TestCommandsOfAChatRunInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newTakes(t, newStore(t))
		i.push("$1 !r", "$2 !r", "$3 !s", "$4 !r")
		i.Arriving(t.Context(), message("$3", "!s"))
		for _, evt := range []id.EventID{"$1", "$2", "$4"} {
			i.Arriving(t.Context(), message(evt, "!r"))
		}
		run := &commands{takes: time.Second}
		handle := func(evt id.EventID, room id.RoomID) {
			go i.Commands(run).Handle(t.Context(), room, evt, nil, "", "")
			synctest.Wait()
		}
		handle("$4", "!r")
		handle("$2", "!r")
		handle("$3", "!s")
		handle("$1", "!r")
		if got := run.take(); !slices.Equal(got, []id.EventID{"$3", "$1"}) {
			t.Errorf("ran at once: %v", got)
		}
		time.Sleep(3 * time.Second)
		if got := run.take(); !slices.Equal(got, []id.EventID{"$2", "$4"}) {
			t.Errorf("ran then: %v", got)
		}
		// One that the framework never runs, or that takes long, holds nobody up for long.
		i.push("$5 !r", "$6 !r")
		i.Arriving(t.Context(), message("$5", "!r"))
		i.Arriving(t.Context(), message("$6", "!r"))
		handle("$6", "!r")
		if got := run.take(); len(got) > 0 {
			t.Errorf("ran before its turn: %v", got)
		}
		time.Sleep(11 * time.Second)
		if got := run.take(); !slices.Equal(got, []id.EventID{"$6"}) {
			t.Errorf("ran then: %v", got)
		}
	})
}

// Many wait for one that hangs: they begin one after the other all the same, and a stop begins
// none of them.
func TestCommandsBehindOneThatHangsRunInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		i := newTakes(t, store)
		i.push("$1 !r", "$2 !r", "$3 !r", "$4 !r", "$5 !r")
		for _, evt := range []id.EventID{"$1", "$2", "$3", "$4", "$5"} {
			i.Arriving(t.Context(), message(evt, "!r"))
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		run := &commands{takes: 15 * time.Second}
		for _, evt := range []id.EventID{"$5", "$4", "$3", "$2", "$1"} {
			go i.Commands(run).Handle(ctx, "!r", evt, nil, "", "")
		}
		for _, want := range []id.EventID{"$1", "$2", "$3"} {
			synctest.Wait()
			if got := run.take(); !slices.Equal(got, []id.EventID{want}) {
				t.Errorf("began %v, want %s", got, want)
			}
			time.Sleep(10*time.Second + time.Millisecond)
		}
		stop()
		synctest.Wait()
		time.Sleep(time.Minute)
		if got := run.take(); !slices.Equal(got, []id.EventID{"$4"}) {
			t.Errorf("began %v before the stop", got)
		}
		if row, err := store.Get(t.Context(), "$5"); err != nil || row.State != database.ReceivedWaiting {
			t.Errorf("what did not have its turn is %+v, %v", row, err)
		}
	})
}

// A command that a stop cuts off could not even answer: its end is not noted, so that the next start
// says that it was interrupted.
func TestCommandThatAStopCutsOffHasNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		i := newTakes(t, store)
		i.push("$1 !r")
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		i.Commands(&commands{takes: 2 * time.Second}).Handle(ctx, "!r", "$1", nil, "", "")
		if row, err := store.Get(t.Context(), "$1"); err != nil || row.State != database.ReceivedBegun {
			t.Errorf("noted was %+v, %v", row, err)
		}
	})
}

func message(evt id.EventID, room id.RoomID) *event.Event {
	return &event.Event{Type: event.EventMessage, ID: evt, RoomID: room, Sender: "@u:x"}
}
