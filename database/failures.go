package database

import (
	"context"
	"strings"

	"go.mau.fi/util/dbutil"
)

// maxError is the longest error in bytes that is noted with what waits.
const maxError = 500

// noteFailed notes in a row of a queue that an attempt at it has failed: for admins who look
// why something waits. set is the statement, to which the error is the last parameter.
func noteFailed(ctx context.Context, db *dbutil.Database, set string, why error, row ...any) error {
	text := why.Error()
	if len(text) > maxError {
		text = text[:maxError]
	}
	_, err := db.Exec(ctx, set, append(row, strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""))...)
	return err
}
