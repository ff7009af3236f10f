package e2e

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver

	"matrix-msn/internal/postgrestest"
)

// outages are what a database on a server of its own can do to a bridge, and one in a file cannot.
func outages(server *postgrestest.Server, uri string) []fault {
	down := func(crash bool, lastsFor time.Duration) func(*crowd) {
		return func(c *crowd) {
			if err := server.Down(crash); err != nil {
				c.t.Fatal(err)
			}
			lasts(lastsFor)
			if err := server.Up(c.t.Context()); err != nil {
				c.t.Fatal(err)
			}
			c.goesOn()
		}
	}
	return []fault{
		{name: "PostgreSQL is restarted", make: down(false, 0)},
		{name: "PostgreSQL is away for three seconds", make: down(false, 3*time.Second)},
		{name: "PostgreSQL crashes", make: down(true, time.Second)},
		{name: "the tables are locked for four seconds", make: func(c *crowd) {
			if err := locked(c.t.Context(), uri, 4*time.Second); err != nil {
				c.t.Fatal(err)
			}
			c.goesOn()
		}},
	}
}

// locked keeps everybody from the tables that a text goes through.
func locked(ctx context.Context, uri string, d time.Duration) (err error) {
	db, err := sql.Open("postgres", uri)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "LOCK TABLE intake, matrix_queue, msn_queue, message, user_portal, portal IN ACCESS EXCLUSIVE MODE"); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	lasts(d)
	return tx.Rollback()
}

// goesOn starts the bridge again if it has ended, as systemd does.
func (c *crowd) goesOn() {
	lasts(time.Second) // it says nowhere that it is about to end
	if c.bridge.Ended() {
		_ = c.bridge.Kill()
		c.start()
	}
}

// What was written on either side while PostgreSQL is away, or answers nothing, arrives once and in order, or its writer is told.
func TestOutagesOfPostgreSQL(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context())
	if errors.Is(err, postgrestest.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	uri, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(t, crowdOptions{id: "outages", settings: map[string]any{"database.type": "postgres", "database.uri": uri}})
	c.gather()
	table := newTable(t, "")
	defer table.end()
	run := 0
	for range *faultRounds {
		for _, f := range outages(server, uri) {
			c.goesWrong(f, run, table)
			run++
		}
	}
}
