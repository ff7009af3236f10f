package database_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
)

// oldKinds are all kinds, each with how a row of a time is put in, and how it is looked for.
var oldKinds = []struct {
	kind database.OldKind
	put  func(ctx context.Context, db *database.Database, framework *bridgedb.Database, key string, at time.Time) error
	find string // the query for a key
}{
	{database.OldAlerts, func(ctx context.Context, db *database.Database, _ *bridgedb.Database, key string, at time.Time) error {
		_, err := db.Alert.Put(ctx, &database.Alert{LoginID: login, AlertID: networkid.MessageID(key), ReceivedAt: at}, nil)
		return err
	}, "SELECT COUNT(*) FROM alert WHERE alert_id=$1"},
	{database.OldPages, func(ctx context.Context, db *database.Database, _ *bridgedb.Database, key string, at time.Time) error {
		return db.Page.Put(ctx, &database.Page{LoginID: login, PageID: key, Told: true, WrittenAt: at, UpdatedAt: at})
	}, "SELECT COUNT(*) FROM page WHERE page_id=$1"},
	{database.OldInvitations, func(ctx context.Context, db *database.Database, _ *bridgedb.Database, key string, at time.Time) error {
		return db.Invitation.Put(ctx, &database.Invitation{LoginID: login, ID: key, Sender: matrixUser, OrderedAt: at})
	}, "SELECT COUNT(*) FROM invitation WHERE invitation_id=$1"},
	{database.OldPictures, func(ctx context.Context, db *database.Database, framework *bridgedb.Database, key string, at time.Time) error {
		if err := db.Object.Put(ctx, &database.Object{Hash: key}); err != nil {
			return err
		}
		_, err := framework.Exec(ctx, "UPDATE object SET used_at=$1 WHERE hash=$2", at.UnixMilli(), key)
		return err
	}, "SELECT COUNT(*) FROM object WHERE hash=$1"},
	{database.OldMessages, putMessage, "SELECT COUNT(*) FROM message WHERE id=$1"},
}

func putMessage(ctx context.Context, _ *database.Database, framework *bridgedb.Database, key string, at time.Time) error {
	room := networkid.PortalKey{ID: "dm:bob@example.com", Receiver: login}
	if portal, err := framework.Portal.GetByKey(ctx, room); err != nil {
		return err
	} else if portal == nil {
		if err := framework.Portal.Insert(ctx, &bridgedb.Portal{PortalKey: room, MXID: "!r:x"}); err != nil {
			return err
		}
		if err := framework.Ghost.Insert(ctx, &bridgedb.Ghost{ID: "home/bob@example.com"}); err != nil {
			return err
		}
	}
	return framework.Message.Insert(ctx, &bridgedb.Message{
		ID: networkid.MessageID(key), MXID: id.EventID("$" + key), Room: room, SenderID: "home/bob@example.com", Timestamp: at,
	})
}

// withoutOld takes away what belongs to no login.
func withoutOld(t *testing.T, framework *bridgedb.Database) {
	t.Cleanup(func() {
		for _, table := range []string{"object", "portal", "ghost"} {
			if _, err := framework.Exec(context.WithoutCancel(t.Context()), "DELETE FROM "+table); err != nil {
				t.Error(err)
			}
		}
	})
}

func countOf(t *testing.T, framework *bridgedb.Database, query, key string) (n int) {
	t.Helper()
	if err := framework.QueryRow(t.Context(), query, key).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What is older than a time goes, and what is exactly of that time stays.
func TestWhatIsOldIsForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		withoutOld(t, framework)
		before := time.UnixMilli(1_700_000_000_123)
		for _, old := range oldKinds {
			for key, at := range map[string]time.Time{
				"older": before.Add(-time.Millisecond), "exactly": before, "newer": before.Add(time.Millisecond),
			} {
				if err := old.put(ctx, db, framework, key, at); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := db.Old.Forget(ctx, old.kind, before, 10); err != nil || n != 1 {
				t.Errorf("%s: forgot %d, %v", old.kind, n, err)
			}
			for key, want := range map[string]int{"older": 0, "exactly": 1, "newer": 1} {
				if got := countOf(t, framework, old.find, key); got != want {
					t.Errorf("%s: of what is %s there are %d", old.kind, key, got)
				}
			}
			if n, err := db.Old.Forget(ctx, old.kind, before, 10); err != nil || n != 0 {
				t.Errorf("%s: forgot %d more, %v", old.kind, n, err)
			}
		}
		if _, err := db.Old.Forget(ctx, "people", before, 10); err == nil {
			t.Error("what is no kind is forgotten")
		}
	})
}

// It goes in small parts, and two processes that forget at once get in nobody's way.
func TestTwoProcessesForgetAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		withoutOld(t, framework)
		now := time.Now()
		const rows, limit = 70, 10
		for _, old := range oldKinds {
			for i := range rows {
				if err := old.put(ctx, db, framework, fmt.Sprint("k", i), now.Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			if err := old.put(ctx, db, framework, "new", now); err != nil {
				t.Fatal(err)
			}
			if n, err := db.Old.Forget(ctx, old.kind, now.Add(-time.Minute), limit); err != nil || n != limit {
				t.Errorf("%s: the first part is %d, %v", old.kind, n, err)
			}
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					for range rows {
						n, err := db.Old.Forget(ctx, old.kind, now.Add(-time.Minute), limit)
						if err != nil || n > limit {
							t.Errorf("%s: %d, %v", old.kind, n, err)
						}
					}
				})
			}
			both.Wait()
			for i := range rows {
				if n := countOf(t, framework, old.find, fmt.Sprint("k", i)); n != 0 {
					t.Errorf("%s: number %d is there", old.kind, i)
				}
			}
			if n := countOf(t, framework, old.find, "new"); n != 1 {
				t.Errorf("%s: what is new is gone", old.kind)
			}
		}
	})
}

// What waits, and what something that waits is about, is not forgotten however old it is. It goes when that is dealt with.
func TestWhatIsStillOfUseIsNotForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		withoutOld(t, framework)
		long := time.UnixMilli(1_000_000_000_123)
		queued := func(message, replaces networkid.MessageID, emoticons database.Emoticons) *database.QueuedMessage {
			return &database.QueuedMessage{LoginID: login, MessageID: message, Replaces: replaces, Emoticons: emoticons, PortalID: "dm:bob@example.com", At: long}
		}
		alert := queued("alert", "", nil)
		if added, err := db.Alert.Put(ctx, &database.Alert{LoginID: login, AlertID: "alert", ReceivedAt: long}, alert); err != nil || !added {
			t.Fatal(added, err)
		}
		page := &database.Page{LoginID: login, PageID: "page", State: database.PageSending, WrittenAt: long, UpdatedAt: long}
		if err := db.Page.Put(ctx, page); err != nil {
			t.Fatal(err)
		}
		going := putEvent(t, db, "$going")
		for _, message := range []string{"coming", "edited", "going", "file"} {
			if err := putMessage(ctx, db, framework, message, long); err != nil {
				t.Fatal(err)
			}
		}
		coming, edit := queued("coming", "", nil), queued("edit", "edited", database.Emoticons{{Shortcut: "(cat)", Picture: "cat"}})
		for _, m := range []*database.QueuedMessage{coming, edit} {
			if _, err := db.MSNQueue.Put(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		file := &database.QueuedFile{LoginID: login, EventID: "$file", PortalID: "dm:bob@example.com", WrittenAt: long}
		if _, err := db.FileQueue.Put(ctx, file); err != nil {
			t.Fatal(err)
		}
		if err := oldKinds[3].put(ctx, db, framework, "cat", long); err != nil {
			t.Fatal(err)
		}
		forget := func(kind database.OldKind, want int) {
			t.Helper()
			if n, err := db.Old.Forget(ctx, kind, time.Now(), 100); err != nil || n != want {
				t.Errorf("%s: forgot %d, want %d, %v", kind, n, want, err)
			}
		}
		for _, old := range oldKinds {
			forget(old.kind, 0)
		}
		// Whoever works on a row owns it.
		for _, m := range []*database.QueuedMessage{alert, coming, edit} {
			if _, err := db.MSNQueue.Take(ctx, login, "dm:bob@example.com", 0, 10, "run"); err != nil {
				t.Fatal(err)
			}
			m.Owner = "run"
		}
		for _, old := range oldKinds {
			forget(old.kind, 0)
		}
		for _, m := range []*database.QueuedMessage{alert, coming, edit} {
			if removed, err := db.MSNQueue.Remove(ctx, m); err != nil || !removed {
				t.Fatalf("%s: %v, %v", m.MessageID, removed, err)
			}
		}
		if removed, err := db.MatrixQueue.Remove(ctx, going); err != nil || !removed {
			t.Fatal(removed, err)
		}
		if removed, err := db.FileQueue.Remove(ctx, file); err != nil || !removed {
			t.Fatal(removed, err)
		}
		page.State, page.Told = database.PageUncertain, true
		if changed, err := db.Page.Change(ctx, page, database.PageSending); err != nil || !changed {
			t.Fatal(changed, err)
		}
		forget(database.OldAlerts, 1)
		forget(database.OldPages, 1)
		forget(database.OldPictures, 1)
		forget(database.OldMessages, 4)
	})
}

// A message that came late is old from the start: it goes with its neighbours, and holds none of them up. Reactions go with what
// they are to.
func TestMessagesGoInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		withoutOld(t, framework)
		now := time.Now()
		for i, age := range []int{9, 8, 3, 9, 7, 2, 1} {
			if err := putMessage(ctx, db, framework, fmt.Sprint(i), now.Add(-time.Duration(age)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := framework.Reaction.Upsert(ctx, &bridgedb.Reaction{
			Room: networkid.PortalKey{ID: "dm:bob@example.com", Receiver: login}, MessageID: "0", SenderID: "home/bob@example.com", MXID: "$r", Emoji: "👍",
		}); err != nil {
			t.Fatal(err)
		}
		var gone []int
		for range 4 {
			n, err := db.Old.Forget(ctx, database.OldMessages, now.Add(-5*time.Hour), 3)
			if err != nil {
				t.Fatal(err)
			}
			gone = append(gone, n)
		}
		if fmt.Sprint(gone) != "[2 2 0 0]" {
			t.Errorf("went %v", gone)
		}
		if n := countOf(t, framework, "SELECT COUNT(*) FROM reaction WHERE message_id=$1", "0"); n != 0 {
			t.Error("the reaction is left")
		}
	})
}

// A message whose time is ahead of the clock keeps no others.
func TestMessagesOfAWrongTimeHoldUpNoOthers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		withoutOld(t, framework)
		now := time.Now()
		for key, at := range map[string]time.Time{"future": now.AddDate(50, 0, 0), "far": now.AddDate(50, 0, 0), "further": now.AddDate(60, 0, 0)} {
			if err := putMessage(t.Context(), db, framework, key, at); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 5 {
			if err := putMessage(t.Context(), db, framework, fmt.Sprint("old", i), now.AddDate(-1, 0, 0)); err != nil {
				t.Fatal(err)
			}
		}
		all := 0
		for range 10 {
			n, err := db.Old.Forget(t.Context(), database.OldMessages, now.AddDate(0, -3, 0), 3)
			if err != nil {
				t.Fatal(err)
			}
			all += n
		}
		if all != 8 {
			t.Errorf("%d messages were forgotten", all)
		}
	})
}

// An offline message is known for ever: the service may bring it again however late. It keeps no others.
func TestOfflineMessagesAreNotForgotten(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		withoutOld(t, framework)
		long := time.Now().AddDate(-1, 0, 0)
		for i := range 5 {
			if err := putMessage(t.Context(), db, framework, string(msnid.MakeOfflineMessageID(fmt.Sprint(i), 0)), long); err != nil {
				t.Fatal(err)
			}
		}
		if err := putMessage(t.Context(), db, framework, "said", long); err != nil {
			t.Fatal(err)
		}
		if n, err := db.Old.Forget(t.Context(), database.OldMessages, time.Now(), 3); err != nil || n != 1 {
			t.Errorf("%d were forgotten, %v", n, err)
		}
		if n, err := db.Old.Forget(t.Context(), database.OldMessages, time.Now(), 3); err != nil || n != 0 {
			t.Errorf("%d more were forgotten, %v", n, err)
		}
	})
}
