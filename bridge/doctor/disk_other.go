//go:build !linux

package doctor

import "errors"

// freeRoom is what a user may still write in a directory, in bytes.
func freeRoom(string) (uint64, error) { return 0, errors.ErrUnsupported }
