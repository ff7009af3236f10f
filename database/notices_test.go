package database_test

import (
	"fmt"
	"testing"
	"time"

	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/database"
)

func TestAlertIsStoredOnceAndGoesIntoTheQueueOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		a := &database.Alert{LoginID: login, AlertID: "alert/1", ReceivedAt: time.UnixMilli(1_000_000_000_123), Kind: database.AlertKindAlert,
			SiteID: "111100200", NotificationID: "1", MessageID: "1", Category: "111100201", LCID: 2052, Priority: "1",
			ActionURL: "http://calendar.msn.com/a", SubscribeURL: "http://calendar.msn.com/s", IconURL: "http://calendar.msn.com/i.png",
			Text: "goto club ♥"}
		m := &database.QueuedMessage{LoginID: login, MessageID: a.AlertID, PortalID: "alerts", At: a.ReceivedAt, Kind: database.QueuedAlert}
		for _, first := range []bool{true, false} {
			if added, err := db.Alert.Put(ctx, a, m); err != nil || added != first {
				t.Fatalf("put: %v, %v", added, err)
			}
			if first { // shown meanwhile
				queue, err := db.MSNQueue.ForPortal(ctx, login, "alerts", 10)
				if err != nil || len(queue) != 1 || queue[0].Kind != database.QueuedAlert {
					t.Fatalf("the queue holds %v, %v", queue, err)
				}
				if _, err := db.MSNQueue.Remove(ctx, queue[0]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n, err := db.MSNQueue.Count(ctx, login, "alerts"); err != nil || n != 0 {
			t.Errorf("the repetition is in the queue: %d, %v", n, err)
		}
		a.Position, a.IconMXC = 1, "mxc://example.com/icon"
		if err := db.Alert.SetIcon(ctx, a); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Alert.Get(ctx, login, a.AlertID); err != nil || *got != *a {
			t.Errorf("got %+v, %v", got, err)
		}
		if got, err := db.Alert.WithIcon(ctx, login, a.IconURL, a.ReceivedAt); err != nil || got == nil || got.IconMXC != a.IconMXC {
			t.Errorf("the icon is %v, %v", got, err)
		}
		if got, err := db.Alert.WithIcon(ctx, login, a.IconURL, a.ReceivedAt.Add(time.Second)); err != nil || got != nil {
			t.Errorf("an old icon counts: %v, %v", got, err)
		}
		if got, err := db.Alert.Get(ctx, other, a.AlertID); err != nil || got != nil {
			t.Errorf("another login has it: %v, %v", got, err)
		}
	})
}

func TestOldAlertsGoUnlessTheyWait(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		put := func(n int, wait bool) {
			a := &database.Alert{LoginID: login, AlertID: networkid.MessageID(fmt.Sprint("alert/", n))}
			var m *database.QueuedMessage
			if wait {
				m = &database.QueuedMessage{LoginID: login, MessageID: a.AlertID, PortalID: "alerts"}
			}
			if _, err := db.Alert.Put(ctx, a, m); err != nil {
				t.Fatal(err)
			}
		}
		put(0, true)
		for n := range database.MaxAlerts + 1 {
			put(n+1, false)
		}
		for id, kept := range map[networkid.MessageID]bool{"alert/0": true, "alert/1": false, "alert/2": true} {
			if got, err := db.Alert.Get(ctx, login, id); err != nil || (got != nil) != kept {
				t.Errorf("%s: %v, %v", id, got, err)
			}
		}
		last, err := db.Alert.Last(ctx, login, 2)
		if err != nil || len(last) != 2 || last[0].AlertID != networkid.MessageID(fmt.Sprint("alert/", database.MaxAlerts+1)) {
			t.Errorf("the last are %v, %v", last, err)
		}
	})
}

func TestPageIsFoundByWhatItsBounceNames(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		at := time.UnixMilli(1_000_000_000_123)
		var pages []*database.Page
		for i, to := range []string{"bob@example.com", "eve@example.com", "bob@example.com"} {
			p := &database.Page{LoginID: login, PageID: fmt.Sprint("p", i), To: to, Text: "call & <me>", Callback: "HOME", CallbackNumber: "15551112222",
				RoomID: "!r:x", EventID: "$e", Sender: matrixUser, State: database.PageSending,
				WrittenAt: at.Add(time.Duration(i) * time.Second), UpdatedAt: at}
			if err := db.Page.Put(ctx, p); err != nil {
				t.Fatal(err)
			}
			p.TrID, p.SentAt = 7, p.WrittenAt
			p.UpdatedAt = p.SentAt
			if changed, err := db.Page.SetSent(ctx, p); err != nil || !changed {
				t.Fatal(err)
			}
			pages = append(pages, p)
		}
		if got, err := db.Page.Get(ctx, login, "p0"); err != nil || *got != *pages[0] {
			t.Errorf("got %+v, want %+v, %v", got, pages[0], err)
		}
		for _, test := range []struct {
			name, to string
			trID     uint32
			since    time.Time
			want     string
		}{
			{"the latest to that contact", "bob@example.com", 7, at, "p2"},
			{"another contact", "eve@example.com", 7, at, "p1"},
			{"to whomever", "", 7, at, "p2"},
			{"another transaction", "bob@example.com", 8, at, ""},
			{"too long ago", "bob@example.com", 7, at.Add(time.Hour), ""},
		} {
			got, err := db.Page.Sent(ctx, login, test.trID, test.to, test.since)
			if err != nil || got == nil && test.want != "" || got != nil && got.PageID != test.want {
				t.Errorf("%s: got %+v, %v", test.name, got, err)
			}
		}
		p := pages[2]
		p.State, p.Code, p.Told, p.UpdatedAt = database.PageBounced, "407", false, at.Add(time.Minute)
		for _, first := range []bool{true, false} {
			if changed, err := db.Page.Change(ctx, p, database.PageSending); err != nil || changed != first {
				t.Errorf("change: %v, %v", changed, err)
			}
		}
		if got, err := db.Page.Sent(ctx, login, 7, "bob@example.com", at); err != nil || got == nil || got.PageID != "p0" {
			t.Errorf("after the bounce: %+v, %v", got, err)
		}
		told := pages[1]
		told.State, told.Told = database.PagePaged, true
		if _, err := db.Page.Change(ctx, told, database.PageSending); err != nil {
			t.Fatal(err)
		}
		untold, err := db.Page.Untold(ctx, login)
		if err != nil || len(untold) != 2 || untold[0].PageID != "p0" || *untold[1] != *p {
			t.Errorf("untold are %v, %v", untold, err)
		}
	})
}

func TestInvitationsAreCountedOverAllLoginsOfAUser(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, _ *bridgedb.Database) {
		ctx := t.Context()
		at := time.UnixMilli(1_000_000_000_123)
		for i, id := range []networkid.UserLoginID{login, other, login} {
			if err := db.Invitation.Put(ctx, &database.Invitation{LoginID: id, ID: fmt.Sprint("i", i), Address: "carol@example.org", TextLength: 5,
				Sender: matrixUser, Outcome: database.InvitationSending, OrderedAt: at.Add(time.Duration(i) * time.Minute)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Invitation.SetOutcome(ctx, &database.Invitation{LoginID: other, ID: "i1", Outcome: database.InvitationOrdered}); err != nil {
			t.Fatal(err)
		}
		got, err := db.Invitation.Since(ctx, matrixUser, at)
		if err != nil || len(got) != 2 || got[0].Outcome != database.InvitationOrdered || got[0].TextLength != 5 || got[1].ID != "i2" {
			t.Errorf("got %v, %v", got, err)
		}
		if none, err := db.Invitation.Since(ctx, "@other:example.com", at); err != nil || len(none) != 0 {
			t.Errorf("another user has %v, %v", none, err)
		}
	})
}

func TestNoticesGoWithTheirLogin(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *database.Database, framework *bridgedb.Database) {
		ctx := t.Context()
		now := time.Now()
		if _, err := db.Alert.Put(ctx, &database.Alert{LoginID: login, AlertID: "a"}, nil); err != nil {
			t.Fatal(err)
		}
		if err := db.Page.Put(ctx, &database.Page{LoginID: login, PageID: "p", WrittenAt: now}); err != nil {
			t.Fatal(err)
		}
		if err := db.Invitation.Put(ctx, &database.Invitation{LoginID: login, ID: "i", Sender: matrixUser, OrderedAt: now}); err != nil {
			t.Fatal(err)
		}
		if err := framework.UserLogin.Delete(ctx, login); err != nil {
			t.Fatal(err)
		}
		alerts, err := db.Alert.Last(ctx, login, 10)
		if err != nil || len(alerts) != 0 {
			t.Errorf("alerts %v, %v", alerts, err)
		}
		pages, err := db.Page.Untold(ctx, login)
		if err != nil || len(pages) != 0 {
			t.Errorf("pages %v, %v", pages, err)
		}
		invitations, err := db.Invitation.Since(ctx, matrixUser, now.Add(-time.Hour))
		if err != nil || len(invitations) != 0 {
			t.Errorf("invitations %v, %v", invitations, err)
		}
	})
}
