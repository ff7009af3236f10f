package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The flags of a program that needs nothing of the machine that it runs on: Go's own resolver and users, SQLite without
// what it would load, all of the C library in it.
const (
	staticTags    = "goolm,netgo,osusergo,sqlite_omit_load_extension"
	staticLDFlags = "-s -w -linkmode=external -extldflags=-static"
)

// buildStatic builds the bridge.
func buildStatic(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", staticTags, "-ldflags", staticLDFlags, "-o", binary, "./cmd/bridge")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the bridge: %w", err)
	}
	return nil
}

// version is what a program says of itself.
type version struct {
	BaseVersion, Commit, Tag, OS, Arch string
	IsRelease                          bool
	BuildTime                          time.Time
}

// versionOf asks a program for its version.
func versionOf(ctx context.Context, binary string) (v version, err error) {
	binary, err = filepath.Abs(binary)
	if err != nil {
		return v, err
	}
	out, err := exec.CommandContext(ctx, binary, "--version-json").Output()
	if err != nil {
		return v, fmt.Errorf("ask %s for its version: %w", binary, err)
	}
	if err := json.Unmarshal(out, &v); err != nil {
		return v, fmt.Errorf("ask %s for its version: %w", binary, err)
	}
	return v, nil
}

// debian returns the version as Debian orders it: what is built between releases comes before the next one, by its time.
// The program's own version is that of the next one.
func (v version) debian() string {
	if v.IsRelease || v.BuildTime.IsZero() || v.Commit == "" {
		return v.BaseVersion
	}
	commit := v.Commit[:min(len(v.Commit), 8)]
	return strings.Join([]string{v.BaseVersion, "~git", v.BuildTime.UTC().Format("20060102150405"), ".", commit}, "")
}
