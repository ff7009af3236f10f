package msn

import (
	"strconv"

	"matrix-msn/msn/wire"
)

// The dialects that this package speaks.
const (
	MinDialect wire.Dialect = 2
	MaxDialect wire.Dialect = 18
)

// DefaultCapabilities announce a client of a dialect's generation that takes
// messages in parts, which is what this package does
// (protocol/03-presence.md, section 4). Below MSNP13 it is MSNP11's (MSNC4).
func DefaultCapabilities(d wire.Dialect) uint32 {
	generation := uint32(4)
	switch {
	case d >= wire.FirstPrefixed:
		generation = 10
	case d >= wire.FirstPlaces:
		generation = 9
	case d >= wire.FirstSSO:
		generation = 8
	case d >= wire.FirstSOAP:
		generation = 6
	}
	return generation<<28 | capChunks
}

// capabilities is the capability number as it is sent: with the extended one, which
// announces nothing, from MSNP16 on.
func (c *Client) capabilities() string {
	number := c.cfg.Capabilities
	if number == 0 {
		number = DefaultCapabilities(c.dialect)
	}
	text := strconv.FormatUint(uint64(number), 10)
	if c.dialect >= wire.FirstPlaces {
		text += ":0"
	}
	return text
}

// capChunks is the capability of taking messages in parts.
const capChunks uint32 = 0x20
