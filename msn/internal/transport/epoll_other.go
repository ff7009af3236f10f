//go:build !linux

package transport

import (
	"errors"
	"syscall"
)

// epoll is none: each connection waits for itself.
type epoll struct{}

func newEpoll() (epoll, error) { return epoll{}, errors.ErrUnsupported }

func (epoll) valid() bool { return false }

func (epoll) close() {}

func (epoll) arm(syscall.RawConn, uint64, bool) error { return errors.ErrUnsupported }

type due struct{}

func (epoll) wait(*due) ([]uint64, error) { return nil, errors.ErrUnsupported }
