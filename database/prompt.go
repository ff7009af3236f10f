package database

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// Prompt is a question for something secret that a user was asked in a room. What they answer
// is never stored.
type Prompt struct {
	UserID id.UserID
	RoomID id.RoomID
	At     time.Time
	Told   bool // the user knows that a restart has ended it
}

// Scan reads a row of the columns that promptAll names.
func (p *Prompt) Scan(row dbutil.Scannable) (*Prompt, error) {
	var at int64
	err := row.Scan(&p.UserID, &p.RoomID, &at, &p.Told)
	p.At = fromMilli(at)
	return dbutil.ValueOrErr(p, err)
}

// PromptQuery are the queries on the table prompt: who was asked for something secret, and did not
// answer yet.
type PromptQuery struct {
	*dbutil.QueryHelper[*Prompt]
	bridgeID networkid.BridgeID
}

const (
	promptAll = `SELECT user_id, room_id, asked_at, told FROM prompt WHERE bridge_id=$1 ORDER BY user_id`
	promptPut = `
		INSERT INTO prompt (bridge_id, user_id, room_id, asked_at, told) VALUES ($1, $2, $3, $4, false)
		ON CONFLICT (bridge_id, user_id) DO UPDATE SET room_id=excluded.room_id, asked_at=excluded.asked_at, told=false`
	promptTold   = `UPDATE prompt SET told=true WHERE bridge_id=$1 AND user_id=$2`
	promptDelete = `DELETE FROM prompt WHERE bridge_id=$1 AND user_id=$2`
	promptPrune  = `DELETE FROM prompt WHERE bridge_id=$1 AND asked_at<$2`
)

// All returns the questions that were asked.
func (q *PromptQuery) All(ctx context.Context) ([]*Prompt, error) {
	return q.QueryMany(ctx, promptAll, q.bridgeID)
}

// Put notes that a user is asked in a room. It takes the place of what they were asked before.
func (q *PromptQuery) Put(ctx context.Context, user id.UserID, room id.RoomID, at time.Time) error {
	return q.Exec(ctx, promptPut, q.bridgeID, user, room, toMilli(at))
}

// Told notes that a user knows that a restart has ended the question.
func (q *PromptQuery) Told(ctx context.Context, user id.UserID) error {
	return q.Exec(ctx, promptTold, q.bridgeID, user)
}

// Delete notes that a user is not asked any more.
func (q *PromptQuery) Delete(ctx context.Context, user id.UserID) error {
	return q.Exec(ctx, promptDelete, q.bridgeID, user)
}

// Prune forgets the questions that were asked before a time.
func (q *PromptQuery) Prune(ctx context.Context, before time.Time) error {
	return q.Exec(ctx, promptPrune, q.bridgeID, before.UnixMilli())
}
