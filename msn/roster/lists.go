package roster

import (
	"slices"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

// The lists come after SYN in one of four shapes in MSNP2 to MSNP12
// (protocol/02-contacts.md, sections 2 to 4). All later changes are lines of the
// notification connection. From MSNP13 on they come from web services.

// download is what has come of the lists.
type download struct {
	started        bool // the SYN reply is here
	counted        bool // it announced numbers (from MSNP8 on)
	lists, groups  int  // LST and LSG lines still to come, when counted
	reverseIsThere bool // the last of the four lists is complete (to MSNP7)
}

// Begin reads the reply to SYN: "trid version [contacts groups]" to MSNP9,
// "trid time time contacts groups" from MSNP10 on, where the times can be numbers.
func (b *Book) Begin(reply wire.Command) {
	b.download.started = true
	at := 2
	if b.dialect >= wire.FirstContactIDs {
		at = 3
	}
	if b.dialect < wire.FirstTweener {
		return
	}
	lists, err1 := strconv.ParseUint(reply.Arg(at), 10, 31)
	groups, err2 := strconv.ParseUint(reply.Arg(at+1), 10, 31)
	if err1 != nil || err2 != nil {
		// Without numbers nothing follows.
		lists, groups = 0, 0
	}
	b.download.counted, b.download.lists, b.download.groups = true, int(lists), int(groups)
}

// Complete reports whether the lists that SYN asked for are all here.
func (b *Book) Complete() bool {
	if b.download.counted {
		return b.download.lists <= 0 && b.download.groups <= 0
	}
	return b.download.started && b.download.reverseIsThere
}

// Missing returns how many lines of contacts and groups were announced and have not come.
func (b *Book) Missing() (contacts, groups int) { return b.download.lists, b.download.groups }

// line applies a line of MSNP2 to MSNP12.
func (b *Book) line(cmd wire.Command) []event.Event {
	switch cmd.Verb {
	case "LST":
		b.list(cmd.Args)
	case "LSG":
		b.listGroup(cmd.Args)
	case "BPR":
		return b.contactProperty(cmd.Args)
	case "ADD", "ADC":
		return b.add(cmd)
	case "REM":
		return b.remove(cmd.Args)
	case "REA", "SBP":
		return b.rename(cmd)
	case "ADG", "REG", "RMG":
		return b.changeGroup(cmd)
	case "BLP", "GTC":
		b.setting(cmd)
	}
	return nil
}

// list applies one LST line of a download.
func (b *Book) list(args []string) {
	var contact Contact
	var ok bool
	switch {
	case b.dialect < wire.FirstTweener:
		ok = b.listOfOne(&contact, args)
	case b.dialect < wire.FirstContactIDs:
		ok = b.listPlain(&contact, args)
	default:
		ok = b.listPrefixed(&contact, args)
	}
	if b.download.counted {
		b.download.lists--
	}
	b.last = ""
	if ok {
		b.keep(&contact)
		b.last = contact.Account
	}
}

// listOfOne reads the shape of MSNP2 to MSNP7, one line for each list that a
// contact is on: "trid list version index total [account name [groups]]".
func (b *Book) listOfOne(contact *Contact, args []string) bool {
	if len(args) < 5 {
		return false
	}
	which, ok := ListNamed(args[1])
	if !ok {
		return false
	}
	if which == ListReverse && args[3] == args[4] {
		b.download.reverseIsThere = true
	}
	if len(args) < 6 {
		return false
	}
	if !b.openTo(contact, args[5]) {
		return false
	}
	contact.Lists |= which
	if name := argAt(args, 6); name != "" {
		contact.Name = clean.Name(name)
	}
	if which == ListForward {
		contact.Groups = splitGroups(argAt(args, 7))
	}
	return true
}

// listPlain reads the shape of MSNP8 and MSNP9: "account name lists [groups]".
func (b *Book) listPlain(contact *Contact, args []string) bool {
	lists, ok := parseLists(argAt(args, 2))
	if !ok {
		return false
	}
	if !b.openTo(contact, args[0]) {
		return false
	}
	contact.Lists = lists
	contact.Name = clean.Name(args[1])
	contact.Groups = nil
	if lists.Has(ListForward) {
		contact.Groups = splitGroups(argAt(args, 3))
	}
	return true
}

// listPrefixed reads the shape of MSNP10 to MSNP12:
// "N=account [F=name] [C=guid] lists [network] [groups]", the network from MSNP12
// on.
func (b *Book) listPrefixed(contact *Contact, args []string) bool {
	fields, rest := splitPrefixed(args)
	lists, ok := parseLists(argAt(rest, 0))
	if !ok {
		return false
	}
	if !b.openTo(contact, fields.account) {
		return false
	}
	contact.Lists = lists
	if fields.name != "" {
		contact.Name = clean.Name(fields.name)
	}
	contact.GUID = clean.Cut(fields.guid, clean.MaxName)
	rest = rest[1:]
	if b.dialect >= wire.FirstListNetworks && len(rest) > 0 && clean.IsNumber(rest[0]) {
		if network, err := strconv.ParseUint(rest[0], 10, 16); err == nil {
			contact.Network = int(network)
		}
		rest = rest[1:]
	}
	contact.Groups = splitGroups(argAt(rest, 0))
	return true
}

// listGroup reads LSG: "trid version index total id name 0" in MSNP7,
// "id name 0" in MSNP8 and MSNP9, "name guid" from MSNP10 on.
func (b *Book) listGroup(args []string) {
	if b.download.counted {
		b.download.groups--
	}
	switch {
	case b.dialect < wire.FirstTweener:
		if len(args) >= 6 {
			b.setGroup(args[4], wire.Decode(args[5]))
		}
	case b.dialect < wire.FirstContactIDs:
		if len(args) >= 2 {
			b.setGroup(args[0], wire.Decode(args[1]))
		}
	default:
		if len(args) >= 2 {
			b.setGroup(args[1], wire.Decode(args[0]))
		}
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
		if id = clean.Cut(id, clean.MaxName); id != "" && len(groups) < maxGroups && !slices.Contains(groups, id) {
			groups = append(groups, id)
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

// argAt returns parameter i, or "" when there are fewer.
func argAt(args []string, i int) string {
	if i >= len(args) {
		return ""
	}
	return args[i]
}
