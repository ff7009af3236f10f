package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"matrix-msn/e2e/build"
)

// most is what a text costs at most, all that the process does at the same time counted. Times are not tested: they are the machine's.
var most = [...]struct{ allocs, statements float64 }{toMatrix: {560, 4}, toMSN: {720, 5}}

// A text must not come to cost more without anybody noticing.
func TestTextCostsWhatItDid(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	dir := t.TempDir()
	binary, err := build.Bridge(ctx, dir, false, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(ctx, options{logins: 2, contacts: 5, burst: 40}, kind{"matrix-msn", binary}, filepath.Join(dir, "bridge"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	next := int64(10)
	for _, w := range []way{toMatrix, toMSN} {
		var f flow
		if err := s.burst(ctx, w, &next, &f); err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %.0f allocations and %.1f statements for each text", w, f.allocs, f.statements)
		if f.allocs > most[w].allocs || f.statements > most[w].statements {
			t.Errorf("%v: %.0f allocations and %.1f statements for each text, %.0f and %.0f at most", w, f.allocs, f.statements, most[w].allocs, most[w].statements)
		}
	}
}
