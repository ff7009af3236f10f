package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Files that are on their way stand on disk meanwhile, in a directory of this process's own. It is locked while the process lives: so what
// one that was killed has left is known for that, and goes when the next one starts.

const (
	// spoolPrefix is what the names of those directories begin with.
	spoolPrefix = programName + "-files-"
	// spoolTries is how often one is made that somebody else who starts takes for one that was left.
	spoolTries = 10
)

// errSpool says that others took each directory for one that was left.
var errSpool = errors.New("every directory for files on their way was taken away at once")

// spool is the directory of this process.
type spool struct {
	dir  string
	lock *os.File
}

// newSpool makes a directory in another one, and removes those there that were left.
func newSpool(parent string) (*spool, error) {
	sweepSpools(parent)
	for range spoolTries {
		dir, err := os.MkdirTemp(parent, spoolPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := lockSpool(dir)
		switch {
		case err == nil:
			return &spool{dir, lock}, nil
		case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.EWOULDBLOCK):
			_ = os.Remove(dir)
			return nil, err
		}
	}
	return nil, errSpool
}

// use has all that this process, and what it starts, keeps on disk for a while be in the directory.
func (s *spool) use() error { return os.Setenv("TMPDIR", s.dir) }

// remove removes the directory with all that is in it.
func (s *spool) remove() {
	_ = os.RemoveAll(s.dir)
	_ = s.lock.Close()
}

// lockSpool locks a directory of this user's. The error is os.ErrNotExist for one that is not there any more, syscall.EWOULDBLOCK
// for one of a process that lives.
func lockSpool(dir string) (*os.File, error) {
	file, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		err = isSpool(dir, file)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// isSpool returns why an open directory is not the one of a name, and this user's, nil if it is.
func isSpool(dir string, file *os.File) error {
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !os.SameFile(opened, named) {
		return os.ErrNotExist
	}
	if stat, ok := opened.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: %s is another user's", os.ErrPermission, dir)
	}
	return nil
}

// sweepSpools removes what processes of this user have left that live no more.
func sweepSpools(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, spoolPrefix+"*")) // the pattern is right
	for _, dir := range left {
		if lock, err := lockSpool(dir); err == nil {
			(&spool{dir, lock}).remove()
		}
	}
}
