package chat

import (
	"context"
	"strings"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// pageReceived stores a page from somebody's mobile device: for the room with the
// contact who sent it, or among the alerts when nobody known did.
func (h *Heard) pageReceived(ctx context.Context, evt msn.PageReceived) {
	text := msgconv.Clean(evt.Text)
	if strings.TrimSpace(text) == "" {
		return
	}
	account, ok := msnid.FromServer(evt.Contact)
	if ok && account != h.account.Identity.Account {
		if h.account.KeepsOut(ctx, account) {
			return
		}
		var parts []*database.QueuedMessage
		for i, part := range msgconv.Split(text) {
			parts = append(parts, &database.QueuedMessage{
				LoginID:   h.account.Login.ID,
				MessageID: msnid.MakePageMessageID(evt.From, evt.Text, i, evt.At),
				PortalID:  h.account.PortalKey(account).ID,
				Sender:    account,
				At:        evt.At,
				Body:      part,
				GroupSize: 1,
				Kind:      database.QueuedPage,
			})
		}
		h.inbox.Put(ctx, parts...)
		return
	}
	from := names.Clean(strings.TrimPrefix(evt.From, names.Tel))
	if from == "" {
		from = words.Text("chat.somebody")
	}
	h.notices.Notice(ctx, database.Alert{
		AlertID:    msnid.MakePageMessageID(evt.From, evt.Text, 0, evt.At),
		ReceivedAt: evt.At,
		Kind:       database.AlertKindPage,
		LCID:       evt.LCID,
		Priority:   "1", // a person writes
		Text:       words.Text("chat.who_is_none_of_your_contacts", from, text),
	})
}
