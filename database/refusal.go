package database

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/lib/pq"
)

// Refuses reports whether an error says that the database will never take what it was given, as
// it is: a text with a character that PostgreSQL does not keep, say. Of other errors the same
// may succeed later.
func Refuses(err error) bool {
	if refused, ok := errors.AsType[*pq.Error](err); ok {
		class := refused.Code.Class()
		return class == "22" || class == "23" || class == "54" // data exception, integrity constraint violation, limit exceeded
	}
	return FaultOf(err) == FaultRefused
}

// InTrouble reports whether an error says that the database takes nothing just now: its disk is
// full, somebody else writes, it is away. The same may succeed later.
func InTrouble(err error) bool {
	if refused, ok := errors.AsType[*pq.Error](err); ok {
		switch refused.Code.Class() {
		case "08", "25", "40", "53", "57", "58": // connection, transaction, rollback, resources, operator, system
			return true
		}
		return false
	}
	if isAway(err) {
		return true
	}
	switch FaultOf(err) {
	case FaultFull, FaultAway, FaultLocked, FaultReadOnly:
		return true
	}
	return false
}

// isAway reports whether an error says that a server cannot be reached, or has gone in the middle of something. The driver has several ways
// to say it.
func isAway(err error) bool {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	for _, gone := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}
