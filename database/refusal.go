package database

import (
	"errors"

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
	switch FaultOf(err) {
	case FaultFull, FaultAway, FaultLocked, FaultReadOnly:
		return true
	}
	return false
}
