package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"
)

const (
	diskWrites = 500
	diskPage   = 4096 // bytes, of SQLite and of what is written for a small change
	// diskEvery is how often the disk is written to: about as often as at the steady rate.
	diskEvery = 5 * time.Millisecond
)

// measureDisk returns how long a small write to a directory takes that the disk has confirmed, half of them and 99 %: what SQLite waits for with
// each commit. The PostgreSQL of the bench does not wait for its disk.
func measureDisk(ctx context.Context, dir string) (p50, p99 time.Duration, err error) {
	file, err := os.CreateTemp(dir, "disk-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	page := make([]byte, diskPage)
	took := make([]time.Duration, diskWrites)
	for i := range took {
		if err := pause(ctx, diskEvery); err != nil {
			return 0, 0, err
		}
		began := time.Now()
		if _, err := file.Write(page); err != nil {
			return 0, 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[diskWrites/2], took[diskWrites*99/100], nil
}
