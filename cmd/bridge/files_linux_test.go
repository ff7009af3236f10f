package main

import (
	"syscall"
	"testing"
)

// What the bridge may open is what the system allows at most: nobody has to raise the soft limit.
func TestLimitOfFilesIsTheHardOne(t *testing.T) {
	t.Parallel()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if now, err := mostFiles(); err != nil || now+1 < limit.Max { // Go leaves one
		t.Errorf("%d of %d, %v", now, limit.Max, err)
	}
}
