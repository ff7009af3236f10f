package lazy

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever is put, those are there that came last, with their latest values.
func TestRecentHoldsTheLatest(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		most := 1 + random.IntN(20)
		r := NewRecent[int, int](most)
		var order []int // of the keys, the oldest first
		values := make(map[int]int)
		for step := range 1000 {
			key := random.IntN(3 * most)
			r.Put(key, step)
			values[key] = step
			if !slices.Contains(order, key) {
				order = append(order, key)
			}
			if len(order) > most {
				order = order[1:]
			}
			for key := range 3 * most {
				got, ok := r.Get(key)
				if want := slices.Contains(order, key); ok != want || ok && got != values[key] {
					t.Fatalf("seed %d, step %d: got %d, %t of %d, want %d, %t", seed, step, got, ok, key, values[key], want)
				}
			}
		}
	}
}

func TestRecentTakesMemoryForWhatIsThere(t *testing.T) {
	t.Parallel()
	r := NewRecent[int, int](64)
	r.Put(1, 1)
	if room := cap(r.list); room > 2 {
		t.Errorf("for one entry there is room for %d", room)
	}
}
