package bridge

import (
	"context"
	"fmt"
	"strings"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// pageReceived stores a page from somebody's mobile device: for the room with the
// contact who sent it, or among the alerts when nobody known did.
func (c *Client) pageReceived(ctx context.Context, evt msn.PageReceived) {
	text := msgconv.Clean(evt.Text)
	if strings.TrimSpace(text) == "" {
		return
	}
	account, ok := msnid.FromServer(evt.Contact)
	if ok && account != c.identity.Account {
		for i, part := range msgconv.Split(text) {
			c.inbox.put(ctx, &database.QueuedMessage{
				LoginID:   c.login.ID,
				MessageID: msnid.MakePageMessageID(evt.From, evt.Text, i, evt.At),
				PortalID:  c.portalKey(account).ID,
				Sender:    account,
				At:        evt.At,
				Body:      part,
				GroupSize: 1,
				Kind:      database.QueuedPage,
			})
		}
		return
	}
	from := cleanName(strings.TrimPrefix(evt.From, telPrefix))
	if from == "" {
		from = "somebody unknown"
	}
	c.notice(ctx, database.Alert{
		AlertID:    msnid.MakePageMessageID(evt.From, evt.Text, 0, evt.At),
		ReceivedAt: evt.At,
		Kind:       database.AlertKindPage,
		LCID:       evt.LCID,
		Priority:   "1", // a person writes
		Text:       fmt.Sprintf("📱 %s, who is none of your contacts, writes from a mobile phone:\n%s", from, text),
	})
}

const (
	// mobileNote stands before a text that a contact sent from a mobile device: an
	// answer in the room does not reach it there.
	mobileNote = "📱 (from a mobile phone) "
	// pageField marks the event of such a text.
	pageField = "chat.matrix_msn.page"
)

func convertPage(m *database.QueuedMessage) *bridgev2.ConvertedMessagePart {
	return &bridgev2.ConvertedMessagePart{
		Type:    event.EventMessage,
		Content: msgconv.ToMatrix(mobileNote+m.Body, ""),
		Extra:   map[string]any{pageField: map[string]any{"mobile": true}},
	}
}
