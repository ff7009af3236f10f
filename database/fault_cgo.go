//go:build cgo

package database

import (
	"errors"

	"github.com/mattn/go-sqlite3"
)

// FaultOf returns what SQLite says in an error.
func FaultOf(err error) Fault {
	refused, _ := errors.AsType[sqlite3.Error](err)
	switch refused.Code {
	case sqlite3.ErrConstraint, sqlite3.ErrMismatch, sqlite3.ErrTooBig:
		return FaultRefused
	case sqlite3.ErrNotADB, sqlite3.ErrCorrupt:
		return FaultNoDatabase
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return FaultLocked
	case sqlite3.ErrReadonly:
		return FaultReadOnly
	case sqlite3.ErrFull:
		return FaultFull
	case sqlite3.ErrIoErr, sqlite3.ErrCantOpen, sqlite3.ErrNomem:
		return FaultAway
	}
	return NoFault
}
