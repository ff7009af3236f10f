package people

import (
	"testing"
	"time"
)

func TestNotesOfAMemberAreCounted(t *testing.T) {
	t.Parallel()
	const bob, carol = "bob@example.com", "carol@example.com"
	var n Notes
	now := time.Now()
	for i := range maxMemberNotes + 1 {
		if got := n.allow(noteAbout{group: "g", account: bob}, now); got != (i < maxMemberNotes) {
			t.Errorf("note %d of bob: %t", i+1, got)
		}
	}
	if !n.allow(noteAbout{group: "g", account: carol}, now) || !n.allow(noteAbout{group: "h", account: bob}, now) {
		t.Error("others are not noted any more")
	}
	if !n.allow(noteAbout{group: "g", account: bob}, now.Add(noteWindow)) {
		t.Error("bob is not noted ever again")
	}
}
