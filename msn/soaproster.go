package msn

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// soapRoster is the roster of MSNP13 and later (protocol/02-contacts.md, section
// 5). The lists come from web services and are then told to the notification
// server, which needs them for this session (ADL). That others add or remove the
// user comes by ADL and RML with TrID 0.
type soapRoster struct {
	client  *Client
	book    *book
	service *soap.AddressBook
	tickets *tickets

	// What follows belongs to the owner.
	told       map[string]List // what the server was told by ADL
	refreshing bool
	stale      bool // something changed while refreshing
	refreshed  time.Time
	generation int // rises with the user's own changes
	following  int // how often the members of the circles were asked for
}

// serviceOfBook is the service whose tickets the address book takes.
var serviceOfBook = passport.ServiceContacts

func newSOAPRoster(c *Client) *soapRoster {
	return &soapRoster{
		client: c, book: c.book, tickets: c.tickets, told: make(map[string]List),
		service: &soap.AddressBook{
			Caller: c.caller(), URL: c.cfg.Web.AddressBook, SharingURL: c.cfg.Web.Sharing,
			Ticket:       c.tickets.ticket(passport.ServiceContacts),
			CookieTicket: c.dialect < wire.FirstSSO,
		},
	}
}

// load downloads the lists and tells the server.
func (r *soapRoster) load(ctx context.Context, s *signIn) error {
	l, err := r.loadLists(ctx, s)
	if err != nil {
		return err
	}
	r.apply(l)
	blp := "AL"
	if setting := l.book.Me.Annotation("MSN.IM.BLP"); setting != "" && setting != "0" && setting != "1" {
		blp = "BL"
	}
	if _, err := s.exchange(ctx, "BLP", blp); err != nil {
		return err
	}
	for _, payload := range wire.FormatMembers(r.members(), true) {
		if _, err := s.exchangeCommand(ctx, wire.New("ADL").WithPayload(payload)); err != nil {
			return err
		}
	}
	r.noteTold()
	if name := r.book.ownName; name != "" {
		if _, err := s.exchange(ctx, "PRP", "MFN", wire.Encode(name)); err != nil {
			// It is a matter of looks: servers refuse names of unverified accounts.
			if _, refused := errors.AsType[*ServerError](err); !refused {
				return err
			}
			r.client.log.Warn("the server does not take the display name", "account", r.client.account, "error", err)
		}
	}
	return nil
}

// roles are the roster lists of the membership roles.
var roles = map[soap.Role]List{
	soap.Allow: ListAllow, soap.Block: ListBlock, soap.Reverse: ListReverse, soap.Pending: ListPending,
}

// apply makes the book what the services say, and returns what changed. Presence is
// left as it is.
func (r *soapRoster) apply(l *lists) (events []Event) {
	before := make(map[string]Contact)
	for account, contact := range r.book.contacts {
		before[account] = *contact
		contact.Lists, contact.Groups, contact.GUID = 0, nil, ""
	}
	for i := range l.book.Contacts {
		r.applyContact(&l.book.Contacts[i])
	}
	for _, m := range l.members {
		contact := r.book.open(m.Account)
		if contact == nil {
			continue
		}
		contact.Lists |= roles[m.Role]
		contact.Network = m.Network
		if contact.Name == "" {
			contact.Name = keep(m.Name, maxName)
		}
	}
	for _, contact := range r.book.contacts {
		if contact.Lists.Has(ListAllow | ListBlock) {
			// Servers refuse both (241); who is blocked stays blocked.
			contact.Lists &^= ListAllow
		}
	}
	r.book.groups = nil
	for _, g := range l.book.Groups {
		r.book.setGroup(g.ID, wire.Encode(g.Name))
	}
	if name := l.book.Me.Name; name != "" {
		r.book.ownName = keep(name, maxName)
	}
	r.book.ownID = keep(l.book.Me.ID, maxName)
	r.client.freshTicket = l.book.CircleTicket
	if r.book.setCircles(l.book.Circles) {
		events = append(events, CirclesChanged{Circles: r.book.circleList()})
	}
	for _, account := range slices.Sorted(maps.Keys(r.book.contacts)) {
		events = append(events, changeOf(before[account], *r.book.contacts[account])...)
	}
	return events
}

func (r *soapRoster) applyContact(c *soap.Contact) {
	contact := r.book.open(c.Account)
	if contact == nil {
		return
	}
	if c.Messenger {
		contact.Lists |= ListForward
	}
	contact.GUID = keep(c.ID, maxName)
	contact.Network = c.Network
	for _, group := range c.Groups {
		contact.joinGroup(group)
	}
	if name := cmpName(c.NickName, c.Name); name != "" && (contact.Status == Offline || c.NickName != "" || contact.Name == "") {
		contact.Name = name
	}
	for kind, key := range phoneKeys {
		contact.setProperty(key, wire.Encode(c.Phones[kind]))
	}
	mobile := ""
	if c.MobileIM {
		mobile = "Y"
	}
	contact.setProperty("MOB", mobile)
}

// phoneKeys are the properties of the kinds of numbers.
var phoneKeys = map[string]string{"Personal": "PHH", "Business": "PHW", "Mobile": "PHM"}

func cmpName(names ...string) string {
	for _, name := range names {
		if name = keep(name, maxName); strings.TrimSpace(name) != "" {
			return name
		}
	}
	return ""
}

// changeOf tells what became of a contact.
func changeOf(before, after Contact) []Event {
	var events []Event
	const theirs = ListReverse | ListPending
	switch has, had := after.Lists&theirs != 0, before.Lists&theirs != 0; {
	case has && !had:
		events = append(events, AddedYou{Contact: after})
	case had && !has:
		events = append(events, RemovedYou{Contact: after})
	}
	if before.Lists != after.Lists || before.Name != after.Name || !slices.Equal(before.Groups, after.Groups) ||
		!maps.Equal(before.Properties, after.Properties) {
		events = append(events, ContactChanged{Contact: after, Before: before.Lists})
	}
	return events
}

// sessionLists are those that ADL may name.
const sessionLists = ListForward | ListAllow | ListBlock

// members is what the server has to be told of the book.
func (r *soapRoster) members() (members []wire.Member) {
	for _, account := range slices.Sorted(maps.Keys(r.book.contacts)) {
		contact := r.book.contacts[account]
		if bits := r.bits(contact); bits != 0 {
			members = append(members, wire.Member{Account: account, Lists: uint8(bits), Network: max(contact.Network, soap.NetworkPassport)})
		}
	}
	slices.SortStableFunc(members, func(a, b wire.Member) int {
		return strings.Compare(domainOf(a.Account), domainOf(b.Account))
	})
	return members
}

// bits are the lists of a contact that the server is told. Somebody in the address
// book who is on neither AL nor BL is let in, unless they wait for an answer.
func (r *soapRoster) bits(contact *Contact) List {
	bits := contact.Lists & sessionLists
	if bits == ListForward && !contact.Lists.Has(ListPending) {
		bits |= ListAllow
	}
	return bits
}

func domainOf(account string) string {
	_, domain, _ := strings.Cut(account, "@")
	return domain
}

func (r *soapRoster) noteTold() {
	clear(r.told)
	for _, m := range r.members() {
		r.told[m.Account] = List(m.Lists)
	}
}

// update applies ADL and RML of the server's own, and its words about the user's
// name and settings.
func (r *soapRoster) update(cmd wire.Command) ([]Event, bool) {
	switch cmd.Verb {
	case "ADL", "RML":
		return r.membersChanged(cmd), true
	case "PRP":
		if args := skipNumbers(cmd.Args); len(args) >= 2 && args[0] == "MFN" {
			r.book.ownName = decodeName(args[1])
		}
		return nil, true
	case "BPR":
		return nil, true
	case "BLP", "GTC", "SBS", "GCF":
		return nil, true
	}
	return nil, false
}

// membersChanged applies "ADL 0" (somebody added the user) and "RML 0" (removed).
func (r *soapRoster) membersChanged(cmd wire.Command) (events []Event) {
	members, err := wire.ParseMembers(cmd.Payload)
	if err != nil {
		r.client.log.Warn("unreadable list change", "account", r.client.account, "command", cmd.Verb, "error", err)
	}
	for _, m := range members {
		contact := r.book.open(m.Account)
		if contact == nil || List(m.Lists)&ListReverse == 0 {
			continue
		}
		if m.Network != 0 {
			contact.Network = m.Network
		}
		if contact.Name == "" && m.Name != "" {
			contact.Name = decodeName(m.Name)
		}
		before := *contact
		if cmd.Verb == "RML" {
			contact.Lists &^= ListReverse | ListPending
		} else if contact.Lists&(ListAllow|ListBlock) == 0 {
			contact.Lists |= ListPending
		} else {
			contact.Lists |= ListReverse
		}
		events = append(events, changeOf(before, *contact)...)
	}
	r.refresh()
	return events
}

// tell tells the server what of the lists it was told has changed. result, which may
// be nil, is called with its answer.
func (r *soapRoster) tell(result func(error)) {
	var added, removed []wire.Member
	members := r.members()
	is := make(map[string]List, len(members))
	for _, m := range members {
		is[m.Account] = List(m.Lists)
		if fresh := List(m.Lists) &^ r.told[m.Account]; fresh != 0 {
			added = append(added, wire.Member{Account: m.Account, Lists: uint8(fresh), Network: m.Network})
		}
	}
	for _, account := range slices.Sorted(maps.Keys(r.told)) {
		if gone := r.told[account] &^ is[account]; gone != 0 {
			removed = append(removed, wire.Member{Account: account, Lists: uint8(gone), Network: network(*r.book.contacts[account])})
		}
	}
	r.told = is
	// In this order: nobody may be on AL and BL at the same time.
	r.client.tellMembers([]wire.Command{wire.New("RML"), wire.New("ADL")}, [][]wire.Member{removed, added}, result)
}

// tellMembers sends ADL and RML of a session under way, and calls result, unless it is
// nil, when all are answered: with the first error, if there was one.
func (c *Client) tellMembers(verbs []wire.Command, members [][]wire.Member, result func(error)) {
	var cmds []wire.Command
	for i, verb := range verbs {
		for _, payload := range wire.FormatMembers(members[i], false) {
			cmds = append(cmds, verb.WithPayload(payload))
		}
	}
	open := len(cmds)
	var first error
	finish := func() {
		if open == 0 && result != nil {
			result(first)
		}
	}
	for _, cmd := range cmds {
		c.requestCommand(cmd, func(_ wire.Command, err error) {
			open--
			if refused, ok := errors.AsType[*ServerError](err); ok && result == nil {
				c.accuse(refused)
			}
			first = cmp.Or(first, err)
			finish()
		})
	}
	if len(cmds) == 0 {
		finish()
	}
}

var _ roster = (*soapRoster)(nil)
