package database_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

// Of what waits it is known for which portals there is no room, in each login by itself.
func TestPortalsWithoutRoomsForWhichMessagesWait(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		put := func(to networkid.UserLoginID, id networkid.MessageID, portal networkid.PortalID, body string) {
			t.Helper()
			m := &database.QueuedMessage{LoginID: to, MessageID: id, PortalID: portal, Body: body, At: time.Now()}
			if added, err := db.MSNQueue.Put(ctx, m); err != nil || !added {
				t.Fatal(added, err)
			}
		}
		for _, portal := range []*bridgedb.Portal{
			{PortalKey: networkid.PortalKey{ID: "dm:bob", Receiver: login}, MXID: "!bob:x"},
			{PortalKey: networkid.PortalKey{ID: "dm:carol", Receiver: login}},
			{PortalKey: networkid.PortalKey{ID: "dm:dave", Receiver: other}, MXID: "!dave:x"},
		} {
			portal.Metadata = map[string]any{}
			if err := framework.Portal.Insert(ctx, portal); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := framework.Portal.Delete(context.WithoutCancel(ctx), portal.PortalKey); err != nil {
					t.Error(err)
				}
			})
		}
		for _, portal := range []networkid.PortalID{"dm:bob", "dm:carol", "dm:dave"} {
			put(login, networkid.MessageID(portal)+"1", portal, "first")
			put(login, networkid.MessageID(portal)+"2", portal, "second")
		}
		put(other, "theirs", "dm:eve", "x")
		for key, want := range map[networkid.PortalKey]id.RoomID{
			{ID: "dm:bob", Receiver: login}: "!bob:x", {ID: "dm:carol", Receiver: login}: "", {ID: "dm:bob", Receiver: other}: "", {ID: "dm:dave", Receiver: other}: "!dave:x",
		} {
			if room, err := db.Portal.Room(ctx, key, func(id.RoomID) bool { return true }); err != nil || room != want {
				t.Errorf("the room of %v is %q, %v", key, room, err)
			}
		}
		got, err := db.MSNQueue.Roomless(ctx, login)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, []networkid.PortalID{"dm:carol", "dm:dave"}) {
			t.Errorf("without a room are %q, %v", got, err)
		}
		if last, err := db.MSNQueue.Last(ctx, login, "dm:dave"); err != nil || last == nil || last.Body != "second" {
			t.Errorf("the last is %+v, %v", last, err)
		}
		if last, err := db.MSNQueue.Last(ctx, login, "dm:eve"); err != nil || last != nil {
			t.Errorf("the last of another login is %+v, %v", last, err)
		}
		for id, want := range map[networkid.MessageID]bool{"dm:bob1": true, "dm:bob3": false, "theirs": false} {
			if has, err := db.MSNQueue.Has(ctx, login, id); err != nil || has != want {
				t.Errorf("%s waits: %t, %v", id, has, err)
			}
		}
	})
}

// A room is asked for once, and again when it is not that of its portal any more.
func TestRoomOfPortalIsRemembered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		portal := &bridgedb.Portal{PortalKey: networkid.PortalKey{ID: "dm:bob", Receiver: login}, Metadata: map[string]any{}}
		if err := framework.Portal.Insert(ctx, portal); err != nil {
			t.Fatal(err)
		}
		look := func(want id.RoomID, still bool) {
			t.Helper()
			if room, err := db.Portal.Room(ctx, portal.PortalKey, func(id.RoomID) bool { return still }); err != nil || room != want {
				t.Errorf("the room is %q and not %q, %v", room, want, err)
			}
		}
		move := func(to id.RoomID) {
			t.Helper()
			portal.MXID = to
			if err := framework.Portal.Update(ctx, portal); err != nil {
				t.Fatal(err)
			}
		}
		look("", true)
		move("!one:x")
		look("!one:x", true) // that there is none is not remembered
		move("!two:x")
		look("!one:x", true)
		look("!two:x", false)
		look("!two:x", true)
		move("")
		look("", false)
		look("", true)
		if err := framework.Portal.Delete(ctx, portal.PortalKey); err != nil {
			t.Fatal(err)
		}
		look("", true)
	})
}

// A login looks at the names of those ghosts only that its user sees.
func TestGhostsWithoutNamesAreThoseInRoomsOfTheLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		for id, named := range map[networkid.UserID]bool{"home/bob": false, "home/carol": false, "home/dave": false, "home/eve": false, "home/frank": true} {
			if err := framework.Ghost.Insert(ctx, &bridgedb.Ghost{ID: id, NameSet: named, Metadata: map[string]any{}}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if _, err := framework.Exec(context.WithoutCancel(ctx), `DELETE FROM ghost WHERE id=$1`, id); err != nil {
					t.Error(err)
				}
			})
		}
		for _, portal := range []*bridgedb.Portal{
			{PortalKey: networkid.PortalKey{ID: "dm:bob", Receiver: login}, OtherUserID: "home/bob", MXID: "!bob:x"},
			{PortalKey: networkid.PortalKey{ID: "dm:eve", Receiver: other}, OtherUserID: "home/eve", MXID: "!eve:x"},
			{PortalKey: networkid.PortalKey{ID: "dm:dave", Receiver: login}, OtherUserID: "home/dave"},
			{PortalKey: networkid.PortalKey{ID: "dm:frank", Receiver: login}, OtherUserID: "home/frank", MXID: "!frank:x"},
		} {
			portal.Metadata = map[string]any{}
			if err := framework.Portal.Insert(ctx, portal); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := framework.Portal.Delete(context.WithoutCancel(ctx), portal.PortalKey); err != nil {
					t.Error(err)
				}
			})
		}
		if _, err := db.Group.Put(ctx, login, "g", "carol", "frank"); err != nil {
			t.Fatal(err)
		}
		got, err := db.Ghost.Unnamed(ctx, login, "home/")
		slices.Sort(got)
		if err != nil || !slices.Equal(got, []networkid.UserID{"home/bob", "home/carol"}) {
			t.Errorf("without names are %q, %v", got, err)
		}
		for account, want := range map[string][]string{"carol": {"g"}, "bob": nil} {
			if groups, err := db.Group.With(ctx, login, account); err != nil || !slices.Equal(groups, want) {
				t.Errorf("%s is in %q, %v", account, groups, err)
			}
		}
	})
}

// Whom a login has a room with: each other once, whoever is in a group chat too, and nobody of
// another login. The list of those who are not shown as offline is kept.
func TestGhostsInRoomsAndShownAsOnline(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		for who, room := range map[string]string{"bob": "!bob:x", "carol": "", "dave": "!dave:x"} {
			owner := login
			if who == "dave" {
				owner = other
			}
			ghost := &bridgedb.Ghost{ID: networkid.UserID("home/" + who), Metadata: map[string]any{}}
			if err := framework.Ghost.Insert(ctx, ghost); err != nil {
				t.Fatal(err)
			}
			portal := &bridgedb.Portal{PortalKey: networkid.PortalKey{ID: networkid.PortalID("dm:" + who), Receiver: owner}, MXID: id.RoomID(room),
				OtherUserID: ghost.ID, RoomType: bridgedb.RoomTypeDM, Metadata: map[string]any{}}
			if err := framework.Portal.Insert(ctx, portal); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := framework.Portal.Delete(context.WithoutCancel(ctx), portal.PortalKey); err != nil {
					t.Error(err)
				}
				if _, err := framework.Exec(context.WithoutCancel(ctx), `DELETE FROM ghost WHERE id=$1`, ghost.ID); err != nil {
					t.Error(err)
				}
			})
		}
		for _, group := range []string{"one", "two"} {
			if _, err := db.Group.Put(ctx, login, group, "bob", "eve"); err != nil {
				t.Fatal(err)
			}
		}
		got, err := db.Ghost.InRooms(ctx, login, "home/")
		slices.Sort(got)
		if err != nil || !slices.Equal(got, []networkid.UserID{"home/bob", "home/eve"}) {
			t.Errorf("there are rooms with %q, %v", got, err)
		}
		for _, ghost := range []networkid.UserID{"home/eve", "home/bob", "home/eve"} {
			if err := db.Presence.Put(ctx, ghost); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := db.Presence.All(ctx); err != nil || !slices.Equal(got, []networkid.UserID{"home/bob", "home/eve"}) {
			t.Errorf("online are %q, %v", got, err)
		}
		for _, ghost := range []networkid.UserID{"home/eve", "home/nobody", "home/bob"} {
			if err := db.Presence.Delete(ctx, ghost); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := db.Presence.All(ctx); err != nil || len(got) > 0 {
			t.Errorf("online are %q, %v", got, err)
		}
	})
}

// How people are shown is found with the room of the login alone. A room counts as one with a picture too when it is not sure that
// it has none.
func TestHowPeopleAreShown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		accounts := []string{"with", "unsure", "without", "roomless", "others", "nobody"}
		for _, portal := range []*bridgedb.Portal{
			{PortalKey: networkid.PortalKey{ID: "dm:with", Receiver: login}, MXID: "!with:x", AvatarID: "a", AvatarSet: true, Name: "With", NameSet: true, NameIsCustom: true},
			{PortalKey: networkid.PortalKey{ID: "dm:unsure", Receiver: login}, MXID: "!unsure:x"},
			{PortalKey: networkid.PortalKey{ID: "dm:without", Receiver: login}, MXID: "!without:x", AvatarSet: true},
			{PortalKey: networkid.PortalKey{ID: "dm:roomless", Receiver: login}, AvatarID: "a"},
			{PortalKey: networkid.PortalKey{ID: "dm:others", Receiver: other}, MXID: "!others:x", AvatarID: "a"},
		} {
			portal.Metadata = map[string]any{"shared": true}
			if err := framework.Portal.Insert(ctx, portal); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := framework.Portal.Delete(context.WithoutCancel(ctx), portal.PortalKey); err != nil {
					t.Error(err)
				}
			})
		}
		ghosts := []*bridgedb.Ghost{
			{ID: "home/with", AvatarID: "a", Name: "With", NameSet: true}, {ID: "home/without", AvatarSet: true},
			{ID: "home/unsure"}, {ID: "home/roomless"}, {ID: "home/others"},
		}
		for _, ghost := range ghosts {
			ghost.Metadata = map[string]any{"told": string(ghost.ID)}
			if err := framework.Ghost.Insert(ctx, ghost); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if _, err := framework.Exec(context.WithoutCancel(ctx), "DELETE FROM ghost WHERE id=$1", ghost.ID); err != nil {
					t.Error(err)
				}
			})
		}
		got, err := db.Ghost.Shown(ctx, login, "home/", "dm:", accounts)
		if err != nil || len(got) != len(ghosts) {
			t.Errorf("shown are %v, %v", got, err)
		}
		for _, shown := range got {
			var told, kept struct {
				Told   string
				Shared bool
			}
			if err := errors.Join(json.Unmarshal(shown.Metadata, &told), json.Unmarshal(shown.Room.Metadata, &kept)); err != nil || told.Told != string(shown.Ghost) {
				t.Errorf("of %s is kept %s, %s, %v", shown.Ghost, shown.Metadata, shown.Room.Metadata, err)
			}
			is := *shown
			is.Metadata, is.Room.Metadata = nil, nil
			want := map[networkid.UserID]database.Shown{
				"home/with": {Name: "With", NameSet: true, Pictured: true,
					Room: database.ShownRoom{RoomID: "!with:x", Name: "With", NameSet: true, NameIsCustom: true, Pictured: true}},
				"home/unsure":  {Room: database.ShownRoom{RoomID: "!unsure:x", Pictured: true}},
				"home/without": {Room: database.ShownRoom{RoomID: "!without:x"}},
			}[shown.Ghost]
			if want.Ghost = shown.Ghost; !reflect.DeepEqual(is, want) {
				t.Errorf("%+v, want %+v", is, want)
			}
			if own := shown.Ghost != "home/others"; kept.Shared != own {
				t.Errorf("of the room with %s is kept %s", shown.Ghost, shown.Room.Metadata)
			}
		}
	})
}
