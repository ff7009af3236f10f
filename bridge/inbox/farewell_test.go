package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue/queuetest"
	"matrix-msn/database"
)

// A homeserver that is slow holds up a logout for some seconds and no longer: what it has not got by then is told of, all of it and
// nothing else.
func TestSlowHomeserverHoldsUpALogoutForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const texts = 10
		db, _ := queuetest.OpenDatabase(t, "home/alice")
		g := newGated(t, db)
		g.unlimited()
		g.Stop()
		var told []string
		g.tell = func(_ context.Context, text string) error {
			told = append(told, text)
			return nil
		}
		for n := range texts {
			g.Put(g.ctx, message("dm:bob", fmt.Sprint(n)))
		}
		began := time.Now()
		g.Farewell(g.ctx)
		took, shown := time.Since(began), g.shownIn("dm:bob") // one a second
		if took < bringAtLogout || took > bringAtLogout+finishAtLogout || len(shown) < 3 || len(shown) > 4 {
			t.Errorf("after %s are shown %q", took, shown)
		}
		if len(told) != 1 || !strings.HasPrefix(told[0], fmt.Sprintf("%d messages ", texts-len(shown))) {
			t.Errorf("%d of %d are shown, and told is %q", len(shown), texts, told)
		}
	})
}

// Only what somebody would miss is counted, and whoever has sent it named once.
func TestWhatIsLostAtALogout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		left    []database.WaitingMessages
		lost    int
		senders []string
	}{
		{},
		{[]database.WaitingMessages{{Sender: "bob", Kind: database.QueuedOffline, Count: 3}, {Sender: "bob", Kind: database.QueuedEdit, Count: 1},
			{Sender: "bob", Kind: database.QueuedLeft, Count: 1}, {Sender: "bob", Kind: database.QueuedBack, Count: 1}}, 0, nil},
		{[]database.WaitingMessages{{Sender: "bob", Kind: database.QueuedNote, Count: 1}, {Sender: "alice", Kind: database.QueuedText, Count: 1}}, 2, []string{"bob"}},
		{[]database.WaitingMessages{{Kind: database.QueuedAlert, Count: 2}}, 2, nil},
		{[]database.WaitingMessages{{Sender: "carol", Kind: database.FileQueued, Count: 1}, {Sender: "bob", Kind: database.QueuedText, Count: 2},
			{Sender: "carol", Kind: database.QueuedInk, Count: 4}}, 7, []string{"carol", "bob"}},
	} {
		lost, senders := lostOf(test.left, "alice")
		if lost != test.lost || !slices.Equal(senders, test.senders) {
			t.Errorf("of %+v are lost %d, of %q", test.left, lost, senders)
		}
	}
}

// However many have written, a few are named.
func TestSentenceOfWhatIsLostIsShort(t *testing.T) {
	t.Parallel()
	db, _ := queuetest.OpenDatabase(t, "home/alice")
	s := &side{db: db, closed: make(map[networkid.PortalID]bool)}
	b := s.start(t.Context())
	defer b.Stop()
	people := []string{"a@x", "b@x", "c@x", "d@x", "e@x", "f@x", "g@x"}
	for n, want := range []string{
		"may be lost.", "ask a@x to", "ask a@x and b@x to", "ask a@x, b@x and c@x to", "ask a@x, b@x, c@x and d@x to", "ask a@x, b@x, c@x, d@x and e@x to",
		"ask a@x, b@x, c@x, d@x, e@x and one more to", "ask a@x, b@x, c@x, d@x, e@x and 2 more people to",
	} {
		if text := b.lostSentence(t.Context(), 9, people[:n]); !strings.Contains(text, want) {
			t.Errorf("of %d people is said %q", n, text)
		}
	}
}
