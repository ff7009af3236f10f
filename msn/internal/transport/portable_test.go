package transport

import (
	"go/build"
	"slices"
	"testing"
)

// What calls the system itself is left out where the calls are other ones: any program could use the client, on any system.
func TestOtherSystemsGetNoSystemCalls(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"windows", "js", "plan9"} {
		ctx := build.Default
		ctx.GOOS, ctx.GOARCH = system, "wasm"
		pkg, err := ctx.ImportDir(".", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range pkg.GoFiles {
			if file == "socket_unix.go" {
				t.Errorf("%s: %s is compiled", system, file)
			}
		}
		if !slices.Contains(pkg.GoFiles, "socket_other.go") {
			t.Errorf("%s: nothing takes its place", system)
		}
	}
}
