package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"matrix-msn/bench/internal/stub"
)

// What many accounts cost when something happens to all of them at once.

const (
	// friendRooms is with how many accounts the friend of everybody has a room: with none the homeserver is told nothing of them.
	friendRooms = 100
	// friendEvery is how often the friend of everybody changes their status.
	friendEvery = 5 * time.Second
	// friendSettles is how long after the last change the homeserver may be told of it.
	friendSettles = 15 * time.Second
	// floodTimeout bounds how long a flood may take: what has not arrived by then is lost.
	floodTimeout = 8 * time.Minute
)

// friendStatuses are those that the friend of everybody has one after the other; HDN is shown as offline.
var friendStatuses = []string{"BSY", "AWY", "HDN", "NLN", "PHN", "NLN"}

// friend is what the friend of everybody costs who changes their status.
type friend struct {
	processor, statements float64 // for each change; processor in seconds
	requests              int     // to the homeserver, of everything
	told                  int     // how often the homeserver was told how they are
	shown                 string  // and how at last
	peak                  float64 // bytes
}

// flood is what it costs when everybody gets a text at once.
type flood struct {
	texts, never, twice   int           // of how many, how many have not arrived, and how many more than once
	repeated              int           // requests for an event that the homeserver had already, and took once all the same
	took                  time.Duration // until the last
	processor, statements float64       // for each text; processor in seconds
	peak, after           float64       // bytes: meanwhile, and after -for
}

// tally counts texts that are to arrive.
type tally struct {
	mu      sync.Mutex
	times   map[string]int // how often each has
	missing int
	last    time.Time
	all     chan struct{} // closed once nothing is missing
}

func newTally(texts []string) *tally {
	t := &tally{times: make(map[string]int, len(texts)), missing: len(texts), all: make(chan struct{})}
	for _, text := range texts {
		t.times[text] = 0
	}
	return t
}

// note notes that a text has arrived. Others than those that are counted do not matter.
func (t *tally) note(text string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	times, counted := t.times[text]
	if !counted {
		return
	}
	if t.times[text]++; times > 0 {
		return
	}
	t.last = at
	if t.missing--; t.missing == 0 {
		close(t.all)
	}
}

// wait waits until all have arrived, or for so long.
func (t *tally) wait(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-t.all:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// count returns how many have not arrived, how many have more than once, and when the last has for the first time.
func (t *tally) count() (never, twice int, last time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, times := range t.times {
		if times > 1 {
			twice++
		}
	}
	return t.missing, twice, t.last
}

// counts has texts counted from now on.
func (s *side) counts(texts []string) *tally {
	t := newTally(texts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally = t
	return t
}

// arrives is called for each text that arrives.
func (s *side) arrives(text string, at time.Time) {
	s.mu.Lock()
	t := s.tally
	s.mu.Unlock()
	if t != nil {
		t.note(text, at)
	}
}

// inMatrixOfAll is called for each event that the bridge puts into a room.
func (s *side) inMatrixOfAll(e stub.Sent) {
	if e.Type != "m.room.message" || e.Sender == s.bridge.Bot() {
		return
	}
	var login, times int
	if _, err := fmt.Sscanf(e.Body, "spoken/%d/%d", &login, &times); err == nil {
		s.mu.Lock()
		s.rooms[[2]int{login, 0}] = e.Room
		s.mu.Unlock()
	}
	s.arrives(e.Body, e.At)
}

// texts returns a text for each account.
func (s *side) texts(many int, text func(login int) string) []string {
	all := make([]string, many)
	for i := range all {
		all[i] = text(i)
	}
	return all
}

// measureFriend has the friend of everybody change their status.
func (s *side) measureFriend(ctx context.Context, server *crowd) (f friend, err error) {
	rooms := s.counts(s.texts(min(friendRooms, s.o.logins), greeting))
	if err := server.order(ctx, orderGreet, friendRooms); err != nil {
		return f, err
	}
	if err := rooms.wait(ctx, floodTimeout); err != nil {
		return f, err
	}
	if never, _, _ := rooms.count(); never > 0 {
		return f, fmt.Errorf("%d of %d rooms with the friend of everybody were not made", never, friendRooms)
	}
	if err := pause(ctx, settleTime); err != nil {
		return f, err
	}
	ghost := s.bridge.Ghost("home/" + commonFriend)
	before, err := s.scrape(ctx)
	if err != nil {
		return f, err
	}
	requests := s.homeserver.Requests()
	_, told := s.homeserver.Presence(ghost)
	if err := s.forgetPeak(); err != nil {
		return f, err
	}
	for _, status := range friendStatuses {
		if err := server.order(ctx, orderStatus, status); err != nil {
			return f, err
		}
		if err := pause(ctx, friendEvery); err != nil {
			return f, err
		}
	}
	if err := pause(ctx, friendSettles); err != nil {
		return f, err
	}
	after, err := s.scrape(ctx)
	if err != nil {
		return f, err
	}
	if f.peak, err = s.peak(); err != nil {
		return f, err
	}
	n := float64(len(friendStatuses))
	f.processor, f.statements = (after.cpu-before.cpu)/n, (after.statements-before.statements)/n
	f.requests = s.homeserver.Requests() - requests
	f.shown, f.told = s.homeserver.Presence(ghost)
	f.told -= told
	return f, nil
}

// measureFlood has texts sent, and waits until they are there.
func (s *side) measureFlood(ctx context.Context, texts []string, send func() error) (f flood, err error) {
	f.texts = len(texts)
	coming := s.counts(texts)
	if err := s.forgetPeak(); err != nil {
		return f, err
	}
	before, err := s.scrape(ctx)
	if err != nil {
		return f, err
	}
	repeated := s.homeserver.Repeated()
	began := time.Now()
	if err := send(); err != nil {
		return f, err
	}
	if err := coming.wait(ctx, floodTimeout); err != nil {
		return f, err
	}
	now, err := s.scrape(ctx)
	if err != nil {
		return f, err
	}
	if f.peak, err = s.peak(); err != nil {
		return f, err
	}
	n := float64(len(texts))
	f.processor, f.statements = (now.cpu-before.cpu)/n, (now.statements-before.statements)/n
	if err := pause(ctx, s.o.during); err != nil {
		return f, err
	}
	later, err := s.scrape(ctx)
	if err != nil {
		return f, err
	}
	f.after = later.resident
	f.repeated = s.homeserver.Repeated() - repeated
	var last time.Time
	f.never, f.twice, last = coming.count()
	f.took = last.Sub(began)
	return f, nil
}

// speakAll has the own friend of each account say something.
func (s *side) speakAll(ctx context.Context, server *crowd, times int) (flood, error) {
	texts := s.texts(s.o.logins, func(login int) string { return spoken(login, times) })
	return s.measureFlood(ctx, texts, func() error { return server.order(ctx, orderSpeak, times) })
}

// answerAll has the user of each account say something to their own friend.
func (s *side) answerAll(ctx context.Context) (flood, error) {
	texts := s.texts(s.o.logins, answer)
	return s.measureFlood(ctx, texts, func() error {
		for first := 0; first < len(texts); first += inTransaction {
			var events []stub.Event
			for login := first; login < min(first+inTransaction, len(texts)); login++ {
				s.mu.Lock()
				room := s.rooms[[2]int{login, 0}]
				s.mu.Unlock()
				if room == "" {
					return fmt.Errorf("there is no room of %s", account(login))
				}
				events = append(events, s.homeserver.Text(room, matrixUser(login), texts[login]))
			}
			if err := s.homeserver.Send(ctx, events...); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetPeak has the system forget how much memory the bridge has had so far.
func (s *side) forgetPeak() error {
	const peakOnly = "5" // proc(5), clear_refs
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.bridge.Pid()), []byte(peakOnly), 0)
}

// peak returns how much memory the bridge has had since, in bytes.
func (s *side) peak() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.bridge.Pid()))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if fields := bytes.Fields(line); len(fields) > 1 && string(fields[0]) == "VmHWM:" {
			kib, err := strconv.ParseFloat(string(fields[1]), 64)
			return kib * (1 << 10), err
		}
	}
	return 0, fmt.Errorf("the system does not say how much memory process %d has had", s.bridge.Pid())
}

// print prints what was measured, as rows of a table.
func (f friend) print(row func(what, format string, figures ...any)) {
	const who = "everybody's friend changes status: "
	row(who+"processor for each change", "%.3f s", f.processor)
	row(who+"statements for each change", "%.1f", f.statements)
	row(who+"how often, and how often the homeserver is told", "%d, %d", len(friendStatuses), f.told)
	row(who+"shown at last as", "%s", f.shown)
	row(who+"all requests to the homeserver", "%d", f.requests)
	row(who+"memory at the most", "%.0f MiB", f.peak/(1<<20))
}

// print prints what was measured, as rows of a table.
func (f flood) print(name string, later time.Duration, row func(what, format string, figures ...any)) {
	name += ": "
	row(name+"texts, those that are lost, and that are doubled", "%d, %d, %d", f.texts, f.never, f.twice)
	row(name+"events that the homeserver was asked twice to take", "%d", f.repeated)
	row(name+"the last has arrived after", "%.1f s", f.took.Seconds())
	row(name+"texts a second", "%.0f", float64(f.texts-f.never)/f.took.Seconds())
	row(name+"processor for each text", "%.2f ms", 1000*f.processor)
	row(name+"statements for each text", "%.1f", f.statements)
	row(name+"memory at the most", "%.0f MiB", f.peak/(1<<20))
	row(name+fmt.Sprintf("memory %v later", later), "%.0f MiB", f.after/(1<<20))
}
