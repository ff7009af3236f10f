package database

import (
	"cmp"
	"context"
	"sync"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// holders knows which logins surely have no row in a table. Of thousands that sign in after a start of the bridge hardly one has
// something that waits: each need not ask. This is the only process that uses the database; see package lease. Until learn has
// been called every login may have rows.
type holders struct {
	table string
	which string // condition for the rows of the table that count, "" for all
	id    string // the column with the login, "" for login_id
	lease *LeaseQuery

	mu    sync.Mutex
	known bool
	of    map[networkid.UserLoginID]struct{} // logins that have had rows
}

// put notes that a row of a login is about to be put into the table. It comes before the row. The error is ErrUsurped when
// another process may have taken the lease: that one would not hear of the row.
func (h *holders) put(login networkid.UserLoginID) error {
	if !h.lease.Held() {
		return ErrUsurped
	}
	h.note(login)
	return nil
}

func (h *holders) note(login networkid.UserLoginID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = make(map[networkid.UserLoginID]struct{})
	}
	h.of[login] = struct{}{}
}

// none reports whether a login surely has no row.
func (h *holders) none(login networkid.UserLoginID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, may := h.of[login]
	return h.known && !may
}

// learn reads which logins have rows.
func (h *holders) learn(ctx context.Context, db *dbutil.Database, bridge networkid.BridgeID) error {
	query := `SELECT DISTINCT ` + cmp.Or(h.id, "login_id") + ` FROM ` + h.table + ` WHERE bridge_id=$1`
	if h.which != "" {
		query += ` AND ` + h.which
	}
	rows, err := db.Query(ctx, query, bridge)
	logins, err := dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.UserLoginID], err).AsList()
	if err != nil {
		return err
	}
	for _, login := range logins {
		h.note(login)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = true
	return nil
}

// Learn reads which logins have something in the tables of what is to be done: the others need not ask from then on. New rows stand behind
// those that it finds. It is to be called when no other process uses the database any more.
func (d *Database) Learn(ctx context.Context) error {
	for _, h := range []*holders{
		&d.MSNQueue.holders, &d.MatrixQueue.holders, &d.FileQueue.holders, &d.Page.holders, &d.Absence.holders, &d.GroupChange.holders,
		&d.Group.holders, &d.GroupSpace.holders, &d.LoginSpace.holders, &d.Picture.holders, &d.ComingFile.holders,
	} {
		if err := h.learn(ctx, d.db, d.MSNQueue.bridgeID); err != nil {
			return err
		}
	}
	bridge := d.MSNQueue.bridgeID
	return cmp.Or(
		d.MSNQueue.positions.learn(ctx, d.db, bridge, "msn_queue", ""),
		d.MatrixQueue.positions.learn(ctx, d.db, bridge, "matrix_queue", ""),
		d.FileQueue.positions.learn(ctx, d.db, bridge, "file_queue", ""),
		d.Intake.positions.learn(ctx, d.db, bridge, "intake", " AND state='waiting'"),
	)
}
