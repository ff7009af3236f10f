package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

var (
	soakTime   = flag.Duration("soak", 0, "how long the soak runs; 0 leaves it out")
	soakLogins = flag.Int("soak.logins", 200, "how many logins the soak has")
)

const (
	soakWriters = 4
	// soakTexts is the time between two texts of one of them.
	soakTexts = 400 * time.Millisecond
	// soakDrops is the time between two connections that are cut, each of another login.
	soakDrops = 700 * time.Millisecond
	// soakPatience is after how long without anything new from the homeserver nothing more is waited for.
	soakPatience = 2 * time.Minute
	// soakSecret opens the bridge's figures of itself.
	soakSecret = "the soak looks inside"
)

// soak is many logins of one user, each with a friend who repeats what they hear.
type soak struct {
	*crowd
	rooms  []id.RoomID
	mu     sync.Mutex
	heard  map[string]int
	sent   map[string]id.EventID
	cut    atomic.Int64
	echoed atomic.Int64
}

// Many logins write and are cut off at random for long. What the bridge needs stays level, all that was written arrives
// once or is told of, and nothing of it is left in the queues.
func TestSoak(t *testing.T) {
	if *soakTime == 0 {
		t.Skip("takes long: run it by -soak 30m")
	}
	s := &soak{heard: make(map[string]int), sent: make(map[string]id.EventID)}
	s.crowd = newCrowd(t, crowdOptions{id: "soak", records: msntest.WithRecordLimit(0), settings: map[string]any{
		"provisioning.debug_endpoints": true,
		"provisioning.shared_secret":   soakSecret,
		"logging":                      map[string]any{"min_level": "warn", "writers": []any{map[string]any{"type": "stdout", "format": "pretty"}}},
	}})
	s.logInAll()
	t.Logf("%d logins are there", *soakLogins)

	ctx, cancel := context.WithTimeout(t.Context(), *soakTime)
	defer cancel()
	var all sync.WaitGroup
	for n := range soakWriters {
		all.Go(func() { s.write(ctx, n) })
	}
	all.Go(func() { s.cutLines(ctx) })
	var samples []sample
	every := time.NewTicker(max(*soakTime/60, time.Second))
	defer every.Stop()
	begun := time.Now()
	for done := false; !done; {
		select {
		case <-every.C:
			taken, err := s.sample()
			if err != nil {
				t.Fatal(err)
			}
			taken.at = time.Since(begun)
			samples = append(samples, taken)
		case <-ctx.Done():
			done = true
		}
	}
	all.Wait()
	s.reportsOn(samples)
	s.leavesNothing(samples)
}

// logInAll logs the logins in and makes their rooms.
func (s *soak) logInAll() {
	t := s.t
	var err error
	if s.alice, err = s.parts.Homeserver.NewUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.alice.Close)
	management, err := s.alice.OpenChat(t.Context(), s.bridge.Bot())
	if err != nil {
		t.Fatal(err)
	}
	service := s.at()
	for n := range *soakLogins {
		account, contact := soakAccount(n), soakFriend(n)
		service.AddPerson(account, password, account)
		service.AddPerson(contact, password, contact)
		service.Befriend(account, contact)
		bot := service.Play(contact, msntest.Script{Text: func(chat *msntest.Chat, _, text string) {
			s.mu.Lock()
			s.heard[text]++
			s.mu.Unlock()
			if chat.Say("Echo of "+text) == nil {
				s.echoed.Add(1)
			}
		}})
		dialog, err := s.alice.LogIn(t.Context(), management, s.bridge.Bot(), service.Key(), account, password)
		if err != nil {
			t.Fatal(err)
		}
		if !dialog.LoggedIn() {
			t.Fatalf("the bot has refused login %d: %s", n, dialog.Answer.Content.AsMessage().Body)
		}
		if err := service.WaitOnline(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		ghost := s.bridge.Ghost(service.RemoteID(contact))
		hello := fmt.Sprintf("Hello %d", n)
		mark := s.alice.Mark()
		if err := bot.Say(t.Context(), account, hello); err != nil {
			t.Fatal(err)
		}
		s.rooms = append(s.rooms, s.sees(mark, hello, stack.Text("", ghost, hello)).RoomID)
	}
}

func soakAccount(n int) string { return fmt.Sprintf("user%d@example.com", n) }
func soakFriend(n int) string  { return fmt.Sprintf("friend%d@example.com", n) }

// write has Alice write in random rooms.
func (s *soak) write(ctx context.Context, writer int) {
	every := time.NewTicker(soakTexts)
	defer every.Stop()
	for n := 0; ; n++ {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		text := fmt.Sprintf("Text %d of %d", n, writer)
		sent, err := s.alice.SendText(s.t.Context(), s.rooms[rand.IntN(len(s.rooms))], text)
		if err != nil {
			s.t.Error(err)
			return
		}
		s.mu.Lock()
		s.sent[text] = sent
		s.mu.Unlock()
	}
}

// cutLines cuts random connections to the service.
func (s *soak) cutLines(ctx context.Context) {
	every := time.NewTicker(soakDrops)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		account := soakAccount(rand.IntN(*soakLogins))
		if rand.IntN(2) == 0 {
			s.at().DropSwitchboards(account)
		} else if s.at().Drop(account) == nil { // else it is away already
			s.cut.Add(1)
		}
	}
}

// reportsOn writes the figures to the log, and holds the last third of them against the middle one.
func (s *soak) reportsOn(samples []sample) {
	s.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "%8s %10s %10s %8s %6s %8s %8s %8s %10s\n", "at", "RSS MB", "heap MB", "routines", "files", "queued", "intake", "messages", "database")
	for _, s := range samples {
		fmt.Fprintf(&text, "%8s %10.1f %10.1f %8.0f %6.0f %8d %8d %8d %10d\n",
			s.at.Round(time.Second), s.rss/1e6, s.heap/1e6, s.goroutines, s.files, s.queued, s.intake, s.messages, s.database)
	}
	s.mu.Lock()
	fmt.Fprintf(&text, "%d texts written, %d repeated by friends, %d connections cut\n", len(s.sent), s.echoed.Load(), s.cut.Load())
	s.mu.Unlock()
	s.t.Logf("\n%s", text.String())
	for _, what := range figures {
		if middle, last, ok := level(samples, what.of, what.slack); !ok {
			s.t.Errorf("%s were %.0f in the middle third and %.0f in the last", what.name, middle, last)
		}
	}
}

// leavesNothing holds what arrived against what was told, and the database against what has to be in it.
func (s *soak) leavesNothing(samples []sample) {
	s.t.Helper()
	var last sample
	var open []string
	// On a loaded machine the homeserver may be far behind with what it brings to the bridge. It is looked again and
	// again, but not all the time: that would load it more.
	for known, deadline := int64(0), time.Now().Add(soakPatience); ; time.Sleep(time.Second) {
		var err error
		if last, err = s.sample(); err != nil {
			s.t.Fatal(err)
		}
		if open = s.open(); last.queued == 0 && len(open) == 0 || time.Now().After(deadline) {
			break
		}
		if last.intake > known {
			known, deadline = last.intake, time.Now().Add(soakPatience)
		}
	}
	if last.queued > 0 {
		s.t.Errorf("%d rows are left in the queues", last.queued)
	}
	if last.contents > 0 {
		s.t.Errorf("%d bytes of what was received are left, which are of no more use", last.contents)
	}
	if len(open) > 0 {
		s.t.Errorf("of %d texts nothing was told, as %q", len(open), open[0])
	}
	s.mu.Lock()
	for text, n := range s.heard {
		if n > 1 {
			s.t.Errorf("%q was heard %d times", text, n)
		}
	}
	s.mu.Unlock()
	echoes := make(map[string]int)
	s.alice.Count(0, func(seen stack.Seen) bool {
		if seen.Type == event.EventMessage && seen.Sender != s.alice.ID() {
			if body := seen.Content.AsMessage().Body; strings.HasPrefix(body, "Echo of ") {
				echoes[body]++
			}
		}
		return false
	})
	for text, n := range echoes {
		if n > 1 {
			s.t.Errorf("Alice has seen %q %d times", text, n)
		}
	}
	first := samples[0]
	if more := last.messages - first.messages; more > 0 {
		grown := (last.database - first.database) / more
		s.t.Logf("at the end: %d messages, %d events known; the database has grown by %d bytes a message", last.messages, last.intake, grown)
		if grown > mostBytes {
			s.t.Errorf("the database has grown by %d bytes a message", grown)
		}
	}
}

// mostBytes is what a message may take in the database: the framework's row of it with four indexes, and the ID of an
// event that is known for eight days with two.
const mostBytes = 2500

// open returns the texts of which it is not known what became of them.
func (s *soak) open() (open []string) {
	n := s.look(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, sent := range s.sent {
		if s.heard[text] == 0 && len(n.notices[sent]) == 0 {
			open = append(open, text)
		}
	}
	return open
}

// files of a process, and its memory, in Linux's /proc.
func openFiles(pid int) (float64, error) {
	files, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(pid), "fd"))
	return float64(len(files)), err
}

func residentBytes(pid int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "statm"))
	if err != nil {
		return 0, err
	}
	var size, resident float64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0, err
	}
	return resident * float64(os.Getpagesize()), nil
}
