// Package spaces shows the groups of the user's contact list as spaces, within the space of the
// login.
package spaces

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// The power levels in a space: only the bot changes what is in it.
const (
	powerOfBot  = 100
	powerOfUser = 50
)

// Spaces are those of one login. They hold the rooms with the contacts of a group, and are made
// with the first room.
type Spaces struct {
	account *account.Account
	session *session.Session
	work    *background.Work
	refused map[string]bool // groups that the database does not take; only of use to the work
}

// New returns the spaces of a login.
func New(a *account.Account, s *session.Session, work *background.Work) *Spaces {
	return &Spaces{account: a, session: s, work: work}
}

// Listen has the spaces follow the groups.
func (s *Spaces) Listen(in *session.Session) {
	in.Use(s)
	session.Listen(in, s, hearing)
}

var hearing = session.Hears(
	session.OnReady(func(s *Spaces, _ context.Context, _ *msn.Client) { s.begin() }),
	session.On(func(s *Spaces, _ context.Context, _ msn.GroupsChanged) { s.Look() }),
	session.On(func(s *Spaces, _ context.Context, _ msn.ContactChanged) { s.Look() }),
)

// begin has all brought up to date that there may be of spaces, also when they are not wanted: they may have been before.
func (s *Spaces) begin() {
	login := s.account.Login.ID
	if s.account.Config.GroupSpaces || !s.account.DB.GroupSpace.None(login) {
		s.work.Try(everything, s.show)
	}
	if !s.account.DB.LoginSpace.None(login) {
		s.work.Try("name of the spaces", s.named)
	}
	if s.account.Bridge.Config.PersonalFilteringSpaces {
		s.work.Try("rooms of the spaces", s.bringBack)
	}
}

// Start implements session.Part: all that the spaces do is work of the login.
func (*Spaces) Start(context.Context) {}

// Stop implements session.Part.
func (*Spaces) Stop() {}

// farewell is how long taking away the spaces may take when the user logs out: they wait for it.
const farewell = 30 * time.Second

// Farewell implements session.Leaver: the spaces go, before the bridge forgets which they are.
func (s *Spaces) Farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	stored, err := s.account.DB.GroupSpace.GetAll(ctx, s.account.Login.ID)
	failed := []error{err}
	for _, space := range stored {
		failed = append(failed, s.remove(ctx, space))
	}
	if err := errors.Join(failed...); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to take away spaces of groups: they stay in Matrix")
	}
}

// everything is the work of which the last who asks for it gets all up to date.
const everything = "spaces"

// Look has the spaces brought up to date: a group may have changed, or there is another room.
func (s *Spaces) Look() {
	if s.account.Config.GroupSpaces {
		s.work.Try(everything, s.show)
	}
}

// show brings all spaces up to date. It reports whether nothing is left to be done.
func (s *Spaces) show(ctx context.Context) (done bool) {
	err := s.update(ctx)
	if err != nil && ctx.Err() == nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to show groups of contacts as spaces; trying again")
	}
	return err == nil
}

func (s *Spaces) update(ctx context.Context) error {
	stored, err := s.account.DB.GroupSpace.GetAll(ctx, s.account.Login.ID)
	if err != nil {
		return fmt.Errorf("read spaces: %w", err)
	}
	client := s.session.Current()
	switch on := s.account.Config.GroupSpaces; {
	case client == nil, !on && len(stored) == 0:
		return nil
	case on && client.Dialect() < wire.FirstGroups:
		return nil // nobody knows what became of the groups
	}
	wanted, err := s.wanted(ctx, client)
	if err != nil {
		return err
	}
	if err := s.recognize(ctx, stored, wanted); err != nil {
		return err
	}
	var failed []error
	for _, space := range stored {
		want := wanted[space.GroupID]
		if delete(wanted, space.GroupID); want == nil {
			failed = append(failed, s.remove(ctx, space))
		} else {
			failed = append(failed, s.try(ctx, space, want))
		}
	}
	for _, want := range wanted {
		space := &database.GroupSpace{LoginID: want.LoginID, GroupID: want.GroupID}
		failed = append(failed, s.try(ctx, space, want))
	}
	return errors.Join(failed...)
}

// try brings a space up to date, unless the database does not take it, which it will not later.
func (s *Spaces) try(ctx context.Context, space, want *database.GroupSpace) error {
	if s.refused[space.GroupID] {
		return nil
	}
	err := s.change(ctx, space, want)
	if database.Refuses(err) {
		lazy.Put(&s.refused, space.GroupID, true)
		zerolog.Ctx(ctx).Err(err).Str("group", space.GroupID).Msg("The database does not take the space of a group: it is left as it is until the bridge is started again")
		return nil
	}
	return err
}

// wanted returns the spaces that there are to be, by group.
func (s *Spaces) wanted(ctx context.Context, client *msn.Client) (map[string]*database.GroupSpace, error) {
	wanted := make(map[string]*database.GroupSpace)
	if !s.account.Config.GroupSpaces {
		return wanted, nil
	}
	rooms, err := s.account.DB.GroupSpace.Rooms(ctx, s.account.Login.ID)
	if err != nil {
		return nil, fmt.Errorf("read rooms: %w", err)
	}
	for _, group := range client.Groups() {
		id := cleanID(group.ID)
		wanted[id] = &database.GroupSpace{LoginID: s.account.Login.ID, GroupID: id, Name: names.Clean(group.Name)}
	}
	for _, contact := range client.Contacts() {
		if !contact.Lists.Has(msn.ListForward) {
			continue
		}
		account, ok := msnid.FromServer(contact.Account)
		if !ok {
			continue
		}
		room, made := rooms[s.account.PortalKey(account).ID]
		for _, group := range contact.Groups {
			if space := wanted[cleanID(group)]; space != nil && made {
				space.Children = append(space.Children, room)
			}
		}
	}
	return wanted, nil
}

// cleanID returns the ID of a group as every database takes it: a server may say anything.
func cleanID(group string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(group, "\x00", ""), "")
}

// recognize gives the spaces of groups that have got other IDs those: the same group has one in old
// dialects and another one in new ones.
func (s *Spaces) recognize(ctx context.Context, stored []*database.GroupSpace, wanted map[string]*database.GroupSpace) error {
	fresh := make(map[string]string, len(wanted)) // the IDs of groups without a space, by name
	for group, want := range wanted {
		fresh[want.Name] = group
	}
	for _, space := range stored {
		if want := wanted[space.GroupID]; want != nil && fresh[want.Name] == space.GroupID {
			delete(fresh, want.Name)
		}
	}
	for _, space := range stored {
		group, same := fresh[space.Name]
		if wanted[space.GroupID] != nil || !same {
			continue
		}
		if err := s.account.DB.GroupSpace.Move(ctx, space, group); err != nil {
			return fmt.Errorf("store the ID of a group: %w", err)
		}
		delete(fresh, space.Name)
	}
	return nil
}

// change brings a space up to date, and stores what the homeserver has of that. What fails keeps
// nothing else from being done.
func (s *Spaces) change(ctx context.Context, space, want *database.GroupSpace) error {
	if space.RoomID == "" {
		if len(want.Children) == 0 {
			return nil
		}
		if err := s.make(ctx, space, want.Name); err != nil {
			return err
		}
	}
	return errors.Join(s.bringIn(ctx, space), s.link(ctx, space), s.rename(ctx, space, want.Name), s.fill(ctx, space, want.Children))
}

// make makes the room of a space. Nobody is invited before it is stored: a room that is forgotten
// is made again.
func (s *Spaces) make(ctx context.Context, space *database.GroupSpace, name string) error {
	space.Name = name
	// Before the room: a database that takes nothing is not to cost a room each time.
	if err := s.store(ctx, space); err != nil {
		return err
	}
	bot := s.account.Bridge.Bot
	made, err := bot.CreateRoom(ctx, &mautrix.ReqCreateRoom{
		Visibility:      "private",
		Name:            name,
		Topic:           words.Text("spaces.a_group_of_contacts_on_your"),
		CreationContent: map[string]any{"type": event.RoomTypeSpace},
		PowerLevelOverride: &event.PowerLevelsEventContent{
			Users: map[id.UserID]int{bot.GetMXID(): powerOfBot, s.account.Login.UserMXID: powerOfUser},
		},
	})
	if err != nil {
		return fmt.Errorf("make the space of a group: %w", err)
	}
	ctx = context.WithoutCancel(ctx) // the room is there
	space.RoomID = made
	if err := s.store(ctx, space); err != nil {
		if err := bot.DeleteRoom(ctx, made, false); err != nil {
			zerolog.Ctx(ctx).Warn().Err(err).Stringer("room_id", made).Msg("Failed to leave the space of a group that could not be stored")
		}
		return err
	}
	return nil
}

// bringIn has the user come into a space, once: who leaves it may want that.
func (s *Spaces) bringIn(ctx context.Context, space *database.GroupSpace) error {
	if space.Joined {
		return nil
	}
	user := s.account.Login.User
	var err error
	if puppet := user.DoublePuppet(ctx); puppet != nil {
		err = puppet.EnsureJoined(ctx, space.RoomID)
	} else {
		err = s.account.Bridge.Bot.EnsureInvited(ctx, space.RoomID, user.MXID)
	}
	if err := taken(ctx, space.RoomID, err); err != nil {
		return err
	}
	space.Joined = true
	return s.store(ctx, space)
}

// link puts a space into the space of the login.
func (s *Spaces) link(ctx context.Context, space *database.GroupSpace) error {
	parent, err := s.account.Login.GetSpaceRoom(ctx)
	if err != nil {
		return fmt.Errorf("find the space of the login: %w", err)
	}
	if parent == "" || parent == space.Parent {
		return nil
	}
	if err := s.put(ctx, parent, space.RoomID, true); err != nil {
		return err
	}
	space.Parent = parent
	return s.store(ctx, space)
}

// rename gives a space the name of its group.
func (s *Spaces) rename(ctx context.Context, space *database.GroupSpace, name string) error {
	if space.Name == name {
		return nil
	}
	if err := s.state(ctx, space.RoomID, event.StateRoomName, "", &event.RoomNameEventContent{Name: name}); err != nil {
		return err
	}
	space.Name = name
	return s.store(ctx, space)
}

// storeEvery is after how many rooms that were put into a space that is stored: what was not is
// done once more after a crash, which changes nothing.
const storeEvery = 25

// fill puts rooms into a space, and takes out all others.
func (s *Spaces) fill(ctx context.Context, space *database.GroupSpace, children []id.RoomID) error {
	is, wanted := setOf(space.Children), setOf(children)
	changed := 0
	var failed error
	for _, child := range slices.Concat(space.Children, children) {
		in := wanted[child]
		if is[child] == in {
			continue
		}
		if failed = s.put(ctx, space.RoomID, child, in); failed != nil {
			break
		}
		is[child] = in
		if changed++; changed%storeEvery == 0 {
			if failed = s.storeChildren(ctx, space, is); failed != nil {
				break
			}
		}
	}
	if changed == 0 {
		return failed
	}
	return errors.Join(failed, s.storeChildren(ctx, space, is))
}

// setOf returns rooms as a set.
func setOf(rooms []id.RoomID) map[id.RoomID]bool {
	set := make(map[id.RoomID]bool, len(rooms))
	for _, room := range rooms {
		set[room] = true
	}
	return set
}

// storeChildren stores which rooms are in a space.
func (s *Spaces) storeChildren(ctx context.Context, space *database.GroupSpace, is map[id.RoomID]bool) error {
	space.Children = space.Children[:0:0]
	for child, in := range is {
		if in {
			space.Children = append(space.Children, child)
		}
	}
	slices.Sort(space.Children)
	return s.store(ctx, space)
}

// store stores how the homeserver has a space.
func (s *Spaces) store(ctx context.Context, space *database.GroupSpace) error {
	if err := s.account.DB.GroupSpace.Put(ctx, space); err != nil {
		return fmt.Errorf("store the space of a group: %w", err)
	}
	return nil
}

// remove takes away the space of a group that is no more. The rooms in it stay.
func (s *Spaces) remove(ctx context.Context, space *database.GroupSpace) error {
	if space.Parent != "" {
		if err := s.put(ctx, space.Parent, space.RoomID, false); err != nil {
			return err
		}
	}
	if space.RoomID != "" { // else it was never made
		if err := s.account.Bridge.Bot.DeleteRoom(ctx, space.RoomID, false); err != nil && !room.IsRefusal(err) {
			return fmt.Errorf("leave the space of a group: %w", err)
		}
	}
	if err := s.account.DB.GroupSpace.Delete(ctx, space); err != nil {
		return fmt.Errorf("forget the space of a group: %w", err)
	}
	return nil
}

// put puts a room into a space, or takes it out.
func (s *Spaces) put(ctx context.Context, space, child id.RoomID, in bool) error {
	content := &event.SpaceChildEventContent{}
	if in {
		content.Via = []string{s.account.Bridge.Matrix.ServerName()}
	}
	return s.state(ctx, space, event.StateSpaceChild, child.String(), content)
}

// state sets a state of a space.
func (s *Spaces) state(ctx context.Context, space id.RoomID, kind event.Type, key string, content any) error {
	_, err := s.account.Bridge.Bot.SendState(ctx, space, kind, key, &event.Content{Parsed: content}, time.Time{})
	return taken(ctx, space, err)
}

// taken is the error of a change of a space. What the homeserver refuses counts as done: it would
// refuse it again.
func taken(ctx context.Context, space id.RoomID, err error) error {
	if room.IsRefusal(err) {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("room_id", space).Msg("The homeserver does not let the space of a group be changed")
		return nil
	}
	if err != nil {
		return fmt.Errorf("change the space of a group: %w", err)
	}
	return nil
}
