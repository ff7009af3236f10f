package intake

import (
	"context"
	"encoding/json"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

const (
	// invitationTimeout is how long what a user writes in a room waits at most for the invitation of a ghost before it. That it was handled is
	// always said; it takes so long only when many others by the same user are before it, which hang.
	invitationTimeout = 15 * time.Minute
	// maxUnpushed is how much of what the homeserver has not pushed is taken behind an invitation: the latest.
	maxUnpushed = 100
)

// invites reports whether an event is an invitation of a ghost or the bot by a user. It is stored, since the framework may be busy with it for long.
func (i *Intake) invites(evt *envelope, raw json.RawMessage) bool {
	return evt.Type == event.StateMember.Type && evt.StateKey != nil && i.cfg.Ours(id.UserID(*evt.StateKey)) && i.counts(evt) && membership(raw) == event.MembershipInvite
}

func membership(raw []byte) event.Membership {
	var member struct {
		Content struct {
			Membership event.Membership `json:"membership"`
		} `json:"content"`
	}
	if json.Unmarshal(raw, &member) != nil {
		return ""
	}
	return member.Content.Membership
}

// isInvitation reports whether a row is that of an invitation: no other state is stored.
func isInvitation(row *database.Received) bool {
	var evt envelope
	return json.Unmarshal([]byte(row.Content), &evt) == nil && evt.StateKey != nil
}

// invitesFirst has what a user writes in a room behind an invitation wait until it is handled: before, the room is no chat. Nobody else waits.
func (i *Intake) invitesFirst(evt *event.Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	chat := chatOf{evt.Sender, evt.RoomID}
	if i.lines[chat] != nil {
		return
	}
	late := time.AfterFunc(invitationTimeout, func() { i.invitationHandled(chat, evt.ID) })
	i.lines[chat] = &line{first: evt.ID, late: late}
}

// Invites reports whether an event is an invitation that is being handled.
func (i *Intake) Invites(evt id.EventID) bool {
	h := i.handedOut(evt)
	return h != nil && h.invites
}

// Unpushed takes what a user has written in a room behind an invitation while nobody of the bridge was there yet: homeservers do not push
// that. events are all that is in the room since, in order. It is handed on before what has come meanwhile, which waits for the
// invitation. What is known is passed over.
func (i *Intake) Unpushed(ctx context.Context, invitation *event.Event, events []*event.Event) error {
	h := i.handedOut(invitation.ID)
	if h == nil {
		return nil
	}
	events = events[max(0, len(events)-maxUnpushed):]
	var found []*database.Received
	for n, written := range events {
		raw, err := json.Marshal(written)
		var evt envelope
		if err != nil || json.Unmarshal(raw, &evt) != nil || evt.Sender != invitation.Sender || evt.Room != invitation.RoomID ||
			written.Unsigned.RedactedBecause != nil || !i.stores(&evt) {
			continue
		}
		row := i.row(ctx, &evt, raw)
		row.Position = h.received.Position + 1 + int64(n)
		found = append(found, row)
	}
	if len(found) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	open, err := i.cfg.Store.Put(ctx, found)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var items []item
	for _, row := range open {
		if i.open[row.EventID] == nil && !i.closed.Contains(row.EventID) {
			i.open[row.EventID] = &handed{received: row}
			items = append(items, item{received: row})
		}
	}
	if line := i.lines[chatOf{invitation.Sender, invitation.RoomID}]; line != nil {
		line.items = append(line.items, items...)
		return nil
	}
	i.pending = append(items, i.pending...)
	i.signal()
	return nil
}

// Invited says that an invitation was handled, and that nothing is missing behind it.
func (i *Intake) Invited(ctx context.Context, evt *event.Event) {
	h := i.handedOut(evt.ID)
	i.invitationHandled(chatOf{evt.Sender, evt.RoomID}, evt.ID)
	if h != nil {
		i.finish(context.WithoutCancel(ctx), evt.ID, h)
	}
}

func (i *Intake) invitationHandled(chat chatOf, evt id.EventID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.passOn(chat, evt)
}
