package database

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// Keeper is who keeps messages for somebody who is offline.
type Keeper string

// Keepers.
const (
	KeptByBridge  Keeper = "bridge"  // in matrix_queue, until they are seen
	KeptByService Keeper = "service" // which gives them out itself
)

// Absence is the time in which messages are kept for somebody: from the first on until none is kept any
// more, or, where the service keeps them, until that somebody is seen.
type Absence struct {
	LoginID  networkid.UserLoginID
	PortalID networkid.PortalID
	Keeper   Keeper
	// RoomID, EventID and Sender are those of the first message that was kept.
	RoomID  id.RoomID
	EventID id.EventID
	Sender  id.UserID
	Began   time.Time
	// Told is that the room was told that messages are kept.
	Told bool
	// Messages is how many were delivered that the bridge had kept, or how many the service was given.
	Messages int
}

// Scan reads a row of the columns in absenceColumns.
func (a *Absence) Scan(row dbutil.Scannable) (*Absence, error) {
	var began int64
	err := row.Scan(&a.LoginID, &a.PortalID, &a.Keeper, &a.RoomID, &a.EventID, &a.Sender, &began, &a.Told, &a.Messages)
	a.Began = time.UnixMilli(began)
	return dbutil.ValueOrErr(a, err)
}

// AbsenceQuery are the queries on the table absence.
type AbsenceQuery struct {
	*dbutil.QueryHelper[*Absence]
	bridgeID networkid.BridgeID
	holders  holders
}

const (
	absenceColumns = `login_id, portal_id, keeper, room_id, event_id, sender, began_at, told, messages`
	absencesNew    = `
		INSERT INTO absence (bridge_id, login_id, portal_id, keeper, room_id, event_id, sender, began_at, told, messages) `
	// absencesBegin changes nothing of an absence that is there, and locks it: it does not end before what is held is seen.
	absencesBegin = absencesNew + `VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false, 0)
		ON CONFLICT (bridge_id, login_id, portal_id, keeper) DO UPDATE SET messages=absence.messages`
	absencesGive = absencesNew + `VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false, 1)
		ON CONFLICT (bridge_id, login_id, portal_id, keeper) DO UPDATE SET messages=absence.messages+1`
	absencesOf      = ` WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND keeper=$4`
	absencesArrived = `UPDATE absence SET messages=messages+1` + absencesOf + `
		AND EXISTS (SELECT 1 FROM intake WHERE bridge_id=$1 AND event_id=$5 AND outcome=$6)`
	absencesGet     = `SELECT ` + absenceColumns + ` FROM absence WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 ORDER BY keeper`
	absencesPortals = `SELECT DISTINCT portal_id FROM absence WHERE bridge_id=$1 AND login_id=$2`
	absencesTold    = `UPDATE absence SET told=true` + absencesOf
	absencesEnd     = `DELETE FROM absence` + absencesOf
	// absencesAgain begins an absence anew with the first message that is held.
	absencesAgain = absencesNew + `
		SELECT bridge_id, login_id, portal_id, $4, room_id, event_id, sender, held_at, false, 0 FROM matrix_queue
		WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND held_at<>0 ORDER BY position LIMIT 1`
	absencesHeld   = `SELECT COUNT(*) FROM matrix_queue WHERE bridge_id=$1 AND login_id=$2 AND portal_id=$3 AND held_at<>0`
	absencesUnheld = `UPDATE matrix_queue SET held_at=0, queued_at=$4 WHERE bridge_id=$1 AND login_id=$2 AND event_id=$3`
)

// Portals returns the portals of a login for which messages are kept, or were until lately.
func (q *AbsenceQuery) Portals(ctx context.Context, login networkid.UserLoginID) ([]networkid.PortalID, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, absencesPortals, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[networkid.PortalID], err).AsList()
}

// Get returns the absences of a portal: at most one for each keeper.
func (q *AbsenceQuery) Get(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID) ([]*Absence, error) {
	return q.QueryMany(ctx, absencesGet, q.bridgeID, login, portal)
}

// Held returns how many messages of a portal the bridge keeps.
func (q *AbsenceQuery) Held(ctx context.Context, login networkid.UserLoginID, portal networkid.PortalID) (n int, err error) {
	err = q.GetDB().QueryRow(ctx, absencesHeld, q.bridgeID, login, portal).Scan(&n)
	return n, err
}

// Given notes that the service has taken a message to keep it, so that the bridge does not any more. One that the bridge has kept counts as
// waiting from then on.
func (q *AbsenceQuery) Given(ctx context.Context, e *QueuedEvent, at time.Time) error {
	err := q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) error {
		if !e.HeldAt.IsZero() {
			if err := q.Exec(ctx, absencesUnheld, q.bridgeID, e.LoginID, e.EventID, at.UnixMilli()); err != nil {
				return err
			}
		}
		if err := q.holders.put(e.LoginID); err != nil {
			return err
		}
		return q.Exec(ctx, absencesGive, q.bridgeID, e.LoginID, e.PortalID, KeptByService, e.RoomID, e.EventID, e.Sender, at.UnixMilli())
	})
	if err == nil && !e.HeldAt.IsZero() {
		e.HeldAt, e.QueuedAt = time.Time{}, at
	}
	return err
}

// Told notes that the room was told of an absence.
func (q *AbsenceQuery) Told(ctx context.Context, a *Absence) error {
	return q.Exec(ctx, absencesTold, q.bridgeID, a.LoginID, a.PortalID, a.Keeper)
}

// End takes an absence out. If the bridge keeps messages again meanwhile, another one begins with them.
func (q *AbsenceQuery) End(ctx context.Context, a *Absence) error {
	return q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) error {
		if err := q.Exec(ctx, absencesEnd, q.bridgeID, a.LoginID, a.PortalID, a.Keeper); err != nil || a.Keeper != KeptByBridge {
			return err
		}
		return q.Exec(ctx, absencesAgain, q.bridgeID, a.LoginID, a.PortalID, a.Keeper)
	})
}
