package stack

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	// helperVariable makes this test program play the part that it names; see helper.
	helperVariable = "STACK_TEST_HELPER"
	// helperAddress is where the helper connects to when it has begun to play.
	helperAddress = "STACK_TEST_ADDRESS"
)

func TestMain(m *testing.M) {
	if part := os.Getenv(helperVariable); part != "" {
		helper(part)
	}
	os.Exit(m.Run())
}

// helper is the program that the tests start.
func helper(part string) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	switch part {
	case "polite":
		fmt.Println("started")
		if _, err := net.Dial("tcp", os.Getenv(helperAddress)); err != nil {
			os.Exit(4)
		}
		<-interrupted
		fmt.Println("asked to end")
		os.Exit(0)
	case "rude":
		if _, err := net.Dial("tcp", os.Getenv(helperAddress)); err != nil {
			os.Exit(4)
		}
		<-interrupted
		os.Exit(66)
	case "failing":
		for n := range 100 {
			fmt.Println("complaint", n)
		}
		os.Exit(3)
	}
}

// startWaiting starts a helper that waits to be asked to end, and returns when it does.
func startWaiting(t *testing.T, part string) *process {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(helperAddress, listener.Addr().String())
	p := startHelper(t, part)
	go func() {
		<-p.done
		_ = listener.Close()
	}()
	if _, err := listener.Accept(); err != nil {
		t.Fatal(p.ended())
	}
	return p
}

// startHelper starts this program as the helper of that name.
func startHelper(t *testing.T, part string) *process {
	t.Helper()
	t.Setenv(helperVariable, part)
	p, err := startProcess(command{
		name: "helper",
		path: os.Args[0],
		dir:  t.TempDir(),
		log:  filepath.Join(t.TempDir(), "helper.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.kill() })
	return p
}

func TestStopAsksTheProcessToEnd(t *testing.T) {
	p := startWaiting(t, "polite")
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if got, want := p.tail(), "  started\n  asked to end"; got != want {
		t.Errorf("log is %q, want %q", got, want)
	}
}

func TestKillDoesNotAsk(t *testing.T) {
	p := startWaiting(t, "polite")
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	if got, want := p.tail(), "  started"; got != want {
		t.Errorf("log is %q, want %q", got, want)
	}
}

func TestStopTellsOfAProcessThatEndedByItself(t *testing.T) {
	p := startHelper(t, "failing")
	<-p.done
	err := p.stop()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"helper ended by itself", "exit status 3", "complaint 99"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "complaint 50") {
		t.Errorf("error quotes the whole log: %v", err)
	}
}

func TestStopTellsOfABadExitStatus(t *testing.T) {
	p := startWaiting(t, "rude")
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "exit status 66") {
		t.Errorf("got %v", err)
	}
}

func TestWaitReadyWaitsForSuccess(t *testing.T) {
	p := startWaiting(t, "polite")
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if err := p.waitReady(t.Context(), server.URL, startTimeout); err != nil {
		t.Fatal(err)
	}
	if asked != 3 {
		t.Errorf("asked %d times, want 3", asked)
	}
}

func TestWaitReadyGivesUpWhenTheProcessEnds(t *testing.T) {
	p := startHelper(t, "failing")
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	err := p.waitReady(t.Context(), server.URL, startTimeout)
	if err == nil || !strings.Contains(err.Error(), "helper ended by itself") {
		t.Errorf("got %v", err)
	}
}

func TestTailOfReadsOnlyTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for n := range 100_000 {
		fmt.Fprintln(w, "line", n)
	}
	_, _ = io.WriteString(w, "last without newline")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	text, err := tailOf(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != tailLines || lines[tailLines-1] != "  last without newline" || lines[tailLines-2] != "  line 99999" {
		t.Errorf("got %q", lines)
	}
}
