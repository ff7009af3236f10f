package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"matrix-msn/internal/childprocess"
)

// The files of a second process beside a bridge.
const (
	secondConfigName = "second.yaml"
	secondLogName    = "second.log"
)

// Second configures another process of the bridge, at another port of the same database, with a log of its own. The homeserver
// knows nothing of it: whoever wants it to be reached leads the way of the first one there.
func (b *Bridge) Second() (*Bridge, error) {
	config, err := os.ReadFile(filepath.Join(b.opts.Dir, b.configName))
	if err != nil {
		return nil, err
	}
	opts := b.opts
	if opts.Port, err = orFreePort(0); err != nil {
		return nil, err
	}
	if config, err = editYAML(config, map[string]any{"appservice.port": opts.Port}); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(opts.Dir, secondConfigName), config, 0o600); err != nil {
		return nil, err
	}
	return &Bridge{
		URL: "http://" + loopback(opts.Port), RegistrationPath: b.RegistrationPath,
		opts: opts, configName: secondConfigName, logName: secondLogName, hsToken: b.hsToken,
	}, nil
}

// RunSecond runs the process of Second until it ends by itself or ctx ends, and returns what it printed and how it ended.
func (b *Bridge) RunSecond(ctx context.Context) (output string, err error) {
	second, err := b.Second()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, second.opts.Binary, "-c", second.configName, "-r", registrationName)
	cmd.Dir = second.opts.Dir
	cmd.Env = append(os.Environ(), raceStatus)
	childprocess.Isolate(cmd)
	printed, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(printed), err
}
