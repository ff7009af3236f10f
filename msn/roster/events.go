package roster

import "matrix-msn/msn/internal/event"

// PresenceChanged says that a contact's status, name, capabilities or display
// picture has changed (ILN, NLN, FLN). Servers repeat themselves: Contact
// may equal the one before. Initial marks the statuses that follow signing in.
type PresenceChanged struct {
	Contact Contact
	Initial bool
}

// PersonalMessageChanged says that a contact has another personal message or
// plays other media (UBX).
type PersonalMessageChanged struct{ Contact Contact }

// ContactChanged says that a contact's lists, groups or properties have changed:
// the user changed them at another endpoint, or the contact added or removed
// the user. Before holds the lists as they were.
type ContactChanged struct {
	Contact Contact
	Before  List
}

// AddedYou says that somebody has put the user on their contact list (ADD RL,
// ADC RL).
type AddedYou struct{ Contact Contact }

// RemovedYou says that somebody has taken the user off their contact list.
type RemovedYou struct{ Contact Contact }

// NameChanged says that the user's own display name is another one: set here, at another
// endpoint, or by the service.
type NameChanged struct{ Name string }

// GroupsChanged says that the groups of the contact list have changed: their names, or which
// there are.
type GroupsChanged struct{ Groups []Group }

// EndpointsChanged says that the account is signed in at other endpoints now, or that what
// they say of themselves has changed.
type EndpointsChanged struct{ Endpoints []Endpoint }

// Size implements the events of package msn: about how many bytes the event takes.
func (e PresenceChanged) Size() int { return e.Contact.size() }

// Size implements the events of package msn.
func (e PersonalMessageChanged) Size() int { return e.Contact.size() }

// Size implements the events of package msn.
func (e ContactChanged) Size() int { return e.Contact.size() }

// Size implements the events of package msn.
func (e AddedYou) Size() int { return e.Contact.size() }

// Size implements the events of package msn.
func (e RemovedYou) Size() int { return e.Contact.size() }

// Size implements the events of package msn.
func (e NameChanged) Size() int { return event.Size(e.Name) }

// Size implements the events of package msn.
func (e GroupsChanged) Size() int {
	size := event.Base
	for _, group := range e.Groups {
		size += event.Each + len(group.ID) + len(group.Name)
	}
	return size
}

// Size implements the events of package msn.
func (e EndpointsChanged) Size() int {
	size := event.Base
	for _, endpoint := range e.Endpoints {
		size += event.Each + len(endpoint.ID) + len(endpoint.Name) + len(endpoint.Status)
	}
	return size
}

var _ = []event.Event{PresenceChanged{}, PersonalMessageChanged{}, ContactChanged{}, AddedYou{}, RemovedYou{}, NameChanged{}, GroupsChanged{}, EndpointsChanged{}}
