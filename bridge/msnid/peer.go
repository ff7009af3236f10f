package msnid

import "maunium.net/go/mautrix/bridgev2/networkid"

// Peer is whom a room is with: one contact, the members of a group chat, or a circle. One
// of the fields is set.
type Peer struct{ Account, Group, Circle string }

// ParsePeer returns whom a portal is with. It reports false for the alerts.
func ParsePeer(portal networkid.PortalID) (Peer, bool) {
	if account, ok := ParseDMPortalID(portal); ok {
		return Peer{Account: account}, true
	}
	if circle, ok := ParseCirclePortalID(portal); ok {
		return Peer{Circle: circle}, true
	}
	group, ok := ParseGroupPortalID(portal)
	return Peer{Group: group}, ok
}
