package people

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Strangers are people who are not on the user's contact list. Anybody can write to
// somebody who does not shut them out, under as many accounts as they like: so many get
// rooms within strangerWindow. What others write waits in the queue on disk, which bounds it,
// until the next window, or until the user wants to hear of them. A conversation of several people
// that a stranger has begun takes a place as well: who calls two people at once gets round nothing.
const (
	strangerWindow    = time.Hour
	maxStrangerRooms  = 10
	maxHeldStrangers  = 100 // who have no room yet, and of whom something waits
	maxHeldOfStranger = 20  // messages of each
	maxWelcome        = 1000
)

// Strangers decides whether there is a room for what people write who are no contacts.
type Strangers struct {
	account *account.Account
	rooms   *room.Rooms
	inbox   Inbox
	work    *background.Work
	tell    tell
	alike   *Alike
	notes   *Notes
	seen    strangersSeen
}

// strangersSeen is what need not outlast the process. The zero value knows nobody.
type strangersSeen struct {
	mu      sync.Mutex
	welcome map[string]struct{} // people whom the user has written to, and group chats in which they have
	told    time.Time           // the window of which the user was told that it is full
	leftOut time.Time           // when they were told that too many wait
}

// expect notes that the user wants to hear of somebody.
func (s *strangersSeen) expect(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.welcome == nil || len(s.welcome) >= maxWelcome {
		s.welcome = make(map[string]struct{})
	}
	s.welcome[account] = struct{}{}
}

func (s *strangersSeen) expects(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.welcome[account]
	return ok
}

// tellFull reports whether the user is to be told that the window that ends at a time is full.
func (s *strangersSeen) tellFull(until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told.Equal(until) {
		return false
	}
	s.told = until
	return true
}

// tellLeftOut reports whether the user is to be told that messages are left out.
func (s *strangersSeen) tellLeftOut(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.leftOut) < strangerWindow {
		return false
	}
	s.leftOut = now
	return true
}

// LeftOut takes the place of what somebody writes beyond what waits of a stranger.
var LeftOut = words.Text("people.further_messages_were_left_out_more")

// place is what takes one of the places of strangers: a room that there is not yet.
type place struct {
	portal networkid.PortalID
	key    string // by which the admission is known: an account, or a group chat
	caller string // who began the conversation; "" when nobody knows
}

// placeOf returns the place that the room of a portal would take. It reports false when that is no
// stranger's.
func (s *Strangers) placeOf(ctx context.Context, portal networkid.PortalID) (p place, ok bool, err error) {
	if account, alone := msnid.ParseDMPortalID(portal); alone {
		listed, err := s.account.IsListed(ctx, account)
		return place{portal, account, account}, !listed, err
	}
	group, ok := msnid.ParseGroupPortalID(portal)
	if !ok {
		return place{}, false, nil
	}
	members, err := s.account.DB.Group.Get(ctx, s.account.Login.ID, group)
	if err != nil {
		return place{}, false, err
	}
	p = place{portal: portal, key: group}
	if len(members) > 0 {
		p.caller = members[0] // the members are in order of coming
	}
	listed, err := s.account.IsListed(ctx, p.caller)
	return p, !listed, err
}

// isStranger reports whether a message is of somebody who is not on the contact list, and
// said to the user alone.
func (s *Strangers) isStranger(ctx context.Context, m *database.QueuedMessage) bool {
	_, alone := msnid.ParseDMPortalID(m.PortalID)
	return alone && m.Sender != s.account.Identity.Account && !s.account.OnList(ctx, m.Sender)
}

// waits returns the place for which a message waits. It reports false for one that need not: the
// user has said it, or waits for it, or there is a room.
func (s *Strangers) waits(ctx context.Context, m *database.QueuedMessage) (p place, waits bool, err error) {
	if m.Sender == s.account.Identity.Account {
		return place{}, false, nil
	}
	p, ok, err := s.placeOf(ctx, m.PortalID)
	if err != nil || !ok || s.expects(p) {
		return p, false, err
	}
	room, err := s.rooms.Stored(ctx, s.account.KeyOf(m.PortalID))
	return p, room == "", err
}

// expects reports whether the user waits for a conversation, or for who began it.
func (s *Strangers) expects(p place) bool { return s.seen.expects(p.key) || s.seen.expects(p.caller) }

// Limit returns how many messages may wait of the sender of one, of whom so many do already.
// It is not limited for people who are no strangers, or have a room.
func (s *Strangers) Limit(ctx context.Context, m *database.QueuedMessage, waiting int) (most int, limited bool, err error) {
	p, limited, err := s.waits(ctx, m)
	if err != nil || !limited {
		return 0, false, err
	}
	held, err := s.heldStrangers(ctx)
	if err != nil {
		return 0, false, err
	}
	_, admitted, _ := s.account.Stored().Admissions.Admit(p.key, time.Now(), strangerWindow, maxStrangerRooms)
	if admitted && held <= maxStrangerRooms {
		return 0, false, nil // their room is about to be made
	}
	if waiting > 0 {
		return maxHeldOfStranger, true, nil
	}
	if held < maxHeldStrangers {
		return maxHeldOfStranger, true, nil
	}
	if s.seen.tellLeftOut(time.Now()) {
		// The inbox waits for the answer, and takes no notice meanwhile.
		s.work.Do("strangers left out", s.tellOfLeftOut)
	}
	return 0, true, nil
}

// heldStrangers returns how many strangers have no room, of whom something waits.
func (s *Strangers) heldStrangers(ctx context.Context) (n int, err error) {
	waiting, err := s.waitingStrangers(ctx)
	return len(waiting), err
}

// waitingStrangers returns the places for which something waits, who has waited longest first.
func (s *Strangers) waitingStrangers(ctx context.Context) (places []place, err error) {
	portals, err := s.account.DB.MSNQueue.Roomless(ctx, s.account.Login.ID)
	var callers map[string]string
	for _, portal := range portals {
		if account, alone := msnid.ParseDMPortalID(portal); alone {
			if !s.account.OnList(ctx, account) {
				places = append(places, place{portal, account, account})
			}
			continue
		}
		group, ok := msnid.ParseGroupPortalID(portal)
		if !ok {
			continue
		}
		if callers == nil {
			if callers, err = s.account.DB.Group.First(ctx, s.account.Login.ID); err != nil {
				return nil, err
			}
		}
		if caller := callers[group]; !s.account.OnList(ctx, caller) {
			places = append(places, place{portal, group, caller})
		}
	}
	return places, err
}

// Admit returns until when a message waits because there is to be no room for it yet, and no
// time when there may be one.
func (s *Strangers) Admit(ctx context.Context, m *database.QueuedMessage) (until time.Time, err error) {
	p, waits, err := s.waits(ctx, m)
	if err != nil || !waits {
		return time.Time{}, err
	}
	_, admitted, until := s.account.Stored().Admissions.Admit(p.key, time.Now(), strangerWindow, maxStrangerRooms)
	if admitted {
		if admitted, until, err = s.admitNext(ctx, p); err != nil {
			return time.Time{}, err
		}
	}
	if admitted {
		return time.Time{}, nil
	}
	if s.seen.tellFull(until) {
		s.tellOfStrangers(ctx, until)
	}
	return until, nil
}

// admitNext admits those who have waited longest, as many as may be, and reports whether
// somebody is among them. All wait for the same moment, and who asks first in it is chance.
func (s *Strangers) admitNext(ctx context.Context, who place) (admitted bool, until time.Time, err error) {
	waiting, err := s.waitingStrangers(ctx)
	if err != nil {
		return false, time.Time{}, err
	}
	waiting = slices.DeleteFunc(waiting, func(other place) bool {
		return other.key != who.key && (s.expects(other) || s.account.Blocked(ctx, other.caller))
	})
	if !slices.ContainsFunc(waiting, func(other place) bool { return other.key == who.key }) {
		waiting = append(waiting, who)
	}
	var let []place
	// Others may be admitted meanwhile. Not stored counts as well: Remember says so in the log,
	// and stores it with the next change.
	_ = s.account.Remember(ctx, func(kept *account.Record) {
		// The time of now, under the lock of what is kept: an earlier one would look like a clock
		// that was set back to who was admitted meanwhile, and begin anew.
		now := time.Now()
		for _, next := range waiting {
			var may bool
			kept.Admissions, may, until = kept.Admissions.Admit(next.key, now, strangerWindow, maxStrangerRooms)
			switch {
			case may && next.key == who.key:
				admitted = true
			case may:
				let = append(let, next)
			}
		}
	})
	for _, other := range let {
		s.inbox.Release(other.portal)
	}
	return admitted, until, nil
}

// Expect has what waits of a stranger shown at once, and what they write from now on.
func (s *Strangers) Expect(account string) {
	s.seen.expect(account)
	s.release(account)
}

// ExpectGroup is Expect for a group chat in which the user says something.
func (s *Strangers) ExpectGroup(group string) {
	s.seen.expect(group)
	s.inbox.Release(s.account.GroupKey(group).ID)
}

// Welcome notes a group chat that the user begins: whoever is in it, they want to hear of it.
func (s *Strangers) Welcome(group string) { s.seen.expect(group) }

// release has what waits of somebody tried at once, and of the group chats that they have begun.
func (s *Strangers) release(account string) {
	s.inbox.Release(s.account.PortalKey(account).ID)
	s.work.Do("release group chats", s.releaseGroups)
}

// releaseGroups has what waits of group chats tried at once.
func (s *Strangers) releaseGroups(ctx context.Context) {
	portals, err := s.account.DB.MSNQueue.Roomless(ctx, s.account.Login.ID)
	if err != nil { // it is tried when the window is over
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read which group chats wait")
	}
	for _, portal := range portals {
		if _, ok := msnid.ParseGroupPortalID(portal); ok {
			s.inbox.Release(portal)
		}
	}
}

// expectWhenMade is Expect for somebody whose room is being made: the framework does not take a
// second one who makes it meanwhile, and has invited nobody yet when it knows the room.
func (s *Strangers) expectWhenMade(account string) {
	s.work.Do("expect "+account, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, room.CreateTimeout)
		defer cancel()
		if s.rooms.Settle(ctx, s.account.PortalKey(account)) == nil {
			s.Expect(account)
		}
	})
}

// releaseKnown has shown what waits of people who are on the contact list by now.
// One whose message is just being looked at is released too: that may have begun before the list
// was there.
func (s *Strangers) releaseKnown(ctx context.Context, _ *msn.Client, contacts []msn.Contact) {
	s.releaseGroups(ctx)
	for _, contact := range contacts {
		if account, ok := msnid.FromServer(contact.Account); ok && contact.Lists.Has(msn.ListForward) {
			s.inbox.Release(s.account.PortalKey(account).ID)
		}
	}
}

// tellOfStrangers tells the user that strangers have to wait until a time.
func (s *Strangers) tellOfStrangers(ctx context.Context, until time.Time) {
	zerolog.Ctx(ctx).Warn().Time("until", until).Msg("Many strangers write to this login: no more rooms are made for them for a while")
	s.tell(ctx, msnid.MakeNoticeMessageID("strangers", until.UTC().Format(time.RFC3339Nano)),
		words.Text("people.people_who_are_not_on_your",
			maxStrangerRooms, names.Minutes(time.Until(until)), maxHeldOfStranger, s.account.Bridge.Config.CommandPrefix))
}

// tellOfLeftOut tells the user that messages of strangers are left out.
func (s *Strangers) tellOfLeftOut(ctx context.Context) {
	zerolog.Ctx(ctx).Warn().Int("waiting", maxHeldStrangers).Msg("Leaving out what strangers write: too many of them have no room yet")
	s.tell(ctx, msnid.MakeNoticeMessageID("strangers left out", time.Now().UTC().Format(time.RFC3339Nano)),
		words.Text("people.messages_of_people_who_are_not", maxHeldStrangers))
}

// RoomMade says in a new room whom the user does not know there.
func (s *Strangers) RoomMade(ctx context.Context, m *database.QueuedMessage) {
	if !s.isStranger(ctx, m) {
		return
	}
	room, err := s.rooms.Stored(ctx, s.account.KeyOf(m.PortalID))
	if err == nil && room != "" {
		err = s.rooms.Notice(ctx, room, notOnList(m.Sender), "")
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say that somebody is not on the contact list")
	}
	contact, mark := s.alike.look().of(ctx, m.Sender)
	s.alike.say(ctx, m.Sender, contact, mark)
}

// notOnList says in a room that the user does not know somebody.
func notOnList(account string) string {
	return words.Text("people.stranger_chose_the_name", account)
}

// Mark says in the room of a group chat, once of each, that the user does not know who says
// something there, before that is shown.
func (s *Strangers) Mark(ctx context.Context, conversation *msn.Conversation, account string) {
	group := conversation.Group()
	if group == "" || s.account.OnList(ctx, account) {
		return
	}
	said := msnid.MakeNoticeMessageID("stranger", group, account)
	// Asked of the database: it is known also after a restart, and one that was left out with what
	// waits comes with what is shown later.
	if known, err := s.account.Bridge.DB.Message.GetFirstPartByID(ctx, s.account.Login.ID, said); err != nil || known != nil {
		return
	}
	if waits, err := s.account.DB.MSNQueue.Has(ctx, s.account.Login.ID, said); err != nil || waits {
		return
	}
	s.inbox.Put(ctx, &database.QueuedMessage{
		LoginID:   s.account.Login.ID,
		MessageID: said,
		PortalID:  s.account.GroupKey(group).ID,
		Sender:    account,
		At:        time.Now(),
		Body:      notOnList(account) + s.alike.Behind(ctx, account, s.account.DisplayName(ctx, account)),
		GroupSize: 1,
		Kind:      database.QueuedNote,
	})
}

// Unwanted reports whether a message that waits is not to be shown any more: it is of strangers
// who have no room, and the user has blocked who began the conversation meanwhile.
func (s *Strangers) Unwanted(ctx context.Context, m *database.QueuedMessage) (bool, error) {
	p, waits, err := s.waits(ctx, m)
	if err != nil || !waits || s.account.OnList(ctx, m.Sender) {
		return false, err
	}
	return s.account.KeepsOut(ctx, p.caller), nil
}
