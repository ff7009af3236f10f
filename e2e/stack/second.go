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

// secondConfigName is the configuration of a second process beside a bridge.
const secondConfigName = "second.yaml"

// RunSecond runs another process of the bridge on the same database, at another port, until it ends by itself or ctx
// ends, and returns what it printed and how it ended.
func (b *Bridge) RunSecond(ctx context.Context) (output string, err error) {
	config, err := os.ReadFile(filepath.Join(b.opts.Dir, bridgeConfigName))
	if err != nil {
		return "", err
	}
	port, err := orFreePort(0)
	if err != nil {
		return "", err
	}
	if config, err = editYAML(config, map[string]any{"appservice.port": port}); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(b.opts.Dir, secondConfigName), config, 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, b.opts.Binary, "-c", secondConfigName, "-r", registrationName)
	cmd.Dir = b.opts.Dir
	cmd.Env = append(os.Environ(), raceStatus)
	childprocess.Isolate(cmd)
	printed, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(printed), err
}
