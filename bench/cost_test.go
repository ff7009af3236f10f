package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"matrix-msn/e2e/build"
)

// What a text costs at most, all that the process does at the same time counted. Times are not tested: they are the machine's.
const (
	maxAllocations = 1300
	maxStatements  = 15
)

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
		if f.allocs > maxAllocations || f.statements > maxStatements {
			t.Errorf("%v: %.0f allocations and %.1f statements for each text, %d and %d at most", w, f.allocs, f.statements, maxAllocations, maxStatements)
		}
	}
}
