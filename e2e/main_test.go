// Package e2e tests the bridge on real parts: the Dendrite homeserver with real Matrix clients on one side, an MSN
// server with real MSN clients on the other, and the bridge program itself between them. See package stack.
//
// All tests share one homeserver. Each has users of its own, so that they run beside each other.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
)

// keepVariable, set to anything, keeps what the programs write, their logs among it.
const keepVariable = "E2E_KEEP"

// setUpTimeout bounds the building and starting. The first build of Dendrite takes minutes.
const setUpTimeout = 9 * time.Minute

// The bridges beside each other on the homeserver: tests that end a bridge have one of their own.
const (
	sharedBridge = iota
	restartedBridge
	killedBridge
)

// The parts that all tests use.
var (
	parts *stack.Stack
	// home is the MSN service of most tests. Work is a second one, with other people of the same addresses.
	home, work *stack.MSN
)

func TestMain(m *testing.M) {
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
	setUp, cancel := context.WithTimeoutCause(ctx, setUpTimeout, fmt.Errorf("not done after %s", setUpTimeout))
	defer cancel()

	binaries, err := stack.Build(setUp, dir, os.Stderr)
	if err != nil {
		return 0, err
	}
	for _, service := range []struct {
		m         **stack.MSN
		key, name string
	}{{&home, "home", "Home MSN"}, {&work, "work", "Work MSN"}} {
		if *service.m, err = stack.StartMSN(setUp, stack.MSNOptions{Key: service.key, Name: service.name, Dir: dir}); err != nil {
			return 0, err
		}
		defer (*service.m).Close()
	}
	settings := stack.Services(home, work)
	parts, err = stack.Start(setUp, stack.Options{Dir: dir, Binaries: binaries, Bridges: []stack.BridgeOptions{
		sharedBridge:    {Settings: settings},
		restartedBridge: {ID: "restarted", Settings: settings},
		killedBridge:    {ID: "killed", Settings: settings},
	}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, parts.Stop()) }()
	return m.Run(), nil
}
