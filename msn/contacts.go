package msn

import (
	"context"
	"slices"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/contactlist"
	"matrix-msn/msn/internal/self"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// The contact list, as package roster has it.
type (
	// Contact is what is known of one account that is on a list, or was seen.
	Contact = roster.Contact
	// Group is a group of the user's contact list (from MSNP7 on).
	Group = roster.Group
	// Privacy is what the user lets others do.
	Privacy = roster.Privacy
	// List is a set of roster lists.
	List = roster.List
	// Status is a presence code as it stands on the wire.
	Status = roster.Status
	// Endpoint is one of the endpoints at which the user's account is signed in, from
	// MSNP16 on.
	Endpoint = roster.Endpoint
	// EndpointKind is what an endpoint is.
	EndpointKind = roster.EndpointKind
)

// The roster lists.
const (
	ListForward = roster.ListForward // FL: people the user watches
	ListAllow   = roster.ListAllow   // AL: people who may see and reach the user
	ListBlock   = roster.ListBlock   // BL: people who may not
	ListReverse = roster.ListReverse // RL: people who have the user on their FL
	ListPending = roster.ListPending // PL: people who added the user and wait for an answer
)

// The statuses.
const (
	Online      = roster.Online
	Busy        = roster.Busy
	Idle        = roster.Idle
	BeRightBack = roster.BeRightBack
	Away        = roster.Away
	OnThePhone  = roster.OnThePhone
	OutToLunch  = roster.OutToLunch
	Hidden      = roster.Hidden // of the user only: contacts see Offline
	Offline     = roster.Offline
)

// The kinds of endpoints.
const (
	EndpointComputer = roster.EndpointComputer
	EndpointWeb      = roster.EndpointWeb
	EndpointMobile   = roster.EndpointMobile
	EndpointXbox     = roster.EndpointXbox
)

// DefaultCapabilities announce a client of a dialect's generation that takes messages in
// parts, which is what this package does (protocol/03-presence.md, section 4). Below MSNP13
// it is MSNP11's (MSNC4).
func DefaultCapabilities(d wire.Dialect) uint32 { return self.DefaultCapabilities(d) }

// The keys of phone numbers in Contact.Properties.
const (
	PropertyHome   = roster.PropertyHome
	PropertyWork   = roster.PropertyWork
	PropertyMobile = roster.PropertyMobile
)

// NewMachineGUID makes a GUID for Config.MachineGUID.
func NewMachineGUID() string { return clean.NewGUID() }

// MaxContacts is how many accounts are remembered. Real lists end at 1,000.
const MaxContacts = roster.MaxContacts

// MaxRequest is the longest text to somebody who is added, in bytes.
const MaxRequest = contactlist.MaxRequest

// MaxEncodedName is the longest display name in bytes, percent-encoded as it stands on the wire.
const MaxEncodedName = contactlist.MaxEncodedName

// MaxPersonal is the longest personal message in characters.
const MaxPersonal = self.MaxPersonal

// MaxGroups is how many groups an account can have.
const MaxGroups = contactlist.MaxGroups

// DisplayName returns the user's own display name, or the account while the
// server has not told one.
func (c *Client) DisplayName() (name string) {
	c.conn.Query(func() { name = c.book.OwnName() })
	if name == "" {
		return c.Account()
	}
	return name
}

// SetDisplayName gives the user another display name, which their contacts see at once. The
// error is ErrArgument for a name without a letter, ErrTooLong for one of more than
// MaxEncodedName bytes on the wire, ErrNameRefused, any other *ServerError or *soap.Fault, or
// ErrTimeout.
func (c *Client) SetDisplayName(ctx context.Context, name string) error {
	return c.lists.RenameSelf(ctx, name)
}

// Contacts returns everybody who is on a list, by account.
func (c *Client) Contacts() (contacts []Contact) {
	c.conn.Query(func() { contacts = c.book.Listed() })
	return contacts
}

// Contact returns one contact, who need not be on a list. Letter case does not
// matter.
func (c *Client) Contact(account string) (contact Contact, ok bool) {
	if c.conn.Enter() { // as nearly always
		defer c.conn.Leave()
		return c.book.Find(account)
	}
	return c.askContact(account)
}

// askContact is Contact for who has to wait. Within Contact it would have the contact be garbage each time.
//
//go:noinline
func (c *Client) askContact(account string) (contact Contact, ok bool) {
	c.conn.Query(func() { contact, ok = c.book.Find(account) })
	return contact, ok
}

// Groups returns the groups of the contact list.
func (c *Client) Groups() (groups []Group) {
	c.conn.Query(func() { groups = c.book.Groups() })
	return groups
}

// AddContact puts somebody on the contact list (FL) and lets them see the user (AL).
// message is shown to them with the request from MSNP13 on, at most MaxRequest bytes.
// Somebody who is there already is no error.
//
// The error is ErrNoSuchContact when there is no such account, ErrListFull,
// ErrArgument when account is invalid, ErrTooLong, any other *ServerError or *soap.Fault,
// or ErrTimeout.
func (c *Client) AddContact(ctx context.Context, account, message string) error {
	return c.lists.Add(ctx, account, message)
}

// RemoveContact takes somebody off the contact list (FL). They may see the user as
// before. Somebody who is not there is no error.
func (c *Client) RemoveContact(ctx context.Context, account string) error {
	return c.lists.Remove(ctx, account)
}

// Block keeps somebody from seeing and reaching the user (BL instead of AL). They are
// off the list of those who wait for an answer then, and files and pictures that are under way with them end with ErrBlocks.
func (c *Client) Block(ctx context.Context, account string) error { return c.lists.Block(ctx, account) }

// Allow lets somebody see and reach the user (AL instead of BL), and answers those who
// wait for that.
func (c *Client) Allow(ctx context.Context, account string) error { return c.lists.Allow(ctx, account) }

// SetNick has the user call somebody on FL by another name, which is nobody else's business;
// "" takes it back. From MSNP13 on that is Contact.Nick. In older dialects the list has one
// name of each contact, Contact.Name, until the contact comes online with another.
//
// The error is ErrArgument when account is invalid, and also ErrNotListed when it is not on FL;
// ErrTooLong, any other *ServerError or *soap.Fault, or ErrTimeout.
func (c *Client) SetNick(ctx context.Context, account, nick string) error {
	return c.lists.Rename(ctx, account, nick)
}

// AddGroup makes a group of the contact list and returns its ID. The error is ErrDialect below
// MSNP7, ErrManyGroups, ErrGroupExists, ErrTooLong, ErrArgument for a name without a letter,
// any other *ServerError or *soap.Fault, or ErrTimeout.
func (c *Client) AddGroup(ctx context.Context, name string) (id string, err error) {
	return c.lists.AddGroup(ctx, name)
}

// RenameGroup gives a group another name. The errors are those of AddGroup, and ErrNoGroup.
func (c *Client) RenameGroup(ctx context.Context, id, name string) error {
	return c.lists.RenameGroup(ctx, id, name)
}

// RemoveGroup removes a group. Its members stay on the contact list. The error is ErrDialect
// below MSNP7, ErrNoGroup, ErrFixedGroup for one that the service does not give up, any other
// *ServerError or *soap.Fault, or ErrTimeout.
func (c *Client) RemoveGroup(ctx context.Context, id string) error {
	return c.lists.RemoveGroup(ctx, id)
}

// JoinGroup puts somebody on FL into a group; who is in it already is no error. The error is
// ErrDialect below MSNP7, ErrNoGroup, ErrArgument with ErrNotListed for who is not on FL, any
// other *ServerError or *soap.Fault, or ErrTimeout.
func (c *Client) JoinGroup(ctx context.Context, account, group string) error {
	return c.lists.Join(ctx, account, group)
}

// LeaveGroup takes somebody out of a group, not off the contact list; who is not in it is no
// error. The errors are those of JoinGroup.
func (c *Client) LeaveGroup(ctx context.Context, account, group string) error {
	return c.lists.Leave(ctx, account, group)
}

// Privacy returns what the user lets others do.
func (c *Client) Privacy() (privacy Privacy) {
	c.conn.Query(func() { privacy = c.book.Privacy() })
	return privacy
}

// SetEverybody lets everybody see and reach the user who is on neither AL nor BL, or only those
// who are on AL (BLP).
func (c *Client) SetEverybody(ctx context.Context, everybody bool) error {
	return c.lists.SetEverybody(ctx, everybody)
}

// SetAsks notes with the service whether the user wants to be asked before somebody adds them
// (GTC). Clients keep to it, servers do not.
func (c *Client) SetAsks(ctx context.Context, asks bool) error { return c.lists.SetAsks(ctx, asks) }

// Status returns the user's own status.
func (c *Client) Status() (status Status) {
	c.conn.Query(func() { status = c.self.Status() })
	return status
}

// SetStatus changes the user's own status (CHG) and returns when the server has
// confirmed it.
func (c *Client) SetStatus(ctx context.Context, status Status) error {
	return c.self.SetStatus(ctx, status)
}

// SetPersonal sets the personal message that contacts see below the user's name (UUX), one
// line of at most MaxPersonal characters, and returns when the server has taken it; "" takes it
// away. It holds for this session: the next one begins with what the server keeps, which may
// be nothing.
//
// The error is ErrDialect below MSNP11, and ErrTooLong.
func (c *Client) SetPersonal(ctx context.Context, text string) error {
	return c.self.SetPersonal(ctx, text)
}

// Endpoints returns where the account is signed in, this Client included. It is empty
// below MSNP16, where there is one endpoint.
func (c *Client) Endpoints() (endpoints []Endpoint) {
	c.conn.Query(func() { endpoints = slices.Clone(c.book.Endpoints()) })
	return endpoints
}

// SignOutEndpoint signs the account out at another endpoint (UUN). The server does not
// tell whether that endpoint obeys; EndpointsChanged follows when it does. The error is
// ErrDialect below MSNP16, and ErrArgument for an endpoint that is not there or is
// this one.
func (c *Client) SignOutEndpoint(ctx context.Context, id string) error {
	return c.self.SignOut(ctx, id)
}
