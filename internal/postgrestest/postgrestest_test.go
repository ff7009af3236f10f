package postgrestest

import (
	"database/sql"
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestEachDatabaseIsEmptyAndTakesWrites(t *testing.T) {
	t.Parallel()
	for range 2 {
		db, err := sql.Open("postgres", URI(t))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (n integer)"); err != nil {
			t.Error(err)
		}
	}
}

func TestStoppedServerLeavesNothing(t *testing.T) {
	t.Parallel()
	URI(t) // skips where there is none
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("its directory: %v", err)
	}
	if _, err := s.Database(t.Context()); err == nil {
		t.Error("it makes databases when it has ended")
	}
}
