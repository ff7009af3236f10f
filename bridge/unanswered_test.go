package bridge

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/event"
)

// The database is away when the framework asks it whose login an event is for, or what an edit is of: what was written then
// goes out when it is back, in order and once, and nobody is told that it failed.
func TestWhatTheFrameworkCannotLookUpGoesOutLater(t *testing.T) {
	t.Parallel()
	takeSnapshot(t)
	for _, table := range []string{"user_portal", "message"} {
		t.Run(table, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				w.start()
				w.online(bob, true)
				first := w.text(bob, "first")
				w.pass(10 * time.Second)

				w.b.exec("ALTER TABLE " + table + " RENAME TO away")
				w.edit(first, "first, changed")
				w.text(bob, "second")
				w.pass(10 * time.Second)
				w.b.exec("ALTER TABLE away RENAME TO " + table)
				w.text(bob, "third")
				w.pass(5 * time.Minute)

				w.ledger.mu.Lock()
				heard := slices.Clone(w.ledger.arrived[bob])
				w.ledger.mu.Unlock()
				if want := []string{"first", "* first, changed", "second", "third"}; !slices.Equal(heard, want) {
					t.Errorf("they heard %q, want %q", heard, want)
				}
				for _, r := range w.matrix.all(func(r record) bool {
					return r.kind == "status" && r.status != event.MessageStatusSuccess && r.status != event.MessageStatusPending
				}) {
					t.Errorf("told %+v", r)
				}
				w.end()
			})
		})
	}
}
