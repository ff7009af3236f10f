package main

import (
	"testing"
	"time"
)

// What is lost and what is doubled is seen.
func TestTallyCountsWhatIsLostAndDoubled(t *testing.T) {
	t.Parallel()
	count := newTally([]string{"a", "b", "c"})
	began := time.Now()
	for i, text := range []string{"a", "b", "another", "b", "a", "a"} {
		count.note(text, began.Add(time.Duration(i)))
	}
	if err := count.wait(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	never, twice, last := count.count()
	if never != 1 || twice != 2 || !last.Equal(began.Add(1)) {
		t.Errorf("%d are lost, %d doubled, the last has come after %v; want 1, 2 and 1ns", never, twice, last.Sub(began))
	}
	count.note("c", began.Add(7))
	if err := count.wait(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if never, twice, last = count.count(); never != 0 || twice != 2 || !last.Equal(began.Add(7)) {
		t.Errorf("in the end %d are lost, %d doubled, the last has come after %v; want 0, 2 and 7ns", never, twice, last.Sub(began))
	}
}
