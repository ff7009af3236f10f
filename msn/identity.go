package msn

import (
	"cmp"
	"runtime"

	"matrix-msn/msn/wire"
)

// Identity is what CVR announces about a client (protocol/07, section 1). Nobody
// checks any of it.
type Identity struct {
	Locale  string // language as a Windows locale in hexadecimal: "0x0409"
	OS      string // "winnt"
	OSVer   string // "5.1"
	Arch    string // "i386"
	Client  string // "MSMSGS", "MSNMSGR"
	Version string // "7.5.0324"
	Brand   string // seventh parameter, "msmsgs"
}

// The dialects that this package speaks.
const (
	MinDialect = wire.MinDialect
	MaxDialect = wire.MaxDialect
)

// queryDialect is the pseudo-dialect at the end of VER: a server that speaks no
// real one answers it, and can be asked which client it wants.
const queryDialect = "CVR0"

// identities are official clients by the dialect that they brought
// (protocol/00-overview.md, section 5).
var identities = [...]Identity{
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
	13: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "8.0.0812", "msmsgs"},
	14: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "8.0.0812", "msmsgs"},
	15: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "8.5.1302", "msmsgs"},
	16: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "9.0.1407", "msmsgs"},
	17: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "9.0.1407", "msmsgs"},
	18: {"0x0409", "winnt", "5.1", "i386", "MSNMSGR", "14.0.8117", "msmsgs"},
}

// OfficialIdentity returns what the official client announced that brought a
// dialect. For a dialect outside of MinDialect to MaxDialect it is that of the
// nearest one.
func OfficialIdentity(d wire.Dialect) Identity {
	return identities[min(max(d, MinDialect), MaxDialect)]
}

// honestVersion is what HonestIdentity gives as its version.
const honestVersion = "0.1.0"

// HonestIdentity returns an identity that says what this program is, and nothing
// of the user: neither their language nor the version of their system. Services
// may not recognise it.
func HonestIdentity() Identity {
	return Identity{
		Locale:  localeName(defaultLocale),
		OS:      runtime.GOOS,
		OSVer:   "0",
		Arch:    runtime.GOARCH,
		Client:  "matrix-msn",
		Version: honestVersion,
		Brand:   "matrix-msn",
	}
}

// or returns id with its empty fields taken from other.
func (id Identity) or(other Identity) Identity {
	return Identity{
		Locale:  cmp.Or(id.Locale, other.Locale),
		OS:      cmp.Or(id.OS, other.OS),
		OSVer:   cmp.Or(id.OSVer, other.OSVer),
		Arch:    cmp.Or(id.Arch, other.Arch),
		Client:  cmp.Or(id.Client, other.Client),
		Version: cmp.Or(id.Version, other.Version),
		Brand:   cmp.Or(id.Brand, other.Brand),
	}
}

// cvrArgs are the parameters of CVR behind the TrID: six in MSNP2 and MSNP3,
// seven to MSNP7, eight after that.
func (c *Client) cvrArgs(d wire.Dialect) []string {
	id := c.cfg.Identity.or(OfficialIdentity(d))
	args := []string{id.Locale, id.OS, id.OSVer, id.Arch, id.Client, id.Version}
	if d >= wire.FirstBrand {
		args = append(args, id.Brand)
	}
	if d >= wire.FirstTweener {
		args = append(args, c.cfg.Account)
	}
	for i := range args {
		args[i] = wire.Encode(args[i])
	}
	return args
}

// cvqArgs are the parameters of CVQ, which is sent when there is no dialect. The
// clients of MSNP4 to MSNP7 left the seventh empty there (section 1.3).
func (c *Client) cvqArgs(best wire.Dialect) []string {
	args := c.cvrArgs(best)
	if len(args) == 7 {
		args[6] = ""
	}
	return args
}
