package intake_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

var errNoKey = errors.New("no session found")

// framework takes events one after the other and waits for keys as bridgev2 does: a few seconds at
// once, and then in a goroutine of its own.
type framework struct {
	*intake.Intake
	store  *database.IntakeQuery
	events chan *event.Event
	mu     sync.Mutex
	keys   map[id.SessionID]time.Time // when each comes, the zero time for never
	broken map[id.EventID]error       // events that cannot be decrypted
	slow   map[id.EventID]time.Duration
	passed []id.EventID // in the order in which the loops of the rooms get them
}

func newFramework(t *testing.T, store *database.IntakeQuery) *framework {
	f := &framework{
		store:  store,
		events: make(chan *event.Event, 64), keys: make(map[id.SessionID]time.Time),
		broken: make(map[id.EventID]error), slow: make(map[id.EventID]time.Duration),
	}
	f.Intake = intake.New(intake.Config{
		Store: store, Log: zerolog.Nop(), Bridge: new(bridgev2.Bridge),
		Deliver:    func(_ context.Context, evt *event.Event) error { f.events <- evt; return nil },
		Ours:       func(id.UserID) bool { return false },
		Secret:     func(context.Context, id.UserID, id.RoomID) bool { return false },
		Unfinished: func(context.Context, *database.Received) error { return nil }, Asked: func(context.Context) {},
		// Commands are not looked up in a database that is none.
		IsCommand: func(context.Context, *event.Event) bool { return true },
	})
	f.Accept()
	f.Start(t.Context())
	done := make(chan struct{})
	go func() {
		for {
			select {
			case evt := <-f.events:
				f.handle(t.Context(), evt)
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { f.Stop(); close(done) })
	return f
}

func (f *framework) handle(ctx context.Context, evt *event.Event) {
	if evt.Type != event.EventEncrypted {
		f.pass(ctx, evt)
		return
	}
	f.Arriving(ctx, evt)
	defer f.Dispatched(ctx, evt)
	switch err := f.decrypt(ctx, evt); {
	case err == nil:
		f.pass(ctx, evt)
	case errors.Is(err, errNoKey):
		if f.waits(evt, 3*time.Second) {
			f.readsAgain(ctx, evt)
			return
		}
		go func() {
			if f.waits(evt, 22*time.Second) {
				f.readsAgain(ctx, evt)
			}
		}()
	}
}

func (f *framework) readsAgain(ctx context.Context, evt *event.Event) {
	if f.decrypt(ctx, evt) == nil {
		f.pass(ctx, evt)
	}
}

// waits waits for a key and reports whether it has come.
func (f *framework) waits(evt *event.Event, limit time.Duration) bool {
	key := f.keys[evt.Content.AsEncrypted().SessionID]
	if wait := time.Until(key); key.IsZero() || wait > limit {
		time.Sleep(limit)
		return false
	} else {
		time.Sleep(wait)
		return true
	}
}

func (f *framework) decrypt(ctx context.Context, evt *event.Event) error {
	_, err := f.Decrypt(ctx, evt, func(context.Context, *event.Event) (*event.Event, error) {
		if key := f.keys[evt.Content.AsEncrypted().SessionID]; key.IsZero() || time.Now().Before(key) {
			return nil, errNoKey
		}
		time.Sleep(f.slow[evt.ID])
		return evt, f.broken[evt.ID]
	}, errNoKey)
	return err
}

// pass gives an event to the loop of its room, which is none: commands end by themselves.
func (f *framework) pass(ctx context.Context, evt *event.Event) {
	text := &event.Event{ID: evt.ID, RoomID: evt.RoomID, Sender: evt.Sender, Type: event.EventMessage}
	f.Arriving(ctx, text)
	f.mu.Lock()
	f.passed = append(f.passed, evt.ID)
	f.mu.Unlock()
	f.Dispatched(ctx, text)
	_ = f.store.Finish(ctx, evt.ID) // what is left is seen
	f.Taken(evt.ID)
}

// push hands events over. Each is its ID, its room and its session, "-" for a plain one.
func (f *framework) push(t *testing.T, events ...string) {
	t.Helper()
	f.pushAs(t, "@u:x", events...)
}

// pushAs is push for what somebody has written.
func (f *framework) pushAs(t *testing.T, sender id.UserID, events ...string) {
	t.Helper()
	var all []string
	for _, evt := range events {
		var name, room, session string
		if _, err := fmt.Sscan(evt, &name, &room, &session); err != nil {
			t.Fatal(err)
		}
		kind, content := "m.room.encrypted", `{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"x","session_id":"`+session+`"}`
		if session == "-" {
			kind, content = "m.room.message", `{"msgtype":"m.text","body":"x"}`
		}
		all = append(all, fmt.Sprintf(`{"event_id":%q,"room_id":%q,"type":%q,"sender":%q,"content":%s}`, name, room, kind, sender, content))
	}
	answer := httptest.NewRecorder()
	f.Receive(http.NotFoundHandler(), func(*http.Request) bool { return true }).ServeHTTP(answer,
		httptest.NewRequest(http.MethodPut, "/_matrix/app/v1/transactions/1", strings.NewReader(`{"events":[`+strings.Join(all, ",")+`]}`)))
	if answer.Code != http.StatusOK {
		t.Fatalf("a transaction is answered %d", answer.Code)
	}
}

// after returns what the rooms got within a time.
func (f *framework) after(d time.Duration) string {
	time.Sleep(d)
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var passed []string
	for _, evt := range f.passed {
		passed = append(passed, string(evt))
	}
	f.passed = nil
	return strings.Join(passed, " ")
}

func TestNothingOvertakesAnEventThatWaitsForItsKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		key    time.Duration // when it comes, 0 for never
		broken bool
		slow   time.Duration // how long the database takes
		first  string        // what the rooms got in 4 seconds
		then   string        // what they got in 30 more
		last   string        // and then
	}{
		"which comes in 20 seconds":                          {key: 20 * time.Second, first: "$s", then: "$1 $2 $3 $4"},
		"which comes in 20 seconds to a slow database":       {key: 20 * time.Second, slow: 5 * time.Minute, first: "$s", last: "$1 $2 $3 $4"},
		"which is there at once":                             {key: time.Nanosecond, first: "$s $1 $2 $3 $4"},
		"which comes while the framework waits for it":       {key: 2 * time.Second, first: "$s $1 $2 $3 $4"},
		"which does not come":                                {first: "$s", then: "$2", last: "$4"},
		"which comes in 20 seconds, and the event is bad":    {key: 20 * time.Second, broken: true, first: "$s", then: "$2 $3 $4"},
		"which is there at once, and the event is bad":       {key: time.Nanosecond, broken: true, first: "$s $2 $3 $4"},
		"which is there at once, in a database that is slow": {key: time.Nanosecond, slow: 10 * time.Second, first: "", then: "$1 $2 $s $3 $4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				f := newFramework(t, store)
				if test.key > 0 {
					f.keys["A"] = time.Now().Add(test.key)
				}
				if test.broken {
					f.broken["$1"] = errors.New("bad MAC")
				}
				f.slow["$1"] = test.slow
				f.push(t, "$1 !r A", "$2 !r -", "$s !s -", "$3 !r A", "$4 !r -")
				first := f.after(4 * time.Second)
				if sorted(first) != sorted(test.first) {
					t.Errorf("at first the rooms got %s, want %s", first, test.first)
				}
				then := f.after(40 * time.Second)
				if sorted(then) != sorted(test.then) {
					t.Errorf("then they got %s, want %s", then, test.then)
				}
				if last := f.after(6 * time.Minute); last != test.last {
					t.Errorf("at last they got %s, want %s", last, test.last)
				}
				inOrder(t, first+" "+then)
				waiting, err := store.InState(t.Context(), database.ReceivedWaiting, 0, 10)
				if err != nil || len(waiting) > 0 {
					t.Errorf("%d events are not dealt with: %v", len(waiting), err)
				}
			})
		})
	}
}

// Who writes what nobody can read keeps others in the room from nothing.
func TestNobodyWaitsForTheKeysOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFramework(t, newStore(t))
		for n := range 5 {
			f.pushAs(t, "@mallory:x", fmt.Sprintf("$m%d !r %d", n, n))
		}
		f.push(t, "$1 !r -", "$2 !r -")
		// The framework itself waits for three seconds over the first.
		if got := f.after(4 * time.Second); got != "$1 $2" {
			t.Errorf("the room got %s", got)
		}
		f.after(10 * time.Minute)
	})
}

// Who writes on and on with keys that do not come keeps nothing waiting for ever, be each of another
// session.
func TestKeysOfOneUserAreNotWaitedForEndlessly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFramework(t, newStore(t))
		for n := range 300 {
			f.push(t, fmt.Sprintf("$%03d !r %d", n, n))
		}
		f.push(t, "$last !r -")
		if got := f.after(time.Hour); got != "$last" {
			t.Errorf("the room got %q in an hour", got)
		}
		f.keys["K"] = time.Now()
		f.push(t, "$again !r K")
		if got := f.after(time.Minute); got != "$again" {
			t.Errorf("then it got %q", got)
		}
	})
}

func sorted(events string) string {
	all := strings.Fields(events)
	slices.Sort(all)
	return strings.Join(all, " ")
}

// inOrder checks that the events with numbers were passed in order.
func inOrder(t *testing.T, events string) {
	t.Helper()
	numbers := slices.DeleteFunc(strings.Fields(events), func(evt string) bool { return evt == "$s" })
	if !slices.IsSorted(numbers) {
		t.Errorf("the room got %v", numbers)
	}
}

// Events of several rooms, whose keys come when they like, the same event twice among them: each
// room gets each of its events that can be read once and in order.
func TestOrderOfEncryptedEventsAgainstItsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				f := newFramework(t, newStore(t))
				_ = f.after(0) // it has started
				unread := make(map[id.EventID]bool)
				begun := time.Now()
				for session := range 6 {
					if random.IntN(4) > 0 {
						f.keys[id.SessionID(fmt.Sprint(session))] = begun.Add(time.Duration(random.IntN(60)) * time.Second)
					}
				}
				want := make(map[string][]string)
				var sent []string
				var events []string
				for n := range 60 {
					room, session := random.IntN(3), "-"
					name := fmt.Sprintf("$%d-%03d", room, n)
					if random.IntN(3) > 0 {
						session = fmt.Sprint(2*room + random.IntN(2))
						key := f.keys[id.SessionID(session)]
						// Those whose keys come late may be read and may not.
						if key.IsZero() || key.After(begun.Add(20*time.Second)) {
							unread[id.EventID(name)] = true
						}
						if random.IntN(10) == 0 {
							f.broken[id.EventID(name)], unread[id.EventID(name)] = errors.New("bad MAC"), true
						}
						if random.IntN(10) == 0 {
							f.slow[id.EventID(name)] = time.Duration(random.IntN(40)) * time.Second
						}
					}
					evt := fmt.Sprintf("%s !%d %s", name, room, session)
					want[fmt.Sprint(room)] = append(want[fmt.Sprint(room)], name)
					events = append(events, evt)
				}
				for _, evt := range events {
					sent = append(sent, evt)
					f.push(t, evt)
					if random.IntN(3) == 0 {
						f.push(t, sent[random.IntN(len(sent))])
					}
					time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
				}
				got := make(map[string][]string)
				for _, evt := range strings.Fields(f.after(2 * time.Hour)) {
					got[evt[1:2]] = append(got[evt[1:2]], evt)
				}
				for room, events := range want {
					if !slices.IsSorted(got[room]) {
						t.Errorf("the room got %v", got[room])
					}
					for _, evt := range events {
						if times := count(got[room], evt); times > 1 || times == 0 && !unread[id.EventID(evt)] {
							t.Errorf("the room got %s %d times", evt, times)
						}
					}
				}
			})
		})
	}
}

func count(events []string, evt string) (times int) {
	for _, other := range events {
		if other == evt {
			times++
		}
	}
	return times
}
