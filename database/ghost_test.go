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
		var accounts []string
		for n := range 1201 {
			accounts = append(accounts, fmt.Sprintf("%d@example.com", n))
			ids = append(ids, networkid.UserID("home/"+accounts[n]))
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
		got, err := db.Ghost.Shown(ctx, login, "home/", "dm:", accounts)
		if err != nil || len(got) != len(there) {
			t.Errorf("there are %v, %v", got, err)
		}
		for _, shown := range got {
			if !there[shown.Ghost] || shown.Room.RoomID != "" {
				t.Errorf("found is %+v", shown)
			}
		}
		if none, err := db.Ghost.Shown(ctx, login, "home/", "dm:", nil); err != nil || len(none) != 0 {
			t.Errorf("of nobody there are %v, %v", none, err)
		}
	})
}
