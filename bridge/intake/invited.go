package intake

import (
	"encoding/json"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// invitationTimeout is how long what a user writes in a room waits at most for the invitation of a ghost before it. That it was handled is
// always said; it takes so long only when many others by the same user are before it, which hang.
const invitationTimeout = 15 * time.Minute

// invitation is one of a ghost by a user.
type invitation struct {
	id   id.EventID
	chat chatOf
}

// invites returns the invitation that an event is. The framework makes the room into a chat then.
func (i *Intake) invites(evt *envelope, raw json.RawMessage) (invitation, bool) {
	if evt.Type != event.StateMember.Type || evt.StateKey == nil || evt.ID == "" || i.cfg.Ours(evt.Sender) || !i.cfg.Ours(id.UserID(*evt.StateKey)) {
		return invitation{}, false
	}
	var member struct {
		Content struct {
			Membership event.Membership `json:"membership"`
		} `json:"content"`
	}
	if json.Unmarshal(raw, &member) != nil || member.Content.Membership != event.MembershipInvite {
		return invitation{}, false
	}
	return invitation{evt.ID, chatOf{evt.Sender, evt.Room}}, true
}

// invitesFirst has what a user writes in a room behind an invitation wait until it is handled: before, the room is no chat. Nobody else waits.
func (i *Intake) invitesFirst(invited invitation) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.lines[invited.chat] != nil {
		return
	}
	late := time.AfterFunc(invitationTimeout, func() { i.invitationHandled(invited) })
	i.lines[invited.chat] = &line{first: invited.id, late: late}
}

// Invited says that an invitation was handled.
func (i *Intake) Invited(evt *event.Event) {
	i.invitationHandled(invitation{evt.ID, chatOf{evt.Sender, evt.RoomID}})
}

func (i *Intake) invitationHandled(invited invitation) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.passOn(invited.chat, invited.id)
}
