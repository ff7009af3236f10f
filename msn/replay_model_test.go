package msn

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/transcript"
	"matrix-msn/msn/wire"
)

// What follows says what a recording means, in its own words rather than by the
// code of the package, so that both can be held against each other.

// expectation is an event that has to come.
type expectation struct {
	what  string
	match func(Event) bool
}

// recordedMails are the numbers of unread mail in the first notice from MSNP11 on.
var recordedMails = regexp.MustCompile(`(?s)initialmdatanotification.*<E><I>\d+</I><IU>(\d+)</IU><O>\d+</O><OU>(\d+)</OU></E>`)

// recordedLeaf is an element without others in it, as it stands escaped in a BODY.
var recordedLeaf = regexp.MustCompile(`&lt;(\w+)&gt;([^&]*)&lt;/`)

// expectEvents notes the events that a line of the notification server makes.
func (r *replay) expectEvents(i item) {
	if i.malformed {
		return
	}
	args := i.cmd.Args
	add := func(match func(Event) bool) {
		r.due = append(r.due, expectation{fmt.Sprintf("line %d: %s", i.Line, lineOf(i.cmd)), match})
	}
	switch i.cmd.Verb {
	case "LST":
		r.noteListed(args)
	case "ILN", "NLN":
		initial := i.cmd.Verb == "ILN"
		if initial && len(args) > 0 {
			args = args[1:]
		}
		if len(args) < 2 || !strings.Contains(args[1], "@") || len(args[1]) > 200 {
			return
		}
		status := Status(args[0])
		account, rest, theirs := r.about(args[1:])
		name := argAt(rest, 0)
		if !theirs || !status.Settable() || status == Hidden {
			return
		}
		r.known[account] = true
		caps := uint64(0)
		if len(rest) > 1 {
			number, _, _ := strings.Cut(rest[1], ":")
			caps, _ = strconv.ParseUint(number, 10, 32)
		}
		add(func(e Event) bool {
			p, ok := e.(PresenceChanged)
			return ok && p.Initial == initial && p.Contact.Account == account && p.Contact.Status == status &&
				(name == "" || len(name) > 300 || p.Contact.Name == wire.Decode(name)) && p.Contact.Capabilities == uint32(caps)
		})
	case "FLN":
		if len(args) == 0 || !strings.Contains(args[0], "@") || len(args[0]) > 200 {
			return
		}
		account, _, theirs := r.about(args)
		if !theirs {
			return
		}
		r.known[account] = true
		add(func(e Event) bool {
			p, ok := e.(PresenceChanged)
			return ok && p.Contact.Account == account && p.Contact.Status == Offline
		})
	case "UBX":
		if len(args) == 0 || !strings.Contains(args[0], "@") || strings.Contains(i.cmd.Payload, "<!") {
			return
		}
		account, _, theirs := r.about(args)
		if !theirs {
			r.expectPlaces(i, account)
			return
		}
		r.known[account] = true
		_, psm, _ := strings.Cut(i.cmd.Payload, "<PSM>")
		psm, _, _ = strings.Cut(psm, "</PSM>")
		plain := !strings.Contains(psm, "&") && len(psm) < 1000
		add(func(e Event) bool {
			p, ok := e.(PersonalMessageChanged)
			return ok && p.Contact.Account == account && (!plain || p.Contact.Personal == psm)
		})
	case "MSG":
		raw := true
		if numbers := recordedMails.FindStringSubmatch(i.cmd.Payload); numbers != nil {
			add(func(e Event) bool {
				m, ok := e.(MailCounted)
				return ok && m.Initial && !m.Unknown && strconv.Itoa(m.Inbox) == numbers[1] && strconv.Itoa(m.Folders) == numbers[2]
			})
			raw = strings.Contains(i.cmd.Payload, "<M>")
		}
		if raw {
			add(func(e Event) bool {
				m, ok := e.(ServerMessage)
				return ok && m.Message == wire.ParseMessage(i.cmd.Payload)
			})
		}
	case "NOT":
		if strings.Contains(i.cmd.Payload, "<!") || !strings.Contains(i.cmd.Payload, "NotificationData") {
			return
		}
		add(func(e Event) bool {
			d, ok := e.(DataReceived)
			for _, leaf := range recordedLeaf.FindAllStringSubmatch(i.cmd.Payload, -1) {
				ok = ok && d.Data[leaf[1]] == leaf[2]
			}
			return ok
		})
	case "ADD", "ADC":
		if argAt(args, 1) != "RL" {
			return
		}
		account := argAt(args, 3)
		if i.cmd.Verb == "ADC" {
			account, _ = strings.CutPrefix(argAt(args, 2), "N=")
		}
		account = strings.ToLower(account)
		r.known[account] = true
		add(func(e Event) bool {
			a, ok := e.(AddedYou)
			return ok && a.Contact.Account == account && a.Contact.Lists.Has(ListReverse)
		})
	case "ADL", "RML":
		r.expectMembers(i)
	case "REM":
		account := argAt(args, 2)
		if r.rec.dialect < 10 {
			account = argAt(args, 3)
		}
		account = strings.ToLower(account)
		if argAt(args, 1) != "RL" || !r.known[account] {
			return
		}
		add(func(e Event) bool {
			a, ok := e.(RemovedYou)
			return ok && a.Contact.Account == account && !a.Contact.Lists.Has(ListReverse)
		})
	}
}

// noteListed remembers that an account is known.
func (r *replay) noteListed(args []string) {
	for _, arg := range args {
		arg = strings.TrimPrefix(arg, "N=")
		if strings.Contains(arg, "@") {
			r.known[strings.ToLower(arg)] = true
			return
		}
	}
}

// settle waits for all events that are due. ContactChanged, GroupsChanged and NameChanged may
// come between them: how often they do is no matter of the recording.
func (r *replay) settle() {
	r.t.Helper()
	for _, want := range r.due {
		for {
			e := nextEvent(r.t, r.client)
			switch e.(type) {
			case ContactChanged, GroupsChanged, NameChanged:
				continue
			}
			if !want.match(e) {
				r.t.Fatalf("%s\nmade the event %T %+v", want.what, e, e)
			}
			break
		}
	}
	r.due = nil
}

// disregard reads the events that a malformed line has made, whatever they are.
// A barrier before makes sure that the line was handled, so that all of them wait
// to be read.
func (r *replay) disregard() {
	r.t.Helper()
	waiting := 0
	r.client.conn.Do(func() { waiting = r.client.conn.Waiting() })
	for range waiting {
		nextEvent(r.t, r.client)
	}
}

// listedContact is what the LST lines of a recording say of a contact.
type listedContact struct {
	name   string
	lists  List
	groups []string
	guid   string
}

// recordedLists reads the lists that were downloaded while signing in. It is nil
// when any line is not as the specification has it.
func (r *replay) recordedLists() map[string]listedContact {
	d := r.rec.dialect
	all := make(map[string]listedContact)
	started := false
	for n, i := range r.rec.records {
		if i.cmd.Verb == "SYN" {
			if i.client() && started {
				break
			}
			started = true
		}
		if !i.server() || !isNotification(i.Conn) || i.cmd.Verb != "LST" || !r.used[n] {
			continue
		}
		args := i.cmd.Args
		switch {
		case i.malformed:
			return nil
		case d < 8:
			if len(args) < 2 {
				return nil
			}
			if len(args) == 5 {
				continue
			}
			which, ok := map[string]List{"FL": 1, "AL": 2, "BL": 4, "RL": 8}[args[1]]
			if !ok || len(args) < 7 {
				return nil
			}
			c := all[strings.ToLower(args[5])]
			c.name, c.lists = wire.Decode(args[6]), c.lists|which
			if which == ListForward && len(args) > 7 {
				c.groups = strings.Split(args[7], ",")
			}
			all[strings.ToLower(args[5])] = c
		default:
			c := listedContact{}
			account := ""
			if d >= 10 {
				for len(args) > 0 && len(args[0]) > 1 && args[0][1] == '=' {
					switch args[0][0] {
					case 'N':
						account = args[0][2:]
					case 'F':
						c.name = wire.Decode(args[0][2:])
					case 'C':
						c.guid = args[0][2:]
					}
					args = args[1:]
				}
			} else if len(args) >= 2 {
				account, c.name = args[0], wire.Decode(args[1])
				args = args[2:]
			}
			bits, err := strconv.Atoi(argAt(args, 0))
			if err != nil || bits > 31 || account == "" {
				return nil
			}
			c.lists = List(bits)
			at := 1
			if d >= 12 {
				at = 2
			}
			if groups := argAt(args, at); groups != "" && (d >= 10 || c.lists.Has(ListForward)) {
				c.groups = strings.Split(groups, ",")
			}
			all[strings.ToLower(account)] = c
		}
	}
	return all
}

// checkLists holds the Client's contact lists against the recorded ones.
func (r *replay) checkLists() {
	r.t.Helper()
	if r.rec.dialect >= wire.FirstSOAP {
		r.checkTold()
		return
	}
	want := r.recordedLists()
	if want == nil {
		r.t.Log("left: lists that are not as the specification has them are not compared")
		return
	}
	for _, i := range r.rec.records {
		if i.cmd.Verb == "ADD" || i.cmd.Verb == "ADC" || i.cmd.Verb == "REM" {
			r.t.Log("the lists are compared without what changes later")
			break
		}
	}
	got := r.client.Contacts()
	if len(got) != len(want) {
		r.t.Errorf("%d contacts, want %d", len(got), len(want))
	}
	for _, c := range got {
		w, ok := want[c.Account]
		if !ok {
			r.t.Errorf("contact %q was not recorded", c.Account)
			continue
		}
		if c.Lists != w.lists || c.Name != w.name || c.GUID != w.guid || !slices.Equal(c.Groups, w.groups) {
			r.t.Errorf("contact %+v, want %+v", c, w)
		}
	}
}

// isOpenFor returns the record of the switchboard connection that a ticket
// was used for, by the first command on it, or -1.
func (r *replay) isOpenFor(verb, ticket string, after int) int {
	for n := after; n < len(r.rec.records); n++ {
		i := r.rec.records[n]
		if i.Kind != transcript.Connection || i.Text != transcript.Open || isNotification(i.Conn) || r.used[n] {
			continue
		}
		if first, ok := r.firstCommand(n); ok && first.cmd.Verb == verb && first.cmd.Arg(2) == ticket {
			return n
		}
	}
	return -1
}

// firstCommand returns the first command on the connection that record n opens.
func (r *replay) firstCommand(n int) (item, bool) {
	conn := r.rec.records[n].Conn
	for _, i := range r.rec.records[n+1:] {
		if i.Conn != conn {
			continue
		}
		return i, i.client()
	}
	return item{}, false
}

// on returns the records of the connection that record n opens.
func (r *replay) on(n int) []item {
	var items []item
	conn := r.rec.records[n].Conn
	for _, i := range r.rec.records[n+1:] {
		if i.Conn != conn {
			continue
		}
		if i.Kind == transcript.Connection {
			if i.Text == transcript.Open {
				break
			}
			return append(items, i)
		}
		items = append(items, i)
	}
	return items
}
