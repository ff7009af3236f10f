package lazy

import (
	"slices"
	"testing"
)

func TestAppendLeavesLittleRoom(t *testing.T) {
	t.Parallel()
	var list, want []int
	made := 0
	for i := range 1000 {
		before := cap(list)
		list, want = Append(list, i), append(want, i)
		if cap(list) != before {
			made++
		}
		if room := cap(list) - len(list); room > len(list)/5+1 {
			t.Fatalf("there is room for %d more than %d", room, len(list))
		}
	}
	if !slices.Equal(list, want) {
		t.Errorf("got %v", list)
	}
	if made > 50 {
		t.Errorf("the list was moved %d times", made)
	}
}
