package msn

import "matrix-msn/msn/internal/ns"

// Shared is what Clients have in common whose accounts are of one service: the clock that their heartbeats go by. The zero value is
// ready.
type Shared struct {
	clock ns.Clock
}
