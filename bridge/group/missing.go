package group

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/retry"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// Each text calls the members who are not there, and who is offline does not come, each time. That is
// said once, by the bot, in one line of all of them, until they have been there.

// absentee is somebody who does not come, of whom that is still to be said.
type absentee struct {
	account string
	why     error
}

// answered is a member of whom a command was answered already that they do not come.
type answered struct {
	account string
	at      time.Time
}

// isOld reports whether an answer does not count any more.
func (a answered) isOld() bool { return time.Since(a.at) >= answeredFor }

// noteAnswered notes that a command was answered that somebody does not come.
func (g *Groups) noteAnswered(group, account string) {
	g.answered.drop(group, answered.isOld)
	g.answered.add(group, answered{account, time.Now()})
}

// answeredFor is how long an answer counts: a little longer than what is said of the same call is gathered.
const answeredFor = 3 * gatherTime

// callFailed notes that somebody does not hear what is said in a group chat, which the room is told.
func (g *Groups) callFailed(ctx context.Context, evt msn.CallFailed) {
	zerolog.Ctx(ctx).Info().Err(evt.Err).Msg("A member of a group chat does not come")
	member, ok := msnid.FromServer(evt.Account)
	group := evt.Conversation.Group()
	if !ok || group == "" {
		return
	}
	why := "group.who.does_not_come"
	if errors.Is(evt.Err, msn.ErrOffline) {
		why = "group.who.is_offline"
	}
	if g.absent.of(group)[member].why == why {
		return // the room knows
	}
	if room, err := g.rooms.Stored(ctx, g.account.GroupKey(group)); err != nil || room == "" {
		return // nobody there to read it; an error shows with the next message
	}
	if !g.notes.AllowMember(group, member, time.Now()) {
		return
	}
	g.coming.add(group, absentee{member, evt.Err})
	g.work.Do("missing "+group, func(ctx context.Context) {
		if !retry.Sleep(ctx, gatherTime) {
			return
		}
		g.sayMissing(ctx, group)
	})
	// Whose ghost has left the room does not come back to it for that.
	left := g.absent.of(group)[member].left
	g.isAbsent(evt.Conversation, member, absence{left: left, why: why})
}

// sayMissing tells the room of a group chat who does not come.
func (g *Groups) sayMissing(ctx context.Context, group string) {
	all := g.unsaid(group)
	key := g.account.GroupKey(group)
	room, err := g.rooms.Stored(ctx, key)
	if err != nil || room == "" || len(all) == 0 {
		return
	}
	if err := g.rooms.Notice(ctx, room, g.describeMissing(g.rooms.AmongReaders(ctx, key), all), ""); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("Failed to say who does not come into a group chat")
	}
}

// unsaid returns who does not come into a group chat of whom that was not said yet. It counts as said then.
func (g *Groups) unsaid(group string) []absentee {
	all := g.coming.take(group)
	for _, known := range g.answered.take(group) {
		if !known.isOld() {
			all = slices.DeleteFunc(all, func(who absentee) bool { return who.account == known.account })
		}
	}
	return all
}

// describeMissing says in one line who does not come.
func (g *Groups) describeMissing(ctx context.Context, all []absentee) string {
	var offline, said []string
	for _, who := range all {
		if name := g.account.Person(ctx, who.account).Name; errors.Is(who.why, msn.ErrOffline) {
			offline = append(offline, name)
		} else {
			said = append(said, reason.Of(who.why, reason.Call, g.account.About(name)).Sentence)
		}
	}
	slices.Sort(offline)
	switch len(offline) {
	case 0:
	case 1:
		said = append(said, reason.Of(msn.ErrOffline, reason.Call, g.account.About(offline[0])).Sentence)
	default:
		last := len(offline) - 1
		said = append(said, words.Text("group.and_are_offline_or_take_no",
			strings.Join(offline[:last], ", "), offline[last]))
	}
	return strings.Join(said, " ")
}
