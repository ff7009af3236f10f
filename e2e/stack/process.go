package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"time"

	"matrix-msn/internal/childprocess"
)

const (
	// startTimeout is how long a part may take until it answers. Dendrite and the bridge need well under a second
	// each on an idle machine, Synapse five; the rest is for a loaded one and for the race detector.
	startTimeout = 60 * time.Second
	// stopTimeout is how long a part may take to end after it was asked to; the bridge itself gives its logins 5 s.
	stopTimeout = 15 * time.Second
	// readyInterval is the time between two questions to a part that is starting.
	readyInterval = 20 * time.Millisecond
	// tailLines and tailBytes bound the end of a log that is quoted in an error.
	tailLines = 15
	tailBytes = 8 << 10
)

// process is a running part: a program with its output in a log file.
type process struct {
	name    string
	logPath string
	anyExit bool
	cmd     *exec.Cmd
	done    chan struct{}
	err     error // what Wait returned; to be read after done is closed
}

// command describes a part to start. Log is appended to, so that a restarted part keeps its history.
type command struct {
	name, path, dir, log string
	args                 []string
	env                  []string // beside what we have
	// anyExit takes every exit status for a good one when the part was asked to end.
	anyExit bool
}

// startProcess starts the program.
func startProcess(c command) (*process, error) {
	logFile, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", c.name, err)
	}
	defer logFile.Close() // the child has its own handle

	cmd := exec.Command(c.path, c.args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	childprocess.Isolate(cmd)

	p := &process{name: c.name, logPath: c.log, anyExit: c.anyExit, cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// On Linux the death signal is tied to the thread that started the child, so that thread has to live as
		// long as the child does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	return p, nil
}

// stop asks the process to end, kills it if it does not within stopTimeout, and waits for it. The error tells of a
// process that had to be killed, had ended by itself before, or said by its exit status that something was wrong.
func (p *process) stop() error {
	select {
	case <-p.done:
		return p.ended()
	default:
	}
	// A failure means that it has just ended, which the wait shows.
	_ = childprocess.Terminate(p.cmd.Process)
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	select {
	case <-p.done:
		if p.err != nil && !p.anyExit {
			return fmt.Errorf("%s was asked to end and did so with %w; the end of its log:\n%s", p.name, p.err, p.tail())
		}
		return nil
	case <-timeout.C:
		_ = p.kill()
		return fmt.Errorf("%s did not end within %s of being asked to and was killed; the end of its log:\n%s", p.name, stopTimeout, p.tail())
	}
}

// kill ends the process without giving it a chance to say anything, and waits for it.
func (p *process) kill() error {
	select {
	case <-p.done:
		return p.ended()
	default:
	}
	_ = childprocess.Kill(p.cmd.Process)
	<-p.done
	return nil
}

// ended describes a process that ended without having been asked to.
func (p *process) ended() error {
	return fmt.Errorf("%s ended by itself (%v); the end of its log:\n%s", p.name, p.err, p.tail())
}

// waitReady waits until url answers 200, or fails when the process ends, limit passes or ctx ends.
func (p *process) waitReady(ctx context.Context, url string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for {
		err := answers(ctx, url)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.ended()
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer at %s (%w; last: %w); the end of its log:\n%s", p.name, url, context.Cause(ctx), err, p.tail())
		case <-tick.C:
		}
	}
}

// answers returns nil when a GET of url is answered 200.
func answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// tail returns the end of what the process has printed.
func (p *process) tail() string {
	text, err := tailOf(p.logPath)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	return text
}

// tailOf returns the last lines of a file, at most tailLines and about tailBytes, each indented by two spaces.
func tailOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	text := make([]byte, min(info.Size(), tailBytes))
	n, err := file.ReadAt(text, info.Size()-int64(len(text)))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return childprocess.LastLines(string(text[:n])), nil
}
