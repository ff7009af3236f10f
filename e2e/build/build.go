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
	"slices"
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

// All builds both programs of a stack, the bridge in dir, and with the race detector if race is set: first what the bridge
// takes from elsewhere, and then both beside each other. See [Libraries], [Dendrite] and [Bridge].
func All(ctx context.Context, dir string, race bool, progress io.Writer) (b Binaries, err error) {
	var both sync.WaitGroup
	var dendrite, bridge error
	shared := make(chan struct{})
	both.Go(func() { b.Dendrite, dendrite = Dendrite(ctx, shared, progress) })
	both.Go(func() {
		if race { // Dendrite is built without, and has nothing in common with such a bridge
			close(shared)
		} else if bridge = func() error { defer close(shared); return Libraries(ctx, progress, BridgePackage) }(); bridge != nil {
			return
		}
		b.Bridge, bridge = Bridge(ctx, dir, race, progress)
	})
	both.Wait()
	return b, errors.Join(dendrite, bridge)
}

// Dendrite builds the pinned homeserver unless Go's build cache has it, and returns the path of the executable
// in that cache. The first build downloads about 220 MB of modules and takes two to three minutes of two cores;
// later calls take about a second. How far it is goes to progress, a line at most every few seconds; nil means
// nowhere. The caller's working directory has to be in this module.
//
// Nothing is compiled before built is closed: the modules are downloaded meanwhile, and what others that are being built until then
// have in common with Dendrite is not compiled twice.
func Dendrite(ctx context.Context, built <-chan struct{}, progress io.Writer) (path string, err error) {
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
	tool.report.begin("waiting for what it has in common with the others")
	select {
	case <-built:
	case <-ctx.Done():
		return fail("wait for the others", context.Cause(ctx))
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

// BridgePackage is the bridge's program.
const BridgePackage = "./cmd/bridge"

// Bridge builds cmd/bridge into dir. See [Program].
func Bridge(ctx context.Context, dir string, race bool, progress io.Writer) (path string, err error) {
	return Program(ctx, "bridge", BridgePackage, filepath.Join(dir, "matrix-msn"), race, progress)
}

// Libraries compiles into Go's build cache what these packages of this module use from other modules. Two builds beside
// each other compile twice what both need, so that this comes before them: SQLite alone takes a C compiler half a minute.
// See [Dendrite] for progress and the working directory.
func Libraries(ctx context.Context, progress io.Writer, packages ...string) error {
	const name = "libraries"
	tool, err := inModule(ctx, name, progress)
	if err != nil {
		return err
	}
	defer tool.report.close()
	// Those of the standard library are compiled with them, so that they count.
	const standard, foreign = "std", "{{if not .Module}}std{{else if not .Module.Main}}{{.ImportPath}}{{end}}"
	listed, err := tool.list(ctx, name, append([]string{"-f", foreign}, packages...)...)
	if err != nil {
		return err
	}
	total := len(listed)
	listed = slices.DeleteFunc(listed, func(listed string) bool { return listed == standard })
	return tool.compile(ctx, name, total, listed...)
}

// Program builds a main package of this module, with the race detector if race is set, and returns the executable's
// path, which is the one given, absolute and with the ending that the system wants. name is what errors and progress
// call it. A C compiler is needed, for SQLite. See [Dendrite] for progress and the working directory.
func Program(ctx context.Context, name, source, path string, race bool, progress io.Writer) (string, error) {
	path, err := executable(path)
	if err != nil {
		return "", fmt.Errorf("find the directory for the %s: %w", name, err)
	}
	return path, programs(ctx, name, path, race, progress, source)
}

// Programs builds several main packages at once, what they have in common once, and returns the paths of the executables,
// which are in dir and called as the directories of their sources. See [Program].
func Programs(ctx context.Context, name, dir string, race bool, progress io.Writer, sources ...string) ([]string, error) {
	paths := make([]string, len(sources))
	for i, source := range sources {
		path, err := executable(filepath.Join(dir, filepath.Base(source)))
		if err != nil {
			return nil, fmt.Errorf("find the directory for the %s: %w", name, err)
		}
		paths[i] = path
	}
	return paths, programs(ctx, name, filepath.Dir(paths[0])+string(filepath.Separator), race, progress, sources...)
}

// programs builds main packages into out: a file, or a directory if it ends with a separator.
func programs(ctx context.Context, name, out string, race bool, progress io.Writer, sources ...string) error {
	tool, err := inModule(ctx, name, progress)
	if err != nil {
		return err
	}
	defer tool.report.close()
	listed, err := tool.list(ctx, name, sources...)
	if err != nil {
		return err
	}
	args := []string{"-o", out}
	if race {
		args = append(args, "-race")
	}
	return tool.compile(ctx, name, len(listed), append(args, sources...)...)
}

// executable returns the absolute path of an executable, with the ending that the system wants.
func executable(path string) (string, error) {
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	return filepath.Abs(path)
}

// inModule returns the go command for this module. The caller closes its report.
func inModule(ctx context.Context, name string, progress io.Writer) (goTool, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return goTool{}, err
	}
	return goTool{dir: root, env: []string{"CGO_ENABLED=1"}, report: newReporter(name, progress)}, nil
}

// list downloads what these packages and all that they import need, and returns what `go list -deps` prints about them.
func (t goTool) list(ctx context.Context, name string, args ...string) ([]string, error) {
	listed, err := t.run(ctx, "downloading modules", countModules(t.report), append([]string{"list", "-tags", tags, "-deps"}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("build the %s: download its modules (needs a Go module proxy the first time): %w", name, err)
	}
	return strings.Fields(listed), nil
}

// compile runs `go build`; total is the number of packages if none is in the cache.
func (t goTool) compile(ctx context.Context, name string, total int, args ...string) error {
	_, err := t.run(ctx, "compiling", countPackages(t.report, total), append([]string{"build", "-tags", tags, "-v"}, args...)...)
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
