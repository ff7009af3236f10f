package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"maunium.net/go/mautrix/id"

	"matrix-msn/bench/internal/stub"
	"matrix-msn/e2e/stack"
)

const (
	// backTimeout bounds how long it may take until all accounts have signed in.
	backTimeout = 15 * time.Minute
	// settleTime is how long the bridge is left alone before memory and processor are measured: it gives memory back a
	// while after the last has signed in.
	settleTime = 45 * time.Second
	// lookEvery is how often it is looked how many have signed in, which costs the bridge some time of its own.
	lookEvery = 500 * time.Millisecond
	// loginsAtOnce is how many accounts are logged in at the same time before anything is measured.
	loginsAtOnce = 8
	// meanwhileAfter is how long after a start of the bridge somebody logs in.
	meanwhileAfter = time.Second
)

// idle is what was measured of accounts that do nothing.
type idle struct {
	logins             int
	empty, resident    float64 // bytes, without any account and with all
	goroutines         float64 // of all
	processor          float64 // of one, while nothing happens
	statements         float64 // a minute, while nothing happens
	friend             friend
	floods             []namedFlood // in their order
	start              time.Duration
	bridge, server     time.Duration // until all are back after a restart
	loginBridge        time.Duration // how long a login took meanwhile
	loginServer        time.Duration
	spentBridge, spent float64 // seconds of processor for coming back
}

type namedFlood struct {
	name string
	flood
}

// measureIdle signs many accounts in, and measures what they cost while they do nothing, and how they come back.
func measureIdle(ctx context.Context, o options, of kind, dir string, uri func(context.Context) (string, error)) (m idle, err error) {
	m.logins = o.logins
	if err := enoughFiles(o.logins); err != nil {
		return m, err
	}
	s := &side{o: o, rooms: make(map[[2]int]id.RoomID)}
	server, err := newCrowd(ctx, o.logins, s.arrives)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, server.kill()) }()
	s.msn = service{server.addr, server.nexus}
	defer s.close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, err
	}
	if s.homeserver, err = stub.Start(s.inMatrixOfAll); err != nil {
		return m, err
	}
	if err := s.startBridge(ctx, of, dir, uri); err != nil {
		return m, err
	}
	before, err := s.scrape(ctx)
	if err != nil {
		return m, err
	}
	m.empty = before.resident
	fmt.Fprintf(os.Stderr, "Logging %d accounts in…\n", o.logins)
	if err := s.logAllIn(ctx); err != nil {
		return m, err
	}

	// Restarts of the bridge.
	fmt.Fprintln(os.Stderr, "Restarting the bridge…")
	if err := s.bridge.Stop(); err != nil {
		return m, err
	}
	began := time.Now()
	if err := s.bridge.Start(ctx); err != nil {
		return m, err
	}
	m.start = time.Since(began)
	if m.loginBridge, m.bridge, err = s.comeBack(ctx, began, o.logins, o.logins); err != nil {
		return m, fmt.Errorf("after a restart of the bridge: %w", err)
	}
	after, err := s.scrape(ctx)
	if err != nil {
		return m, err
	}
	m.spentBridge = after.cpu

	fmt.Fprintln(os.Stderr, "Doing nothing…")
	if err := pause(ctx, settleTime); err != nil {
		return m, err
	}
	quiet, err := s.scrape(ctx)
	if err != nil {
		return m, err
	}
	if err := pause(ctx, o.during); err != nil {
		return m, err
	}
	later, err := s.scrape(ctx)
	if err != nil {
		return m, err
	}
	m.resident, m.goroutines = later.resident, later.goroutines
	m.processor = (later.cpu - quiet.cpu) / o.during.Seconds()
	m.statements = (later.statements - quiet.statements) / o.during.Minutes()

	// Restart of the server.
	fmt.Fprintln(os.Stderr, "Restarting the MSN server…")
	if err := server.kill(); err != nil {
		return m, err
	}
	if err := server.start(ctx); err != nil {
		return m, err
	}
	if m.loginServer, m.server, err = s.comeBack(ctx, time.Now(), o.logins+1, o.logins+1); err != nil {
		return m, fmt.Errorf("after a restart of the server: %w", err)
	}
	now, err := s.scrape(ctx)
	if err != nil {
		return m, err
	}
	m.spent = now.cpu - later.cpu

	// What happens to all of them at once.
	fmt.Fprintln(os.Stderr, "A friend of everybody changes status…")
	if m.friend, err = s.measureFriend(ctx, server); err != nil {
		return m, fmt.Errorf("a friend of everybody changes status: %w", err)
	}
	for _, f := range []struct {
		name    string
		measure func() (flood, error)
	}{
		{"everybody gets a text, in a new room", func() (flood, error) { return s.speakAll(ctx, server, 1) }},
		{"everybody gets another text", func() (flood, error) { return s.speakAll(ctx, server, 2) }},
		{"everybody answers", func() (flood, error) { return s.answerAll(ctx) }},
	} {
		fmt.Fprintln(os.Stderr, f.name+"…")
		measured, err := f.measure()
		if err != nil {
			return m, fmt.Errorf("%s: %w", f.name, err)
		}
		m.floods = append(m.floods, namedFlood{f.name, measured})
	}
	return m, nil
}

// logAllIn logs all accounts in, as their users do.
func (s *side) logAllIn(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var working sync.WaitGroup
	for range loginsAtOnce {
		working.Go(func() {
			for login := range next {
				if err := s.logIn(ctx, login); err != nil {
					cancel(fmt.Errorf("log %s in: %w", account(login), err))
				}
			}
		})
	}
	for login := 0; login < s.o.logins && ctx.Err() == nil; login++ {
		select {
		case next <- login:
		case <-ctx.Done():
		}
	}
	close(next)
	working.Wait()
	return context.Cause(ctx)
}

// comeBack waits until so many accounts are signed in beside the one that somebody logs in meanwhile, and returns how long both took.
func (s *side) comeBack(ctx context.Context, began time.Time, many, guest int) (login, all time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, backTimeout)
	defer cancel()
	if err := pause(ctx, meanwhileAfter); err != nil {
		return 0, 0, err
	}
	asked := time.Now()
	answered := make(chan error, 1)
	go func() {
		err := s.logIn(ctx, guest)
		login = time.Since(asked)
		answered <- err
	}()
	for {
		now, err := s.scrape(ctx)
		if err != nil {
			return 0, 0, err
		}
		if int(now.signedIn) >= many {
			break
		}
		if err := pause(ctx, lookEvery); err != nil {
			return 0, 0, fmt.Errorf("%d of %d are signed in: %w", int(now.signedIn), many, err)
		}
	}
	all = time.Since(began)
	return login, all, <-answered
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enoughFiles reports whether processes of this machine can have so many connections.
func enoughFiles(logins int) error {
	const others = 200
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < uint64(logins+others) {
		return fmt.Errorf("%d accounts need as many connections, and a process may have %d files open: raise the limit (ulimit -n), or use -logins %d",
			logins, limit.Max, max(int(limit.Max)-others, 1))
	}
	return nil
}

// printIdle prints what was measured, in Markdown.
func printIdle(w io.Writer, database string, during time.Duration, m idle) {
	n := float64(m.logins)
	fmt.Fprintf(w, "\n| %d accounts that do nothing, %s | |\n|---|---|\n", m.logins, database)
	row := func(what, format string, figures ...any) {
		fmt.Fprintf(w, "| %s | "+format+" |\n", append([]any{what}, figures...)...)
	}
	row("memory (RSS)", "%.0f MiB", m.resident/(1<<20))
	row("of it for each account", "%.1f KiB", (m.resident-m.empty)/n/(1<<10))
	row("goroutines for each account", "%.2f", m.goroutines/n)
	row("processor, of one", "%.2f %%", 100*m.processor)
	row("statements a minute, of the process and this measurement", "%.1f", m.statements)
	row("the bridge answers after", "%.1f s", m.start.Seconds())
	row("all are back after a restart of the bridge", "%.1f s", m.bridge.Seconds())
	row("for which it takes, of processor", "%.1f s", m.spentBridge)
	row("somebody who logs in meanwhile has to wait", "%.2f s", m.loginBridge.Seconds())
	m.friend.print(row)
	for _, f := range m.floods {
		f.print(f.name, during, row)
	}
	row("all are back after a restart of the server", "%.1f s", m.server.Seconds())
	row("for which it takes, of processor", "%.1f s", m.spent)
	row("somebody who logs in meanwhile has to wait", "%.2f s", m.loginServer.Seconds())
}

// runIdle is run for -idle.
func runIdle(ctx context.Context, o options, of kind, dir string, uris map[string]func(context.Context) (string, error)) error {
	for _, database := range o.databases {
		m, err := measureIdle(ctx, o, of, filepath.Join(dir, "idle"+database), uris[database])
		if err != nil {
			return fmt.Errorf("on %s: %w", database, err)
		}
		printIdle(os.Stdout, database, o.during, m)
	}
	return nil
}

// startBridge configures and starts the bridge.
func (s *side) startBridge(ctx context.Context, of kind, dir string, uri func(context.Context) (string, error)) error {
	ports, err := stack.FreePorts(1)
	if err != nil {
		return err
	}
	s.metrics = fmt.Sprintf("127.0.0.1:%d", ports[0])
	settings, err := s.settings(ctx, of, uri)
	if err != nil {
		return err
	}
	if s.bridge, err = stack.ConfigureBridge(ctx, stack.BridgeOptions{Binary: of.binary, Dir: dir, Homeserver: s.homeserver.URL, Settings: settings}); err != nil {
		return err
	}
	token, err := serverToken(s.bridge.RegistrationPath)
	if err != nil {
		return err
	}
	s.homeserver.Push(s.bridge.URL, token)
	return s.bridge.Start(ctx)
}
