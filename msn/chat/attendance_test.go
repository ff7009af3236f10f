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
