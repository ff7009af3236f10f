package database

import (
	"context"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// Contact is one row of the contact list as it was last seen, so that contacts
// have their names, and the list can be shown, while MSN is out of reach.
type Contact struct {
	LoginID networkid.UserLoginID
	Account string // lower case
	Name    string // display name, decoded
	Lists   int    // bits of the roster lists, as in LST
}

// Scan reads a row of the columns in contactColumns.
func (c *Contact) Scan(row dbutil.Scannable) (*Contact, error) {
	return dbutil.ValueOrErr(c, row.Scan(&c.LoginID, &c.Account, &c.Name, &c.Lists))
}

// ContactQuery are the queries on the table contact.
type ContactQuery struct {
	*dbutil.QueryHelper[*Contact]
	bridgeID networkid.BridgeID
}

const (
	contactGetAll = `
		SELECT login_id, account, name, lists FROM contact
		WHERE bridge_id=$1 AND login_id=$2 ORDER BY account`
	contactEach = `SELECT account, name, lists FROM contact WHERE bridge_id=$1 AND login_id=$2`
	contactGet  = `
		SELECT login_id, account, name, lists FROM contact
		WHERE bridge_id=$1 AND login_id=$2 AND account=$3`
	contactPut = `
		INSERT INTO contact (bridge_id, login_id, account, name, lists) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (bridge_id, login_id, account) DO UPDATE SET name=excluded.name, lists=excluded.lists`
	contactDeleteAll = `DELETE FROM contact WHERE bridge_id=$1 AND login_id=$2`
)

// GetAll returns the contacts of a login, by account.
func (q *ContactQuery) GetAll(ctx context.Context, login networkid.UserLoginID) ([]*Contact, error) {
	return q.QueryMany(ctx, contactGetAll, q.bridgeID, login)
}

// Each calls f for each contact of a login, in no order, until it returns false. It makes less garbage than GetAll: each sign-in looks
// through the list.
func (q *ContactQuery) Each(ctx context.Context, login networkid.UserLoginID, f func(account, name string, lists int) bool) error {
	rows, err := q.GetDB().Query(ctx, contactEach, q.bridgeID, login)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what failed is in Err
	var account, name string
	var lists int
	for rows.Next() {
		if err := rows.Scan(&account, &name, &lists); err != nil {
			return err
		}
		if !f(account, name, lists) {
			return nil
		}
	}
	return rows.Err()
}

// Get returns one contact, or nil when there is none.
func (q *ContactQuery) Get(ctx context.Context, login networkid.UserLoginID, account string) (*Contact, error) {
	return q.QueryOne(ctx, contactGet, q.bridgeID, login, account)
}

// Put stores one contact over what was known of it.
func (q *ContactQuery) Put(ctx context.Context, c *Contact) error {
	return q.Exec(ctx, contactPut, q.bridgeID, c.LoginID, c.Account, c.Name, c.Lists)
}

// ReplaceAll makes contacts the whole list of a login, in one transaction.
func (q *ContactQuery) ReplaceAll(ctx context.Context, login networkid.UserLoginID, contacts []*Contact) error {
	return q.GetDB().DoTxn(ctx, nil, func(ctx context.Context) error {
		if err := q.Exec(ctx, contactDeleteAll, q.bridgeID, login); err != nil {
			return err
		}
		for _, c := range contacts {
			if err := q.Put(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}
