package wire

import (
	"strconv"
	"strings"
)

// Dialect is a version of the protocol by its number: 12 is MSNP12. The zero
// value means "not negotiated yet".
type Dialect uint8

// The dialects that this package frames. MSNP1 was never used outside of
// Microsoft; MSNP19 and later are another protocol on the same port.
const (
	MinDialect Dialect = 2
	MaxDialect Dialect = 18
)

// Where the dialects differ (protocol/00-overview.md, section 6).
const (
	// FirstLocale is the first that sends the language along with SND, whose URL names
	// a site, and whose XFR NS ends with a zero.
	FirstLocale Dialect = 3
	// FirstProfile is the first whose greeting describes the account, and that has
	// notices of several kinds about mail.
	FirstProfile Dialect = 3
	// FirstBrand is the first with the client's brand in CVR, and in SND.
	FirstBrand Dialect = 4
	// FirstPages is the first with pages to mobile devices (PAG), and with a text in
	// invitations (SDC).
	FirstPages Dialect = 5
	// FirstProperties is the first with properties of the user and of contacts (PRP,
	// BPR).
	FirstProperties Dialect = 5
	// FirstChallenges is the first whose clients are challenged (CHL), and whose USR OK
	// says whether the account is verified.
	FirstChallenges Dialect = 6
	// FirstGroups is the first whose contact list has groups.
	FirstGroups Dialect = 7
	// FirstReferrer is the first whose XFR NS says which server it comes from.
	FirstReferrer Dialect = 7
	// FirstTweener is the first that signs in with a ticket, which costs a login over
	// HTTPS (USR TWN), that wants to know the client's version (CVR) before that, that
	// sends capabilities with CHG (protocol/01-login.md, sections 1 and 3), and whose SYN
	// names each contact once.
	FirstTweener Dialect = 8
	// FirstDevices is the first that pages numbers too (PGD).
	FirstDevices Dialect = 9
	// FirstObjects is the first with pictures (MSNObject in CHG and NLN), and so with
	// data that is sent in mode D of MSG.
	FirstObjects Dialect = 9
	// FirstInterval is the first whose QNG says after how many seconds the next PNG may
	// come.
	FirstInterval Dialect = 9
	// FirstContactIDs is the first whose contacts have GUIDs (ADC, LST with prefixes), and
	// the user a name that is a property (PRP MFN).
	FirstContactIDs Dialect = 10
	// FirstPersonal is the first with personal messages (UBX), offline messages and
	// messages in parts.
	FirstPersonal Dialect = 11
	// FirstSpaces is the first that tells who has a space (property HSB), and how many
	// pages are paid for (SBS).
	FirstSpaces Dialect = 11
	// FirstListNetworks is the first whose LST says of which network a contact is.
	FirstListNetworks Dialect = 12
	// FirstPartyCapabilities is the first whose switchboards tell the capabilities of
	// those who are there (IRO, JOI).
	FirstPartyCapabilities Dialect = 12
	// FirstSOAP is the first whose contact lists live in web services.
	FirstSOAP Dialect = 13
	// FirstNetworks is the first whose presence says of which network a contact is.
	FirstNetworks Dialect = 14
	// FirstSSO is the first that signs in with a proof (USR SSO).
	FirstSSO Dialect = 15
	// FirstEndpoints is the first in which an account can be signed in at several
	// endpoints.
	FirstEndpoints Dialect = 16
	// FirstPrefixed is the first that writes the network before the account:
	// "1:bob@example.com". It is the one with circles.
	FirstPrefixed Dialect = 18
)

const dialectPrefix = "MSNP"

// String returns the name used in VER, for example "MSNP12".
func (d Dialect) String() string {
	if d == 0 {
		return "none"
	}
	return dialectPrefix + strconv.Itoa(int(d))
}

// ParseDialect reads a name as it stands in VER. Letter case does not matter:
// servers compare names without it (protocol/01-login.md, VER). It reports false
// for anything but MSNP2 to MSNP18, the pseudo-dialect CVR0 included.
func ParseDialect(name string) (Dialect, bool) {
	if len(name) <= len(dialectPrefix) || !strings.EqualFold(name[:len(dialectPrefix)], dialectPrefix) {
		return 0, false
	}
	digits := name[len(dialectPrefix):]
	if digits[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil || Dialect(n) < MinDialect || Dialect(n) > MaxDialect {
		return 0, false
	}
	return Dialect(n), true
}

// Direction tells which side sent a command: the same verb can carry a payload
// one way and none the other way.
type Direction uint8

// The two directions.
const (
	FromClient Direction = iota
	FromServer
)

// String names the sender, for errors and tests.
func (d Direction) String() string {
	if d == FromClient {
		return "client"
	}
	return "server"
}
