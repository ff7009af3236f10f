package bridge

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"

	"go.mau.fi/util/dbutil"
)

// openDatabase opens a database of which writes can fail: single statements, and the ends of
// transactions. Nothing of it works when the process is dead.
func (p *process) openDatabase(kind, uri string) (*dbutil.Database, error) {
	plain, err := sql.Open(kind, uri)
	if err != nil {
		return nil, err
	}
	own := plain.Driver()
	if err := plain.Close(); err != nil {
		return nil, err
	}
	return dbutil.NewWithDB(sql.OpenDB(&faultyDatabase{own, uri, p}), kind)
}

type faultyDatabase struct {
	own driver.Driver
	uri string
	p   *process
}

// Connect implements driver.Connector.
func (d *faultyDatabase) Connect(context.Context) (driver.Conn, error) {
	conn, err := d.own.Open(d.uri)
	if err != nil {
		return nil, err
	}
	return &faultyConn{sqliteConn: conn.(sqliteConn), p: d.p}, nil
}

// Driver implements driver.Connector.
func (d *faultyDatabase) Driver() driver.Driver { return d.own }

// sqliteConn is what a connection of the driver can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

type faultyConn struct {
	sqliteConn
	p    *process
	inTx bool // a connection is used by one at a time
}

func isWrite(query string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch strings.ToUpper(word) {
	case "SELECT", "PRAGMA":
		return false
	}
	return true
}

func (c *faultyConn) try(query string, do func() error) error {
	if isWrite(query) {
		return c.p.tryWhile(inDatabase, c.inTx, do)
	}
	if c.p.isDead() {
		return errDead
	}
	return do()
}

func (c *faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	err = c.try(query, func() (err error) { result, err = c.sqliteConn.ExecContext(ctx, query, args); return err })
	return result, err
}

func (c *faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.try(query, func() (err error) { rows, err = c.sqliteConn.QueryContext(ctx, query, args); return err })
	if err != nil && rows != nil {
		// It is done when its rows are read.
		one := make([]driver.Value, len(rows.Columns()))
		for rows.Next(one) == nil {
		}
		_ = rows.Close()
	}
	return rows, err
}

func (c *faultyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.p.isDead() {
		return nil, errDead
	}
	tx, err := c.sqliteConn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.inTx = true
	return &faultyTx{tx, c}, nil
}

type faultyTx struct {
	driver.Tx
	conn *faultyConn
}

// Rollback implements driver.Tx.
func (tx *faultyTx) Rollback() error {
	tx.conn.inTx = false
	return tx.Tx.Rollback()
}

// Commit implements driver.Tx. One that fails is taken back.
func (tx *faultyTx) Commit() error {
	done := false
	tx.conn.inTx = false
	err := tx.conn.p.try(inDatabase, func() error { done = true; return tx.Tx.Commit() })
	if !done {
		_ = tx.Tx.Rollback()
	}
	return err
}
