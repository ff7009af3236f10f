package picture

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/look"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
)

const (
	// atOnce is how many pictures a login fetches at a time, and againAtOnce how many of those that were asked for in vain:
	// contacts who do not answer hold up no others.
	atOnce      = 4
	againAtOnce = 2
	// maxFailures is how often a picture is asked for in vain before the contact signs in anew, or
	// has another one.
	maxFailures = 3
	// maxFailed is of how many contacts is remembered that they do not give their picture.
	maxFailed = 1000
)

// patience is how long a picture is waited for that was asked for in vain so many times: for the first time not long,
// so that many who do not answer are through soon.
var patience = [maxFailures]time.Duration{20 * time.Second, time.Minute, fetchTimeout}

// Contacts show the display pictures of one login's contacts. A picture is asked for only where there
// is a ghost to show it, and once for all logins: it is known by its hash.
type Contacts struct {
	account *account.Account
	session *session.Session
	rooms   *room.Rooms
	objects *Objects
	work    *background.Work
	looks   *look.Looks
	slots   lazy.Slots // a token for each picture that is fetched
	again   lazy.Slots // those of pictures that were asked for in vain

	pace pace

	mu     sync.Mutex
	wanted map[string]bool            // accounts whose pictures are to be looked at
	failed map[string]failure         // by account
	making map[string]int             // how often the room with an account was found to be in the making
	shows  lazy.Table[string, uint64] // by account, the sum of the object of whose picture all is shown that there is to show
}

// sums are of the objects of contacts, which are long.
var sums = maphash.MakeSeed()

// failure is how often a picture was asked for in vain.
type failure struct {
	hash  string
	times int
	vain  int // and any of the contact, since one came
}

// NewContacts returns the pictures of a login's contacts.
func NewContacts(a *account.Account, s *session.Session, rooms *room.Rooms, objects *Objects, work *background.Work, looks *look.Looks) *Contacts {
	return &Contacts{account: a, session: s, rooms: rooms, objects: objects, work: work, looks: looks}
}

// Listen has pictures fetched as the session tells of them.
func (c *Contacts) Listen(s *session.Session) {
	c.account.OnDescribed(c.look)
	c.looks.Ask(c.asks)
	session.Listen(s, c, hearingOfContacts)
}

var hearingOfContacts = session.Hears(
	session.OnReadyWith(func(c *Contacts, _ context.Context, _ *msn.Client, contacts []msn.Contact) {
		c.mu.Lock()
		c.shows = lazy.Table[string, uint64]{}
		c.mu.Unlock()
		for _, contact := range contacts {
			if contact.Object != "" {
				c.look(contact.Account)
			}
		}
	}),
	session.On(func(c *Contacts, _ context.Context, evt msn.PresenceChanged) {
		if evt.Contact.Status == msn.Offline {
			c.forgive(evt.Contact.Account)
			return
		}
		if !c.isShown(evt.Contact) {
			c.look(evt.Contact.Account)
		}
	}),
)

// isShown reports whether there is surely nothing to be shown of a contact's picture: it is what it was when that was looked at last.
// Whoever gets a ghost, or a room, is described then, and looked at again.
func (c *Contacts) isShown(contact msn.Contact) bool {
	account, ok := msnid.FromServer(contact.Account)
	if !ok {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sum, known := c.shows.Get(account)
	return known && sum == maphash.String(sums, contact.Object)
}

// showsAll notes that of the picture of somebody on the contact list, which is that of an object, all is shown that there is to show.
func (c *Contacts) showsAll(account, object string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shows.Len() >= msn.MaxContacts {
		c.shows = lazy.Table[string, uint64]{}
	}
	c.shows.Put(account, maphash.String(sums, object))
}

// look has the picture of a contact shown, if it is not.
func (c *Contacts) look(contact string) {
	contact, ok := msnid.FromServer(contact)
	if !ok {
		return
	}
	c.mu.Lock()
	lazy.Put(&c.wanted, contact, true)
	c.mu.Unlock()
	c.looks.Want()
}

// asks says whose pictures are to be looked at: those that are seen anywhere are shown, which are a few of many after a sign-in.
func (c *Contacts) asks(context.Context) look.Question {
	c.mu.Lock()
	wanted := c.wanted
	c.wanted = nil
	c.mu.Unlock()
	client := c.session.Current()
	if client == nil || len(wanted) == 0 {
		return look.Question{} // the next session begins anew
	}
	accounts := slices.Collect(maps.Keys(wanted))
	return look.Question{
		Accounts: accounts,
		Answer: func(_ context.Context, shown map[string]*database.Shown, err error) (done bool) {
			if err != nil {
				c.mu.Lock()
				defer c.mu.Unlock()
				for contact := range wanted {
					lazy.Put(&c.wanted, contact, true)
				}
				return false
			}
			for _, contact := range c.toShow(client, accounts, shown) {
				c.work.Try("picture of "+contact, func(ctx context.Context) bool { return c.show(ctx, contact) })
			}
			return true
		},
	}
}

// toShow returns those of some contacts of whom there is a picture to show, or to take away. Most have none that is shown anywhere,
// which is noted.
func (c *Contacts) toShow(client *msn.Client, wanted []string, all map[string]*database.Shown) (show []string) {
	for _, account := range wanted {
		contact, known := client.Contact(account)
		switch shown := all[account]; {
		case shown != nil && (contact.Object != "" || shown.Pictured || shown.Room.Pictured):
			show = append(show, account)
		case known:
			c.showsAll(account, contact.Object)
		}
	}
	return show
}

// show shows the picture of a contact. It reports false when it is to be tried again.
func (c *Contacts) show(ctx context.Context, account string) (done bool) {
	client := c.session.Current()
	if client == nil {
		return true // the next session begins anew
	}
	// Before it is asked how the contact looks: whoever goes back to an earlier picture meanwhile is looked at again.
	c.mu.Lock()
	c.shows.Delete(account)
	c.mu.Unlock()
	contact, known := client.Contact(account)
	if !known || contact.Status == msn.Offline || contact.Lists.Has(msn.ListBlock) {
		return true
	}
	face := func(avatar *bridgev2.Avatar) (done bool) {
		all, done := c.face(ctx, account, avatar)
		if all {
			c.showsAll(account, contact.Object)
		}
		return done
	}
	log := zerolog.Ctx(ctx).With().Str("contact", account).Logger()
	kept, err := c.account.Bridge.DB.Ghost.GetByID(ctx, c.account.GhostID(account))
	if err != nil {
		log.Err(err).Msg("Failed to read a ghost: its picture is not shown yet")
		return false
	}
	if kept == nil {
		return true // nobody sees it; it is looked at again when the ghost is described
	}
	avatar := &bridgev2.Avatar{Remove: true}
	if contact.Object != "" {
		o, err := msn.ParseObject(contact.Object)
		if err != nil || o.Type != msn.ObjectPicture || o.Size == 0 || o.Size > MaxContact {
			log.Debug().Err(err).Uint64("size", o.Size).Msg("A contact's picture is passed over")
			return true
		}
		hash := o.Hash.String()
		if kept.AvatarID == networkid.AvatarID(hash) && kept.AvatarSet {
			return face(&bridgev2.Avatar{ID: kept.AvatarID, MXC: kept.AvatarMXC, Hash: kept.AvatarHash})
		}
		if !c.pace.allow(account, hash, func() { c.look(account) }) {
			return true
		}
		picture, again := c.picture(log.WithContext(ctx), client, account, o)
		if picture == nil {
			return !again
		}
		avatar = &bridgev2.Avatar{ID: networkid.AvatarID(hash), MXC: picture.MXC, Hash: sha256.Sum256(o.Hash[:])}
	} else if kept.AvatarID == "" {
		return face(avatar) // another login may have seen it go
	} else if !c.pace.allow(account, "", func() { c.look(account) }) {
		return true
	}
	ghost, err := c.account.Bridge.GetGhostByID(ctx, c.account.GhostID(account))
	if err != nil {
		log.Err(err).Msg("Failed to get a ghost: its picture is not shown yet")
		return false
	}
	if stored, err := c.account.Bridge.DB.Portal.GetByKey(ctx, c.account.PortalKey(account)); err != nil || stored != nil && stored.MXID == "" && c.isMade(account) {
		return false // the framework may be at the ghost, for the room that it makes
	}
	shown := false
	err = c.rooms.AmongSeen(ctx, account, func(ctx context.Context) {
		ghost.UpdateInfo(ctx, &bridgev2.UserInfo{Avatar: avatar})
		shown = ghost.AvatarSet || avatar.Remove
	})
	if err != nil {
		if ctx.Err() == nil {
			log.Err(err).Msg("Failed to show a contact's picture")
		}
		return false
	}
	return shown && face(avatar)
}

// face gives the room with a contact the contact's picture, where rooms have pictures of their own: most clients
// show that of whom they are with, and some do not. It reports whether nothing is left to be shown, and whether it need not be tried again.
func (c *Contacts) face(ctx context.Context, contact string, avatar *bridgev2.Avatar) (all, done bool) {
	key := c.account.PortalKey(contact)
	if !c.account.Bridge.Config.PrivateChatPortalMeta {
		return true, true
	}
	stored, err := c.account.Bridge.DB.Portal.GetByKey(ctx, key)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read a room: its picture is not shown yet")
		return false, false
	}
	switch {
	case stored == nil, stored.MXID != "" && stored.AvatarID == avatar.ID && stored.AvatarSet:
		return true, true
	case stored.MXID == "": // it may be in the making
		return false, true
	}
	if seen, err := c.rooms.Shows(ctx, key); err != nil || !seen {
		return false, err == nil // whoever comes back is shown the next one
	}
	c.mu.Lock()
	delete(c.making, contact)
	c.mu.Unlock()
	set := false
	err = c.rooms.Among(ctx, key, func(ctx context.Context, portal *bridgev2.Portal) {
		if account.Borrows(portal) {
			set = true
			return
		}
		if room.Unheld(ctx, portal) != nil {
			return // it is shown later
		}
		//lint:ignore SA1019 there is no other way to change the picture alone
		if portal.Internal().UpdateAvatar(ctx, avatar, nil, time.Time{}, true) {
			if err := portal.Save(ctx); err != nil {
				zerolog.Ctx(ctx).Err(err).Msg("Failed to store the picture of a room")
			}
		}
		set = portal.AvatarSet
	})
	if err != nil {
		if ctx.Err() == nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to show the picture of a room")
		}
		return false, false
	}
	return set, set
}

// maxMaking is how often a room is waited for that is in the making, which takes longer from time to time.
const maxMaking = 6

// isMade reports whether the room with a contact may be in the making: it is described to the homeserver before it is
// there, perhaps without the picture that has come meanwhile.
func (c *Contacts) isMade(contact string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lazy.Put(&c.making, contact, c.making[contact]+1); c.making[contact] < maxMaking {
		return true
	}
	delete(c.making, contact)
	return false
}

// picture returns a picture that the homeserver has: it is fetched and uploaded if it has not. It
// reports whether that is to be tried again.
func (c *Contacts) picture(ctx context.Context, client *msn.Client, account string, o msn.Object) (picture *database.Object, again bool) {
	hash := o.Hash.String()
	switch uploaded, err := c.objects.Known(ctx, hash); {
	case err != nil:
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read where a picture is")
		return nil, true
	case uploaded != nil:
		return uploaded, false
	}
	return c.attempt(ctx, account, hash, func(patience time.Duration) (*database.Object, error) {
		return c.objects.fetch(ctx, client, account, o, limits{MaxContact, maxSide, patience})
	})
}

// attempt has a picture fetched when it is its turn.
func (c *Contacts) attempt(ctx context.Context, account, hash string, fetch func(patience time.Duration) (*database.Object, error)) (picture *database.Object, again bool) {
	log := zerolog.Ctx(ctx)
	failed := c.failures(account, hash)
	if failed.times >= maxFailures {
		return nil, false
	}
	slots := c.slots.Of(atOnce)
	if failed.vain > 0 {
		slots = c.again.Of(againAtOnce)
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, true
	}
	picture, err := fetch(patience[min(failed.vain, maxFailures-1)])
	switch {
	case err == nil:
		c.forgive(account)
		return picture, false
	case errors.Is(err, errNotKept):
		log.Err(err).Msg("Failed to keep a contact's picture")
		return nil, true
	}
	log.Debug().Err(err).Msg("A contact's picture cannot be shown")
	if errors.Is(err, msn.ErrBroken) || errors.Is(err, ErrNoPicture) || errors.Is(err, ErrTooLarge) {
		c.fails(account, hash, maxFailures) // it would be the same again
		return nil, false
	}
	return nil, c.fails(account, hash, 1)
}

// failures is how often a picture was asked for in vain.
func (c *Contacts) failures(account, hash string) failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.failed[account]
	if of.hash != hash {
		of.hash, of.times = hash, 0
	}
	return of
}

// fails notes that a picture was asked for in vain, and reports whether it is asked for again.
func (c *Contacts) fails(account, hash string, times int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.failed[account]
	if of.hash != hash {
		of.hash, of.times = hash, 0
	}
	of.times += times
	of.vain++
	if _, known := c.failed[account]; !known && len(c.failed) >= maxFailed {
		clear(c.failed)
	}
	lazy.Put(&c.failed, account, of)
	return of.times < maxFailures
}

// forgive forgets that a contact did not give their picture.
func (c *Contacts) forgive(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.failed, account)
}
