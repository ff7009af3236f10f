// Package people is who people are, as the rooms of a user show them: what they are called, who can
// be taken for somebody else, who is a stranger, and how the user finds them.
package people

import (
	"context"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/look"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Inbox brings what was said on MSN into Matrix.
type Inbox interface {
	// Put stores the parts of a message at the end of the queue, all or none.
	Put(ctx context.Context, parts ...*database.QueuedMessage)
	// Release has what waits for a room tried at once.
	Release(portal networkid.PortalID)
}

// Notices are shown among the alerts.
type Notices interface {
	Notice(context.Context, database.Alert)
}

// tell is People.Tell.
type tell func(ctx context.Context, id networkid.MessageID, text string)

// People are those whom one login knows or hears of.
type People struct {
	Roster    *Roster
	Names     *Names
	Strangers *Strangers
	Alike     *Alike
	Absence   *Absence
	Finder    *Finder
	Notes     *Notes

	account *account.Account
	work    *background.Work
	notices Notices
}

// New returns the people of a login. work and looks are done while the login is started.
func New(a *account.Account, s *session.Session, rooms *room.Rooms, work *background.Work, looks *look.Looks, inbox Inbox, notices Notices) *People {
	p := &People{account: a, work: work, notices: notices, Notes: new(Notes)}
	p.Alike = &Alike{account: a, rooms: rooms}
	p.Names = &Names{account: a, rooms: rooms, work: work, looks: looks, alike: p.Alike}
	looks.Ask(p.Names.asks)
	p.Strangers = &Strangers{account: a, rooms: rooms, inbox: inbox, work: work, tell: p.Tell, alike: p.Alike, notes: p.Notes}
	p.Roster = &Roster{account: a, session: s, names: p.Names, strangers: p.Strangers}
	p.Absence = &Absence{account: a, names: p.Names, tell: p.Tell}
	p.Finder = &Finder{account: a, session: s, rooms: rooms, work: work, names: p.Names, strangers: p.Strangers}
	return p
}

// Tell tells the user something about people who write to them.
func (p *People) Tell(ctx context.Context, id networkid.MessageID, text string) {
	p.notices.Notice(ctx, database.Alert{AlertID: id, ReceivedAt: time.Now(), Kind: database.AlertKindPeople, Text: text})
}

// Listen has what the session tells handled.
func (p *People) Listen(s *session.Session) {
	s.Use(&p.Names.limit)
	session.Listen(s, p, hearing)
}

var hearing = session.Hears(
	session.OnOpenWith(func(p *People, ctx context.Context, client *msn.Client, contacts []msn.Contact) {
		p.Roster.save(ctx, client, contacts)
		p.Roster.ownName(ctx, client.DisplayName())
	}),
	session.OnReadyWith(func(p *People, ctx context.Context, client *msn.Client, contacts []msn.Contact) {
		p.work.Do("own ghost", p.account.NameSelf)
		p.Finder.describeLeft()
		p.Strangers.releaseKnown(ctx, client, contacts)
	}),
	session.On(func(p *People, ctx context.Context, evt msn.ContactChanged) {
		p.Roster.contactChanged(ctx, evt.Contact)
	}),
	session.On(func(p *People, ctx context.Context, evt msn.NameChanged) { p.Roster.ownName(ctx, evt.Name) }),
	session.On(func(p *People, ctx context.Context, evt msn.AddedYou) { p.Roster.contactChanged(ctx, evt.Contact) }),
	session.On(func(p *People, ctx context.Context, evt msn.RemovedYou) { p.Roster.contactChanged(ctx, evt.Contact) }),
	session.On(func(p *People, ctx context.Context, evt msn.PresenceChanged) {
		p.Roster.contactChanged(ctx, evt.Contact)
		if evt.Contact.Status != msn.Offline {
			p.Roster.tells(evt.Contact.Account, evt.Contact.Told, evt.Contact.Lists.Has(msn.ListForward))
		}
	}),
)
