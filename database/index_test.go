package database_test

import (
	"strings"
	"testing"

	"go.mau.fi/util/dbutil"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"

	"matrix-msn/database"
)

// What is asked for one account is found without reading those of everybody.
func TestRowsOfOneAccountAreFoundWithoutThoseOfAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		for range 2 { // each start does
			if err := db.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if framework.Dialect != dbutil.SQLite {
			return // PostgreSQL decides by what is in the table
		}
		for _, query := range database.OfOneAccount() {
			rows, err := framework.Query(t.Context(), "EXPLAIN QUERY PLAN "+query, "", login, "home/")
			plan, err := dbutil.NewRowIterWithError(rows, func(row dbutil.Scannable) (detail string, err error) {
				var ignored int
				return detail, row.Scan(&ignored, &ignored, &ignored, &detail)
			}, err).AsList()
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range plan {
				if strings.HasSuffix(step, "(bridge_id=?)") || strings.HasPrefix(step, "SCAN portal") || strings.HasPrefix(step, "SCAN ghost") {
					t.Errorf("%s\nis answered by\n%s", query, strings.Join(plan, "\n"))
					break
				}
			}
		}
	})
}
