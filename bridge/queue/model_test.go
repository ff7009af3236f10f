package queue_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"

	"matrix-msn/bridge/queue"
	"matrix-msn/bridge/queue/queuetest"
)

// seeds is how many runs of random events there are with each window. QUEUE_SEEDS names
// another number.
func seeds(t *testing.T) uint64 {
	if named := os.Getenv("QUEUE_SEEDS"); named != "" {
		n, err := strconv.ParseUint(named, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 150
}

// memory is the table in memory.
type memory struct {
	*queuetest.Memory[string, string]
	there map[string]bool
}

func (m *memory) ID(row string) string { return row }

func (m *memory) Key(name string) string { return name }

func (m *memory) Put(ctx context.Context, key, id, owner string) (queue.Entry[string], bool, error) {
	if m.there[id] {
		return queue.Entry[string]{}, false, nil
	}
	m.there[id] = true
	e := queue.Entry[string]{Row: id, Position: m.Memory.Put(key, id)}
	_, err := m.SetOwner(ctx, e, owner)
	e.Owner = owner
	return e, true, err
}

// Each seed can be played again by the name of its test.
func TestNothingIsLostDoubledOrOvertakenWhateverHappens(t *testing.T) {
	for _, window := range []int{1, 2, 7} {
		for seed := range seeds(t) {
			t.Run(fmt.Sprintf("window=%d/seed=%d", window, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					queuetest.Run(t, seed, window, &memory{queuetest.NewMemory[string, string](), make(map[string]bool)})
				})
			})
		}
	}
}
