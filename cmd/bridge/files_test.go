package main

import (
	"strings"
	"testing"
)

func TestTooFewFilesAreSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		accounts int
		limit    uint64
		said     string // part of it
	}{
		{0, 64, ""},
		{10, 1024, ""},
		{512, 1024, ""},
		{513, 1024, "up to 1025 for the connections of 513 accounts"},
		{10000, 1024, "LimitNOFILE=15256"},
		{10000, 524288, ""},
	} {
		said := tooFewFiles(c.accounts, c.limit)
		if (said == "") != (c.said == "") || !strings.Contains(said, c.said) {
			t.Errorf("%d accounts and %d files: %q", c.accounts, c.limit, said)
		}
	}
}
