package msn

import "matrix-msn/msn/wire"

// The dialects that this package speaks.
const (
	MinDialect wire.Dialect = 2
	MaxDialect wire.Dialect = 12
)

// DefaultCapabilities announce a client of MSNP11's generation (MSNC4) that takes
// messages in parts, which is what this package does
// (protocol/03-presence.md, section 4).
const DefaultCapabilities uint32 = 0x40000000 | capChunks

// capChunks is the capability of taking messages in parts.
const capChunks uint32 = 0x20
