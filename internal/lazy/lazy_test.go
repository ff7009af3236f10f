package lazy

import (
	"maps"
	"testing"
)

func TestMapIsMadeWithTheFirstValue(t *testing.T) {
	t.Parallel()
	var m map[string]int
	Put(&m, "a", 1)
	same := m
	Put(&m, "b", 2)
	Put(&m, "a", 3)
	if want := map[string]int{"a": 3, "b": 2}; !maps.Equal(m, want) || !maps.Equal(same, want) {
		t.Errorf("got %v and %v, want %v", m, same, want)
	}
}
