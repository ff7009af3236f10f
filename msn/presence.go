package msn

import (
	"cmp"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/wire"
)

// online applies ILN ("trid status account [network] name [caps [object]]") and
// NLN, which has no TrID (protocol/03-presence.md, section 3).
func (b *book) online(cmd wire.Command) []Event {
	args := cmd.Args
	if cmd.Verb == "ILN" && len(args) > 0 {
		args = args[1:]
	}
	if len(args) < 2 {
		return nil
	}
	status := parseStatus(args[0])
	address, args := b.address(args[1:])
	if address.account == b.self && b.self != "" {
		// One's own status at all places, from MSNP16 on.
		if address.via == "" {
			b.ownName = cmp.Or(decodeName(argAt(args, 0)), b.ownName)
		}
		return nil
	}
	if address.via != "" {
		// What a circle says of its members is no news of the contact.
		if circle := b.circleVia(address.via); circle != nil && address.account != "" {
			circle.come(address.account)
			if circle.name(address.account, decodeName(argAt(args, 0))) {
				return []Event{CirclesChanged{Circles: b.circleList()}}
			}
		}
		return nil
	}
	contact := b.open(address.account)
	if contact == nil {
		return nil
	}
	contact.Status = status
	contact.Network = cmp.Or(address.network, contact.Network)
	if name := argAt(args, 0); name != "" {
		contact.Name = decodeName(name)
	}
	contact.Capabilities = parseCapabilities(argAt(args, 1))
	contact.Object = parseObject(argAt(args, 2))
	return []Event{PresenceChanged{Contact: *contact, Initial: cmd.Verb == "ILN"}}
}

// offline applies FLN ("account …"). Name, picture and personal message stay as
// they were last seen.
func (b *book) offline(cmd wire.Command) []Event {
	address, _ := b.address(cmd.Args)
	if circle := b.circleVia(address.via); circle != nil {
		circle.left(address.account)
	}
	if address.via != "" || address.account == b.self {
		return nil
	}
	contact := b.open(address.account)
	if contact == nil {
		return nil
	}
	contact.Status = Offline
	contact.Capabilities = 0
	delete(b.endpoints, address.account)
	return []Event{PresenceChanged{Contact: *contact}}
}

// personal applies UBX ("account [network]", with a payload). It may come before
// anything else is known of the contact. About the user it tells the places where
// they are signed in.
func (b *book) personal(cmd wire.Command) []Event {
	address, _ := b.address(cmd.Args)
	if strings.Contains(cmd.Payload, "<!") || address.via != "" {
		return nil
	}
	if address.account == b.self && b.self != "" {
		return b.ownPlaces(cmd.Payload)
	}
	contact := b.open(address.account)
	if contact == nil {
		return nil
	}
	b.noteEndpoints(address.account, cmd.Payload)
	contact.Personal = keep(elementText(cmd.Payload, "PSM"), maxField)
	contact.Media = keep(elementText(cmd.Payload, "CurrentMedia"), maxField)
	return []Event{PersonalMessageChanged{Contact: *contact}}
}

// address is whom a presence command is about.
type address struct {
	account string // lower case; "" for what is none
	network int    // 0 when the dialect does not say
	via     string // the circle through which somebody is seen
}

// address reads an account and its network from the beginning of args: "account"
// to MSNP13, "account network" to MSNP17, "network:account[;via=network:circle]"
// after that. It returns what follows.
func (b *book) address(args []string) (address, []string) {
	var a address
	if len(args) == 0 {
		return a, nil
	}
	account := args[0]
	args = args[1:]
	switch {
	case b.dialect >= wire.FirstPrefixed:
		if network, rest, ok := strings.Cut(account, ":"); ok && isNumber(network) {
			a.network, account = parseNetwork(network), rest
		}
		account, a.via, _ = strings.Cut(account, ";via=")
	case b.dialect >= wire.FirstNetworks && len(args) > 0:
		a.network = parseNetwork(args[0])
		args = args[1:]
	}
	a.account, _ = parseAccount(account)
	return a, args
}

func parseNetwork(s string) int {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// parseStatus reads a status of somebody who is online. A word that nobody knows
// still says that much.
func parseStatus(s string) Status {
	switch status := Status(s); status {
	case Online, Busy, Idle, BeRightBack, Away, OnThePhone, OutToLunch:
		return Status(strings.Clone(s))
	case Hidden, Offline:
		return Offline
	}
	return Online
}

// parseCapabilities reads a capability number; what later dialects put behind a
// colon is left out.
func parseCapabilities(s string) uint32 {
	s, _, _ = strings.Cut(s, ":")
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// parseObject reads an MSNObject. "0" and an element without attributes mean that
// there is none.
func parseObject(s string) string {
	object := wire.Decode(s)
	if len(object) > maxField {
		return "" // a part of it is of no use
	}
	object = keep(object, maxField)
	if object == "0" || strings.ReplaceAll(object, " ", "") == "<msnobj/>" {
		return ""
	}
	return object
}

// elementText returns the text of the first element called name. Servers write
// XML that is not well-formed into UBX (protocol/03-presence.md, section 6), so
// this is not parsed as XML: the text is what stands between the tags.
func elementText(doc, name string) string {
	_, rest, ok := strings.Cut(doc, "<"+name+">")
	if !ok {
		return ""
	}
	text, _, ok := strings.Cut(rest, "</"+name+">")
	if !ok {
		return ""
	}
	return xmltext.Unescape(text)
}
