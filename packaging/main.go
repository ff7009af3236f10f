// Command packaging builds the bridge as one static program, and a Debian package of it:
//
//	go run ./packaging [-o <directory>] [-version <version>] [-binary-only]
//
// It needs what the bridge needs to be built, Go and a C compiler with its static library (libc6-dev on Debian), and
// is called in the root of the repository.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	dir := flag.String("o", ".", "the `directory` for what is built")
	named := flag.String("version", "", "the `version` of the package; that of the program if empty")
	binaryOnly := flag.Bool("binary-only", false, "build the program, and no package")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *named, *binaryOnly); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, named string, binaryOnly bool) error {
	binary := filepath.Join(dir, "matrix-msn")
	fmt.Println("Building the bridge. The first time its C parts take a minute or two.")
	if err := buildStatic(ctx, binary); err != nil {
		return err
	}
	fmt.Println("Built", binary)
	if binaryOnly {
		return nil
	}
	v, err := versionOf(ctx, binary)
	if err != nil {
		return err
	}
	path, err := writeDebian(dir, binary, v, cmp.Or(named, v.debian()))
	if err != nil {
		return err
	}
	fmt.Println("Built", path)
	return nil
}
