package database

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"
)

// Object is a picture of MSN that the homeserver has, not encrypted.
type Object struct {
	Hash          string // SHA-1 in hexadecimal
	MXC           id.ContentURIString
	MimeType      string
	Size          int
	Width, Height int
}

// Scan reads a row of the columns that objectGet names.
func (o *Object) Scan(row dbutil.Scannable) (*Object, error) {
	return dbutil.ValueOrErr(o, row.Scan(&o.Hash, &o.MXC, &o.MimeType, &o.Size, &o.Width, &o.Height))
}

// ObjectQuery are the queries on the table object, by which each picture is uploaded once.
type ObjectQuery struct {
	*dbutil.QueryHelper[*Object]
	bridgeID networkid.BridgeID
}

const (
	objectGet = `SELECT hash, mxc, mime_type, size, width, height FROM object WHERE bridge_id=$1 AND hash=$2`
	objectPut = `
		INSERT INTO object (bridge_id, hash, mxc, mime_type, size, width, height, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (bridge_id, hash) DO UPDATE SET mxc=excluded.mxc, used_at=excluded.used_at`
)

// Get returns a picture, nil when the homeserver has none.
func (q *ObjectQuery) Get(ctx context.Context, hash string) (*Object, error) {
	return q.QueryOne(ctx, objectGet, q.bridgeID, hash)
}

// Put notes that the homeserver has a picture.
func (q *ObjectQuery) Put(ctx context.Context, o *Object) error {
	return q.Exec(ctx, objectPut, q.bridgeID, o.Hash, o.MXC, o.MimeType, o.Size, o.Width, o.Height, time.Now().UnixMilli())
}
