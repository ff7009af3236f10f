package call

import "sync"

// Shown are the IDs of a list that the user saw last: numbers are taken from it, whatever has
// changed since. The zero value is ready.
type Shown struct {
	mu  sync.Mutex
	ids []string // nil before the first list
}

// Set notes what the user sees.
func (l *Shown) Set(ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(make([]string, 0, len(ids)), ids...)
}

// At returns the ID with a number, "" when there is none. It reports false when no list
// was shown.
func (l *Shown) At(n int) (id string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 1 || n > len(l.ids) {
		return "", l.ids != nil
	}
	return l.ids[n-1], true
}
