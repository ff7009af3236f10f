package chat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Strangers are people who are not on the user's contact list. Anybody can write to
// somebody who does not shut them out, under as many accounts as they like: so many rooms
// are made for them within strangerWindow, and what more of them write waits.
const (
	strangerWindow    = time.Hour
	maxStrangerRooms  = 10
	maxHeldStrangers  = 100 // who have no room yet
	maxHeldOfStranger = 20  // messages of each
)

// strangers counts rooms that were made for strangers, and what waits for one. The zero
// value has made none.
type strangers struct {
	mu    sync.Mutex
	since time.Time      // of the window
	rooms int            // made in it
	held  map[string]int // messages that came while no more were made, by account
}

// turn begins a new window when the last is over. mu is held.
func (s *strangers) turn(now time.Time) {
	if now.Sub(s.since) >= strangerWindow {
		s.since, s.rooms, s.held = now, 0, nil
	}
}

// admit reports whether a room may be made for a stranger, and counts it. Otherwise it
// returns when the next ones are made, and whether it is the first that has to wait.
func (s *strangers) admit(now time.Time) (ok bool, next time.Time, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if s.rooms < maxStrangerRooms {
		s.rooms++
		return true, time.Time{}, false
	}
	s.rooms++
	return false, s.since.Add(strangerWindow), s.rooms == maxStrangerRooms+1
}

// closed reports whether no more rooms are made for strangers at the moment.
func (s *strangers) closed(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	return s.rooms >= maxStrangerRooms
}

// hold counts a message of a stranger without a room, and reports whether it is kept.
func (s *strangers) hold(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, known := s.held[account]
	if n >= maxHeldOfStranger || !known && len(s.held) >= maxHeldStrangers {
		return false
	}
	if s.held == nil {
		s.held = make(map[string]int)
	}
	s.held[account]++
	return true
}

// errManyStrangers has a message wait until there may be a room for it.
var errManyStrangers = errors.New("many people who are not on the contact list have got rooms within an hour: no more are made for a while")

// isStranger reports whether a message is of somebody who is not on the contact list, and
// said to the user alone.
func (c *Chat) isStranger(ctx context.Context, m *database.QueuedMessage) bool {
	_, alone := msnid.ParseDMPortalID(m.PortalID)
	return alone && m.Sender != c.account.Identity.Account && !c.account.OnList(ctx, m.Sender)
}

// RoomInfo describes the room that is to be made for a message. The error has the message
// wait.
func (c *Chat) RoomInfo(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ChatInfo, error) {
	if c.isStranger(ctx, m) {
		if ok, next, first := c.strangers.admit(time.Now()); !ok {
			if first {
				c.tellOfStrangers(ctx, next)
			}
			return nil, errManyStrangers
		}
	}
	return c.Info(ctx, m.PortalID)
}

// tellOfStrangers tells the user that strangers have to wait until next.
func (c *Chat) tellOfStrangers(ctx context.Context, next time.Time) {
	zerolog.Ctx(ctx).Warn().Time("until", next).Msg("Many strangers write to this login: no more rooms are made for them for a while")
	c.notices.Notice(ctx, database.Alert{
		AlertID:    msnid.MakeNoticeMessageID("strangers", next.UTC().Format(time.RFC3339Nano)),
		ReceivedAt: time.Now(),
		Kind:       database.AlertKindSystem,
		Text: fmt.Sprintf("%d people who are not on your contact list have written to you within an hour. What more of them write waits for %s.",
			maxStrangerRooms, names.Minutes(time.Until(next))),
	})
}

// keeps reports whether a text is kept: not everything is of strangers for whom no rooms are
// made.
func (c *Chat) keeps(ctx context.Context, m *database.QueuedMessage) bool {
	if !c.strangers.closed(time.Now()) || !c.isStranger(ctx, m) {
		return true
	}
	if room, err := c.rooms.Stored(ctx, c.account.KeyOf(m.PortalID)); err != nil || room != "" {
		return true
	}
	return c.strangers.hold(m.Sender)
}

// RoomMade says in a new room whom the user does not know there.
func (c *Chat) RoomMade(ctx context.Context, m *database.QueuedMessage) {
	if !c.isStranger(ctx, m) {
		return
	}
	room, err := c.rooms.Stored(ctx, c.account.KeyOf(m.PortalID))
	if err == nil && room != "" {
		err = c.rooms.Notice(ctx, room, m.Sender+" is not on your contact list. They have chosen the name that you see themselves.", "")
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say that somebody is not on the contact list")
	}
}

// CallsBack reports whether a message brings a user back into its room who has left it: one
// of somebody on their contact list, or of their own.
func (c *Chat) CallsBack(ctx context.Context, m *database.QueuedMessage) bool {
	return m.Kind != database.QueuedNote && (m.Sender == c.account.Identity.Account || c.account.OnList(ctx, m.Sender))
}

// saysName shows somebody by the name under which they say something, unless they are on
// the contact list: of those the service tells what they are called.
func (c *Chat) saysName(account, name string) {
	if session := c.session.Current(); session != nil {
		if contact, known := session.Contact(account); known && contact.Lists.Has(msn.ListForward) {
			return
		}
	}
	if account, ok := msnid.FromServer(account); ok && c.notes.allow("names", account, time.Now()) {
		c.tells(account, name)
	}
}
