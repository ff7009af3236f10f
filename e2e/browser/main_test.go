// Package browser tests the bridge, and the page of the demo, as people see them: a real web client of Matrix, Hydrogen,
// in a real browser, on the real homeserver, and beside it the page of somebody on MSN. It needs Chromium and npm, and
// is skipped where one of them is missing.
//
//	go test -tags goolm ./e2e/browser -run TestBothSidesInTheBrowser -screenshots ../../docs/images
//
// makes the pictures of the documents.
package browser

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"matrix-msn/e2e/build"
	"matrix-msn/e2e/stack"
)

var screenshots = flag.String("screenshots", "", "the `directory` for pictures of what the browser shows")

// The bridges on the homeserver.
const (
	plainBridge = iota
	encryptingBridge
)

// What all tests use.
var (
	missing   string // why the tests are skipped
	chrome    *chromium
	webClient string // the address of Hydrogen
	parts     *stack.Stack
	home      *stack.MSN
)

// testsTake is what is left of the time limit of a test run for the tests themselves; they take about a minute.
const testsTake = 3 * time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := runTests(ctx, m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "FAIL: the tests in the browser could not run as they should: %v\n", err)
		status = 1
	}
	os.Exit(status)
}

// needed says what is missing for the tests, or "".
func needed() (browser, npm, missing string) {
	browser = findBrowser()
	npm, err := exec.LookPath("npm")
	switch {
	case testing.Short():
		missing = "with -short: no browser is started"
	case browser == "":
		missing = "there is no Chromium: install it (on Debian: apt install chromium fonts-noto-color-emoji)"
	case err != nil:
		missing = "there is no npm, which fetches the web client: install it (on Debian: apt install npm)"
	}
	return browser, npm, missing
}

// runTests runs the tests between starting and ending the parts.
func runTests(ctx context.Context, m *testing.M) (status int, err error) {
	browser, npm, reason := needed()
	if missing = reason; missing != "" {
		return m.Run(), nil // each test says so
	}
	dir, err := os.MkdirTemp("", "matrix-msn-browser-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	limit := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration)
	if limit == 0 {
		limit = time.Hour
	}
	limit = max(limit-testsTake, limit/2)
	setUp, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("building and starting took longer than %s: give them more time with -timeout", limit))
	defer cancel()

	built, err := buildHydrogen(setUp, npm)
	if errors.Is(err, errNoRegistry) {
		missing = err.Error()
		return m.Run(), nil
	}
	if err != nil {
		return 0, err
	}
	binaries, err := build.All(setUp, dir, build.RaceEnabled, os.Stderr)
	if err != nil {
		return 0, err
	}
	if home, err = stack.StartMSN(setUp, stack.MSNOptions{Key: "home", Name: "Home MSN", Dir: dir}); err != nil {
		return 0, err
	}
	defer home.Close()
	settings := stack.Services(home)
	parts, err = stack.Start(setUp, stack.Options{Dir: dir, Homeserver: stack.Dendrite(binaries.Dendrite), Binary: binaries.Bridge, Bridges: []stack.BridgeOptions{
		plainBridge:      {Settings: following(settings)},
		encryptingBridge: {ID: "secret", Settings: encrypting(settings)},
	}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, parts.Stop()) }()
	address, stop, err := serveHydrogen(built, parts.Homeserver.URL)
	if err != nil {
		return 0, err
	}
	webClient = address
	defer func() { err = errors.Join(err, stop()) }()
	if chrome, err = startChromium(ctx, browser, filepath.Join(dir, "profile")); err != nil {
		return 0, err
	}
	defer chrome.close()
	return m.Run(), nil
}

// needsBrowser skips a test where there is no browser.
func needsBrowser(t *testing.T) {
	t.Helper()
	if missing != "" {
		t.Skip(missing)
	}
}
