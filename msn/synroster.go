package msn

import (
	"context"
	"strconv"
	"strings"

	"matrix-msn/msn/wire"
)

// synRoster is the roster of MSNP2 to MSNP12 (protocol/02-contacts.md, sections 2
// to 4). The lists come after SYN in one of four shapes; all later changes are
// lines of the notification connection.
type synRoster struct {
	book    *book
	dialect wire.Dialect
	account string // the user's own, lower case

	// last is the contact of the latest LST: a BPR without account belongs to it.
	last *Contact
	// What has come of the download.
	started        bool // the SYN reply is here
	counted        bool // it announced numbers (from MSNP8 on)
	lists, groups  int  // LST and LSG lines still to come, when counted
	reverseIsThere bool // the last of the four lists is complete (to MSNP7)
}

func newSynRoster(b *book, d wire.Dialect, account string) *synRoster {
	return &synRoster{book: b, dialect: d, account: strings.ToLower(account)}
}

// load asks for everything: a version of 0 is never current. When announced
// lists stay away, what has come is taken for all there is.
func (r *synRoster) load(ctx context.Context, s *signIn) error {
	args := []string{"0"}
	if r.dialect >= 10 {
		args = append(args, "0")
	}
	trid, err := s.send("SYN", args...)
	if err != nil {
		return err
	}
	for !r.complete() {
		wait := s.client.timeouts.Request
		if r.started {
			wait = min(wait, listsQuiet)
		}
		cmd, err := s.next(ctx, wait)
		if err == ErrTimeout && r.started {
			s.client.log.Warn("contact lists are shorter than announced", "lists", r.lists, "groups", r.groups)
			return nil
		}
		if err != nil {
			return s.failure("SYN", err)
		}
		if number, ok := cmd.ErrorNumber(); ok && answers(cmd, trid) {
			return serverError(number, "SYN")
		}
		if cmd.Verb == "SYN" && answers(cmd, trid) {
			r.start(cmd)
			continue
		}
		if err := s.other(cmd); err != nil {
			return err
		}
	}
	return nil
}

// answers reports whether the first parameter of cmd is trid.
func answers(cmd wire.Command, trid uint32) bool {
	got, ok := cmd.TrID()
	return ok && got == trid
}

// start reads the SYN reply: "trid version [contacts groups]" to MSNP9,
// "trid time time contacts groups" from MSNP10 on, where the times can be
// numbers.
func (r *synRoster) start(cmd wire.Command) {
	r.started = true
	at := 2
	if r.dialect >= 10 {
		at = 3
	}
	if r.dialect < 8 {
		return
	}
	lists, err1 := strconv.ParseUint(cmd.Arg(at), 10, 31)
	groups, err2 := strconv.ParseUint(cmd.Arg(at+1), 10, 31)
	if err1 != nil || err2 != nil {
		// Without numbers nothing follows.
		lists, groups = 0, 0
	}
	r.counted, r.lists, r.groups = true, int(lists), int(groups)
}

func (r *synRoster) complete() bool {
	if r.counted {
		return r.lists <= 0 && r.groups <= 0
	}
	return r.started && r.reverseIsThere
}

// update applies one line.
func (r *synRoster) update(cmd wire.Command) ([]Event, bool) {
	switch cmd.Verb {
	case "LST":
		return r.list(cmd.Args), true
	case "LSG":
		r.listGroup(cmd.Args)
		return nil, true
	case "PRP":
		r.ownProperty(cmd.Args)
		return nil, true
	case "BPR":
		return r.contactProperty(cmd.Args), true
	case "ADD", "ADC":
		return r.add(cmd), true
	case "REM":
		return r.remove(cmd.Args), true
	case "REA", "SBP":
		return r.rename(cmd), true
	case "ADG", "REG", "RMG":
		r.changeGroup(cmd)
		return nil, true
	case "GTC", "BLP":
		return nil, true
	}
	return nil, false
}

// ownProperty applies "[trid] [version] KEY [value]".
func (r *synRoster) ownProperty(args []string) {
	args = skipNumbers(args)
	if len(args) == 0 {
		return
	}
	value := ""
	if len(args) > 1 {
		value = args[1]
	}
	switch key := args[0]; key {
	case "MFN":
		if len(args) > 1 {
			r.book.ownName = decodeName(value)
		}
	case propertyHome, propertyWork, propertyMobile:
		if r.book.ownNumbers == nil {
			r.book.ownNumbers = make(map[string]string)
		}
		r.book.ownNumbers[strings.Clone(key)] = keep(phoneDigits(wire.Decode(value)), maxField)
	}
}

// contactProperty applies "[version] [account] KEY [value]".
func (r *synRoster) contactProperty(args []string) []Event {
	args = skipNumbers(args)
	contact := r.last
	if len(args) > 0 && !isPropertyKey(args[0]) {
		contact = r.book.find(args[0])
		args = args[1:]
	}
	if contact == nil || len(args) == 0 || !isPropertyKey(args[0]) {
		return nil
	}
	value := ""
	if len(args) > 1 {
		value = args[1]
	}
	if !contact.setProperty(args[0], value) {
		return nil
	}
	return []Event{ContactChanged{Contact: *contact, Before: contact.Lists}}
}

// rename applies "REA trid version account name" and "SBP trid guid MFN name".
func (r *synRoster) rename(cmd wire.Command) []Event {
	var contact *Contact
	if cmd.Verb == "SBP" {
		if cmd.Arg(2) != "MFN" {
			return nil
		}
		contact = r.book.findGUID(cmd.Arg(1))
	} else {
		if account, ok := parseAccount(cmd.Arg(2)); ok && account == r.account {
			r.book.ownName = decodeName(cmd.Arg(3))
			return nil
		}
		contact = r.book.find(cmd.Arg(2))
	}
	if contact == nil {
		return nil
	}
	contact.Name = decodeName(cmd.Arg(3))
	return []Event{ContactChanged{Contact: *contact, Before: contact.Lists}}
}

// skipNumbers cuts the TrID and version off parameters whose number differs from
// server to server.
func skipNumbers(args []string) []string {
	for len(args) > 0 && isNumber(args[0]) {
		args = args[1:]
	}
	return args
}

func isNumber(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isPropertyKey reports whether s is a key of PRP and BPR: three capitals.
func isPropertyKey(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

var _ roster = (*synRoster)(nil)
