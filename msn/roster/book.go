// Package roster is whom the user knows, as lines of the protocol change it: contacts with
// their presence, groups, the user's own name and endpoints. It reads no connection and
// waits for nothing.
package roster

import (
	"maps"
	"slices"
	"strings"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

// MaxContacts is how many accounts are remembered. Real lists end at 1,000.
const MaxContacts = 10000

// Book is what is known of one account's contacts, groups, own name and endpoints. It
// belongs to one goroutine. Whatever is said to it stays within limits and is text.
type Book struct {
	dialect  wire.Dialect
	self     string // the user's account in lower case
	endpoint string // GUID of this endpoint, in lower case; "" below MSNP16

	// Groups and Properties of the contacts are replaced, never changed in place, so that
	// snapshots can share them.
	contacts lazy.Table[string, packed]
	groups   []Group
	ownName  string
	// ownNumbers are the user's own phone numbers as digits, by their keys.
	ownNumbers map[string]string
	privacy    Privacy
	endpoints  []Endpoint
	// places are the endpoints of contacts who tell them.
	places map[string][]place
	// last is the account of the latest LST, "" for an invalid one: a BPR without account belongs to it.
	last     string
	download download
	via      func(Via) []event.Event
}

// New returns an empty book of a dialect. self is the user's own account, and endpoint the
// GUID that this endpoint signs in with, which is left out below MSNP16.
func New(dialect wire.Dialect, self, endpoint string) *Book {
	if dialect < wire.FirstEndpoints {
		endpoint = ""
	}
	return &Book{
		dialect: dialect, self: strings.ToLower(self), endpoint: strings.ToLower(endpoint),
		privacy: Privacy{Everybody: true, Asks: true},
	}
}

// Apply applies a line of the server's and returns what it changes. Lines that are not
// about contacts, that the dialect does not have, or that are broken, change nothing.
func (b *Book) Apply(cmd wire.Command) []event.Event {
	switch cmd.Verb {
	case "ILN", "NLN":
		return b.online(cmd)
	case "FLN":
		return b.offline(cmd)
	case "UBX":
		return b.personal(cmd)
	case "PRP":
		return b.ownProperty(cmd.Args)
	}
	if b.dialect < wire.FirstSOAP {
		return b.line(cmd)
	}
	events, _ := b.ApplyMembers(cmd)
	return events
}

// Find returns the contact with this account, who need not be on a list. Letter case does
// not matter.
func (b *Book) Find(account string) (contact Contact, ok bool) {
	account, ok = clean.Key(account)
	return contact, ok && b.knownTo(&contact, account)
}

// find is Find, nil for nobody. What is changed of the contact counts when it is kept.
func (b *Book) find(account string) *Contact {
	account, ok := clean.Account(account) // not Find, whose contact is not kept
	if !ok {
		return nil
	}
	return b.known(account)
}

// known is find for an account in lower case. It and open are so short that the compiler puts them where they are called:
// the contact is no garbage then.
func (b *Book) known(account string) *Contact {
	contact := new(Contact)
	if !b.knownTo(contact, account) {
		return nil
	}
	return contact
}

func (b *Book) knownTo(contact *Contact, account string) bool {
	p, ok := b.contacts.Get(account)
	if ok {
		*contact = p.contact(b.contacts.Key(account)) // not account, which may be a part of a line, or one more copy
	}
	return ok
}

// keep notes what a contact is now.
func (b *Book) keep(contact *Contact) { b.contacts.Put(contact.Account, pack(contact)) }

// findGUID returns the contact with this contact ID, or nil, as find.
func (b *Book) findGUID(guid string) *Contact {
	if guid == "" {
		return nil
	}
	for account, p := range b.contacts.All() {
		if strings.EqualFold(p.guid, guid) {
			contact := p.contact(account)
			return &contact
		}
	}
	return nil
}

// open returns the contact with this account, as find, which is made if it is new. It is
// nil when the account is invalid or MaxContacts are known.
func (b *Book) open(account string) *Contact {
	contact := new(Contact)
	if !b.openTo(contact, account) {
		return nil
	}
	return contact
}

func (b *Book) openTo(contact *Contact, account string) bool {
	account, ok := clean.Account(account)
	switch {
	case !ok:
		return false
	case b.knownTo(contact, account):
		return true
	case b.contacts.Len() >= MaxContacts:
		return false
	}
	*contact = Contact{Account: account, Status: Offline}
	b.keep(contact)
	return true
}

// Len returns how many accounts are known.
func (b *Book) Len() int { return b.contacts.Len() }

// All returns everybody who is known, on a list or not, by account.
func (b *Book) All() []Contact {
	contacts := make([]Contact, 0, b.contacts.Len())
	for account, p := range b.contacts.All() {
		contacts = append(contacts, p.contact(account))
	}
	slices.SortFunc(contacts, func(c, d Contact) int { return strings.Compare(c.Account, d.Account) })
	return contacts
}

// Listed returns everybody who is on a list, by account.
func (b *Book) Listed() []Contact {
	return slices.DeleteFunc(b.All(), func(c Contact) bool { return c.Lists == 0 })
}

// WithMobile returns the contacts that have a mobile number, given as digits.
func (b *Book) WithMobile(digits string) (found []Contact) {
	if digits == "" {
		return nil
	}
	for account, p := range b.contacts.All() {
		contact := p.contact(account)
		if number := contact.Properties[PropertyMobile]; number != "" && clean.Digits(number) == digits {
			found = append(found, contact)
		}
	}
	return found
}

// Change changes a contact, which is made if it is new, and returns what became of it. It
// reports false, and does nothing, when the account is invalid or MaxContacts are known.
func (b *Book) Change(account string, change func(*Contact)) (events []event.Event, ok bool) {
	contact := b.open(account)
	if contact == nil {
		return nil, false
	}
	before := *contact
	change(contact)
	b.keep(contact)
	return changeOf(before, *contact), true
}

// Replace makes the lists anew and returns what that has changed: nobody is on a list or
// in a group any more but whom fill puts there. Presence stays as it is. open returns a
// contact, or nil as Change does not change one.
func (b *Book) Replace(groups []Group, fill func(open func(account string) *Contact)) (events []event.Event) {
	before := make(map[string]Contact, b.contacts.Len())
	now := make(map[string]*Contact, b.contacts.Len())
	for account, p := range b.contacts.All() {
		contact := p.contact(account)
		before[account] = contact
		contact.Lists, contact.Groups, contact.GUID, contact.Request = 0, nil, "", ""
		now[account] = &contact
	}
	groupsBefore := b.groups
	b.groups = nil
	for _, group := range groups {
		b.setGroup(group.ID, group.Name)
	}
	if !slices.Equal(groupsBefore, b.groups) {
		events = append(events, b.groupsChanged())
	}
	fill(func(account string) *Contact {
		contact := b.open(account)
		if contact == nil {
			return nil
		}
		if known := now[contact.Account]; known != nil {
			return known
		}
		now[contact.Account] = contact
		return contact
	})
	for _, account := range slices.Sorted(maps.Keys(now)) {
		contact := now[account]
		if contact.Lists.Has(ListAllow | ListBlock) {
			// Servers refuse both (241); who is blocked stays blocked.
			contact.Lists &^= ListAllow
		}
		b.keep(contact)
		events = append(events, changeOf(before[account], *contact)...)
	}
	return events
}

// Groups returns the groups of the contact list.
func (b *Book) Groups() []Group { return slices.Clone(b.groups) }

// setGroup adds or renames a group.
func (b *Book) setGroup(id, name string) {
	id, name = clean.Cut(id, clean.MaxName), clean.Cut(name, clean.MaxName)
	for i := range b.groups {
		if b.groups[i].ID == id {
			b.groups[i].Name = name
			return
		}
	}
	if id != "" && len(b.groups) < maxGroups {
		b.groups = append(b.groups, Group{ID: id, Name: name})
	}
}

// SetGroup adds or renames a group, and returns what that has changed.
func (b *Book) SetGroup(id, name string) []event.Event {
	before := slices.Clone(b.groups)
	b.setGroup(id, name)
	if slices.Equal(before, b.groups) {
		return nil
	}
	return []event.Event{b.groupsChanged()}
}

// RemoveGroup removes a group, also from its members, and returns what that has changed.
func (b *Book) RemoveGroup(id string) []event.Event {
	before := len(b.groups)
	b.removeGroup(id)
	if before == len(b.groups) {
		return nil
	}
	return []event.Event{b.groupsChanged()}
}

func (b *Book) groupsChanged() event.Event { return GroupsChanged{Groups: slices.Clone(b.groups)} }

// removeGroup removes a group, also from its members.
func (b *Book) removeGroup(id string) {
	b.groups = slices.DeleteFunc(b.groups, func(g Group) bool { return g.ID == id })
	for _, contact := range b.All() {
		if slices.Contains(contact.Groups, id) {
			contact.LeaveGroup(id)
			b.keep(&contact)
		}
	}
}

// OwnName returns the user's display name, "" while nobody has told one.
func (b *Book) OwnName() string { return b.ownName }

// SetOwnName notes the user's display name, at most clean.MaxName bytes of it, and returns what
// that has changed.
func (b *Book) SetOwnName(name string) []event.Event {
	name = clean.Cut(name, clean.MaxName)
	if name == b.ownName {
		return nil
	}
	b.ownName = name
	return []event.Event{NameChanged{Name: name}}
}

// OwnNumber returns the user's own phone number with a key, PropertyHome, PropertyWork or
// PropertyMobile, as digits. It is "" when the account has none.
func (b *Book) OwnNumber(key string) string { return b.ownNumbers[key] }
