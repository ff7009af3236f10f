package database

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// QueuedFile is a file from Matrix whose fate is not told yet.
type QueuedFile struct {
	LoginID  networkid.UserLoginID
	EventID  id.EventID
	Position int64 // order of arrival within the login
	RoomID   id.RoomID
	Sender   id.UserID
	PortalID networkid.PortalID
	Content  string // of the event, in JSON: where the file is, and the key to it
	// Body is what is said of the file, as a text before it; Format that of a text.
	Body   string
	Format string
	// Instead is what is said in the place of a file that cannot be sent.
	Instead   string
	WrittenAt time.Time
	QueuedAt  time.Time
	// Owner is the run of the bridge that has claimed the file, which is before anything of it may go
	// out, or "".
	Owner string
}

// Scan reads a row of the columns in fileColumns.
func (f *QueuedFile) Scan(row dbutil.Scannable) (*QueuedFile, error) {
	var written, queued int64
	err := row.Scan(&f.LoginID, &f.EventID, &f.Position, &f.RoomID, &f.Sender, &f.PortalID, &f.Content, &f.Body, &f.Format, &f.Instead, &written, &queued, &f.Owner)
	f.WrittenAt, f.QueuedAt = time.UnixMilli(written), fromMilli(queued)
	return dbutil.ValueOrErr(f, err)
}

// FileQueueQuery are the queries on the table file_queue. They are as those of MatrixQueueQuery.
type FileQueueQuery struct {
	*dbutil.QueryHelper[*QueuedFile]
	bridgeID  networkid.BridgeID
	lease     *LeaseQuery
	intake    *IntakeQuery
	positions positions
	// Taken is as in MatrixQueueQuery.
	Taken   func(id.EventID)
	holders holders
}

const (
	fileColumns = `login_id, event_id, position, room_id, sender, portal_id, content, body, format, instead, written_at, queued_at, owner`
	filePut     = `
		INSERT INTO file_queue (bridge_id, login_id, event_id, position, room_id, sender, portal_id, content, body, format, instead, written_at, queued_at, owner)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, ''
		WHERE NOT EXISTS (SELECT 1 FROM intake WHERE bridge_id=$1 AND event_id=$3 AND outcome<>'')
		AND NOT EXISTS (SELECT 1 FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3)
		ON CONFLICT (bridge_id, login_id, event_id) DO NOTHING
		RETURNING position`
	filePortals   = `SELECT DISTINCT portal_id FROM file_queue WHERE bridge_id=$1 AND login_id=$2`
	fileForPortal = `
		SELECT ` + fileColumns + ` FROM file_queue
		WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND position>$4 ORDER BY position LIMIT $5`
	fileGet      = `SELECT ` + fileColumns + ` FROM file_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3`
	fileOwner    = `UPDATE file_queue SET owner=$5 WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner IN ($4, $5) AND ` + ifHeld6
	fileWithdraw = `DELETE FROM file_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner=''`
	fileRemove   = `DELETE FROM file_queue WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3 AND owner=$4`
)

// Put adds a file at the end of its login's queue, in the place of the received event that it was.
// It reports false for one that is in a queue already, or was and had its outcome.
func (q *FileQueueQuery) Put(ctx context.Context, f *QueuedFile) (added bool, err error) {
	return q.putIf(ctx, f, func(context.Context) (bool, error) { return true, nil })
}

// PutAgain is Put for a file that had an outcome, which it loses. It reports false when that is not
// its outcome any more, or the queue is not done with the file: nothing has changed then.
func (q *FileQueueQuery) PutAgain(ctx context.Context, f *QueuedFile, outcome EventOutcome) (added bool, err error) {
	return q.putIf(ctx, f, func(ctx context.Context) (bool, error) { return q.intake.reopen(ctx, f.EventID, outcome) })
}

// putIf is Put for what may reports true of, in the same transaction.
func (q *FileQueueQuery) putIf(ctx context.Context, f *QueuedFile, may func(context.Context) (bool, error)) (added bool, err error) {
	if err := q.holders.put(f.LoginID); err != nil {
		return false, err
	}
	err = q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) error {
		added = false
		if ok, err := may(ctx); err != nil || !ok {
			return err
		}
		err := q.GetDB().QueryRow(ctx, filePut, q.bridgeID, f.LoginID, f.EventID, q.positions.next(), f.RoomID, f.Sender, f.PortalID,
			f.Content, f.Body, f.Format, f.Instead, f.WrittenAt.UnixMilli(), toMilli(f.QueuedAt)).Scan(&f.Position)
		if added = err == nil; err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return q.intake.Finish(ctx, f.EventID)
	})
	if err != nil {
		return false, err
	}
	if q.Taken != nil {
		q.Taken(f.EventID)
	}
	return added, nil
}

// Portals returns the portals in which files were sent that wait.
func (q *FileQueueQuery) Portals(ctx context.Context, login networkid.UserLoginID) ([]networkid.PortalID, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, filePortals, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.PortalID], err).AsList()
}

// ForPortal returns the first files of a portal behind a position, up to limit.
func (q *FileQueueQuery) ForPortal(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID, after int64, limit int) ([]*QueuedFile, error) {
	return q.QueryMany(ctx, fileForPortal, q.bridgeID, login, portal, after, limit)
}

// Get returns a file that waits, or nil when there is none.
func (q *FileQueueQuery) Get(ctx context.Context, login networkid.UserLoginID, event id.EventID) (*QueuedFile, error) {
	return q.QueryOne(ctx, fileGet, q.bridgeID, login, event)
}

// SetOwner claims a file for a run of the bridge, or gives it back when owner is "".
func (q *FileQueueQuery) SetOwner(ctx context.Context, f *QueuedFile, owner string) (changed bool, err error) {
	changed, err = changes(q.GetDB().Exec(ctx, fileOwner, q.bridgeID, f.LoginID, f.EventID, f.Owner, owner, q.lease.ours()))
	if changed {
		f.Owner = owner
	}
	return changed, err
}

// Withdraw takes out a file that nobody owns, and reports whether there was one.
func (q *FileQueueQuery) Withdraw(ctx context.Context, login networkid.UserLoginID, event id.EventID) (bool, error) {
	return changes(q.GetDB().Exec(ctx, fileWithdraw, q.bridgeID, login, event))
}

// Remove takes a file out of the queue: its fate is told. It reports whether it was there.
func (q *FileQueueQuery) Remove(ctx context.Context, f *QueuedFile) (removed bool, err error) {
	return changes(q.GetDB().Exec(ctx, fileRemove, q.bridgeID, f.LoginID, f.EventID, f.Owner))
}

// ComingFile is a file that a contact offers, or sends, until its room is told what became of it.
type ComingFile struct {
	LoginID  networkid.UserLoginID
	FileID   networkid.MessageID
	PortalID networkid.PortalID
	Sender   string // account
	Name     string
	At       time.Time
}

// Scan reads a row of the columns that comingAll names.
func (f *ComingFile) Scan(row dbutil.Scannable) (*ComingFile, error) {
	var at int64
	err := row.Scan(&f.LoginID, &f.FileID, &f.PortalID, &f.Sender, &f.Name, &at)
	f.At = time.UnixMilli(at)
	return dbutil.ValueOrErr(f, err)
}

// ComingFileQuery are the queries on the table file_coming.
type ComingFileQuery struct {
	*dbutil.QueryHelper[*ComingFile]
	bridgeID networkid.BridgeID
	holders  holders
	queue    *MSNQueueQuery
}

const (
	comingPut = `
		INSERT INTO file_coming (bridge_id, login_id, file_id, portal_id, sender, name, offered_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (bridge_id, login_id, file_id) DO NOTHING`
	comingAll = `
		SELECT login_id, file_id, portal_id, sender, name, offered_at FROM file_coming WHERE bridge_id=$1 AND login_id=$2 ORDER BY offered_at`
	comingDelete = `DELETE FROM file_coming WHERE bridge_id=$1 AND login_id=$2 AND file_id=$3`
)

// Put notes that a file is offered.
func (q *ComingFileQuery) Put(ctx context.Context, f *ComingFile) error {
	if err := q.holders.put(f.LoginID); err != nil {
		return err
	}
	return q.Exec(ctx, comingPut, q.bridgeID, f.LoginID, f.FileID, f.PortalID, f.Sender, f.Name, f.At.UnixMilli())
}

// None reports whether there surely is no file of a login of which nobody was told.
func (q *ComingFileQuery) None(login networkid.UserLoginID) bool { return q.holders.none(login) }

// All returns the files of a login of which nobody was told what became of them.
func (q *ComingFileQuery) All(ctx context.Context, login networkid.UserLoginID) ([]*ComingFile, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	return q.QueryMany(ctx, comingAll, q.bridgeID, login)
}

// Settle puts a message into the queue that says what became of a file, or holds it, and forgets that
// it is coming. It reports false when the message is there already.
func (q *ComingFileQuery) Settle(ctx context.Context, file networkid.MessageID, m *QueuedMessage) (added bool, err error) {
	err = q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) error {
		if added, err = q.queue.Put(ctx, m); err != nil {
			return err
		}
		return q.Exec(ctx, comingDelete, q.bridgeID, m.LoginID, file)
	})
	return added && err == nil, err
}

// Drop forgets a file of which there is nothing to tell.
func (q *ComingFileQuery) Drop(ctx context.Context, login networkid.UserLoginID, file networkid.MessageID) error {
	return q.Exec(ctx, comingDelete, q.bridgeID, login, file)
}
