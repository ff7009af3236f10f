package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// dendritePackage is Dendrite's program, at the version that e2e/dendrite.mod pins.
const dendritePackage = "github.com/element-hq/dendrite/cmd/dendrite"

// Binaries are the executables of a stack.
type Binaries struct {
	// Dendrite is the path of the homeserver, in Go's build cache.
	Dendrite string
	// Bridge is the path of the bridge, in the directory given to [Build].
	Bridge string
}

// Build makes both programs of a stack, the bridge in dir, and with the race detector if the caller has it.
// See [BuildDendrite] and [BuildBridge].
func Build(ctx context.Context, dir string, progress io.Writer) (Binaries, error) {
	dendrite, err := BuildDendrite(ctx, progress)
	if err != nil {
		return Binaries{}, err
	}
	bridge, err := BuildBridge(ctx, dir, RaceEnabled, progress)
	if err != nil {
		return Binaries{}, err
	}
	return Binaries{Dendrite: dendrite, Bridge: bridge}, nil
}

// BuildDendrite builds the pinned homeserver unless Go's build cache has it, and returns the path of the executable
// in that cache. The first build downloads about 220 MB of modules and takes two to three minutes of two cores;
// later calls take about a second. How far it is goes to progress, a line at most every few seconds; nil means
// nowhere. The caller's working directory has to be in this module.
func BuildDendrite(ctx context.Context, progress io.Writer) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	tool := goTool{
		dir:    filepath.Join(root, "e2e"),
		env:    []string{"CGO_ENABLED=0"},
		report: newReporter("Dendrite", progress),
	}
	defer tool.report.close()
	const modfile = "-modfile=dendrite.mod"
	fail := func(doing string, err error) (string, error) {
		return "", fmt.Errorf("build Dendrite, the homeserver of demo and tests: %s: %w", doing, err)
	}

	packages, err := tool.run(ctx, "downloading modules", countModules(tool.report), "list", modfile, "-deps", dendritePackage)
	if err != nil {
		return fail("download its modules (needs a Go module proxy the first time)", err)
	}
	imports, err := tool.run(ctx, "reading packages", nil, "list", modfile, "-f", `{{join .Imports "\n"}}`, dendritePackage)
	if err != nil {
		return fail("read its imports", err)
	}
	// All but main, so that nothing is linked here: `go tool` links, and keeps the executable.
	args := append([]string{"build", modfile, "-v"}, strings.Fields(imports)...)
	if _, err := tool.run(ctx, "compiling", countPackages(tool.report, len(strings.Fields(packages))), args...); err != nil {
		return fail("compile it", err)
	}
	path, err = tool.run(ctx, "linking", nil, "tool", modfile, "-n", "dendrite")
	if err != nil {
		return fail("link it", err)
	}
	return strings.TrimSpace(path), nil
}

// BuildBridge builds cmd/bridge into dir, with the race detector if race is set, and returns the executable's path.
// A C compiler is needed, for SQLite. See [BuildDendrite] for progress and the working directory.
func BuildBridge(ctx context.Context, dir string, race bool, progress io.Writer) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	path, err = filepath.Abs(filepath.Join(dir, "matrix-msn"))
	if err != nil {
		return "", fmt.Errorf("find the directory for the bridge: %w", err)
	}
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	tool := goTool{dir: root, env: []string{"CGO_ENABLED=1"}, report: newReporter("bridge", progress)}
	defer tool.report.close()
	packages, err := tool.run(ctx, "downloading modules", countModules(tool.report), "list", "-tags", "goolm", "-deps", "./cmd/bridge")
	if err != nil {
		return "", fmt.Errorf("build the bridge: download its modules (needs a Go module proxy the first time): %w", err)
	}
	args := []string{"build", "-tags", "goolm", "-v", "-o", path}
	if race {
		args = append(args, "-race")
	}
	_, err = tool.run(ctx, "compiling", countPackages(tool.report, len(strings.Fields(packages))), append(args, "./cmd/bridge")...)
	if err != nil {
		return "", fmt.Errorf("build the bridge (is a C compiler installed?): %w", err)
	}
	return path, nil
}

// moduleRoot returns the directory of this module's go.mod, found from the working directory.
func moduleRoot(ctx context.Context) (string, error) {
	tool := goTool{report: newReporter("", nil)}
	defer tool.report.close()
	out, err := tool.run(ctx, "", nil, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("find the source of matrix-msn: %w", err)
	}
	root := strings.TrimSpace(out)
	if _, err := os.Stat(filepath.Join(root, "e2e", "dendrite.mod")); err != nil {
		return "", errors.New("the working directory is not in the source of matrix-msn: change to it first")
	}
	return root, nil
}
