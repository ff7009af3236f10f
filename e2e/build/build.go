// Package build builds the programs of the demo and of the end-to-end tests, and tells how far it is. It imports
// nothing beside the standard library, so that a program that only builds others is compiled in no time.
package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// dendritePackage is Dendrite's program, at the version that e2e/dendrite.mod pins.
const dendritePackage = "github.com/element-hq/dendrite/cmd/dendrite"

// Binaries are the executables of a stack.
type Binaries struct {
	// Dendrite is the path of the homeserver, in Go's build cache.
	Dendrite string
	// Bridge is the path of the bridge, in the directory given to [All].
	Bridge string
}

// All builds both programs of a stack beside each other, the bridge in dir, and with the race detector if race is set.
// See [Dendrite] and [Bridge].
func All(ctx context.Context, dir string, race bool, progress io.Writer) (b Binaries, err error) {
	var both sync.WaitGroup
	var dendrite, bridge error
	both.Go(func() { b.Dendrite, dendrite = Dendrite(ctx, progress) })
	both.Go(func() { b.Bridge, bridge = Bridge(ctx, dir, race, progress) })
	both.Wait()
	return b, errors.Join(dendrite, bridge)
}

// Dendrite builds the pinned homeserver unless Go's build cache has it, and returns the path of the executable
// in that cache. The first build downloads about 220 MB of modules and takes two to three minutes of two cores;
// later calls take about a second. How far it is goes to progress, a line at most every few seconds; nil means
// nowhere. The caller's working directory has to be in this module.
func Dendrite(ctx context.Context, progress io.Writer) (path string, err error) {
	return DendriteAfter(ctx, nil, progress)
}

// DendriteAfter does as [Dendrite], but compiles nothing before built is closed: the modules are downloaded meanwhile, and
// what others that are being built until then have in common with Dendrite is not compiled twice. nil waits for nothing.
func DendriteAfter(ctx context.Context, built <-chan struct{}, progress io.Writer) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	tool := goTool{
		dir: filepath.Join(root, "e2e"),
		// As for the bridge: with the C of SQLite, which e2e/dendrite.mod asks for in the bridge's version, more than
		// half of what both need is compiled once. Without it, Go's own SQLite would have to be compiled besides.
		env:    []string{"CGO_ENABLED=1"},
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
	if built != nil {
		tool.report.begin("waiting for what it has in common with the others")
		select {
		case <-built:
		case <-ctx.Done():
			return fail("wait for the others", context.Cause(ctx))
		}
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

// Bridge builds cmd/bridge into dir. See [Program].
func Bridge(ctx context.Context, dir string, race bool, progress io.Writer) (path string, err error) {
	return Program(ctx, "bridge", "./cmd/bridge", filepath.Join(dir, "matrix-msn"), race, progress)
}

// Program builds a main package of this module, with the race detector if race is set, and returns the executable's
// path, which is the one given, absolute and with the ending that the system wants. name is what errors and progress call it. A C compiler is
// needed, for SQLite. Packages beside it are compiled with it, for others that are built later. See [Dendrite] for progress and the
// working directory.
func Program(ctx context.Context, name, source, path string, race bool, progress io.Writer, beside ...string) (string, error) {
	path, err := executable(path)
	if err != nil {
		return "", fmt.Errorf("find the directory for the %s: %w", name, err)
	}
	if len(beside) == 0 {
		return path, compile(ctx, name, path, race, progress, source)
	}
	// Several packages go into a directory, where the program is called like that of its source.
	dir := filepath.Dir(path)
	if err := compile(ctx, name, dir+string(filepath.Separator), race, progress, append(beside, source)...); err != nil {
		return "", err
	}
	built, err := executable(filepath.Join(dir, filepath.Base(source)))
	if err == nil && built != path {
		err = os.Rename(built, path)
	}
	return path, err
}

// executable returns the absolute path of an executable, with the ending that the system wants.
func executable(path string) (string, error) {
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	return filepath.Abs(path)
}

// compile builds main packages of this module into out: a file, or a directory if it ends with a separator.
func compile(ctx context.Context, name, out string, race bool, progress io.Writer, sources ...string) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	tool := goTool{dir: root, env: []string{"CGO_ENABLED=1"}, report: newReporter(name, progress)}
	defer tool.report.close()
	packages, err := tool.run(ctx, "downloading modules", countModules(tool.report), append([]string{"list", "-tags", tags, "-deps"}, sources...)...)
	if err != nil {
		return fmt.Errorf("build the %s: download its modules (needs a Go module proxy the first time): %w", name, err)
	}
	args := []string{"build", "-tags", tags, "-v", "-o", out}
	if race {
		args = append(args, "-race")
	}
	_, err = tool.run(ctx, "compiling", countPackages(tool.report, len(strings.Fields(packages))), append(args, sources...)...)
	if err != nil {
		return fmt.Errorf("build the %s (is a C compiler installed?): %w", name, err)
	}
	return nil
}

// tags are those of the tests: what they have compiled is not compiled again.
const tags = "goolm"

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
