package msn

import (
	"slices"
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// list applies one LST line of a download.
func (r *synRoster) list(args []string) []Event {
	var contact *Contact
	switch {
	case r.dialect < 8:
		contact = r.listOfOne(args)
	case r.dialect < 10:
		contact = r.listPlain(args)
	default:
		contact = r.listPrefixed(args)
	}
	if r.counted {
		r.lists--
	}
	r.last = contact
	return nil
}

// listOfOne reads the shape of MSNP2 to MSNP7, one line for each list that a
// contact is on: "trid list version index total [account name [groups]]".
func (r *synRoster) listOfOne(args []string) *Contact {
	if len(args) < 5 {
		return nil
	}
	which, ok := listByName(args[1])
	if !ok {
		return nil
	}
	if which == ListReverse && args[3] == args[4] {
		r.reverseIsThere = true
	}
	if len(args) < 6 {
		return nil
	}
	contact := r.book.open(args[5])
	if contact == nil {
		return nil
	}
	contact.Lists |= which
	if name := argAt(args, 6); name != "" {
		contact.Name = decodeName(name)
	}
	if which == ListForward {
		contact.Groups = splitGroups(argAt(args, 7))
	}
	return contact
}

// listPlain reads the shape of MSNP8 and MSNP9: "account name lists [groups]".
func (r *synRoster) listPlain(args []string) *Contact {
	lists, ok := parseLists(argAt(args, 2))
	if !ok {
		return nil
	}
	contact := r.book.open(args[0])
	if contact == nil {
		return nil
	}
	contact.Lists = lists
	contact.Name = decodeName(args[1])
	contact.Groups = nil
	if lists.Has(ListForward) {
		contact.Groups = splitGroups(argAt(args, 3))
	}
	return contact
}

// listPrefixed reads the shape of MSNP10 to MSNP12:
// "N=account [F=name] [C=guid] lists [network] [groups]", the network from MSNP12
// on.
func (r *synRoster) listPrefixed(args []string) *Contact {
	fields, rest := splitPrefixed(args)
	lists, ok := parseLists(argAt(rest, 0))
	if !ok {
		return nil
	}
	contact := r.book.open(fields.account)
	if contact == nil {
		return nil
	}
	contact.Lists = lists
	if fields.name != "" {
		contact.Name = decodeName(fields.name)
	}
	contact.GUID = keep(fields.guid, maxName)
	rest = rest[1:]
	if r.dialect >= 12 && len(rest) > 0 && isNumber(rest[0]) {
		if network, err := strconv.ParseUint(rest[0], 10, 16); err == nil {
			contact.Network = int(network)
		}
		rest = rest[1:]
	}
	contact.Groups = splitGroups(argAt(rest, 0))
	return contact
}

// listGroup reads LSG: "trid version index total id name 0" in MSNP7,
// "id name 0" in MSNP8 and MSNP9, "name guid" from MSNP10 on.
func (r *synRoster) listGroup(args []string) {
	if r.counted {
		r.groups--
	}
	switch {
	case r.dialect < 8:
		if len(args) >= 6 {
			r.book.setGroup(args[4], args[5])
		}
	case r.dialect < 10:
		if len(args) >= 2 {
			r.book.setGroup(args[0], args[1])
		}
	default:
		if len(args) >= 2 {
			r.book.setGroup(args[1], args[0])
		}
	}
}

// add applies ADD ("trid list version account name [group]") and ADC
// ("trid list N=account F=name [C=guid] [group]", or C= alone).
func (r *synRoster) add(cmd wire.Command) []Event {
	which, ok := listByName(cmd.Arg(1))
	if !ok || len(cmd.Args) < 3 {
		return nil
	}
	var contact *Contact
	var name, guid, group string
	if cmd.Verb == "ADC" {
		fields, rest := splitPrefixed(cmd.Args[2:])
		name, guid, group = fields.name, fields.guid, argAt(rest, 0)
		if fields.account != "" {
			contact = r.book.open(fields.account)
		} else {
			contact = r.book.findGUID(guid)
		}
	} else {
		contact = r.book.open(cmd.Arg(3))
		name, group = cmd.Arg(4), cmd.Arg(5)
	}
	if contact == nil {
		return nil
	}
	before := contact.Lists
	contact.Lists |= which
	if name != "" && (contact.Name == "" || which == ListReverse) {
		contact.Name = decodeName(name)
	}
	if guid != "" {
		contact.GUID = keep(guid, maxName)
	}
	if which == ListForward {
		contact.joinGroup(group)
	}
	events := []Event{ContactChanged{Contact: *contact, Before: before}}
	if which == ListReverse {
		events = append(events, AddedYou{Contact: *contact})
	}
	return events
}

// remove applies REM: "trid list version account [group]" to MSNP9,
// "trid list account" or "trid FL guid [group]" from MSNP10 on.
func (r *synRoster) remove(args []string) []Event {
	which, ok := listByName(argAt(args, 1))
	if !ok {
		return nil
	}
	args = args[2:]
	if r.dialect < 10 && len(args) > 0 {
		args = args[1:]
	}
	contact := r.book.find(argAt(args, 0))
	if contact == nil {
		contact = r.book.findGUID(argAt(args, 0))
	}
	if contact == nil {
		return nil
	}
	before := contact.Lists
	if group := argAt(args, 1); group != "" {
		contact.leaveGroup(group)
		return []Event{ContactChanged{Contact: *contact, Before: before}}
	}
	contact.Lists &^= which
	if which == ListForward {
		contact.GUID, contact.Groups = "", nil
	}
	events := []Event{ContactChanged{Contact: *contact, Before: before}}
	if which == ListReverse {
		events = append(events, RemovedYou{Contact: *contact})
	}
	return events
}

// changeGroup applies ADG, REG and RMG. To MSNP9 they carry a version, from
// MSNP10 on REG and RMG a constant 1 in its place and ADG nothing; the name comes
// before the ID except in the REG of MSNP7 to MSNP9.
func (r *synRoster) changeGroup(cmd wire.Command) {
	if len(cmd.Args) < 2 {
		return
	}
	args := cmd.Args[1:]
	if r.dialect < 10 || cmd.Verb != "ADG" {
		args = args[1:]
	}
	switch cmd.Verb {
	case "ADG":
		r.book.setGroup(argAt(args, 1), argAt(args, 0))
	case "REG":
		if r.dialect < 10 {
			r.book.setGroup(argAt(args, 0), argAt(args, 1))
		} else {
			r.book.setGroup(argAt(args, 1), argAt(args, 0))
		}
	case "RMG":
		r.book.removeGroup(argAt(args, 0))
	}
}

// prefixed are the fields of LST and ADC from MSNP10 on that say by a prefix what
// they are.
type prefixed struct{ account, name, guid string }

// splitPrefixed takes the fields off the front of args and returns the rest.
func splitPrefixed(args []string) (prefixed, []string) {
	var f prefixed
	for len(args) > 0 && len(args[0]) >= 2 && args[0][1] == '=' {
		value := args[0][2:]
		switch args[0][0] {
		case 'N':
			f.account = value
		case 'F':
			f.name = value
		case 'C':
			f.guid = value
		}
		args = args[1:]
	}
	return f, args
}

// splitGroups reads a comma-separated list of group IDs.
func splitGroups(s string) []string {
	var groups []string
	for id := range strings.SplitSeq(s, ",") {
		if id != "" && len(groups) < maxGroups && !slices.Contains(groups, id) {
			groups = append(groups, keep(id, maxName))
		}
	}
	return groups
}

// parseLists reads the list bits of LST. Bits that nobody knows are dropped.
func parseLists(s string) (List, bool) {
	bits, err := strconv.ParseUint(s, 10, 31)
	if err != nil || s == "" {
		return 0, false
	}
	return List(bits) & (ListForward | ListAllow | ListBlock | ListReverse | ListPending), true
}

func listByName(name string) (List, bool) {
	switch name {
	case "FL":
		return ListForward, true
	case "AL":
		return ListAllow, true
	case "BL":
		return ListBlock, true
	case "RL":
		return ListReverse, true
	case "PL":
		return ListPending, true
	}
	return 0, false
}

func argAt(args []string, i int) string {
	if i >= len(args) {
		return ""
	}
	return args[i]
}
