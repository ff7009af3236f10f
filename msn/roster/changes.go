package roster

import (
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

// Lines that change the lists after they have come: of others, of the user's other
// endpoints, and the answers to what the user changes here.

// add applies ADD ("trid list version account name [group]") and ADC
// ("trid list N=account F=name [C=guid] [group]", or C= alone).
func (b *Book) add(cmd wire.Command) []event.Event {
	which, ok := ListNamed(cmd.Arg(1))
	if !ok || len(cmd.Args) < 3 {
		return nil
	}
	var contact *Contact
	var name, guid, group string
	if cmd.Verb == "ADC" {
		fields, rest := splitPrefixed(cmd.Args[2:])
		name, guid, group = fields.name, fields.guid, argAt(rest, 0)
		if fields.account != "" {
			contact = b.open(fields.account)
		} else {
			contact = b.findGUID(guid)
		}
	} else {
		contact = b.open(cmd.Arg(3))
		name, group = cmd.Arg(4), cmd.Arg(5)
	}
	if contact == nil {
		return nil
	}
	before := contact.Lists
	contact.Lists |= which
	if name != "" && (contact.Name == "" || which == ListReverse) {
		contact.Name = clean.Name(name)
	}
	if name != "" && which == ListReverse {
		contact.Told = clean.Name(name)
	}
	if guid != "" {
		contact.GUID = clean.Cut(guid, clean.MaxName)
	}
	if which == ListForward {
		contact.JoinGroup(group)
	}
	b.keep(contact)
	events := []event.Event{ContactChanged{Contact: *contact, Before: before}}
	if which == ListReverse {
		events = append(events, AddedYou{Contact: *contact})
	}
	return events
}

// remove applies REM: "trid list version account [group]" to MSNP9,
// "trid list account" or "trid FL guid [group]" from MSNP10 on.
func (b *Book) remove(args []string) []event.Event {
	which, ok := ListNamed(argAt(args, 1))
	if !ok {
		return nil
	}
	args = args[2:]
	if b.dialect < wire.FirstContactIDs && len(args) > 0 {
		args = args[1:]
	}
	contact := b.find(argAt(args, 0))
	if contact == nil {
		contact = b.findGUID(argAt(args, 0))
	}
	if contact == nil {
		return nil
	}
	before := contact.Lists
	if group := argAt(args, 1); group != "" {
		contact.LeaveGroup(group)
		b.keep(contact)
		return []event.Event{ContactChanged{Contact: *contact, Before: before}}
	}
	contact.Lists &^= which
	if which == ListForward {
		contact.GUID, contact.Groups = "", nil
	}
	b.keep(contact)
	events := []event.Event{ContactChanged{Contact: *contact, Before: before}}
	if which == ListReverse {
		events = append(events, RemovedYou{Contact: *contact})
	}
	return events
}

// changeGroup applies ADG, REG and RMG. To MSNP9 they carry a version, from
// MSNP10 on REG and RMG a constant 1 in its place and ADG nothing; the name comes
// before the ID except in the REG of MSNP7 to MSNP9.
func (b *Book) changeGroup(cmd wire.Command) []event.Event {
	if len(cmd.Args) < 2 {
		return nil
	}
	args := cmd.Args[1:]
	if b.dialect < wire.FirstContactIDs || cmd.Verb != "ADG" {
		args = args[1:]
	}
	first, second := argAt(args, 0), argAt(args, 1)
	switch {
	case cmd.Verb == "RMG":
		return b.RemoveGroup(first)
	case cmd.Verb == "REG" && b.dialect < wire.FirstContactIDs:
		return b.SetGroup(first, wire.Decode(second))
	default:
		return b.SetGroup(second, wire.Decode(first))
	}
}

// ownProperty applies PRP: "[trid] [version] KEY [value]".
func (b *Book) ownProperty(args []string) []event.Event {
	args = skipNumbers(args)
	if len(args) == 0 {
		return nil
	}
	value := argAt(args, 1)
	switch key := args[0]; key {
	case "MFN":
		if len(args) > 1 {
			return b.SetOwnName(wire.Decode(value))
		}
	case PropertyHome, PropertyWork, PropertyMobile:
		if b.dialect >= wire.FirstSOAP {
			return nil // they are in the address book
		}
		if b.ownNumbers == nil {
			b.ownNumbers = make(map[string]string)
		}
		b.ownNumbers[strings.Clone(key)] = clean.Cut(clean.Digits(wire.Decode(value)), clean.MaxField)
	}
	return nil
}

// contactProperty applies BPR: "[version] [account] KEY [value]".
func (b *Book) contactProperty(args []string) []event.Event {
	args = skipNumbers(args)
	contact := b.known(b.last)
	if len(args) > 0 && !isPropertyKey(args[0]) {
		contact = b.find(args[0])
		args = args[1:]
	}
	if contact == nil || len(args) == 0 || !isPropertyKey(args[0]) {
		return nil
	}
	if !contact.SetProperty(args[0], wire.Decode(argAt(args, 1))) {
		return nil
	}
	b.keep(contact)
	return []event.Event{ContactChanged{Contact: *contact, Before: contact.Lists}}
}

// rename applies "REA trid version account name" and "SBP trid guid MFN name".
func (b *Book) rename(cmd wire.Command) []event.Event {
	var contact *Contact
	if cmd.Verb == "SBP" {
		if cmd.Arg(2) != "MFN" {
			return nil
		}
		contact = b.findGUID(cmd.Arg(1))
	} else {
		if account, ok := clean.Account(cmd.Arg(2)); ok && account == b.self {
			return b.SetOwnName(wire.Decode(cmd.Arg(3)))
		}
		contact = b.find(cmd.Arg(2))
	}
	if contact == nil {
		return nil
	}
	contact.Name = clean.Name(cmd.Arg(3))
	if contact.Told != "" && strings.EqualFold(contact.Name, contact.Account) {
		contact.Name = contact.Told // the user calls them nothing; they have come online meanwhile
	}
	b.keep(contact)
	return []event.Event{ContactChanged{Contact: *contact, Before: contact.Lists}}
}

// ApplyMembers applies "ADL 0" (somebody added the user) and "RML 0" (removed), which come
// from MSNP13 on. The error wraps wire.ErrMembers when the payload could not be read to
// its end; what stands before the mistake counts.
func (b *Book) ApplyMembers(cmd wire.Command) (events []event.Event, err error) {
	if cmd.Verb != "ADL" && cmd.Verb != "RML" {
		return nil, nil
	}
	members, err := wire.ParseMembers(cmd.Payload)
	for _, m := range members {
		contact := b.open(m.Account)
		if contact == nil || List(m.Lists)&ListReverse == 0 {
			continue
		}
		if m.Network != 0 {
			contact.Network = m.Network
		}
		if contact.Name == "" && m.Name != "" {
			contact.Name = clean.Name(m.Name)
		}
		before := *contact
		if m.Name != "" && cmd.Verb == "ADL" {
			contact.Told = clean.Name(m.Name)
		}
		switch {
		case cmd.Verb == "RML":
			contact.Lists &^= ListReverse | ListPending
		case contact.Lists&(ListAllow|ListBlock) == 0:
			contact.Lists |= ListPending
		default:
			contact.Lists |= ListReverse
		}
		b.keep(contact)
		events = append(events, changeOf(before, *contact)...)
	}
	return events, err
}

// skipNumbers cuts the TrID and version off parameters whose number differs from
// server to server.
func skipNumbers(args []string) []string {
	for len(args) > 0 && clean.IsNumber(args[0]) {
		args = args[1:]
	}
	return args
}

// isPropertyKey reports whether s is a key of PRP and BPR: three capitals.
func isPropertyKey(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}
