package msn

import "matrix-msn/msn/wire"

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

// settable reports whether s is a status that the user can have (CHG).
func (s Status) settable() bool {
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
	Lists   List
	GUID    string   // contact ID (from MSNP10 on, of FL members)
	Groups  []string // IDs of the groups it is in
	Network int      // 1 is MSN; 0 when the dialect does not say

	Status       Status // Offline until seen online
	Capabilities uint32
	Object       string // MSNObject of the display picture, decoded; "" when none
	Personal     string // personal message (from MSNP11 on)
	Media        string // current media, raw (from MSNP11 on)

	// Properties are the contact's phone numbers and flags by their protocol
	// key: PHH, PHW, PHM, MOB, HSB. Do not change it.
	Properties map[string]string
}

// Group is a group of the user's contact list (from MSNP7 on).
type Group struct{ ID, Name string }

// Message is the payload of a MSG command: header and body
// (protocol/04-switchboard.md, section 3).
type Message = wire.Message
