package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// What a process has left that was killed goes when the next one starts, and nothing of one that lives does.
func TestFilesOfAProcessThatWasKilledGo(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	begin := func() *spool {
		t.Helper()
		s, err := newSpool(parent)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "mautrix-download-1"), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		return s
	}
	isThere := func(name string) bool {
		_, err := os.Lstat(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return err == nil
	}
	other, link, elsewhere := filepath.Join(parent, "another-program"), filepath.Join(parent, spoolPrefix+"link"), t.TempDir()
	if err := errors.Join(os.Mkdir(other, 0o700), os.Symlink(elsewhere, link), os.WriteFile(filepath.Join(elsewhere, "a"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}

	killed, lives := begin(), begin()
	if !isThere(killed.dir) {
		t.Error("what another process needs is gone")
	}
	if err := killed.lock.Close(); err != nil { // as the system does
		t.Fatal(err)
	}
	next := begin()
	if isThere(killed.dir) {
		t.Error("what a process has left that was killed is there")
	}
	for _, name := range []string{filepath.Join(lives.dir, "mautrix-download-1"), other, link, filepath.Join(elsewhere, "a")} {
		if !isThere(name) {
			t.Errorf("%s is gone", name)
		}
	}
	for _, s := range []*spool{next, lives} {
		s.remove()
		if isThere(s.dir) {
			t.Errorf("%s is there after its process has ended", s.dir)
		}
	}
}

// Processes that start at the same time leave each other's alone.
func TestManyProcessesStartAtOnce(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	spools := make([]*spool, 20)
	var all sync.WaitGroup
	for i := range spools {
		all.Go(func() {
			s, err := newSpool(parent)
			if err != nil {
				t.Error(err)
				return
			}
			spools[i] = s
		})
	}
	all.Wait()
	for _, s := range spools {
		if s == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(s.dir, "a"), nil, 0o600); err != nil {
			t.Error(err)
		}
		s.remove()
	}
}
