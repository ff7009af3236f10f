package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBuildThatTakesTooLongLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("with -short: this compiles from an empty cache until it is stopped")
	}
	// With an empty build cache there is enough to do.
	cache, work := t.TempDir(), t.TempDir()
	t.Setenv("GOCACHE", cache)
	t.Setenv("TMPDIR", work)
	tooLong := errors.New("that took too long")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, tooLong)
	defer cancel()
	begun := time.Now()
	_, err := Bridge(ctx, t.TempDir(), false, nil)
	if !errors.Is(err, tooLong) || !strings.Contains(err.Error(), "build the bridge") {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(begun); took > stopTimeout {
		t.Errorf("it took %s", took)
	}
	if left, err := os.ReadDir(work); err != nil || len(left) > 0 {
		t.Errorf("in the directory for temporary files is %v, %v", left, err)
	}
	for _, process := range processesWith(t, "GOCACHE="+cache) {
		t.Errorf("%s is still there", process)
	}
}

// processesWith returns the directories of the processes that were started with this in their environment, none on
// systems without /proc.
func processesWith(t *testing.T, variable string) (processes []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		environment, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(environment), variable+"\x00") {
			processes = append(processes, filepath.Dir(path))
		}
	}
	return processes
}
