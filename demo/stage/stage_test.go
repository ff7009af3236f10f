package main

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/demo/internal/screen"
	"matrix-msn/e2e/build"
	"matrix-msn/e2e/stack"
)

// demoTime is how long anything of the demo may take, far above what it takes.
const demoTime = 2 * time.Minute

// printed is what the demo has printed.
type printed struct {
	t     *testing.T
	lines chan string
}

// after returns what stands behind a word in the next line that begins with it.
func (p printed) after(word string) string {
	p.t.Helper()
	timeout := time.After(demoTime)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the demo has ended without %q", word)
			}
			if _, rest, found := strings.Cut(line, word); found {
				return strings.TrimSpace(rest)
			}
		case <-timeout:
			p.t.Fatalf("the demo does not print %q", word)
		}
	}
}

// Bob answers by a script until somebody writes in his page, both go through the bridge, and nothing is left when the
// demo is interrupted with a page open.
func TestScriptAnswersUntilSomebodyWritesInThePage(t *testing.T) {
	if testing.Short() {
		t.Skip("with -short: the whole demo runs")
	}
	dir := t.TempDir()
	binaries, err := build.All(t.Context(), dir, build.RaceEnabled, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := printed{t, make(chan string, 1000)}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			p.lines <- lines.Text()
		}
	})
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, screen.New(writer), binaries, dir, false)
		_ = writer.Close()
	}()
	defer reading.Wait()
	defer interrupt()

	homeserver, password, page := p.after("homeserver "), p.after("password "), p.after("page ")
	alice, err := stack.Login(t.Context(), homeserver, aliceName, password)
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	ofBob := stack.AnyText("", "")
	room, err := alice.WaitEvent(t.Context(), "Bob's first text", func(s stack.Seen) bool {
		return ofBob(s) && strings.Contains(s.Content.AsMessage().Body, "long time no see")
	})
	if err != nil {
		t.Fatal(err)
	}
	mark := alice.Mark()
	says := func(text string) {
		t.Helper()
		if _, err := alice.SendText(t.Context(), room.RoomID, text); err != nil {
			t.Fatal(err)
		}
	}
	sees := func(text string) {
		t.Helper()
		if _, err := alice.WaitEventAfter(t.Context(), mark, text, stack.Text(room.RoomID, room.Sender, text)); err != nil {
			t.Fatal(err)
		}
	}
	says("hello")
	sees(answerTo("hello"))
	p.after("(MSN) ──▶ " + onMatrix)

	open, err := http.Get(page + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Body.Close()
	events := bufio.NewReader(open.Body)
	shows := func(text string) {
		t.Helper()
		for {
			line, err := events.ReadString('\n')
			if err != nil {
				t.Fatalf("the page does not show %q: %v", text, err)
			}
			if strings.Contains(line, text) {
				return
			}
		}
	}
	// From the beginning, also what was said before it was opened.
	shows("Still on MSN?")
	answer, err := http.Post(page+"text", "application/json", strings.NewReader(`{"talk":"person:`+aliceAccount+`","text":"It is me now"}`))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	_, _ = said.ReadFrom(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		t.Fatalf("the page answers %d %s", answer.StatusCode, &said)
	}
	sees("It is me now")
	p.after(onMatrix + "      It is me now")
	nudge, err := http.Post(page+"nudge", "application/json", strings.NewReader(`{"talk":"person:`+aliceAccount+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = nudge.Body.Close()
	p.after("Bob sent a nudge.")
	says("Who else?")
	shows("Who else?")
	// Long enough for the script to think twice.
	quiet, done := context.WithTimeout(t.Context(), 2*thinkTime)
	defer done()
	if _, err := alice.WaitEventAfter(quiet, mark, "an answer", stack.Text(room.RoomID, room.Sender, answerTo("Who else?"))); err == nil {
		t.Error("the script answers though somebody plays Bob")
	}

	interrupt()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the demo ends with %v", err)
		}
	case <-time.After(demoTime):
		t.Fatal("the demo does not end")
	}
	if _, err := http.Get(page); err == nil {
		t.Error("the page is still there")
	}
	if _, err := http.Get(homeserver + "/_matrix/client/versions"); err == nil {
		t.Error("the homeserver is still there")
	}
}
