package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"
)

// BridgeOptions say how to configure and start a bridge. [Start] fills in what is left empty.
type BridgeOptions struct {
	// Binary is the executable, from [build.Bridge].
	Binary string
	// Dir takes the configuration, the registration, the database and the log, bridge.log. It is made if it is not
	// there.
	Dir string
	// ID is the appservice's ID and the first part of the names it owns: the bot is @<ID>bot, a ghost @<ID>_….
	// Bridges beside each other on one homeserver need different ones. The default is "msn".
	ID string
	// Homeserver is the URL of the homeserver, which is not asked before the bridge starts.
	Homeserver string
	// Port is where to listen on 127.0.0.1; 0 takes a free one.
	Port int
	// DoublePuppetToken is the token of an appservice that may act as any user; see [WriteDoublePuppetRegistration].
	// Without it the bridge does no double puppeting.
	DoublePuppetToken string
	// Settings are changes to the example configuration: the path of a key with dots, as in "network.services",
	// and the value that replaces what is there, a mapping as a whole. They are made last.
	Settings map[string]any
}

// Bridge is a configured bridge, running or not. Its methods may be called from any goroutine.
type Bridge struct {
	// URL is where the homeserver reaches it, as in "http://127.0.0.1:20000".
	URL string
	// RegistrationPath is the registration file for the homeserver.
	RegistrationPath string

	opts       BridgeOptions
	configName string // of the file in opts.Dir
	logName    string
	hsToken    string

	mu      sync.Mutex
	process *process // nil when it is not running
}

// ConfigureBridge has the bridge write its example configuration, changes it to opts, and has it write its
// registration, all in opts.Dir. It starts nothing: the homeserver has to be started with the registration first.
func ConfigureBridge(ctx context.Context, opts BridgeOptions) (*Bridge, error) {
	if opts.ID == "" {
		opts.ID = "msn"
	}
	var err error
	if opts.Port, err = orFreePort(opts.Port); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the bridge's directory: %w", err)
	}
	b := &Bridge{
		URL:              "http://" + loopback(opts.Port),
		RegistrationPath: filepath.Join(opts.Dir, registrationName),
		opts:             opts,
		configName:       bridgeConfigName,
		logName:          "bridge.log",
	}
	if err := b.runProgram(ctx, "-c", bridgeConfigName, "-e"); err != nil {
		return nil, fmt.Errorf("have the bridge write its example configuration: %w", err)
	}
	if err := editBridgeConfig(filepath.Join(opts.Dir, bridgeConfigName), b.settings()); err != nil {
		return nil, fmt.Errorf("change the bridge's example configuration: %w", err)
	}
	if err := b.runProgram(ctx, "-c", bridgeConfigName, "-r", registrationName, "-g"); err != nil {
		return nil, fmt.Errorf("have the bridge write its registration: %w", err)
	}
	if b.hsToken, err = readServerToken(b.RegistrationPath); err != nil {
		return nil, fmt.Errorf("read the bridge's registration: %w", err)
	}
	return b, nil
}

// Start starts the bridge and waits until it says that it is ready; ctx bounds that wait only. The bridge ends with
// Stop or Kill; after that it can be started again.
func (b *Bridge) Start(ctx context.Context) error { return b.StartWithin(ctx, startTimeout) }

// StartWithin is Start for a bridge that may wait for another process of its own to end. The error is ErrHeld when that one
// goes on.
func (b *Bridge) StartWithin(ctx context.Context, limit time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process != nil {
		return fmt.Errorf("the bridge %s is running already", b.opts.ID)
	}
	p, err := startProcess(command{
		name: "the bridge " + b.opts.ID,
		path: b.opts.Binary,
		args: []string{"-c", b.configName, "-r", registrationName},
		env:  []string{raceStatus},
		dir:  b.opts.Dir,
		log:  b.logPath(),
	})
	if err != nil {
		return err
	}
	if err := p.waitReady(ctx, b.URL+"/_matrix/mau/ready", limit); err != nil {
		_ = p.kill()
		if exit, ok := errors.AsType[*exec.ExitError](p.err); ok && exit.ExitCode() == exitHeld {
			return ErrHeld
		}
		return err
	}
	b.process = p
	return nil
}

// Stop asks the bridge to end and waits for it; a bridge that is not running is left so. The error tells of a bridge
// that ended by itself, had to be killed, or in which the race detector found something.
func (b *Bridge) Stop() error {
	return b.end((*process).stop)
}

// Kill ends the bridge at once, as a crash or a power cut would.
func (b *Bridge) Kill() error {
	return b.end((*process).kill)
}

func (b *Bridge) end(how func(*process) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return nil
	}
	err := how(b.process)
	b.process = nil
	if race := raceReport(b.logPath()); race != "" {
		err = errors.Join(err, fmt.Errorf("the race detector has found something in the bridge %s:\n%s", b.opts.ID, race))
	}
	return err
}

// ErrHeld is that another process of the bridge uses its database.
var ErrHeld = errors.New("another process of this bridge uses the database")

// The exit codes of a bridge with another process on its database.
const (
	exitHeld    = 42 // at the start
	exitUsurped = 41 // later
	exitSync    = 51 // the other has logged the bot in anew for its encryption, and that was found out first
)

// WaitUsurped waits until the bridge ends because another process of it has taken its database over. After that it can be
// started again.
func (b *Bridge) WaitUsurped(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return fmt.Errorf("the bridge %s is not running", b.opts.ID)
	}
	select {
	case <-b.process.done:
	case <-ctx.Done():
		return fmt.Errorf("the bridge %s goes on: %w; the end of its log:\n%s", b.opts.ID, ctx.Err(), b.process.tail())
	}
	err := b.process.ended()
	if exit, ok := errors.AsType[*exec.ExitError](b.process.err); ok && (exit.ExitCode() == exitUsurped || exit.ExitCode() == exitSync) {
		err = nil
	}
	b.process = nil
	return err
}

// Ended reports whether the bridge was started and has ended by itself since. Kill makes it one that can be started.
func (b *Bridge) Ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return false
	}
	select {
	case <-b.process.done:
		return true
	default:
		return false
	}
}

// Pid returns the ID of the bridge's process, 0 when it is not running.
func (b *Bridge) Pid() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return 0
	}
	return b.process.cmd.Process.Pid
}

// Bot returns the user ID of the bridge's bot.
func (b *Bridge) Bot() id.UserID {
	return id.NewUserID(b.opts.ID+"bot", ServerName)
}

// Ghost returns the user ID of the ghost with the given ID in the network, as in "home/bob@example.com".
func (b *Bridge) Ghost(remoteID string) id.UserID {
	return id.NewUserID(b.opts.ID+"_"+id.EncodeUserLocalpart(remoteID), ServerName)
}

// Log returns the end of what the bridge has logged, for error messages.
func (b *Bridge) Log() string {
	text, err := tailOf(b.logPath())
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	return text
}

// Database returns the path of the bridge's SQLite database, which may be changed while the bridge is not running.
func (b *Bridge) Database() string {
	return filepath.Join(b.opts.Dir, "bridge.db")
}

func (b *Bridge) logPath() string {
	return filepath.Join(b.opts.Dir, b.logName)
}
