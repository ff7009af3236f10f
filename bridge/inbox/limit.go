package inbox

import (
	"context"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// Limit is how many messages may wait for a room.
type Limit struct {
	// Most is where it ends. A message that has begun below it is stored with all its parts.
	Most int
	// Instead takes the place of all that comes beyond. With a Most of 0 nothing does.
	Instead string
}

// LeftOut takes the place of everything that comes while too many messages wait.
var LeftOut = words.Text("inbox.further_messages_were_left_out_more")

// NotTaken takes the place of a message that the database will never take.
var NotTaken = words.Text("inbox.a_message_was_left_out_the")

// Usual is the Limit of most rooms: what one contact can make the bridge keep during an
// outage of the homeserver.
var Usual = Limit{Most: 5000, Instead: LeftOut}

// within returns what is to be stored of an arrival: itself, or what takes its place and that
// of others when too many wait, or no parts. counted is how many messages wait for the rooms of those that
// are stored in the same transaction.
func (b *Inbox) within(ctx context.Context, a arrival, counted map[networkid.PortalID]int) (arrival, error) {
	m := a.parts[0]
	waiting, known := counted[m.PortalID]
	if !known && !b.loop.Idle(m.PortalID) {
		var err error
		if waiting, err = b.account.DB.MSNQueue.Count(ctx, m.LoginID, m.PortalID); err != nil {
			return a, err
		}
	}
	counted[m.PortalID] = waiting
	limit, err := b.kindOf(m).limit(ctx, m, waiting)
	if err != nil || waiting < limit.Most {
		return a, err
	}
	if limit.Most == 0 {
		return arrival{}, nil
	}
	if there, err := b.account.DB.MSNQueue.Has(ctx, m.LoginID, m.MessageID); err != nil || there {
		return arrival{}, err // it is one of those that wait
	}
	last, err := b.account.DB.MSNQueue.Last(ctx, m.LoginID, m.PortalID)
	if err != nil {
		return a, err
	}
	if last != nil && last.Body == limit.Instead {
		return arrival{}, nil
	}
	zerolog.Ctx(ctx).Warn().Str("portal_id", string(m.PortalID)).Int("waiting", waiting).Msg("Leaving out messages: too many wait for Matrix")
	return b.leftOut(a, limit.Instead), nil
}

// leftOut returns what takes the place of a message.
func (b *Inbox) leftOut(a arrival, text string) arrival {
	last := *a.parts[0]
	last.Body, last.Format = text, ""
	if keeper := b.kindOf(a.parts[0]).Keeper; keeper != nil {
		// By its own ID it would count as being in Matrix, and would not be kept any more.
		last.Kind, last.MessageID = database.QueuedNote, keeper.LeftOutID(a.parts[0])
	}
	a.parts = []*database.QueuedMessage{&last}
	return a
}
