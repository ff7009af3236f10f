package msn

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"matrix-msn/msn/wire"
)

// book is what a Client knows of its contacts, groups and own name. Groups and
// Properties of the contacts in it are replaced, never changed in place, so that
// snapshots can share them.
type book struct {
	contacts map[string]*Contact
	groups   []Group
	circles  []*circle
	places   []Place
	// endpoints are how many places those contacts are at who are at several.
	endpoints map[string]int
	ownName   string
	ownID     string // contact ID of the user's own, from MSNP13 on
	self      string // the user's account in lower case, "" before it is known
	place     string // GUID of this place, in lower case; "" below MSNP16
	dialect   wire.Dialect
	// ownNumbers are the user's own phone numbers as digits, by their keys.
	ownNumbers map[string]string
}

func newBook() *book {
	return &book{contacts: make(map[string]*Contact), endpoints: make(map[string]int)}
}

// find returns the contact with this account, or nil.
func (b *book) find(account string) *Contact {
	account, ok := parseAccount(account)
	if !ok {
		return nil
	}
	return b.contacts[account]
}

// findGUID returns the contact with this contact ID, or nil.
func (b *book) findGUID(guid string) *Contact {
	if guid == "" {
		return nil
	}
	for _, contact := range b.contacts {
		if strings.EqualFold(contact.GUID, guid) {
			return contact
		}
	}
	return nil
}

// open returns the contact with this account, which is made if it is new. It is
// nil when account is none or MaxContacts are known.
func (b *book) open(account string) *Contact {
	account, ok := parseAccount(account)
	if !ok {
		return nil
	}
	if contact := b.contacts[account]; contact != nil {
		return contact
	}
	if len(b.contacts) >= MaxContacts {
		return nil
	}
	contact := &Contact{Account: account, Status: Offline}
	b.contacts[account] = contact
	return contact
}

// listed returns everybody who is on a list, by account.
func (b *book) listed() []Contact {
	contacts := make([]Contact, 0, len(b.contacts))
	for _, account := range slices.Sorted(maps.Keys(b.contacts)) {
		if contact := b.contacts[account]; contact.Lists != 0 {
			contacts = append(contacts, *contact)
		}
	}
	return contacts
}

// setGroup adds or renames a group.
func (b *book) setGroup(id, name string) {
	id, name = keep(id, maxName), decodeName(name)
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

// removeGroup removes a group, also from its members.
func (b *book) removeGroup(id string) {
	b.groups = slices.DeleteFunc(b.groups, func(g Group) bool { return g.ID == id })
	for _, contact := range b.contacts {
		contact.leaveGroup(id)
	}
}

func (c *Contact) joinGroup(id string) {
	if id == "" || slices.Contains(c.Groups, id) || len(c.Groups) >= maxGroups {
		return
	}
	c.Groups = append(slices.Clip(slices.Clone(c.Groups)), keep(id, maxName))
}

func (c *Contact) leaveGroup(id string) {
	if !slices.Contains(c.Groups, id) {
		return
	}
	c.Groups = slices.DeleteFunc(slices.Clone(c.Groups), func(g string) bool { return g == id })
}

// The keys of phone numbers and of the permission to page, in BPR and PRP
// (protocol/02-contacts.md).
const (
	propertyHome   = "PHH"
	propertyWork   = "PHW"
	propertyMobile = "PHM"
	propertyPaging = "MOB"
)

// takesPages reports whether the contact has a mobile device and lets the user
// send to it.
func (c *Contact) takesPages() bool { return c.Properties[propertyPaging] == "Y" }

// withMobile returns the contacts that have a mobile number, given as digits.
func (b *book) withMobile(digits string) (found []*Contact) {
	if digits == "" {
		return nil
	}
	for _, contact := range b.contacts {
		if number := contact.Properties[propertyMobile]; number != "" && phoneDigits(number) == digits {
			found = append(found, contact)
		}
	}
	return found
}

// setProperty notes a BPR value; an empty one removes it. It reports whether
// anything changed.
func (c *Contact) setProperty(key, value string) bool {
	value = keep(wire.Decode(value), maxField)
	if c.Properties[key] == value || value != "" && len(c.Properties) >= maxProperties {
		return false
	}
	properties := maps.Clone(c.Properties)
	if properties == nil {
		properties = make(map[string]string)
	}
	if value == "" {
		delete(properties, key)
	} else {
		properties[strings.Clone(key)] = value
	}
	c.Properties = properties
	return true
}

// parseAccount returns an account in the form in which accounts are compared:
// lower case, without the place that MSNP16 and later add behind a semicolon. It
// reports false for what cannot be one.
func parseAccount(s string) (string, bool) {
	s, _, _ = strings.Cut(s, ";")
	if s == "" || len(s) > maxAccount || !utf8.ValidString(s) {
		return "", false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7F {
			return "", false
		}
	}
	return strings.Clone(strings.ToLower(s)), true
}

// decodeName makes a display name of a parameter.
func decodeName(s string) string { return keep(wire.Decode(s), maxName) }

// keep returns a copy of s that does not hold on to the command s is part of,
// cut to at most n bytes of UTF-8.
func keep(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return strings.Clone(s)
}
