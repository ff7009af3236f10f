package database_test

import (
	"context"
	"fmt"
	"testing"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/database"
)

// Of more accounts than one statement asks for those are found that have a ghost.
func TestGhostsThatThereAre(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		var ids []networkid.UserID
		for n := range 1201 {
			ids = append(ids, networkid.UserID(fmt.Sprintf("home/%d@example.com", n)))
		}
		there := map[networkid.UserID]bool{ids[0]: true, ids[499]: true, ids[500]: true, ids[1200]: true}
		for id := range there {
			if err := framework.Ghost.Insert(ctx, &bridgedb.Ghost{ID: id, Metadata: map[string]any{}}); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() {
			for id := range there {
				if _, err := framework.Exec(context.WithoutCancel(ctx), "DELETE FROM ghost WHERE id=$1", id); err != nil {
					t.Error(err)
				}
			}
		})
		got, err := db.Ghost.Existing(ctx, ids)
		if err != nil || len(got) != len(there) {
			t.Errorf("there are %v, %v", got, err)
		}
		for id := range there {
			if !got[id] {
				t.Errorf("%s is not found", id)
			}
		}
		if none, err := db.Ghost.Existing(ctx, nil); err != nil || len(none) != 0 {
			t.Errorf("of nobody there are %v, %v", none, err)
		}
	})
}
