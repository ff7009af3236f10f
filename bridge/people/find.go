package people

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/msn"
)

// Finder finds the people whom the user names.
type Finder struct {
	account   *account.Account
	session   *session.Session
	rooms     *room.Rooms
	work      *background.Work
	names     *Names
	strangers *Strangers

	mu    sync.Mutex
	holds map[string][]func() // what releases the rooms that are to be described, by contact; nil while there are none
}

// Resolve finds the contact that a user names: by e-mail address, or
// by the ID of its ghost. Anybody with an account can be named, also people who
// are on no list: whether they can be reached shows with the first message.
func (f *Finder) Resolve(ctx context.Context, identifier string, createChat bool) (*bridgev2.ResolveIdentifierResponse, error) {
	var account string
	var err error
	if identity, ok := msnid.ParseUserID(networkid.UserID(identifier)); ok {
		if identity.Service != f.account.Identity.Service {
			return nil, f.notFound(ctx, fmt.Errorf("%w: %w", bridgev2.ErrResolveIdentifierTryNext, reason.ErrOtherService), identity.Account)
		}
		account = identity.Account // as the service has it, be it such as nobody would type
	} else if account, err = msnid.ParseAccount(identifier); err != nil {
		return nil, f.notFound(ctx, err, identifier)
	}
	if account == f.account.Identity.Account {
		return nil, f.notFound(ctx, reason.ErrOwnAccount, account)
	}
	if err := f.known(ctx, account, createChat); err != nil {
		return nil, f.notFound(ctx, err, account)
	}
	ghost, err := f.account.Bridge.GetGhostByID(ctx, f.account.GhostID(account))
	if err != nil {
		return nil, f.notFound(ctx, fmt.Errorf("failed to get ghost: %w", err), account)
	}
	response := &bridgev2.ResolveIdentifierResponse{
		Ghost:    ghost,
		UserID:   ghost.ID,
		UserInfo: f.account.UserInfo(account),
	}
	if !createChat {
		return response, nil
	}
	key, info := f.account.PortalKey(account), f.names.Info(ctx, account)
	if err := f.rooms.CallBack(ctx, key); err != nil {
		return nil, f.notFound(ctx, err, account)
	}
	f.names.returned(account)
	update, introduce := info.ExtraUpdates, f.introduction(ctx, account)
	info.ExtraUpdates = func(ctx context.Context, portal *bridgev2.Portal) bool {
		f.strangers.expectWhenMade(account)
		introduce()
		return update(ctx, portal)
	}
	response.Chat = &bridgev2.CreateChatResponse{PortalKey: key, PortalInfo: info}
	return response, nil
}

// knownTimeout is how long the service is asked for somebody who is on no list.
const knownTimeout = 10 * time.Second

// known returns msn.ErrNoSuchContact when the service says that there is no such account.
// Where it cannot say, that is found out with call set by calling them into a conversation, which
// takes them to be online: reason.ErrUnseen says that it was not. Who was heard of counts as
// known, and so does everybody while the service has trouble.
func (f *Finder) known(ctx context.Context, account string, call bool) error {
	client := f.session.Current()
	if client == nil {
		return nil
	}
	if contact, listed := client.Contact(account); listed && contact.Lists != 0 {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, knownTimeout)
	defer cancel()
	err := client.Known(asking, account)
	if errors.Is(err, msn.ErrDialect) && call && !f.met(ctx, account) {
		err = client.Conversation(account).Reach(asking)
		switch {
		case errors.Is(err, msn.ErrHidden):
			return err
		case errors.Is(err, msn.ErrOffline):
			return fmt.Errorf("%w: %w", reason.ErrUnseen, err)
		}
	}
	if errors.Is(err, msn.ErrNoSuchContact) {
		return err
	}
	if err != nil && !errors.Is(err, msn.ErrDialect) {
		zerolog.Ctx(ctx).Debug().Err(err).Msg("The service does not say whether it knows an account")
	}
	return nil
}

// met reports whether somebody has a room already, has told their name, or has written what
// waits for a room. An error of the database counts as yes.
func (f *Finder) met(ctx context.Context, account string) bool {
	key := f.account.PortalKey(account)
	room, err := f.rooms.Stored(ctx, key)
	if err != nil || room != "" || f.account.DisplayName(ctx, account) != "" {
		return true
	}
	waiting, err := f.account.DB.MSNQueue.Count(ctx, f.account.Login.ID, key.ID)
	return err != nil || waiting > 0
}

// notFound is what the framework tells the user who named somebody.
func (f *Finder) notFound(ctx context.Context, err error, named string) error {
	return f.account.Cannot(ctx, err, reason.Lookup, names.Clean(named))
}

// ContactList returns the people on the user's contact list.
func (f *Finder) ContactList(ctx context.Context) ([]*bridgev2.ResolveIdentifierResponse, error) {
	contacts, err := f.account.Contacts(ctx)
	if err != nil {
		return nil, f.notFound(ctx, fmt.Errorf("%w: %w", reason.ErrContacts, err), "")
	}
	book := f.account.NamesOf(contacts)
	var list []*bridgev2.ResolveIdentifierResponse
	for _, contact := range contacts {
		if !account.Listed(contact) {
			continue
		}
		name := f.account.MatrixName(ctx, contact.Account, book)
		list = append(list, &bridgev2.ResolveIdentifierResponse{
			UserID:   f.account.GhostID(contact.Account),
			UserInfo: &bridgev2.UserInfo{Name: &name, Identifiers: []string{"mailto:" + contact.Account}}, // for this user, not for the ghost
			Chat:     &bridgev2.CreateChatResponse{PortalKey: f.account.PortalKey(contact.Account)},
		})
	}
	return list, nil
}
