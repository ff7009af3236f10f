package group

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

const (
	// partingPatience is how long what the user has written before they left a room is waited for.
	partingPatience = 30 * time.Second
	partingPause    = 200 * time.Millisecond
)

// Left leaves the conversation of a room that the user has left. What they wrote before goes out first:
// waits reports whether something of it is still on its way. Circles are left by a command alone: they
// last.
func (c *Calls) Left(portal networkid.PortalID, waits func() bool) {
	peer, ok := msnid.ParsePeer(portal)
	if !ok || peer.Circle != "" {
		return
	}
	c.work.Do("leave "+string(portal), func(ctx context.Context) {
		key := c.account.KeyOf(portal)
		for deadline := time.Now().Add(partingPatience); waits() && time.Now().Before(deadline); {
			if !retry.Sleep(ctx, partingPause) {
				return
			}
		}
		stored, err := c.rooms.Stored(ctx, key)
		if err != nil || stored == "" {
			return
		}
		if own, err := c.rooms.Membership(ctx, stored); err != nil || !room.HasLeft(own) {
			return // they have come back
		}
		client := c.session.Current()
		if client == nil {
			return
		}
		if peer.Account != "" {
			client.Conversation(peer.Account).Close()
			return
		}
		conversation, err := c.groups.Conversation(ctx, client, peer.Group)
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to leave a group chat")
			return
		}
		conversation.Close()
	})
}

// Invited calls somebody in whom the user has invited into the room of a portal in Matrix. Who cannot
// be there leaves the room again, and it is said why.
func (c *Calls) Invited(portal networkid.PortalID, in id.RoomID, account string) {
	if peer, ok := msnid.ParsePeer(portal); ok && peer.Account != "" && account != peer.Account && account != c.account.Identity.Account {
		if !c.invited.add(portal, account) {
			c.sendAway(in, account, reason.Of(reason.ErrManyMembers, reason.Request, c.account.About("")).Sentence)
			return
		}
		c.work.Try("gathered "+string(portal), func(ctx context.Context) (done bool) {
			if !retry.Sleep(ctx, gatherTime) {
				return false
			}
			c.startInvited(ctx, portal, in, peer.Account)
			return true
		})
		return
	}
	c.work.Do(fmt.Sprintf("invited %s %s", portal, account), func(ctx context.Context) {
		said, stays, tells := c.callInvited(c.rooms.AmongReaders(ctx, c.account.KeyOf(portal)), portal, account)
		ghost, err := c.account.Bridge.GetGhostByID(ctx, c.account.GhostID(account))
		if err == nil && stays {
			err = c.rooms.Enter(ctx, in, ghost, "")
		} else if err == nil {
			err = c.rooms.Exit(ctx, in, ghost, said)
		}
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to show what became of an invitation")
		}
		if stays || !tells {
			return
		}
		if err := c.rooms.Notice(ctx, in, said, ""); err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to say what became of an invitation")
		}
	})
}

// startInvited begins a conversation of several people with those whom the user has invited into the room
// of one contact. That room stays the contact's: they leave it again.
func (c *Calls) startInvited(ctx context.Context, portal networkid.PortalID, in id.RoomID, contact string) {
	accounts := c.invited.take(portal)
	slices.Sort(accounts)
	accounts = slices.Compact(accounts)
	if len(accounts) == 0 {
		return // they came together with others
	}
	ctx = c.rooms.AmongReaders(ctx, c.account.KeyOf(portal))
	var said string
	if client, problem := c.session.State(); client != nil {
		said = c.start(ctx, append([]string{contact}, accounts...)...)
	} else {
		said = reason.Of(reason.NotConnected{Why: problem}, reason.Call, c.account.About(c.account.Person(ctx, accounts[0]).Name)).Sentence
	}
	for _, account := range accounts {
		ghost, err := c.account.Bridge.GetGhostByID(ctx, c.account.GhostID(account))
		if err == nil {
			err = c.rooms.Exit(ctx, in, ghost, said)
		}
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to show what became of an invitation")
		}
	}
	if err := c.rooms.Notice(ctx, in, said, ""); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to say what became of an invitation")
	}
}

// Refused has somebody leave a room again who was invited there by another than its user, and says
// why.
func (c *Calls) Refused(in id.RoomID, account string) {
	c.sendAway(in, account, words.Text("group.only_can_call_people_into_this", c.account.Login.UserMXID))
}

// sendAway has somebody leave a room again, and says why.
func (c *Calls) sendAway(in id.RoomID, account, said string) {
	c.work.Do(fmt.Sprintf("refused %s %s", in, account), func(ctx context.Context) {
		ghost, err := c.account.Bridge.GetGhostByID(ctx, c.account.GhostID(account))
		if err == nil {
			err = c.rooms.Exit(ctx, in, ghost, said)
		}
		if c.notes.AllowMember(string(in), "", time.Now()) { // else the reason of the leave says it
			err = errors.Join(err, c.rooms.Notice(ctx, in, said, ""))
		}
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to refuse an invitation")
		}
	})
}

// callInvited returns what is said of an invitation, whether who is invited stays in the room, and whether
// the room is to be told: of a call that fails it is.
func (c *Calls) callInvited(ctx context.Context, portal networkid.PortalID, account string) (said string, stays, tells bool) {
	name := c.account.Person(ctx, account).Name
	peer, ok := msnid.ParsePeer(portal)
	switch {
	case !ok:
		return words.Text("group.this_is_the_room_of_your"), false, true
	case peer.Circle != "":
		return words.Text("group.invite_into_the_circle_by_writing", name, account), false, true
	case account == c.account.Identity.Account || account == peer.Account:
		return "", true, false
	}
	client, problem := c.session.State()
	if client == nil {
		return reason.Of(reason.NotConnected{Why: problem}, reason.Call, c.account.About(name)).Sentence, false, true
	}
	if err := c.callIn(ctx, client, peer.Group, account); err != nil {
		return reason.Of(err, reason.Call, c.account.About(name)).Sentence, false, false
	}
	return "", true, false
}

// Removed says that somebody whom the user has put out of a room still hears what is said there.
func (c *Calls) Removed(portal networkid.PortalID, in id.RoomID, account string) {
	peer, ok := msnid.ParsePeer(portal)
	if !ok || account == c.account.Identity.Account {
		return
	}
	c.work.Do(fmt.Sprintf("removed %s %s", portal, account), func(ctx context.Context) {
		if peer.Group != "" {
			members, err := c.account.DB.Group.Get(ctx, c.account.Login.ID, peer.Group)
			if err == nil && !slices.Contains(members, account) {
				return // they were invited, and have not come
			}
		}
		name := c.account.Person(c.rooms.AmongReaders(ctx, c.account.KeyOf(portal)), account).Name
		said := words.Text("group.msn_has_no_way_to_put", name)
		switch {
		case peer.Account != "":
			said = words.Text("group.is_not_told_that_you_have", name)
		case peer.Circle != "":
			said = words.Text("group.still_belongs_to_the_circle_the", name)
		}
		if err := c.rooms.Notice(ctx, in, said, ""); err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to say that somebody is still in a conversation")
		}
	})
}

// callIn calls somebody into a group chat, of which they become a member.
func (c *Calls) callIn(ctx context.Context, client *msn.Client, group, account string) error {
	conversation, err := c.groups.Conversation(ctx, client, group)
	if err != nil {
		return err
	}
	calling, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := conversation.Invite(calling, account); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Contact does not come into a group chat")
		return err
	}
	c.groups.NoteMembers(ctx, conversation)
	return nil
}
