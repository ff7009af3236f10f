package msn

import "net/netip"

// PublicAddress reports whether an address belongs to a host of the internet at
// large: not to the operator's own network, nor to a block that could lead there.
func PublicAddress(ip netip.Addr) bool { return public(ip) }
