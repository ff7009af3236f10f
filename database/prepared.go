package database

import (
	"container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lib/pq"
)

const (
	// preparedPostgres is the type of a database at PostgreSQL whose connections keep their statements. It begins as the
	// framework wants it of PostgreSQL.
	preparedPostgres = "postgres-prepared"
	// maxPrepared is how many statements a connection keeps: those that were used last. Those of the bridge and of the
	// framework are fewer; what is put together anew each time soon makes room again.
	maxPrepared = 256
)

func init() { sql.Register(preparedPostgres, preparing{}) }

// preparing is lib/pq with connections that prepare a statement once. By itself it does so for each use, which takes the server
// twice as long and a second way there and back.
type preparing struct{}

// Open implements driver.Driver.
func (preparing) Open(uri string) (driver.Conn, error) {
	opened, err := pq.Driver{}.Open(uri)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(postgresConn)
	if !ok {
		_ = opened.Close() // it was not used
		return nil, fmt.Errorf("the driver of PostgreSQL has connections of a type that is not known, %T", opened)
	}
	return &preparedConn{postgresConn: conn, statements: make(map[string]*list.Element)}, nil
}

// postgresConn is what a connection of lib/pq can do.
type postgresConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.QueryerContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// preparedStatement is what a statement of lib/pq can do.
type preparedStatement interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

// preparedConn is a connection that keeps its statements. One uses it at a time, as with all of database/sql.
type preparedConn struct {
	postgresConn
	statements map[string]*list.Element // of *kept
	latest     list.List                // of *kept, what was used last first
	outdated   bool                     // a statement is not what it was when it was prepared
}

// kept is a statement that a connection keeps.
type kept struct {
	query     string
	statement preparedStatement
}

// QueryContext implements driver.QueryerContext.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	statement, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if statement == nil {
		return c.postgresConn.QueryContext(ctx, query, args)
	}
	rows, err := statement.QueryContext(ctx, args)
	return rows, c.look(err)
}

// ExecContext implements driver.ExecerContext.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	statement, err := c.prepared(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if statement == nil {
		return c.postgresConn.ExecContext(ctx, query, args)
	}
	result, err := statement.ExecContext(ctx, args)
	return result, c.look(err)
}

// IsValid implements driver.Validator: a connection whose statements are outdated is not used again.
func (c *preparedConn) IsValid() bool { return !c.outdated && c.postgresConn.IsValid() }

// prepared returns a statement that is kept, or nil for one that is not: without arguments it is sent as it is.
func (c *preparedConn) prepared(ctx context.Context, query string, args []driver.NamedValue) (preparedStatement, error) {
	if len(args) == 0 {
		return nil, nil
	}
	if place := c.statements[query]; place != nil {
		c.latest.MoveToFront(place)
		return place.Value.(*kept).statement, nil
	}
	if len(c.statements) >= maxPrepared {
		oldest := c.latest.Remove(c.latest.Back()).(*kept)
		delete(c.statements, oldest.query)
		if err := oldest.statement.Close(); err != nil {
			return nil, err
		}
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	statement, ok := made.(preparedStatement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver of PostgreSQL has statements of a type that is not known, %T", made), made.Close())
	}
	c.statements[query] = c.latest.PushFront(&kept{query, statement})
	return statement, nil
}

// look looks whether an error says that a statement is not what it was when it was prepared: a table has changed since,
// or something between the bridge and the server has forgotten it.
func (c *preparedConn) look(err error) error {
	if refused, ok := errors.AsType[*pq.Error](err); ok {
		switch refused.Code {
		case "0A000", "26000": // feature not supported, invalid statement name
			c.outdated = true
		}
	}
	return err
}
