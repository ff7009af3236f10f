package database

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// Invitation is a mail that a user has ordered from the service. Its text is not
// kept.
type Invitation struct {
	LoginID    networkid.UserLoginID
	ID         string
	Address    string
	TextLength int       // in bytes
	Sender     id.UserID // who ordered it
	Outcome    string    // InvitationOrdered, "sending" before, or the code of why not
	OrderedAt  time.Time
}

// Outcomes of an Invitation besides the codes of reasons why not.
const (
	InvitationSending = "sending"
	InvitationOrdered = "ordered"
)

// Scan reads a row of the columns in invitationColumns.
func (i *Invitation) Scan(row dbutil.Scannable) (*Invitation, error) {
	var at int64
	err := row.Scan(&i.LoginID, &i.ID, &i.Address, &i.TextLength, &i.Sender, &i.Outcome, &at)
	i.OrderedAt = time.UnixMilli(at)
	return dbutil.ValueOrErr(i, err)
}

// InvitationQuery are the queries on the table invitation.
type InvitationQuery struct {
	*dbutil.QueryHelper[*Invitation]
	bridgeID networkid.BridgeID
}

const (
	invitationColumns = `login_id, invitation_id, address, text_length, sender, outcome, ordered_at`
	invitationPut     = `
		INSERT INTO invitation (bridge_id, ` + invitationColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	invitationOutcome = `UPDATE invitation SET outcome=$4 WHERE bridge_id=$1 AND login_id=$2 AND invitation_id=$3`
	invitationsSince  = `
		SELECT ` + invitationColumns + ` FROM invitation
		WHERE bridge_id=$1 AND sender=$2 AND ordered_at>$3 ORDER BY ordered_at`
)

// Put stores an invitation.
func (q *InvitationQuery) Put(ctx context.Context, i *Invitation) error {
	return q.Exec(ctx, invitationPut, q.bridgeID, i.LoginID, i.ID, i.Address, i.TextLength, i.Sender, i.Outcome, i.OrderedAt.UnixMilli())
}

// SetOutcome notes what became of an invitation.
func (q *InvitationQuery) SetOutcome(ctx context.Context, i *Invitation) error {
	return q.Exec(ctx, invitationOutcome, q.bridgeID, i.LoginID, i.ID, i.Outcome)
}

// Since returns what a user has ordered after a time, with all of their accounts,
// the oldest first.
func (q *InvitationQuery) Since(ctx context.Context, sender id.UserID, after time.Time) ([]*Invitation, error) {
	return q.QueryMany(ctx, invitationsSince, q.bridgeID, sender, after.UnixMilli())
}
