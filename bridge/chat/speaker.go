package chat

import (
	"context"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/relay"
	"matrix-msn/database"
)

// speaker returns who writes in a room to people on MSN, if that is not the user of the login.
func (c *Chat) speaker(ctx context.Context, portal networkid.PortalID, room id.RoomID, writer id.UserID) *relay.Speaker {
	if writer == c.account.Login.UserMXID {
		return nil
	}
	to, _ := msnid.ParsePeer(portal)
	return relay.Of(ctx, c.account.Bridge, room, writer, func(name string) bool { return c.borne(ctx, to, name) })
}

// TellChange tells people on MSN who has come into a room, or gone, in the words of relay.Joins.
func (c *Chat) TellChange(ctx context.Context, portal *bridgev2.Portal, evt *event.Event) {
	who, name, words := c.joins.Change(evt, func() (map[id.UserID]*event.MemberEventContent, error) {
		return c.account.Bridge.Matrix.GetMembers(ctx, evt.RoomID)
	})
	to, ok := msnid.ParsePeer(portal.ID)
	if words == "" || !ok || !c.joins.Allow(evt.RoomID, time.Now()) {
		return
	}
	named := relay.Named(ctx, c.account.Bridge, evt.RoomID, who, name, func(name string) bool { return c.borne(ctx, to, name) })
	err := c.outbox.Put(ctx, &database.QueuedEvent{
		LoginID: c.account.Login.ID, EventID: evt.ID, RoomID: evt.RoomID, Sender: c.account.Bridge.Bot.GetMXID(),
		PortalID: portal.ID, Body: named.Name() + " " + words, WrittenAt: time.UnixMilli(evt.Timestamp),
	})
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", evt.ID).Msg("Failed to store who has come into a room, for MSN")
	}
}

// MeetRelayed notes who is in a room in which others speak through the login, so that it is known what
// somebody was there before the next thing that is heard of them.
func (c *Chat) MeetRelayed(ctx context.Context, room id.RoomID) {
	err := c.joins.Meet(room, func() (map[id.UserID]*event.MemberEventContent, error) {
		return c.account.Bridge.Matrix.GetMembers(ctx, room)
	})
	if err != nil {
		zerolog.Ctx(ctx).Debug().Err(err).Stringer("room_id", room).Msg("Failed to see who is in a room in which others are relayed")
	}
}

// borne reports whether a name could be taken for that of the user, of the people in a room or of
// somebody else on the contact list.
func (c *Chat) borne(ctx context.Context, in msnid.Peer, name string) bool {
	// Who begins with somebody's name could seem to be that person, who says the rest.
	first, _, _ := strings.Cut(name, " ")
	look, known := names.Skeleton(name), []string{c.account.OwnName(), c.account.Identity.Account}
	there := []string{in.Account}
	if in.Group != "" {
		members, err := c.account.DB.Group.Get(ctx, c.account.Login.ID, in.Group)
		if err != nil {
			return true
		}
		there = members
	}
	for _, account := range there {
		known = append(known, account, c.account.DisplayName(ctx, account))
	}
	for _, known := range known {
		called := append(strings.Fields(known), known) // friends are called by their first names
		if local, _, ok := strings.Cut(known, "@"); ok {
			called = append(called, local)
		}
		for _, called := range called {
			own, _ := relay.Name(called)
			if skeleton := names.Skeleton(own); own != "" && (skeleton == look || skeleton == names.Skeleton(first)) {
				return true
			}
		}
	}
	return len(c.account.Looks(ctx)[look]) > 0
}

// spoken is what goes to MSN of a message.
type spoken struct {
	own     string // the words
	said    string // the words as people on MSN see them: with the name of who is relayed
	format  string
	speaker *relay.Speaker
	emote   bool // own begins with the mark of what somebody does
	emoji   []msgconv.Picture
}

// emoticons returns the pictures that can stand in a text that is made of it, as they are stored with that.
func (s spoken) emoticons(text string) database.Emoticons { return account.Emoticons(s.emoji, text) }

// corrects returns the text that corrects one that has arrived. The mark of a correction is that of
// what somebody does: it stands there once.
func (s spoken) corrects(arrived string) string {
	own := s.own
	if s.emote {
		arrived, own = strings.TrimPrefix(arrived, msgconv.EmoteMark), strings.TrimPrefix(own, msgconv.EmoteMark)
	}
	return s.speaker.Says(event.MsgText, msgconv.Correction(arrived, own))
}

// say makes of a message what is said of it, in words, by somebody. Who is relayed has no style:
// that of their words would be the style of their names too.
func (c *Chat) say(speaker *relay.Speaker, content, words *event.MessageEventContent) spoken {
	options := c.account.TextOptions()
	if speaker == nil {
		text, format := msgconv.ToMSN(words, options)
		return spoken{own: text, said: text, format: format, emote: words.MsgType == event.MsgEmote, emoji: msgconv.CustomEmoji(words)}
	}
	options.Markup = false
	plain := *words
	plain.MsgType = event.MsgText
	own, _ := msgconv.ToMSN(&plain, options)
	s := spoken{own: own, speaker: speaker, emoji: msgconv.CustomEmoji(words)}
	if isFile(content) {
		if words.MsgType.IsMedia() { // there are no words: what stands there is its name
			s.own = ""
		}
		s.said = speaker.Shows(content, s.own)
	} else {
		s.said = speaker.Says(content.MsgType, own)
	}
	_, s.format = msgconv.ToMSN(&event.MessageEventContent{MsgType: event.MsgText, Body: s.said}, msgconv.Options{})
	return s
}

// isFile reports whether a message is a picture or another file, and no sticker.
func isFile(content *event.MessageEventContent) bool {
	return content.MsgType.IsMedia() && content.MsgType != event.CapMsgSticker
}

// wrote reports whether a message is of a user, as far as anybody knows.
func (c *Chat) wrote(ctx context.Context, user id.UserID, room id.RoomID, written id.EventID) bool {
	if earlier, known := c.said.Get(newSaid).Get(written); known {
		return earlier.writer == user
	}
	if waiting, err := c.account.DB.MatrixQueue.Get(ctx, c.account.Login.ID, written); err == nil && waiting != nil {
		return waiting.Sender == user
	}
	if received, err := c.account.DB.Intake.Get(ctx, written); err == nil && received != nil {
		return received.Sender == user
	}
	if evt, err := c.written(ctx, room, written); err == nil {
		return evt.Sender == user
	}
	return user == c.account.Login.UserMXID
}

// stopsTyping ends that the user is shown as writing, when they have written something.
func (c *Chat) stopsTyping(portal networkid.PortalID, writer id.UserID) {
	if writer == c.account.Login.UserMXID {
		c.typing.stop(portal)
	}
}
