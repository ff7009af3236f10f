package msn

import (
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/transport"
)

// Shared is what Clients have in common whose accounts are of one service: what waits for their servers to say something, and the clock
// that their heartbeats go by. The zero value is ready.
type Shared struct {
	clock  ns.Clock
	poller transport.Poller
}

// Close ends what is held for Clients that may come. Those that there are go on.
func (s *Shared) Close() { s.poller.Close() }
