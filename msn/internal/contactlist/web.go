package contactlist

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// web is the source of MSNP13 and later (protocol/02-contacts.md, section 5). The lists
// come from web services and are then told to the notification server, which needs them for
// this session (ADL). That others add or remove the user comes by ADL and RML with TrID 0.
type web struct {
	*List
	dialect wire.Dialect

	// What follows belongs to the owner.
	told       map[string]roster.List // what the server was told by ADL
	refreshing bool
	stale      bool // something changed while refreshing, or while signing in
	refreshed  time.Time
	generation int // rises with the user's own changes
}

func newWeb(l *List) *web {
	w := &web{List: l, dialect: l.conn.Dialect(), told: make(map[string]roster.List)}
	l.conn.Handle(
		ns.Verb{Name: "ADL", From: wire.FirstSOAP, Do: w.membersChanged},
		ns.Verb{Name: "RML", From: wire.FirstSOAP, Do: w.membersChanged},
	)
	return w
}

// load downloads the lists and tells the server.
func (w *web) load(ctx context.Context) error {
	l, err := w.loadLists(ctx)
	if err != nil {
		return err
	}
	var members []wire.Member
	var name string
	var everybody bool
	w.conn.Do(func() {
		w.apply(l)
		everybody = w.book.Privacy().Everybody
		members, name = w.members(), w.book.OwnName()
		w.told = listsOf(members)
	})
	if err := w.ask(ctx, wire.New("BLP", everybodyCodes[everybody])); err != nil {
		return err
	}
	for _, payload := range wire.FormatMembers(members, true) {
		if err := w.ask(ctx, wire.New("ADL").WithPayload(payload)); err != nil {
			return err
		}
	}
	if name == "" {
		return nil
	}
	err = w.ask(ctx, wire.New("PRP", "MFN", wire.Encode(name)))
	if refused, ok := errors.AsType[*errs.ServerError](err); ok {
		// It is a matter of looks: servers refuse names of unverified accounts.
		w.conn.Log().Warn("the server does not take the display name", "account", w.conn.Account(), "error", refused)
		return nil
	}
	return err
}

// roles are the roster lists of the membership roles.
var roles = map[soap.Role]roster.List{
	soap.Allow: roster.ListAllow, soap.Block: roster.ListBlock, soap.Reverse: roster.ListReverse, soap.Pending: roster.ListPending,
}

// apply makes the book what the services say, and returns what changed.
func (w *web) apply(l *lists) (events []event.Event) {
	var groups []roster.Group
	for _, g := range l.book.Groups {
		groups = append(groups, roster.Group(g))
	}
	changes := w.book.Replace(groups, func(open func(string) *roster.Contact) {
		for i := range l.book.Contacts {
			if contact := open(l.book.Contacts[i].Account); contact != nil {
				applyContact(contact, &l.book.Contacts[i])
			}
		}
		for _, m := range l.members {
			contact := open(m.Account)
			if contact == nil {
				continue
			}
			contact.Lists |= roles[m.Role]
			contact.Network = m.Network
			if m.Role == soap.Pending {
				contact.Request = clean.Cut(m.Message, MaxRequest)
			}
			name := clean.Cut(m.Name, clean.MaxName)
			contact.Name, contact.Told = cmp.Or(contact.Name, name), cmp.Or(contact.Told, name)
		}
	})
	if name := l.book.Me.Name; name != "" {
		events = append(events, w.book.SetOwnName(name)...)
	}
	w.book.SetPrivacy(roster.Privacy{
		Everybody: isFirstChoice(l.book.Me.Annotation(annotationEverybody)), Asks: isFirstChoice(l.book.Me.Annotation(annotationAsks)),
	})
	for _, told := range w.onBook {
		events = append(events, told(l.book)...)
	}
	return append(events, changes...)
}

// applyContact notes what the address book says of a contact.
func applyContact(contact *roster.Contact, c *soap.Contact) {
	if c.Messenger {
		contact.Lists |= roster.ListForward
	}
	contact.GUID = clean.Cut(c.ID, clean.MaxName)
	contact.Network = c.Network
	for _, group := range c.Groups {
		contact.JoinGroup(group)
	}
	contact.Nick = firstName(c.NickName)
	if name := firstName(c.Name); name != "" && (contact.Status == roster.Offline || contact.Name == "") {
		contact.Name, contact.Told = name, name
	}
	for kind, key := range phoneKeys {
		contact.SetProperty(key, c.Phones[kind])
	}
	mobile := ""
	if c.MobileIM {
		mobile = "Y"
	}
	contact.SetProperty(roster.PropertyPaging, mobile)
}

// phoneKeys are the properties of the kinds of numbers.
var phoneKeys = map[string]string{"Personal": roster.PropertyHome, "Business": roster.PropertyWork, "Mobile": roster.PropertyMobile}

// firstName returns the first name that people can read.
func firstName(names ...string) string {
	for _, name := range names {
		if name = clean.Cut(name, clean.MaxName); strings.TrimSpace(name) != "" {
			return name
		}
	}
	return ""
}

// sessionLists are those that ADL may name.
const sessionLists = roster.ListForward | roster.ListAllow | roster.ListBlock

// members is what the server has to be told of the book.
func (w *web) members() (members []wire.Member) {
	for _, contact := range w.book.All() {
		if bits := bitsOf(contact); bits != 0 {
			members = append(members, wire.Member{Account: contact.Account, Lists: uint8(bits), Network: networkOf(contact)})
		}
	}
	slices.SortStableFunc(members, func(a, b wire.Member) int {
		return strings.Compare(domainOf(a.Account), domainOf(b.Account))
	})
	return members
}

// bitsOf are the lists of a contact that the server is told. Somebody in the address
// book who is on neither AL nor BL is let in, unless they wait for an answer.
func bitsOf(contact roster.Contact) roster.List {
	bits := contact.Lists & sessionLists
	if bits == roster.ListForward && !contact.Lists.Has(roster.ListPending) {
		bits |= roster.ListAllow
	}
	return bits
}

func networkOf(contact roster.Contact) int { return max(contact.Network, soap.NetworkPassport) }

func domainOf(account string) string {
	_, domain, _ := strings.Cut(account, "@")
	return domain
}

func listsOf(members []wire.Member) map[string]roster.List {
	lists := make(map[string]roster.List, len(members))
	for _, m := range members {
		lists[m.Account] = roster.List(m.Lists)
	}
	return lists
}

// membersChanged takes ADL and RML of the server's own.
func (w *web) membersChanged(cmd wire.Command) {
	events, err := w.book.ApplyMembers(cmd)
	if err != nil {
		w.conn.Warn("unreadable list change", "command", cmd.Verb, "error", err)
	}
	w.refresh()
	w.news.tell(events)
}

// tell tells the server what of the lists it was told has changed. result, which may
// be nil, is called when all is answered: with the first error, if there was one.
func (w *web) tell(result func(error)) {
	var added, removed []wire.Member
	members := w.members()
	is := listsOf(members)
	for _, m := range members {
		if fresh := roster.List(m.Lists) &^ w.told[m.Account]; fresh != 0 {
			added = append(added, wire.Member{Account: m.Account, Lists: uint8(fresh), Network: m.Network})
		}
	}
	for account, lists := range w.told {
		if gone := lists &^ is[account]; gone != 0 {
			contact, _ := w.book.Find(account)
			removed = append(removed, wire.Member{Account: account, Lists: uint8(gone), Network: networkOf(contact)})
		}
	}
	slices.SortFunc(removed, func(a, b wire.Member) int { return strings.Compare(a.Account, b.Account) })
	w.told = is
	// In this order: nobody may be on AL and BL at the same time.
	var cmds []wire.Command
	for _, payload := range wire.FormatMembers(removed, false) {
		cmds = append(cmds, wire.New("RML").WithPayload(payload))
	}
	for _, payload := range wire.FormatMembers(added, false) {
		cmds = append(cmds, wire.New("ADL").WithPayload(payload))
	}
	w.send(cmds, result)
}

// send sends commands, and calls result, unless it is nil, when all are answered.
func (w *web) send(cmds []wire.Command, result func(error)) {
	open := len(cmds)
	if open == 0 && result != nil {
		result(nil)
	}
	var first error
	for _, cmd := range cmds {
		w.conn.Request(cmd, func(_ wire.Command, err error) {
			if refused, ok := errors.AsType[*errs.ServerError](err); ok && result == nil {
				w.conn.Accuse(refused)
			}
			first = cmp.Or(first, err)
			if open--; open == 0 && result != nil {
				result(first)
			}
		})
	}
}
