package database

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// OldKind is a kind of rows that are of use for some time only.
type OldKind string

// The kinds of rows that can be forgotten.
const (
	OldAlerts      OldKind = "alerts"
	OldPages       OldKind = "pages"       // of which their sender knows what became of them
	OldInvitations OldKind = "invitations" // that were ordered, or refused
	OldPictures    OldKind = "pictures"    // that were uploaded
	OldMessages    OldKind = "messages"    // of the framework's table, with the reactions to them
)

// aheadAtMost is how far the time of a message may be ahead of the clock, by the clock of whoever wrote it.
const aheadAtMost = 24 * time.Hour

// OldQuery forgets rows that are old. Of all tables that it changes, none holds what is still to be delivered.
type OldQuery struct {
	db       *dbutil.Database
	bridgeID networkid.BridgeID
}

// olds are the statements by kind: for a bridge, rows that are older than a time, and so many of them.
var olds = map[OldKind]string{
	OldAlerts: `
		DELETE FROM alert WHERE bridge_id=$1 AND (login_id, alert_id) IN (
			SELECT login_id, alert_id FROM alert old WHERE bridge_id=$1 AND received_at<$2
				AND NOT EXISTS (SELECT 1 FROM msn_queue WHERE bridge_id=$1 AND login_id=old.login_id AND message_id=old.alert_id)
			ORDER BY received_at LIMIT $3)`,
	OldPages: `
		DELETE FROM page WHERE bridge_id=$1 AND told AND (login_id, page_id) IN (
			SELECT login_id, page_id FROM page WHERE bridge_id=$1 AND told AND updated_at<$2 ORDER BY updated_at LIMIT $3)`,
	OldInvitations: `
		DELETE FROM invitation WHERE bridge_id=$1 AND (login_id, invitation_id) IN (
			SELECT login_id, invitation_id FROM invitation WHERE bridge_id=$1 AND ordered_at<$2 ORDER BY ordered_at LIMIT $3)`,
	// A text that waits is shown with the pictures that are there when it comes into its room: nobody asks for them again.
	OldPictures: `
		DELETE FROM object WHERE bridge_id=$1 AND hash IN (SELECT hash FROM object WHERE bridge_id=$1 AND used_at<$2 ORDER BY used_at LIMIT $3)
			AND NOT EXISTS (SELECT 1 FROM msn_queue WHERE bridge_id=$1 AND emoticons<>'')`,
	// They are looked at in the order in which they came, by the key of the table: an index over the times would be one more to write
	// for each message. A message that came late with an old time goes with its neighbours, and one whose time is ahead of the clock
	// when those before it are gone: it would keep all behind it. Offline messages stay: what the service did not
	// take out comes again, however late, and is known by them. What waits can still be about a message:
	// an edit that brings its pictures, an event of which it is not noted that it is done with.
	OldMessages: `
		DELETE FROM message WHERE bridge_id=$1 AND rowid IN (
			SELECT rowid FROM (
				SELECT rowid, id, mxid, room_receiver, timestamp FROM message WHERE bridge_id=$1 AND id NOT LIKE 'offline/%' ORDER BY rowid LIMIT $3
			) first
			WHERE (timestamp<CAST($2 AS BIGINT)*1000000 OR timestamp>CAST($4 AS BIGINT)*1000000)
				AND NOT EXISTS (SELECT 1 FROM msn_queue WHERE bridge_id=$1 AND login_id=first.room_receiver AND (message_id=first.id OR replaces=first.id))
				AND NOT EXISTS (SELECT 1 FROM matrix_queue WHERE bridge_id=$1 AND login_id=first.room_receiver AND event_id=first.mxid)
				AND NOT EXISTS (SELECT 1 FROM file_queue WHERE bridge_id=$1 AND login_id=first.room_receiver AND event_id=first.mxid))`,
}

// OldKinds returns all kinds.
func OldKinds() []OldKind { return slices.Sorted(maps.Keys(olds)) }

// Forget deletes rows of a kind that are older than a time, limit at most, and returns how many. There may be more as long as it
// returns any.
func (q *OldQuery) Forget(ctx context.Context, kind OldKind, before time.Time, limit int) (int, error) {
	statement, ok := olds[kind]
	if !ok {
		return 0, fmt.Errorf("%q is no kind of rows that can be forgotten", kind)
	}
	args := []any{q.bridgeID, before.UnixMilli(), limit}
	if kind == OldMessages {
		args = append(args, time.Now().Add(aheadAtMost).UnixMilli())
	}
	result, err := q.db.Exec(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
