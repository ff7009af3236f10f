package account

import (
	"cmp"
	"context"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Names of the bridge's own, which no contact may be taken to bear.
const (
	NetworkName = "MSN Messenger"
	AlertsName  = "MSN Alerts" // the room of the alerts, and the ghost that writes there
	botName     = NetworkName + " bridge bot"
)

// Contacts returns the contact list: of the session, or as it was last seen.
func (a *Account) Contacts(ctx context.Context) ([]*database.Contact, error) {
	roster := a.live()
	if roster == nil {
		return a.DB.Contact.GetAll(ctx, a.Login.ID)
	}
	contacts := roster.Contacts()
	rows := make([]*database.Contact, 0, len(contacts))
	for _, contact := range contacts {
		if row, ok := a.ContactRow(contact); ok {
			rows = append(rows, &row)
		}
	}
	return rows, nil
}

// OwnName returns the user's own display name, clean, or "".
func (a *Account) OwnName() string { return cmp.Or(a.Stored().Name, a.Login.RemoteProfile.Name) }

// ContactRow returns a contact as it is stored. It reports false when its account is not
// a valid one.
func (a *Account) ContactRow(contact msn.Contact) (database.Contact, bool) {
	account, ok := msnid.FromServer(contact.Account)
	return database.Contact{LoginID: a.Login.ID, Account: account, Name: nameFor(cmp.Or(contact.Nick, a.Alias(account)), contact.Name), Lists: int(contact.Lists)}, ok
}

// Listed reports whether a contact is on the user's contact list: others are known
// because they have the user on theirs, or are blocked.
func Listed(contact *database.Contact) bool {
	return msn.List(contact.Lists).Has(msn.ListForward)
}

// Blocked reports whether the user has blocked a contact.
func Blocked(contact *database.Contact) bool {
	return msn.List(contact.Lists).Has(msn.ListBlock)
}

// DisplayName returns what this user calls a contact, clean, or "".
func (a *Account) DisplayName(ctx context.Context, account string) string {
	if isAmongOthers(ctx) {
		return cmp.Or(a.knownName(ctx, account), a.listedName(account))
	}
	if roster := a.live(); roster != nil {
		contact, _ := roster.Contact(account)
		if name := names.Clean(nameFor(cmp.Or(contact.Nick, a.Alias(account)), contact.Name)); name != "" {
			return name
		}
		return a.knownName(ctx, account)
	}
	contact, err := a.DB.Contact.Get(ctx, a.Login.ID, account)
	if err != nil || contact == nil {
		return a.knownName(ctx, account)
	}
	return names.Clean(contact.Name)
}

// OnList reports whether somebody is on the user's contact list: of the session, or as it was
// last seen. An error of the database counts as yes: nothing is kept from the user then.
func (a *Account) OnList(ctx context.Context, account string) bool {
	listed, err := a.IsListed(ctx, account)
	return err != nil || listed
}

// IsListed is OnList for whom an error is no answer.
func (a *Account) IsListed(ctx context.Context, account string) (bool, error) {
	lists, err := a.lists(ctx, account)
	return lists.Has(msn.ListForward), err
}

// Blocked reports whether the user has blocked somebody, in any Messenger. An error of the
// database counts as no: nothing is kept from the user then.
func (a *Account) Blocked(ctx context.Context, account string) bool {
	lists, err := a.lists(ctx, account)
	return err == nil && lists.Has(msn.ListBlock)
}

// OnBlocked has f called when the user has blocked somebody, here or in another Messenger. It is not to wait.
func (a *Account) OnBlocked(f func(account string)) { a.onBlocked = append(a.onBlocked, f) }

// Blocks says that the user has just blocked somebody.
func (a *Account) Blocks(account string) {
	for _, f := range a.onBlocked {
		f(account)
	}
}

// KeepsOut reports whether what somebody says is not shown because they are blocked.
func (a *Account) KeepsOut(ctx context.Context, who string) bool {
	if !a.Blocked(ctx, who) {
		return false
	}
	zerolog.Ctx(ctx).Debug().Str("account", who).Msg("Leaving out what somebody says who is blocked")
	return true
}

// lists returns on which lists somebody is: of the session, or as it was last seen.
func (a *Account) lists(ctx context.Context, account string) (msn.List, error) {
	if roster := a.live(); roster != nil {
		contact, _ := roster.Contact(account)
		return contact.Lists, nil
	}
	contact, err := a.DB.Contact.Get(ctx, a.Login.ID, account)
	if err != nil || contact == nil {
		return 0, err
	}
	return msn.List(contact.Lists), nil
}

// Names returns the names of the contact list.
func (a *Account) Names(ctx context.Context) *names.Book {
	contacts, err := a.Contacts(ctx)
	if err != nil { // names can do without
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read contacts")
	}
	return a.NamesOf(contacts)
}

// NamesOf is Names for who has the contacts already.
func (a *Account) NamesOf(contacts []*database.Contact) *names.Book {
	book := names.NewBook(NetworkName, botName, AlertsName, a.OwnName())
	for _, contact := range contacts {
		book.Add(contact.Account, contact.Name)
	}
	return book
}

// Looks returns whose names look like what, of those on the contact list: by what the user calls
// them, which come first, and while there is a session also by what they call themselves.
func (a *Account) Looks(ctx context.Context) map[string][]string {
	looks := make(map[string][]string)
	add := func(account, name string) {
		if name = ownName(account, name); name != "" {
			look := names.Skeleton(name)
			if bear := looks[look]; len(bear) == 0 || bear[len(bear)-1] != account {
				looks[look] = append(bear, account)
			}
		}
	}
	contacts, err := a.Contacts(ctx)
	if err != nil { // names can do without
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read contacts")
	}
	for _, contact := range contacts {
		if Listed(contact) {
			add(contact.Account, contact.Name)
		}
	}
	if roster := a.live(); roster != nil {
		for _, contact := range roster.Contacts() {
			if account, ok := msnid.FromServer(contact.Account); ok && contact.Lists.Has(msn.ListForward) {
				add(account, contact.Told)
			}
		}
	}
	return looks
}

// Told returns the name that an account has given itself, clean, or "".
func (a *Account) Told(ctx context.Context, account string) string { return a.knownName(ctx, account) }

// MatrixName returns the name of a contact in this user's own rooms and lists: the one that
// the user has given it, or the contact's own. One that another contact, the user or the
// bridge bears already gets the account behind it.
func (a *Account) MatrixName(ctx context.Context, account string, book *names.Book) string {
	return a.matrixName(ctx, account, func() string { return a.knownName(ctx, account) }, book)
}

// matrixName is MatrixName for who knows, or can find out, the name that the contact has given itself.
func (a *Account) matrixName(ctx context.Context, account string, told func() string, book *names.Book) string {
	params := config.NameParams{Name: book.Name(account), Account: account, Service: a.Service.Name}
	if params.Name == "" || isAmongOthers(ctx) {
		params.Name = told()
	}
	if account == a.Identity.Account {
		params.Name = a.OwnName()
	} else if params.Name != "" && params.Name != account && book.Ambiguous(account, params.Name) {
		params.Name += " (" + account + ")"
	}
	name, err := a.Config.DisplayName(params)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to apply network.displayname_template")
		return account
	}
	return name
}
