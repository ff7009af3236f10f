package bridge

import (
	"context"
	"fmt"
	"html"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
	"matrix-msn/msn/notify"
)

// alertsRoomName is what the room, and the ghost that writes there, are called.
const alertsRoomName = "MSN Alerts"

// alertsInfo describes the room in which the alerts of the login are shown.
func (c *Client) alertsInfo() *bridgev2.ChatInfo {
	topic := fmt.Sprintf("What %s announces to %s", c.serviceOrUnknown().name, c.identity.Account)
	sender := c.alertsSender()
	return &bridgev2.ChatInfo{
		Type:  ptr.Ptr(bridgedb.RoomTypeDefault),
		Name:  ptr.Ptr(alertsRoomName),
		Topic: &topic,
		Members: &bridgev2.ChatMemberList{
			IsFull:           true,
			TotalMemberCount: 2,
			MemberMap: bridgev2.ChatMemberMap{
				sender.Sender: {EventSender: sender, UserInfo: alertsGhost()},
				c.GetUserID(): {EventSender: c.ownSender()},
			},
		},
	}
}

// alertsGhost describes who writes alerts.
func alertsGhost() *bridgev2.UserInfo {
	return &bridgev2.UserInfo{Name: ptr.Ptr(alertsRoomName), IsBot: ptr.Ptr(true)}
}

func (c *Client) alertsSender() bridgev2.EventSender {
	return bridgev2.EventSender{Sender: msnid.MakeAlertsUserID(c.identity.Service)}
}

// toManagement reports whether a message is shown in the user's chat with the bot:
// alerts, when the config says so. With the alerts switched off that is what is
// left of them: pages of unknown people, and what waited before.
func (c *Client) toManagement(m *database.QueuedMessage) bool {
	return m.Kind == database.QueuedAlert && c.connector.Config.Alerts != alertsInRoom
}

// showInManagement writes an alert into the user's chat with the bot. After a crash
// in the wrong moment it comes a second time: there nobody knows messages by their
// IDs.
func (c *Client) showInManagement(ctx context.Context, m *database.QueuedMessage) error {
	part, err := c.convertAlert(ctx, m)
	if err != nil {
		return err
	}
	if len(c.login.User.GetUserLogins()) > 1 {
		prefixContent(part.Content, c.identity.Account+": ")
	}
	room, err := c.login.User.GetManagementRoom(ctx)
	if err != nil {
		return err
	}
	_, err = c.connector.br.Bot.SendMessage(ctx, room, part.Type, &event.Content{Parsed: part.Content, Raw: part.Extra}, nil)
	return err
}

// prefixContent puts a plain text before a notice.
func prefixContent(content *event.MessageEventContent, prefix string) {
	content.Body = prefix + content.Body
	if content.FormattedBody != "" {
		content.FormattedBody = html.EscapeString(prefix) + content.FormattedBody
	}
}

// alertField is the field of an event that holds what an alert is besides its text.
const alertField = "chat.matrix_msn.alert"

// convertAlert makes the event of an alert.
func (c *Client) convertAlert(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ConvertedMessagePart, error) {
	a, err := c.connector.db.Alert.Get(ctx, c.login.ID, m.MessageID)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fmt.Errorf("alert %q is in the queue alone", m.MessageID)
	}
	language := notify.LanguageTag(a.LCID)
	return &bridgev2.ConvertedMessagePart{
		Type: event.EventMessage,
		Content: msgconv.AlertToMatrix(msgconv.Alert{
			Text:         a.Text,
			Language:     language,
			ActionURL:    a.ActionURL,
			SubscribeURL: a.SubscribeURL,
			Icon:         c.iconOf(ctx, a),
			Mention:      c.calledBy(a),
		}),
		Extra: map[string]any{alertField: map[string]any{
			"kind":            a.Kind,
			"site_id":         cleanName(a.SiteID), // all of these are short, unless a server means harm
			"notification_id": cleanName(a.NotificationID),
			"message_id":      cleanName(a.MessageID),
			"category":        cleanName(a.Category),
			"priority":        cleanName(a.Priority),
			"lcid":            a.LCID,
			"lang":            language,
		}},
	}, nil
}

// calledBy returns the user when an alert is urgent, else "".
func (c *Client) calledBy(a *database.Alert) id.UserID {
	if a.Priority == "" {
		return ""
	}
	return c.login.UserMXID
}
