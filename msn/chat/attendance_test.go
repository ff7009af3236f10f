package chat

import (
	"fmt"
	"slices"
	"testing"
)

func TestAttendance(t *testing.T) {
	t.Parallel()
	var a attendance
	steps := []struct {
		do   func() bool
		want bool
		left []string // who is there then
	}{
		{func() bool { return a.exit("bob", "") }, false, nil},
		{func() bool { return a.enter("bob") }, true, []string{"bob"}},
		{func() bool { return a.enter("bob") }, false, []string{"bob"}},
		{func() bool { return a.group() }, false, []string{"bob"}},
		{func() bool { return a.exit("bob", "{1}") }, true, nil}, // who has told of no endpoint leaves with any
		{func() bool { return a.enterAt("bob", "") }, false, nil},
		{func() bool { return a.enterAt("bob", "{1}") }, true, nil},
		{func() bool { return a.enterAt("bob", "{1}") }, false, nil},
		{func() bool { return a.enterAt("bob", "{2}") }, true, nil},
		{func() bool { return a.enter("bob") }, true, []string{"bob"}},
		{func() bool { return a.enter("carol") }, true, []string{"bob", "carol"}},
		{func() bool { return a.group() }, true, []string{"bob", "carol"}},
		{func() bool { return a.exit("bob", "{1}") }, false, []string{"bob", "carol"}},
		{func() bool { return a.exit("bob", "{1}") }, false, []string{"bob", "carol"}},
		{func() bool { return a.exit("bob", "{2}") }, true, []string{"carol"}},
		{func() bool { return a.exit("carol", "") }, true, nil},
	}
	for i, step := range steps {
		if got := step.do(); got != step.want || !slices.Equal(a.people, step.left) {
			t.Errorf("step %d: %v, and %v are there", i, got, a.people)
		}
	}
	for i := range MaxParticipants + 1 {
		if got := a.enter(fmt.Sprint(i)); got != (i < MaxParticipants) {
			t.Errorf("person %d: %v", i, got)
		}
	}
	if others := a.others("0"); len(others) != MaxParticipants-1 || len(a.people) != MaxParticipants {
		t.Errorf("%d others of %d", len(others), len(a.people))
	}
}

// However many come and go, no more endpoints are remembered than of those who are there and of the
// user.
func TestEndpointsOfManyPeople(t *testing.T) {
	t.Parallel()
	var a attendance
	for i := range 10 * MaxParticipants {
		isNew, isNewAt := a.come(fmt.Sprint(i), "{1}", false)
		if there := i < MaxParticipants; isNew != there || isNewAt != there {
			t.Fatalf("person %d: %v and %v", i, isNew, isNewAt)
		}
	}
	for _, endpoint := range []string{"{1}", "{2}"} {
		if isNew, isNewAt := a.come("me", endpoint, true); isNew || !isNewAt {
			t.Errorf("the user at %s: %v and %v", endpoint, isNew, isNewAt)
		}
	}
	if isNew, isNewAt := a.come("7", "{2}", false); isNew || !isNewAt {
		t.Errorf("one who is there, elsewhere: %v and %v", isNew, isNewAt)
	}
	if len(a.endpoints) != MaxParticipants+1 {
		t.Errorf("endpoints of %d people are remembered", len(a.endpoints))
	}
	if a.exit("me", "{1}"); !slices.Equal(a.endpoints["me"], []string{"{2}"}) {
		t.Errorf("the user has left one, and is at %v", a.endpoints["me"])
	}
	if a.exit("me", "{2}"); a.endpoints["me"] != nil {
		t.Errorf("the user has left, and is at %v", a.endpoints["me"])
	}
	for i := range MaxParticipants {
		a.exit(fmt.Sprint(i), "")
	}
	if len(a.endpoints) != 0 || len(a.people) != 0 {
		t.Errorf("endpoints of %d people are left", len(a.endpoints))
	}
}
