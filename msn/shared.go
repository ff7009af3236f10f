package msn

import (
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/internal/web"
)

// Shared is what Clients have in common whose accounts are of one service: what waits for their servers to say something, the clock
// that their heartbeats go by, and connections to web services, which stay open from one sign-in to the next. The Config of these Clients names the same addresses, Trust,
// certificates, proxy and timeouts. The zero value is ready.
type Shared struct {
	clock  ns.Clock
	poller transport.Poller
	pool   web.Pool
}

// Close ends what is held for Clients that may come. Those that there are go on.
func (s *Shared) Close() {
	s.poller.Close()
	s.pool.Close()
}
