package database

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// PageState is how far a page for somebody's mobile device has come.
type PageState string

// The states of a page. They are stored: a name must not change. A page that
// failed has the code of the reason as its state.
const (
	PageSending   PageState = "sending"
	PagePaged     PageState = "paged" // no error came
	PageBounced   PageState = "bounced"
	PageUncertain PageState = "uncertain"
)

// Page is a page that a user sends, and its fate.
type Page struct {
	LoginID        networkid.UserLoginID
	PageID         string
	To             string // account in lower case, or "tel:" and a number
	Text           string
	Callback       string // location of the number to call back, or ""
	CallbackNumber string
	// TrID and SentAt are set before the page may go on the wire; SentAt is the
	// zero time before.
	TrID   uint32
	SentAt time.Time

	RoomID  id.RoomID  // where it was typed
	EventID id.EventID // as what
	Sender  id.UserID  // by whom

	State     PageState
	Code      string // what the server said, if it did
	Told      bool   // the user knows the State
	WrittenAt time.Time
	UpdatedAt time.Time
	// Owner is the run of the bridge that has claimed the page, or "".
	Owner string
}

// Scan reads a row of the columns in pageColumns.
func (p *Page) Scan(row dbutil.Scannable) (*Page, error) {
	var sent, written, updated int64
	err := row.Scan(&p.LoginID, &p.PageID, &p.To, &p.Text, &p.Callback, &p.CallbackNumber, &p.TrID, &sent, &p.RoomID, &p.EventID,
		&p.Sender, &p.State, &p.Code, &p.Told, &written, &updated, &p.Owner)
	p.SentAt, p.WrittenAt, p.UpdatedAt = fromMilli(sent), fromMilli(written), fromMilli(updated)
	return dbutil.ValueOrErr(p, err)
}

// fromMilli undoes toMilli.
func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// toMilli is the time in a row: milliseconds, 0 for the zero time.
func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// PageQuery are the queries on the table page.
type PageQuery struct {
	*dbutil.QueryHelper[*Page]
	bridgeID networkid.BridgeID
	holders  holders
	lease    *LeaseQuery
}

const (
	pageColumns = `login_id, page_id, recipient, text, callback, callback_number, trid, sent_at, room_id, event_id,
		sender, state, code, told, written_at, updated_at, owner`
	pagePut = `
		INSERT INTO page (bridge_id, ` + pageColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	pageGet       = `SELECT ` + pageColumns + ` FROM page WHERE bridge_id=$1 AND login_id=$2 AND page_id=$3`
	pageUntoldIDs = `SELECT page_id FROM page WHERE bridge_id=$1 AND login_id=$2 AND NOT told`
	pageUntold    = `SELECT ` + pageColumns + ` FROM page WHERE bridge_id=$1 AND login_id=$2 AND NOT told ORDER BY written_at`
	pageSent      = `
		UPDATE page SET trid=$5, sent_at=$6, updated_at=$6
		WHERE bridge_id=$1 AND login_id=$2 AND page_id=$3 AND owner=$4 AND state='sending' AND sent_at IN (0, $6)`
	pageOwner = `UPDATE page SET owner=$5 WHERE bridge_id=$1 AND login_id=$2 AND page_id=$3 AND owner IN ($4, $5) AND ` + ifHeld6
	pageMatch = `
		SELECT ` + pageColumns + ` FROM page
		WHERE bridge_id=$1 AND login_id=$2 AND trid=$3 AND (recipient=$4 OR $4='') AND sent_at>=$5 AND state<>'bounced'
		ORDER BY sent_at DESC LIMIT 1`
	pageSetState = `
		UPDATE page SET state=$5, code=$6, told=$7, updated_at=$8
		WHERE bridge_id=$1 AND login_id=$2 AND page_id=$3 AND state=$4`
)

// Put stores a page.
func (q *PageQuery) Put(ctx context.Context, p *Page) error {
	if err := q.holders.put(p.LoginID); err != nil {
		return err
	}
	return q.Exec(ctx, pagePut, q.bridgeID, p.LoginID, p.PageID, p.To, p.Text, p.Callback, p.CallbackNumber, p.TrID, toMilli(p.SentAt),
		p.RoomID, p.EventID, p.Sender, p.State, p.Code, p.Told, toMilli(p.WrittenAt), toMilli(p.UpdatedAt), p.Owner)
}

// Get returns one page, or nil when there is none.
func (q *PageQuery) Get(ctx context.Context, login networkid.UserLoginID, page string) (*Page, error) {
	return q.QueryOne(ctx, pageGet, q.bridgeID, login, page)
}

// Untold returns the pages whose fate the user does not know, the oldest first.
func (q *PageQuery) Untold(ctx context.Context, login networkid.UserLoginID) ([]*Page, error) {
	return q.QueryMany(ctx, pageUntold, q.bridgeID, login)
}

// UntoldIDs returns the IDs of the pages whose fate the user does not know.
func (q *PageQuery) UntoldIDs(ctx context.Context, login networkid.UserLoginID) ([]string, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	rows, err := q.GetDB().Query(ctx, pageUntoldIDs, q.bridgeID, login)
	return dbutil.NewRowIterWithError(rows, dbutil.ScanSingleColumn[string], err).AsList()
}

// SetOwner claims a page for a run of the bridge, or gives it back when owner is "". It does
// so while the page belongs to p.Owner, and reports whether it is as asked for now.
func (q *PageQuery) SetOwner(ctx context.Context, p *Page, owner string) (changed bool, err error) {
	changed, err = changes(q.GetDB().Exec(ctx, pageOwner, q.bridgeID, p.LoginID, p.PageID, p.Owner, owner, q.lease.ours()))
	if changed {
		p.Owner = owner
	}
	return changed, err
}

// SetSent notes, from p, that a page may be on the wire from now on. It reports false when
// it was before, or belongs to somebody else: then it must not be sent.
func (q *PageQuery) SetSent(ctx context.Context, p *Page) (changed bool, err error) {
	return changes(q.GetDB().Exec(ctx, pageSent, q.bridgeID, p.LoginID, p.PageID, p.Owner, p.TrID, toMilli(p.SentAt)))
}

// Sent returns the latest page with a transaction ID that went to somebody, or to
// anybody when to is "", not before since, and has not bounced; or nil.
// Transaction IDs begin anew with each session.
func (q *PageQuery) Sent(ctx context.Context, login networkid.UserLoginID, trID uint32, to string, since time.Time) (*Page, error) {
	return q.QueryOne(ctx, pageMatch, q.bridgeID, login, trID, to, toMilli(since))
}

// Change gives a page the state, code and told of p, if its state is still before.
// It reports whether it was.
func (q *PageQuery) Change(ctx context.Context, p *Page, before PageState) (bool, error) {
	return changes(q.GetDB().Exec(ctx, pageSetState, q.bridgeID, p.LoginID, p.PageID, before, p.State, p.Code, p.Told, toMilli(p.UpdatedAt)))
}
