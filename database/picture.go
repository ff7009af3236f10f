package database

import (
	"context"
	"encoding/base64"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

// Picture is the display picture that a user shows on MSN.
type Picture struct {
	LoginID networkid.UserLoginID
	// Source is what it was made of: the address of a picture in Matrix, and "" for one that the
	// user does not want any more.
	Source string
	PNG    []byte
}

// Scan reads a row of the columns that pictureGet names.
func (p *Picture) Scan(row dbutil.Scannable) (*Picture, error) {
	var data string
	if err := row.Scan(&p.LoginID, &p.Source, &data); err != nil {
		return nil, err
	}
	var err error
	p.PNG, err = base64.StdEncoding.DecodeString(data)
	return dbutil.ValueOrErr(p, err)
}

// PictureQuery are the queries on the table picture.
type PictureQuery struct {
	*dbutil.QueryHelper[*Picture]
	bridgeID networkid.BridgeID
	holders  holders
}

const (
	pictureGet = `SELECT login_id, source, data FROM picture WHERE bridge_id=$1 AND login_id=$2`
	picturePut = `
		INSERT INTO picture (bridge_id, login_id, source, data) VALUES ($1, $2, $3, $4)
		ON CONFLICT (bridge_id, login_id) DO UPDATE SET source=excluded.source, data=excluded.data`
)

// Get returns the picture of a login, nil when nothing was chosen.
func (q *PictureQuery) Get(ctx context.Context, login networkid.UserLoginID) (*Picture, error) {
	if q.holders.none(login) {
		return nil, nil
	}
	return q.QueryOne(ctx, pictureGet, q.bridgeID, login)
}

// Put sets the picture of a login.
func (q *PictureQuery) Put(ctx context.Context, p *Picture) error {
	if err := q.holders.put(p.LoginID); err != nil {
		return err
	}
	return q.Exec(ctx, picturePut, q.bridgeID, p.LoginID, p.Source, base64.StdEncoding.EncodeToString(p.PNG))
}
