package group

import (
	"slices"
	"sync"
	"time"

	"matrix-msn/msn"
)

// gatherTime is how long others are waited for of whom the same is to be said or done.
const gatherTime = time.Second

// gathered are what waits to be said or done together, by what it is of. The zero value is empty.
type gathered[K comparable, V any] struct {
	mu  sync.Mutex
	all map[K][]V
}

// add has something more wait. It reports false when it is left out, because there are more than a group chat has
// members.
func (g *gathered[K, V]) add(of K, what V) (fits bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil {
		g.all = make(map[K][]V)
	}
	if len(g.all[of]) > msn.MaxMembers { // one more than fit, so that it can be said
		return false
	}
	g.all[of] = append(g.all[of], what)
	return true
}

// drop leaves out what waits and is not to wait any more.
func (g *gathered[K, V]) drop(of K, which func(V) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if all := slices.DeleteFunc(g.all[of], which); len(all) == 0 {
		delete(g.all, of)
	} else {
		g.all[of] = all
	}
}

// take returns what waits, which does not wait any more.
func (g *gathered[K, V]) take(of K) []V {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.all[of]
	delete(g.all, of)
	return all
}
