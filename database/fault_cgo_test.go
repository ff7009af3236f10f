//go:build cgo

package database_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mattn/go-sqlite3"

	"matrix-msn/database"
)

func TestFaultsOfSQLite(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]struct {
		fault            database.Fault
		refused, trouble bool
	}{
		sqlite3.Error{Code: sqlite3.ErrConstraint}: {database.FaultRefused, true, false},
		sqlite3.Error{Code: sqlite3.ErrMismatch}:   {database.FaultRefused, true, false},
		sqlite3.Error{Code: sqlite3.ErrTooBig}:     {database.FaultRefused, true, false},
		sqlite3.Error{Code: sqlite3.ErrNotADB}:     {database.FaultNoDatabase, false, false},
		sqlite3.Error{Code: sqlite3.ErrCorrupt}:    {database.FaultNoDatabase, false, false},
		sqlite3.Error{Code: sqlite3.ErrBusy}:       {database.FaultLocked, false, true},
		sqlite3.Error{Code: sqlite3.ErrLocked}:     {database.FaultLocked, false, true},
		sqlite3.Error{Code: sqlite3.ErrReadonly}:   {database.FaultReadOnly, false, true},
		sqlite3.Error{Code: sqlite3.ErrFull}:       {database.FaultFull, false, true},
		sqlite3.Error{Code: sqlite3.ErrIoErr}:      {database.FaultAway, false, true},
		sqlite3.Error{Code: sqlite3.ErrCantOpen}:   {database.FaultAway, false, true},
		sqlite3.Error{Code: sqlite3.ErrNomem}:      {database.FaultAway, false, true},
		sqlite3.Error{Code: sqlite3.ErrMisuse}:     {database.NoFault, false, false},
		errors.New("a whim"):                       {database.NoFault, false, false},
	} {
		err = fmt.Errorf("wrapped: %w", err)
		if got := database.FaultOf(err); got != want.fault || database.Refuses(err) != want.refused || database.InTrouble(err) != want.trouble {
			t.Errorf("%v: fault %d, refused %t, in trouble %t", err, got, database.Refuses(err), database.InTrouble(err))
		}
	}
}
