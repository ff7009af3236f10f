package group

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// becameGroup says in the room of a contact that the conversation with them goes on in another one,
// because somebody has come into it. The room is made for that if the contact is on the contact list;
// else it is made by what is said, as for others.
func (g *Groups) becameGroup(ctx context.Context, evt msn.BecameGroup) {
	peer, ok := msnid.FromServer(evt.Was.Peer())
	newcomer, knows := msnid.FromServer(evt.Account)
	group := evt.Conversation.Group()
	if !ok || !knows || !g.account.OnList(ctx, peer) {
		return
	}
	alone := g.account.PortalKey(peer)
	if room, err := g.rooms.Stored(ctx, alone); err != nil || room == "" {
		return
	}
	g.NoteMembers(ctx, evt.Conversation)
	at := time.Now()
	if !g.notes.AllowMember("", peer, at) { // all that begin so count together
		return
	}
	g.work.Do("became "+group, func(ctx context.Context) {
		key := g.account.GroupKey(group)
		err := g.makeRoom(ctx, key)
		if err != nil {
			zerolog.Ctx(ctx).Err(err).Msg("Failed to make the room of a conversation that several people are in now")
			return
		}
		room, err := g.rooms.Stored(ctx, key)
		if err != nil || room == "" {
			return
		}
		ctx = g.rooms.AmongReaders(ctx, alone)
		g.put(ctx, alone.ID, peer, database.QueuedNote, words.Text("group.has_come_into_your_conversation_with",
			g.account.Person(ctx, newcomer).Name, g.account.Person(ctx, peer).Name, g.rooms.Link(room)), at)
	})
}
