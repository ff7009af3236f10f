package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"matrix-msn/bench/internal/stub"
	"matrix-msn/e2e/stack"
	"matrix-msn/msn/msntest"
)

// kind is one of the bridges that are measured.
type kind struct{ name, binary string }

// The words in what is measured: each is somebody's, and has a number.
const (
	password    = "secret123"
	waitTimeout = 2 * time.Minute
)

func account(login int) string      { return fmt.Sprintf("user%d@example.com", login) }
func contactOf(login, n int) string { return fmt.Sprintf("friend%d-%d@example.com", login, n) }
func matrixUser(login int) id.UserID {
	return id.UserID(fmt.Sprintf("@user%d:%s", login, stub.ServerName))
}
func word(login, n int, k int64) string { return fmt.Sprintf("%d/%d/%d", login, n, k) }

// service is where an MSN server is.
type service struct{ addr, nexus string }

// side is a bridge between the stub and the MSN server.
type side struct {
	o          options
	bridge     *stack.Bridge
	homeserver *stub.Homeserver
	server     *msntest.Server // nil when it is a process of its own
	msn        service
	metrics    string // address
	postgres   string // address of the database, "" for SQLite

	mu      sync.Mutex
	rooms   map[[2]int]id.RoomID
	bots    map[[2]int]*msntest.Bot
	arrived map[string]time.Time // when each text has
	missing map[string]struct{}  // what is waited for
	all     chan struct{}        // closed once nothing is missing
	tally   *tally               // what is counted of a flood
}

// note notes that a text has arrived.
func (s *side) note(text string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived[text] = at
	if _, waited := s.missing[text]; waited {
		if delete(s.missing, text); len(s.missing) == 0 {
			close(s.all)
		}
	}
}

// wait waits until all texts have arrived. One waits at a time.
func (s *side) wait(ctx context.Context, texts []string) error {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	s.mu.Lock()
	s.missing, s.all = make(map[string]struct{}), make(chan struct{})
	for _, text := range texts {
		if s.arrived[text].IsZero() {
			s.missing[text] = struct{}{}
		}
	}
	missing, all := len(s.missing), s.all
	s.mu.Unlock()
	if missing == 0 {
		return nil
	}
	select {
	case <-all:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	missing, s.missing = len(s.missing), nil
	if missing == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d texts have not arrived", missing, len(texts))
}

// latencies returns how long each text took that was sent at a time, in order.
func (s *side) latencies(sent map[string]time.Time) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	took := make([]time.Duration, 0, len(sent))
	for text, at := range sent {
		took = append(took, s.arrived[text].Sub(at))
	}
	slices.Sort(took)
	return took
}

// start starts everything, signs the accounts in, and makes the rooms.
func start(ctx context.Context, o options, of kind, dir string, uri func(context.Context) (string, error)) (_ *side, err error) {
	s := &side{o: o, rooms: make(map[[2]int]id.RoomID), bots: make(map[[2]int]*msntest.Bot), arrived: make(map[string]time.Time)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if s.server, err = msntest.Start(ctx, msntest.WithRecordLimit(0), msntest.WithPlainLogin(0)); err != nil {
		return nil, err
	}
	s.msn = service{s.server.Addr(), s.server.PlainNexusURL()}
	s.people()
	if s.homeserver, err = stub.Start(s.inMatrix); err != nil {
		return nil, err
	}
	if err := s.startBridge(ctx, of, dir, uri); err != nil {
		return nil, err
	}
	for login := range o.logins {
		if err := s.logIn(ctx, login); err != nil {
			return nil, fmt.Errorf("sign %s in: %w", account(login), err)
		}
	}
	if err := s.makeRooms(ctx); err != nil {
		return nil, err
	}
	return s, s.analyze(ctx)
}

// analyze has PostgreSQL look at its tables, as it does by itself within a minute: until then it plans as if they were empty.
func (s *side) analyze(ctx context.Context) error {
	if s.postgres == "" {
		return nil
	}
	db, err := sql.Open("postgres", s.postgres)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "ANALYZE")
	return err
}

func (s *side) close() {
	if s.bridge != nil {
		if err := s.bridge.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if s.homeserver != nil {
		_ = s.homeserver.Close() // nobody needs it any more
	}
	if s.server != nil {
		s.server.Close()
	}
}

// people makes all accounts, and has the contacts hear what they are told.
func (s *side) people() {
	for login := range s.o.logins {
		s.server.AddAccount(account(login), password)
		for n := range s.o.contacts {
			friend := contactOf(login, n)
			s.server.AddAccount(friend, password, msntest.Name(fmt.Sprint("Friend ", n)))
			s.server.Befriend(account(login), friend)
			s.bots[[2]int{login, n}] = s.server.Play(friend, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { s.note(text, time.Now()) }})
		}
	}
}

// settings are those that both bridges need, and each its own.
func (s *side) settings(ctx context.Context, of kind, uri func(context.Context) (string, error)) (map[string]any, error) {
	settings := map[string]any{
		"logging":                          map[string]any{"min_level": "warn", "writers": []any{map[string]any{"type": "stdout", "format": "json"}}},
		"provisioning.shared_secret":       provisioningSecret,
		"bridge.personal_filtering_spaces": false,
		"matrix.message_status_events":     true, // as the bridge does unless it is told not to: an event for each text to MSN
	}
	if uri != nil {
		address, err := uri(ctx)
		if err != nil {
			return nil, err
		}
		s.postgres = address
		settings["database.type"], settings["database.uri"] = "postgres", address
	}
	if of.name == "bare" {
		maps.Copy(settings, map[string]any{"network.server": s.msn.addr, "network.nexus": s.msn.nexus, "network.metrics": s.metrics})
		delete(settings, "network.status")
		return settings, nil
	}
	maps.Copy(settings, map[string]any{
		"network.metrics": s.metrics,
		"network.services": map[string]any{"home": map[string]any{
			"server": s.msn.addr, "nexus": s.msn.nexus, "allow_private_addresses": true, "dialects": []string{"MSNP12"},
		}},
	})
	return settings, nil
}

// inMatrix is called for each event that the bridge puts into a room.
func (s *side) inMatrix(e stub.Sent) {
	if e.Type != "m.room.message" || e.Sender == s.bridge.Bot() {
		return
	}
	if first, ok := strings.CutSuffix(e.Body, "/0"); ok { // that of a room
		var login, n int
		if _, err := fmt.Sscanf(first, "%d/%d", &login, &n); err == nil {
			s.mu.Lock()
			s.rooms[[2]int{login, n}] = e.Room
			s.mu.Unlock()
		}
	}
	s.note(e.Body, e.At)
}

// makeRooms has each contact say something, and each user answer: rooms, ghosts and conversations are there then.
func (s *side) makeRooms(ctx context.Context) error {
	var texts []string
	for pair, bot := range s.bots {
		text := word(pair[0], pair[1], 0)
		if err := bot.Say(ctx, account(pair[0]), text); err != nil {
			return err
		}
		texts = append(texts, text)
	}
	if err := s.wait(ctx, texts); err != nil {
		return fmt.Errorf("make the rooms: %w", err)
	}
	texts = texts[:0]
	for pair := range s.bots {
		text := word(pair[0], pair[1], 1)
		if err := s.homeserver.Send(ctx, s.homeserver.Text(s.rooms[pair], matrixUser(pair[0]), text)); err != nil {
			return err
		}
		texts = append(texts, text)
	}
	if err := s.wait(ctx, texts); err != nil {
		return fmt.Errorf("answer in the rooms: %w", err)
	}
	return nil
}

// pairs are all pairs of account and contact, in order.
func (s *side) pairs() [][2]int {
	all := slices.Collect(maps.Keys(s.bots))
	slices.SortFunc(all, func(a, b [2]int) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}
