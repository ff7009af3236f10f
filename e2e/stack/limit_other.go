//go:build !linux

package stack

import "errors"

// LimitFiles is there on Linux only.
func (b *Bridge) LimitFiles(int64) error { return errors.ErrUnsupported }
