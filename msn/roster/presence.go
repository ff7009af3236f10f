package roster

import (
	"cmp"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/wire"
)

// Via is what a circle says of one of its members, which is no news of the contact.
type Via struct {
	// Address is that of the circle: network and account.
	Address wire.Address
	Account string // lower case
	Name    string // decoded; "" when it is not said
	Online  bool   // has come, or has changed something; else has left
}

// OnVia has what circles say of their members told to f, which returns what it changes.
// Without it nothing is made of that.
func (b *Book) OnVia(f func(Via) []event.Event) { b.via = f }

// online applies ILN ("trid status account [network] name [caps [object]]") and
// NLN, which has no TrID (protocol/03-presence.md, section 3).
func (b *Book) online(cmd wire.Command) []event.Event {
	args := cmd.Args
	if cmd.Verb == "ILN" && len(args) > 0 {
		args = args[1:]
	}
	if len(args) < 2 {
		return nil
	}
	status := parseStatus(args[0])
	who, args := b.address(args[1:])
	name := clean.Name(argAt(args, 0))
	switch {
	case who.via != "" && who.account == b.self:
		return nil
	case who.via != "":
		return b.tellVia(who, name, true)
	case who.account == b.self && b.self != "":
		// One's own status at all endpoints, from MSNP16 on.
		return b.SetOwnName(cmp.Or(name, b.ownName))
	}
	contact := b.open(who.account)
	if contact == nil {
		return nil
	}
	contact.Status = status
	contact.Network = cmp.Or(who.network, contact.Network)
	if name == contact.Name {
		name = contact.Name // the same bytes, not a copy
	}
	contact.Name, contact.Told = cmp.Or(name, contact.Name), cmp.Or(name, contact.Told)
	contact.Capabilities, contact.Extended = parseCapabilities(argAt(args, 1))
	contact.Object = parseObject(argAt(args, 2))
	b.keep(contact)
	return []event.Event{PresenceChanged{Contact: *contact, Initial: cmd.Verb == "ILN"}}
}

// offline applies FLN ("account …"). Name, picture and personal message stay as
// they were last seen.
func (b *Book) offline(cmd wire.Command) []event.Event {
	who, _ := b.address(cmd.Args)
	if who.via != "" {
		return b.tellVia(who, "", false)
	}
	if who.account == b.self {
		return nil
	}
	contact := b.open(who.account)
	if contact == nil {
		return nil
	}
	contact.Status = Offline
	contact.Capabilities = 0
	contact.Extended = 0
	b.keep(contact)
	delete(b.places, who.account)
	return []event.Event{PresenceChanged{Contact: *contact}}
}

func (b *Book) tellVia(who address, name string, online bool) []event.Event {
	if b.via == nil || who.account == "" {
		return nil
	}
	return b.via(Via{Address: wire.ParseAddress(who.via), Account: who.account, Name: name, Online: online})
}

// personal applies UBX ("account [network]", with a payload). It may come before
// anything else is known of the contact. About the user it tells the endpoints where
// they are signed in.
func (b *Book) personal(cmd wire.Command) []event.Event {
	who, _ := b.address(cmd.Args)
	if strings.Contains(cmd.Payload, "<!") || who.via != "" {
		return nil
	}
	if who.account == b.self && b.self != "" {
		return b.ownEndpoints(cmd.Payload)
	}
	contact := b.open(who.account)
	if contact == nil {
		return nil
	}
	b.placesOf(who.account, cmd.Payload)
	contact.Personal = clean.Cut(xmltext.Element(cmd.Payload, "PSM"), clean.MaxField)
	contact.Media = clean.Cut(xmltext.Element(cmd.Payload, "CurrentMedia"), clean.MaxField)
	b.keep(contact)
	return []event.Event{PersonalMessageChanged{Contact: *contact}}
}

// address is whom a presence command is about.
type address struct {
	account string // lower case; "" for an invalid one
	network int    // 0 when the dialect does not say
	via     string // the circle through which somebody is seen
}

// address reads an account and its network from the beginning of args: "account"
// to MSNP13, "account network" to MSNP17, "network:account[;via=network:circle]"
// after that. It returns what follows.
func (b *Book) address(args []string) (address, []string) {
	var a address
	if len(args) == 0 {
		return a, nil
	}
	account := args[0]
	args = args[1:]
	switch {
	case b.dialect >= wire.FirstPrefixed:
		if network, rest, ok := strings.Cut(account, ":"); ok && clean.IsNumber(network) {
			a.network, account = parseNetwork(network), rest
		}
		account, a.via, _ = strings.Cut(account, ";via=")
	case b.dialect >= wire.FirstNetworks && len(args) > 0:
		a.network = parseNetwork(args[0])
		args = args[1:]
	}
	a.account, _ = clean.Account(account)
	return a, args
}

// parseNetwork reads a number of 16 bits, 0 for an invalid one.
func parseNetwork(s string) int {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// parseCapabilities reads a capability number, and the extended one that later dialects put
// behind a colon. One that is none is 0.
func parseCapabilities(s string) (capabilities, extended uint32) {
	s, more, _ := strings.Cut(s, ":")
	return parseNumber(s), parseNumber(more)
}

func parseNumber(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}
