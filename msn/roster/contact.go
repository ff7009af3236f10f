package roster

import (
	"maps"
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/wire"
)

// List is a set of roster lists (protocol/02-contacts.md, section 1).
type List uint8

// The roster lists, with the bits they have in LST.
const (
	ListForward List = 1  // FL: people the user watches
	ListAllow   List = 2  // AL: people who may see and reach the user
	ListBlock   List = 4  // BL: people who may not
	ListReverse List = 8  // RL: people who have the user on their FL
	ListPending List = 16 // PL: people who added the user and wait for an answer (from MSNP10 on)
)

// Has reports whether all lists of l2 are in l.
func (l List) Has(l2 List) bool { return l&l2 == l2 }

// Name returns the name that a single list has on the wire, "" for any other set.
func (l List) Name() string { return listNames[l] }

// listNames are the names of the lists on the wire.
var listNames = map[List]string{ListForward: "FL", ListAllow: "AL", ListBlock: "BL", ListReverse: "RL", ListPending: "PL"}

// ListNamed returns the list with a name on the wire.
func ListNamed(name string) (list List, ok bool) {
	for list, known := range listNames {
		if name == known {
			return list, true
		}
	}
	return 0, false
}

// Status is a presence code as it stands on the wire (protocol/03-presence.md,
// section 1).
type Status string

// The statuses.
const (
	Online      Status = "NLN"
	Busy        Status = "BSY"
	Idle        Status = "IDL"
	BeRightBack Status = "BRB"
	Away        Status = "AWY"
	OnThePhone  Status = "PHN"
	OutToLunch  Status = "LUN"
	Hidden      Status = "HDN" // of the user only: contacts see Offline
	Offline     Status = "FLN"
)

// seen are the statuses of those who are online.
var seen = []Status{Online, Busy, Idle, BeRightBack, Away, OnThePhone, OutToLunch}

// Settable reports whether s is a status that the user can have (CHG).
func (s Status) Settable() bool {
	switch s {
	case Online, Busy, Idle, BeRightBack, Away, OnThePhone, OutToLunch, Hidden:
		return true
	}
	return false
}

// Contact is what is known of one account that is on a list, or was seen. It is
// a snapshot: it does not change when the contact does.
type Contact struct {
	Account string // lower case
	Name    string // display name as the contact or the list gives it, decoded; any characters; may be empty
	// Told is the display name that the contact has given itself, as far as it is known: by
	// its presence, by adding the user, or from MSNP13 on by its entry in the address book.
	// The lists of older dialects hold names that the user may have changed.
	Told  string
	Nick  string // what the user calls the contact (from MSNP13 on), nobody else's business; "" when nothing
	Lists List
	// Request is what somebody wrote who has added the user and waits for an answer (from
	// MSNP13 on).
	Request string
	GUID    string   // contact ID (from MSNP10 on, of FL members)
	Groups  []string // IDs of the groups it is in; do not change it
	Network int      // 1 is MSN; 0 when the dialect does not say

	Status       Status // Offline until seen online
	Capabilities uint32
	// Extended is the extended capability number (from MSNP16 on); that of the endpoint whose
	// status is shown.
	Extended uint32
	Object   string // MSNObject of the display picture, decoded; "" when none
	Personal string // personal message (from MSNP11 on)
	Media    string // current media, raw (from MSNP11 on)

	// Properties are the contact's phone numbers and flags by their protocol
	// key: PHH, PHW, PHM, MOB, HSB. Do not change it.
	Properties map[string]string
}

// Group is a group of the user's contact list (from MSNP7 on).
type Group struct{ ID, Name string }

// Limits of what is kept of contacts.
const (
	// maxGroups is how many groups are remembered, and of one contact; servers allow
	// 30.
	maxGroups = 256
	// maxProperties is how many keys are kept of one contact; there are 6.
	maxProperties = 16
)

// The keys of phone numbers and of the permission to page, in BPR and PRP
// (protocol/02-contacts.md).
const (
	PropertyHome   = "PHH"
	PropertyWork   = "PHW"
	PropertyMobile = "PHM"
	PropertyPaging = "MOB"
)

// TakesPages reports whether the contact has a mobile device and lets the user send to
// it.
func (c Contact) TakesPages() bool { return c.Properties[PropertyPaging] == "Y" }

// Reverse reports whether the contact has the user on their own contact list, as the service
// keeps account of it: the user may have answered that or not (RL or PL). A contact on the
// user's list of whom it is false has not added the user, has removed them, or is no account
// at all. It says nothing of who blocks the user: services tell nobody.
func (c Contact) Reverse() bool { return c.Lists&(ListReverse|ListPending) != 0 }

// WaitsForAnswer reports whether the contact has added the user, who has answered neither way.
func (c Contact) WaitsForAnswer() bool {
	return c.Reverse() && !c.Lists.Has(ListAllow) && !c.Lists.Has(ListBlock)
}

// size is what the contact adds to the size of an event.
func (c Contact) size() int {
	return event.Size(c.Account, c.Name, c.Told, c.Nick, c.GUID, string(c.Status), c.Object, c.Personal, c.Media, c.Request) +
		event.Strings(c.Groups) + event.Map(c.Properties)
}

// JoinGroup puts the contact into a group.
func (c *Contact) JoinGroup(id string) {
	id = clean.Cut(id, clean.MaxName)
	if id == "" || slices.Contains(c.Groups, id) || len(c.Groups) >= maxGroups {
		return
	}
	c.Groups = append(slices.Clip(slices.Clone(c.Groups)), id)
}

// LeaveGroup takes the contact out of a group.
func (c *Contact) LeaveGroup(id string) {
	if !slices.Contains(c.Groups, id) {
		return
	}
	c.Groups = slices.DeleteFunc(slices.Clone(c.Groups), func(g string) bool { return g == id })
}

// SetProperty notes a value; an empty one removes it. It reports whether anything has
// changed.
func (c *Contact) SetProperty(key, value string) bool {
	value = clean.Cut(value, clean.MaxField)
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

// changeOf tells what became of a contact whose lists were loaded anew or changed without a
// line of the protocol that says what is meant.
func changeOf(before, after Contact) []event.Event {
	var events []event.Event
	switch has, had := after.Reverse(), before.Reverse(); {
	case has && !had:
		events = append(events, AddedYou{Contact: after})
	case had && !has:
		events = append(events, RemovedYou{Contact: after})
	}
	if before.Lists != after.Lists || before.Name != after.Name || before.Told != after.Told || before.Nick != after.Nick || before.Request != after.Request || !slices.Equal(before.Groups, after.Groups) ||
		!maps.Equal(before.Properties, after.Properties) {
		events = append(events, ContactChanged{Contact: after, Before: before.Lists})
	}
	return events
}

// parseStatus reads a status of somebody who is online. A word that nobody knows
// still says that much.
func parseStatus(s string) Status {
	switch Status(s) {
	case Hidden, Offline:
		return Offline
	}
	for _, known := range seen {
		if s == string(known) {
			return known // not s, which would keep the line that it stands in
		}
	}
	return Online
}

// parseObject reads an MSNObject. "0" and an element without attributes mean that
// there is none.
func parseObject(s string) string {
	object := wire.Decode(s)
	if len(object) > clean.MaxField {
		return "" // a part of it is of no use
	}
	object = clean.Cut(object, clean.MaxField)
	if object == "0" || strings.ReplaceAll(object, " ", "") == "<msnobj/>" {
		return ""
	}
	return object
}

// CanChunk is the capability of taking messages in parts
// (protocol/03-presence.md, section 4).
const CanChunk uint32 = 0x20

// CanP2P2 is the extended capability of headers of version 2 in what Messengers say to each other
// (protocol/05-p2p.md).
const CanP2P2 = 0x20
