//go:build !linux

package main

import "errors"

// mostFiles is not known on this system.
func mostFiles() (uint64, error) { return 0, errors.ErrUnsupported }
