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

// identities are official clients by the dialect that they brought
// (protocol/00-overview.md, section 5).
var identities = map[wire.Dialect]Identity{
	2:  {"0x0409", "win", "4.10", "i386", "MSMSGS", "1.0.0863", "MSMSGS"},
	3:  {"0x0409", "win", "4.10", "i386", "MSMSGS", "2.0.0085", "MSMSGS"},
	4:  {"0x0409", "win", "4.10", "i386", "MSMSGS", "2.2.1053", "MSMSGS"},
	5:  {"0x0409", "winnt", "5.0", "i386", "MSMSGS", "3.0.0283", "MSMSGS"},
	6:  {"0x0409", "winnt", "5.0", "i386", "MSMSGS", "3.6.0038", "MSMSGS"},
	7:  {"0x0409", "winnt", "5.1", "i386", "MSMSGS", "4.7.0041", "MSMSGS"},
	8:  {"0x0409", "winnt", "5.1", "i386", "MSMSGS", "5.0.0544", "MSMSGS"},
	9:  {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "6.0.0602", "MSMSGS"},
	10: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "6.1.0211", "MSMSGS"},
	11: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "7.0.0816", "MSMSGS"},
	12: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "7.5.0324", "MSMSGS"},
}

// cvrArgs are the parameters of CVR behind the TrID: six in MSNP2 and MSNP3,
// seven to MSNP7, eight after that.
func (c *Client) cvrArgs() []string {
	id := c.cfg.Identity
	if id == (Identity{}) {
		id = identities[c.dialect]
	}
	args := []string{id.Locale, id.OS, id.OSVer, id.Arch, id.Client, id.Version}
	if c.dialect >= 4 {
		args = append(args, id.Brand)
	}
	if c.dialect >= wire.FirstTweener {
		args = append(args, c.cfg.Account)
	}
	for i := range args {
		args[i] = wire.Encode(args[i])
	}
	return args
}
