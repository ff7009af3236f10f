package build

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"matrix-msn/internal/childprocess"
)

// goTool runs the go command.
type goTool struct {
	dir    string
	env    []string
	report *reporter
}

// run runs one go command and returns what it printed to standard output. Each line of its standard error is offered
// to note, which returns whether it was progress and not part of an error message; nil takes none.
func (t goTool) run(ctx context.Context, doing string, note func(line string) bool, args ...string) (string, error) {
	t.report.begin(doing)
	// When it is interrupted, the go command dies and leaves its work behind.
	work, err := os.MkdirTemp("", "matrix-msn-build-")
	if err != nil {
		return "", fmt.Errorf("make a directory for the go command: %w", err)
	}
	defer os.RemoveAll(work)
	var stdout, complaints bytes.Buffer
	reader, writer := io.Pipe()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = t.dir
	cmd.Env = append(append(os.Environ(), "GOTMPDIR="+work), t.env...)
	cmd.Stdout, cmd.Stderr = &stdout, writer
	childprocess.Isolate(cmd)
	cmd.Cancel = func() error { return childprocess.Interrupt(cmd.Process) }
	cmd.WaitDelay = stopTimeout

	var read sync.WaitGroup
	read.Go(func() {
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			if note == nil || !note(lines.Text()) {
				complaints.WriteString(lines.Text() + "\n")
			}
		}
		// A line too long for the scanner is no progress, and the command must not block on us.
		_, _ = io.Copy(io.Discard, reader)
	})
	err = cmd.Run()
	_ = writer.Close()
	read.Wait()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, childprocess.LastLines(complaints.String()))
	}
	return stdout.String(), nil
}

// countModules notes "go: downloading module version" lines.
func countModules(report *reporter) func(string) bool {
	n := 0
	return func(line string) bool {
		module, ok := strings.CutPrefix(line, "go: downloading ")
		if ok {
			n++
			report.set(fmt.Sprintf("%d so far, now %s", n, module))
		}
		return ok
	}
}

// countPackages notes the names of finished packages that `go build -v` prints.
func countPackages(report *reporter, total int) func(string) bool {
	n := 0
	return func(line string) bool {
		if line == "" || strings.ContainsAny(line, " :#") {
			return false
		}
		n++
		report.set(fmt.Sprintf("%d of up to %d packages", n, total))
		return true
	}
}

// reportInterval is the time between two lines about a build that goes on. It also means that a build which is in
// the cache says nothing.
const reportInterval = 2 * time.Second

// reporter writes a line every reportInterval about what is being done, so that a person sees that it is alive.
// One goroutine does the writing; close ends it.
type reporter struct {
	mu            sync.Mutex
	doing, detail string

	quit chan struct{}
	done sync.WaitGroup
}

// newReporter starts reporting to w, if that is not nil; subject starts each line.
func newReporter(subject string, w io.Writer) *reporter {
	r := &reporter{quit: make(chan struct{})}
	if w == nil {
		return r
	}
	begun := time.Now()
	r.done.Go(func() {
		tick := time.NewTicker(reportInterval)
		defer tick.Stop()
		for {
			select {
			case <-r.quit:
				return
			case <-tick.C:
				fmt.Fprintf(w, "%s: %s (%s)\n", subject, r.state(), time.Since(begun).Round(time.Second))
			}
		}
	})
	return r
}

// begin names what is done now.
func (r *reporter) begin(doing string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doing, r.detail = doing, ""
}

// set tells how far it is.
func (r *reporter) set(detail string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.detail = detail
}

func (r *reporter) state() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.detail == "" {
		return r.doing
	}
	return r.doing + ", " + r.detail
}

// close ends the reporting and waits until nothing more is written.
func (r *reporter) close() {
	close(r.quit)
	r.done.Wait()
}

// stopTimeout is how long the go command may take to end after it was asked to.
const stopTimeout = 15 * time.Second
