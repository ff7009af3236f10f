// Package e2e tests the bridge on real parts: a homeserver with real Matrix clients on one side, an MSN
// server with real MSN clients on the other, and the bridge program itself between them. See package stack.
//
// The homeserver is Dendrite, or the Synapse that E2E_SYNAPSE names: synapse_homeserver or the Python of an
// installation. All tests share one homeserver. Each has users of its own, so that they run beside each other.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"matrix-msn/e2e/build"
	"matrix-msn/e2e/stack"
	"matrix-msn/internal/postgrestest"
	"matrix-msn/msn/msntest"
)

// keepVariable, set to anything, keeps what the programs write, their logs among it.
const keepVariable = "E2E_KEEP"

// synapseVariable names the program of an installed Synapse that takes the place of Dendrite. See [stack.Synapse].
const synapseVariable = "E2E_SYNAPSE"

// testsTake is what is left of the time limit of a test run for the tests themselves; they take about a minute.
const testsTake = 3 * time.Minute

// setUpTimeout bounds the building and starting, so that it ends before the go command ends the tests, after 10 minutes
// unless -timeout says otherwise. The first build of Dendrite takes two to three minutes of two cores.
func setUpTimeout() time.Duration {
	flag.Parse()
	limit := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration)
	if limit == 0 {
		limit = time.Hour
	}
	return max(limit-testsTake, limit/2)
}

// The bridges beside each other on the homeserver: tests that end a bridge have one of their own.
const (
	sharedBridge = iota
	restartedBridge
	killedBridge
	halfwayBridge
	cutOffBridge
	stoppedBridge
	alertedBridge
	modernBridge
	presenceBridge
	contactsBridge
	doctorBridge
	restoredBridge
	encryptingBridge
	pushedBridge
	quietBridge
)

// stoppedDir is the directory of the stoppedBridge, and ownLog the log file there that the bridge writes itself.
var stoppedDir string

const ownLog = "own.log"

// scratch is the directory of all that the programs write, homeserver and bridgeBinary are they: for tests that want a
// homeserver of their own, to end it or to load it.
var (
	scratch      string
	homeserver   stack.HomeserverKind
	bridgeBinary string
)

// The parts that all tests use.
var (
	parts *stack.Stack
	// witness sees what the homeserver passes on.
	witness *stack.Appservice
	// home is the MSN service of most tests. Work is a second one, with other people of the same addresses.
	home, work *stack.MSN
	// modern is a service with web services, where people sign in by the highest dialect, from several places.
	modern *stack.MSN
	// away is a third, which one test closes. The same options bring it back at the same ports.
	away        *stack.MSN
	awayOptions stack.MSNOptions
)

func TestMain(m *testing.M) {
	// Programs that want their files to be their owner's have to see to that themselves.
	syscall.Umask(0o022)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := runTests(ctx, m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "FAIL: the end-to-end tests could not run as they should: %v\n", err)
		status = 1
	}
	os.Exit(status)
}

// runTests runs the tests between setting up and ending the parts.
func runTests(ctx context.Context, m *testing.M) (status int, err error) {
	dir, err := os.MkdirTemp("", "matrix-msn-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() {
		if os.Getenv(keepVariable) != "" {
			fmt.Fprintln(os.Stderr, "What the programs wrote is in", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	limit := setUpTimeout()
	setUp, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("building and starting took longer than %s: "+
		"run the tests again, since Go keeps what it has built, or give them more time with -timeout", limit))
	defer cancel()

	scratch = dir
	if err := buildPrograms(setUp, dir); err != nil {
		return 0, err
	}
	fixed, err := fixedServer()
	if err != nil {
		return 0, err
	}
	awayOptions = stack.MSNOptions{Key: "away", Name: "Away MSN", Dir: dir, Server: fixed}
	for _, service := range []struct {
		m    **stack.MSN
		opts stack.MSNOptions
	}{
		{&home, stack.MSNOptions{Key: "home", Name: "Home MSN", Dir: dir, Settings: map[string]any{
			// The server is near: its errors come at once.
			"page_grace": "1s",
			// Whose login page its links name.
			"hosts": []string{".passport.com"},
		}}},
		{&work, stack.MSNOptions{Key: "work", Name: "Work MSN", Dir: dir}},
		{&modern, stack.MSNOptions{Key: "modern", Name: "Modern MSN", Dir: dir, Web: true}},
		{&away, awayOptions},
	} {
		if *service.m, err = stack.StartMSN(setUp, service.opts); err != nil {
			return 0, err
		}
		defer (*service.m).Close()
	}
	settings := stack.Services(home, work, modern, away)
	stoppedDir, quietDir = filepath.Join(dir, "stopped"), filepath.Join(dir, "quiet")
	shared, err := withMetrics(withRelay(settings))
	if err != nil {
		return 0, err
	}
	bridges := []stack.BridgeOptions{
		sharedBridge:    {Settings: shared},
		restartedBridge: {ID: "restarted", Settings: settings},
		killedBridge:    {ID: "killed", Settings: settings},
		halfwayBridge:   {ID: "halfway", Settings: settings},
		cutOffBridge:    {ID: "cutoff", Settings: settings},
		stoppedBridge:   {ID: "stopped", Dir: stoppedDir, Settings: withOwnLog(settings)},
		alertedBridge:   {ID: "alerted", Settings: settings},
		modernBridge:    {ID: "modern", Settings: settings},
		presenceBridge:  {ID: "presence", Settings: settings},
		contactsBridge:  {ID: "contacts", Settings: settings},
		doctorBridge:    {ID: "doctor", Settings: stack.Services(home)},
		restoredBridge:  {ID: "restored", Settings: settings},
		// Keys come to the one by /sync, to the other with what the homeserver pushes, where it does.
		quietBridge:      {ID: "quiet", Dir: quietDir, Settings: withUsualLog(settings)},
		encryptingBridge: {ID: "encrypting", Settings: withEncryption(settings, false)},
		pushedBridge:     {ID: "pushed", Settings: withEncryption(settings, homeserver.Does(stack.PassesToDevice))},
	}
	stop, err := usePostgres(setUp, bridges)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if witness, err = stack.StartAppservice(dir, "witness"); err != nil {
		return 0, err
	}
	defer witness.Close()
	parts, err = stack.Start(setUp, stack.Options{
		Dir: dir, Homeserver: homeserver, Binary: bridgeBinary, Registrations: []string{witness.RegistrationPath}, Bridges: bridges,
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, parts.Stop()) }()
	return m.Run(), nil
}

// buildPrograms builds what is not installed.
func buildPrograms(ctx context.Context, dir string) (err error) {
	if program := os.Getenv(synapseVariable); program != "" {
		homeserver = stack.Synapse(program)
		bridgeBinary, err = build.Bridge(ctx, dir, build.RaceEnabled, os.Stderr)
		return err
	}
	binaries, err := build.All(ctx, dir, build.RaceEnabled, os.Stderr)
	homeserver, bridgeBinary = stack.Dendrite(binaries.Dendrite), binaries.Bridge
	return err
}

// onPostgres are the bridges whose database is in PostgreSQL, where that is installed. Elsewhere all use SQLite.
var onPostgres = []int{killedBridge, alertedBridge, modernBridge}

// postgres is where those are, nil where it is not installed.
var postgres *postgrestest.Server

// newDatabase makes a database in PostgreSQL for a test, which is skipped where that is not installed.
func newDatabase(t *testing.T) (uri string) {
	t.Helper()
	if postgres == nil {
		t.Skip(postgrestest.ErrNotInstalled)
	}
	uri, err := postgres.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

// usePostgres puts databases of bridges into PostgreSQL. stop ends it.
func usePostgres(ctx context.Context, bridges []stack.BridgeOptions) (stop func() error, err error) {
	server, err := postgrestest.Start(ctx)
	if errors.Is(err, postgrestest.ErrNotInstalled) {
		fmt.Fprintln(os.Stderr, err)
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, err
	}
	postgres = server
	for _, which := range onPostgres {
		uri, err := server.Database(ctx)
		if err != nil {
			return nil, errors.Join(err, server.Stop())
		}
		settings := maps.Clone(bridges[which].Settings)
		settings["database.type"], settings["database.uri"] = "postgres", uri
		bridges[which].Settings = settings
	}
	return server.Stop, nil
}

// fixedServer returns options that give an MSN server the same ports and certificate each time it is started.
func fixedServer() ([]msntest.Option, error) {
	ports, err := stack.FreePorts(3)
	if err != nil {
		return nil, err
	}
	lender := httptest.NewTLSServer(nil)
	defer lender.Close()
	return []msntest.Option{
		msntest.WithListen("127.0.0.1", ports[0], ports[1], ports[2]),
		msntest.WithCertificate(lender.TLS.Certificates[0]),
	}, nil
}

// withEncryption returns the settings with those by which a bridge encrypts, in appservice mode if keys are pushed.
func withEncryption(settings map[string]any, pushed bool) map[string]any {
	settings = maps.Clone(settings)
	settings["encryption.allow"] = true
	settings["encryption.appservice"] = pushed
	settings["encryption.msc4190"] = pushed && homeserver.Does(stack.MakesDevices)
	return settings
}

// withOwnLog returns the settings with those by which a bridge writes a log file, beside what it prints.
func withOwnLog(settings map[string]any) map[string]any {
	settings = maps.Clone(settings)
	settings["logging"] = map[string]any{
		"min_level": "debug",
		"writers": []any{
			map[string]any{"type": "stdout", "format": "pretty"},
			map[string]any{"type": "file", "format": "json", "filename": ownLog},
		},
	}
	return settings
}
