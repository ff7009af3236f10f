package self

import (
	"strconv"

	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// CapabilityChunks is the capability of taking messages in parts.
const CapabilityChunks uint32 = 0x20

// DefaultCapabilities announce a client of a dialect's generation that takes
// messages in parts, which is what this client does
// (protocol/03-presence.md, section 4). Below MSNP13 it is MSNP11's (MSNC4).
func DefaultCapabilities(d wire.Dialect) uint32 {
	generation := uint32(4)
	switch {
	case d >= wire.FirstPrefixed:
		generation = 10
	case d >= wire.FirstEndpoints:
		generation = 9
	case d >= wire.FirstSSO:
		generation = 8
	case d >= wire.FirstSOAP:
		generation = 6
	}
	return generation<<28 | CapabilityChunks
}

// capabilities is the capability number as it is sent: from MSNP16 on with the extended one, which
// announces headers of version 2 and nothing else.
func (s *Self) capabilities() string {
	number := s.cfg.Capabilities
	if number == 0 {
		number = DefaultCapabilities(s.conn.Dialect())
	}
	text := strconv.FormatUint(uint64(number), 10)
	if s.conn.Dialect() >= wire.FirstEndpoints {
		text += ":" + strconv.Itoa(roster.CanP2P2)
	}
	return text
}
