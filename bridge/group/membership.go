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
func (g *Groups) Left(portal networkid.PortalID, waits func() bool) {
	peer, ok := msnid.ParsePeer(portal)
	if !ok || peer.Circle != "" {
		return
	}
	g.work.Do("leave "+string(portal), func(ctx context.Context) {
		key := g.account.KeyOf(portal)
		for deadline := time.Now().Add(partingPatience); waits() && time.Now().Before(deadline); {
			if !retry.Sleep(ctx, partingPause) {
				return
			}
		}
		stored, err := g.rooms.Stored(ctx, key)
		if err != nil || stored == "" {
			return
		}
		if own, err := g.rooms.Membership(ctx, stored); err != nil || !room.HasLeft(own) {
			return // they have come back
		}
		client := g.session.Current()
		if client == nil {
			return
		}
		if peer.Account != "" {
			client.Conversation(peer.Account).Close()
			return
		}
		conversation, err := g.Conversation(ctx, client, peer.Group)
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to leave a group chat")
			return
		}
		conversation.Close()
	})
}

// Invited calls somebody in whom the user has invited into the room of a portal in Matrix. Who cannot
// be there leaves the room again, and it is said why.
func (g *Groups) Invited(portal networkid.PortalID, in id.RoomID, account string) {
	if peer, ok := msnid.ParsePeer(portal); ok && peer.Account != "" && account != peer.Account && account != g.account.Identity.Account {
		if !g.invited.add(portal, account) {
			g.sendAway(in, account, reason.Of(reason.ErrManyMembers, reason.Request, g.account.About("")).Sentence)
			return
		}
		g.work.Try("gathered "+string(portal), func(ctx context.Context) (done bool) {
			if !retry.Sleep(ctx, gatherTime) {
				return false
			}
			g.startInvited(ctx, portal, in, peer.Account)
			return true
		})
		return
	}
	g.work.Do(fmt.Sprintf("invited %s %s", portal, account), func(ctx context.Context) {
		said, stays, tells := g.callInvited(g.rooms.AmongReaders(ctx, g.account.KeyOf(portal)), portal, account)
		ghost, err := g.account.Bridge.GetGhostByID(ctx, g.account.GhostID(account))
		if err == nil && stays {
			err = g.rooms.Enter(ctx, in, ghost, "")
		} else if err == nil {
			err = g.rooms.Exit(ctx, in, ghost, said)
		}
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to show what became of an invitation")
		}
		if stays || !tells {
			return
		}
		if err := g.rooms.Notice(ctx, in, said, ""); err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to say what became of an invitation")
		}
	})
}

// startInvited begins a conversation of several people with those whom the user has invited into the room
// of one contact. That room stays the contact's: they leave it again.
func (g *Groups) startInvited(ctx context.Context, portal networkid.PortalID, in id.RoomID, contact string) {
	accounts := g.invited.take(portal)
	slices.Sort(accounts)
	accounts = slices.Compact(accounts)
	if len(accounts) == 0 {
		return // they came together with others
	}
	ctx = g.rooms.AmongReaders(ctx, g.account.KeyOf(portal))
	var said string
	if client, problem := g.session.State(); client != nil {
		said = g.start(ctx, append([]string{contact}, accounts...)...)
	} else {
		said = reason.Of(reason.NotConnected{Why: problem}, reason.Call, g.account.About(g.account.Person(ctx, accounts[0]).Name)).Sentence
	}
	for _, account := range accounts {
		ghost, err := g.account.Bridge.GetGhostByID(ctx, g.account.GhostID(account))
		if err == nil {
			err = g.rooms.Exit(ctx, in, ghost, said)
		}
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to show what became of an invitation")
		}
	}
	if err := g.rooms.Notice(ctx, in, said, ""); err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to say what became of an invitation")
	}
}

// Refused has somebody leave a room again who was invited there by another than its user, and says
// why.
func (g *Groups) Refused(in id.RoomID, account string) {
	g.sendAway(in, account, words.Text("group.only_can_call_people_into_this", g.account.Login.UserMXID))
}

// sendAway has somebody leave a room again, and says why.
func (g *Groups) sendAway(in id.RoomID, account, said string) {
	g.work.Do(fmt.Sprintf("refused %s %s", in, account), func(ctx context.Context) {
		ghost, err := g.account.Bridge.GetGhostByID(ctx, g.account.GhostID(account))
		if err == nil {
			err = g.rooms.Exit(ctx, in, ghost, said)
		}
		if g.notes.AllowMember(string(in), "", time.Now()) { // else the reason of the leave says it
			err = errors.Join(err, g.rooms.Notice(ctx, in, said, ""))
		}
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to refuse an invitation")
		}
	})
}

// callInvited returns what is said of an invitation, whether who is invited stays in the room, and whether
// the room is to be told: of a call that fails it is.
func (g *Groups) callInvited(ctx context.Context, portal networkid.PortalID, account string) (said string, stays, tells bool) {
	name := g.account.Person(ctx, account).Name
	peer, ok := msnid.ParsePeer(portal)
	switch {
	case !ok:
		return words.Text("group.this_is_the_room_of_your"), false, true
	case peer.Circle != "":
		return words.Text("group.invite_into_the_circle_by_writing", name, account), false, true
	case account == g.account.Identity.Account || account == peer.Account:
		return "", true, false
	}
	client, problem := g.session.State()
	if client == nil {
		return reason.Of(reason.NotConnected{Why: problem}, reason.Call, g.account.About(name)).Sentence, false, true
	}
	if err := g.callIn(ctx, client, peer.Group, account); err != nil {
		return reason.Of(err, reason.Call, g.account.About(name)).Sentence, false, false
	}
	return "", true, false
}

// Removed says that somebody whom the user has put out of a room still hears what is said there.
func (g *Groups) Removed(portal networkid.PortalID, in id.RoomID, account string) {
	peer, ok := msnid.ParsePeer(portal)
	if !ok || account == g.account.Identity.Account {
		return
	}
	g.work.Do(fmt.Sprintf("removed %s %s", portal, account), func(ctx context.Context) {
		if peer.Group != "" {
			members, err := g.account.DB.Group.Get(ctx, g.account.Login.ID, peer.Group)
			if err == nil && !slices.Contains(members, account) {
				return // they were invited, and have not come
			}
		}
		name := g.account.Person(g.rooms.AmongReaders(ctx, g.account.KeyOf(portal)), account).Name
		said := words.Text("group.msn_has_no_way_to_put", name)
		switch {
		case peer.Account != "":
			said = words.Text("group.is_not_told_that_you_have", name)
		case peer.Circle != "":
			said = words.Text("group.still_belongs_to_the_circle_the", name)
		}
		if err := g.rooms.Notice(ctx, in, said, ""); err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to say that somebody is still in a conversation")
		}
	})
}

// callIn calls somebody into a group chat, of which they become a member.
func (g *Groups) callIn(ctx context.Context, client *msn.Client, group, account string) error {
	conversation, err := g.Conversation(ctx, client, group)
	if err != nil {
		return err
	}
	calling, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := conversation.Invite(calling, account); err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("Contact does not come into a group chat")
		return err
	}
	g.NoteMembers(ctx, conversation)
	return nil
}
