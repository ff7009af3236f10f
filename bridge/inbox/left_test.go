package inbox

import (
	"testing"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/database"
)

// Of what was there before a start only the first of each room can have been half-way, and what
// came after it not at all: whatever the times of the rows say.
func TestFirstOfWhatWasLeft(t *testing.T) {
	var l left
	l.isNew("bob", 5) // nothing has been started: nothing is new
	l.reset()
	first := func(portal networkid.PortalID, position int64) bool {
		return l.first(&database.QueuedMessage{PortalID: portal, Position: position})
	}
	l.isNew("carol", 100)
	l.isNew("carol", 101)
	for _, test := range []struct {
		portal   networkid.PortalID
		position int64
		want     bool
	}{
		{"bob", 7, true}, {"bob", 8, false}, {"bob", 7, true},
		{"carol", 99, true}, {"carol", 100, false}, {"carol", 101, false},
	} {
		if got := first(test.portal, test.position); got != test.want {
			t.Errorf("%s %d is first: %t", test.portal, test.position, got)
		}
	}
	l.reset()
	if !first("carol", 101) {
		t.Error("what has come before another start is not looked for")
	}
}
