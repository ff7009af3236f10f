package lazy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// Whatever is done, a table holds what a map would hold.
func TestTableIsAMap(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		var table Table[string, int]
		model := make(map[string]int)
		keys := 1 + random.IntN(3*maxListed)
		for step := range 2000 {
			key := fmt.Sprint(random.IntN(keys))
			switch n := random.IntN(100); {
			case n < 60:
				table.Put(key, step)
				model[key] = step
			case n < 98:
				table.Delete(key)
				delete(model, key)
			default:
				odd := func(_ string, value int) bool { return value%2 == 1 }
				table.DeleteFunc(odd)
				maps.DeleteFunc(model, odd)
			}
			if table.Len() != len(model) || !maps.Equal(maps.Collect(table.All()), model) {
				t.Fatalf("seed %d, step %d: the table is %v, the map %v", seed, step, maps.Collect(table.All()), model)
			}
			got, ok := table.Get(key)
			if want, known := model[key]; got != want || ok != known {
				t.Fatalf("seed %d, step %d: got %d, %t of %q, want %d, %t", seed, step, got, ok, key, want, known)
			}
		}
	}
}

func TestTablesWithTheSameEntriesAreEqual(t *testing.T) {
	t.Parallel()
	for _, many := range []int{0, 1, maxListed, 2 * maxListed} {
		var table, other Table[int, int]
		for i := range many {
			table.Put(i, i)
			other.Put(many-1-i, many-1-i)
		}
		if !Equal(&table, &other) {
			t.Errorf("tables with the same %d entries are not equal", many)
		}
		for name, change := range map[string]func(){
			"one more": func() { other.Put(many, many) },
			"another":  func() { other.Delete(0); other.Put(many, many) },
			"a value":  func() { other.Delete(many); other.Put(0, -1) },
		} {
			if change(); Equal(&table, &other) {
				t.Errorf("of %d entries: equal in spite of %s", many, name)
			}
			other = Table[int, int]{}
			for i := range many {
				other.Put(i, i)
			}
		}
	}
}

func TestEmptyTableHoldsNothing(t *testing.T) {
	t.Parallel()
	for _, many := range []int{1, maxListed, 2 * maxListed} {
		var table Table[int, int]
		for i := range many {
			table.Put(i, i)
		}
		for i := range many {
			table.Delete(i)
		}
		if table.list != nil || table.rest != nil {
			t.Errorf("after %d entries that are gone there is %v and %v", many, table.list, table.rest)
		}
	}
}

func TestAllOfATableCanBeLeft(t *testing.T) {
	t.Parallel()
	for _, many := range []int{3, 2 * maxListed} {
		var table Table[int, int]
		for i := range many {
			table.Put(i, i)
		}
		seen := 0
		for range table.All() {
			if seen++; seen == 2 {
				break
			}
		}
		if seen != 2 {
			t.Errorf("of %d entries %d were seen", many, seen)
		}
	}
}
