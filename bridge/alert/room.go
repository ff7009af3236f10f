package alert

import (
	"context"
	"fmt"
	"html"

	"go.mau.fi/util/ptr"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/icon"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
	"matrix-msn/msn/notify"
)

// Info describes the room in which the alerts of the login are shown.
func (al *Alerts) Info() *bridgev2.ChatInfo {
	topic := words.Text("alert.what_announces_to", al.account.Service.Name, al.account.Identity.Account)
	sender := al.Sender()
	return &bridgev2.ChatInfo{
		Type:   ptr.Ptr(bridgedb.RoomTypeDefault),
		Name:   ptr.Ptr(account.AlertsName),
		Topic:  &topic,
		Avatar: al.account.Icons.Avatar(icon.Alerts),
		Members: &bridgev2.ChatMemberList{
			IsFull:           true,
			TotalMemberCount: 2,
			MemberMap: bridgev2.ChatMemberMap{
				sender.Sender:       {EventSender: sender, UserInfo: al.Ghost()},
				al.account.UserID(): {EventSender: al.account.OwnSender()},
			},
		},
	}
}

// Ghost describes who writes alerts.
func (al *Alerts) Ghost() *bridgev2.UserInfo {
	return &bridgev2.UserInfo{Name: ptr.Ptr(account.AlertsName), IsBot: ptr.Ptr(true), Avatar: al.account.Icons.Avatar(icon.Alerts)}
}

// Sender returns who writes alerts.
func (al *Alerts) Sender() bridgev2.EventSender {
	return bridgev2.EventSender{Sender: msnid.MakeAlertsUserID(al.account.Identity.Service)}
}

// ToManagement reports whether a message is shown in the user's chat with the bot:
// alerts, when the config says so. With the alerts switched off that is what is
// left of them: pages of unknown people, and what waited before.
func (al *Alerts) ToManagement(m *database.QueuedMessage) bool {
	return m.Kind == database.QueuedAlert && al.account.Config.Alerts != config.AlertsInRoom
}

// ShowInManagement writes an alert into the user's chat with the bot. After a crash
// in the wrong moment it comes a second time: there nobody knows messages by their
// IDs.
func (al *Alerts) ShowInManagement(ctx context.Context, m *database.QueuedMessage) error {
	part, err := al.Convert(ctx, m)
	if err != nil {
		return err
	}
	if len(al.account.Login.User.GetUserLogins()) > 1 {
		prefixContent(part.Content, al.account.Identity.Account+": ")
	}
	management, err := al.rooms.Management(ctx)
	if err != nil {
		return err
	}
	_, err = al.account.Bridge.Bot.SendMessage(ctx, management, part.Type, &event.Content{Parsed: part.Content, Raw: part.Extra}, nil)
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

// Convert makes the event of an alert.
func (al *Alerts) Convert(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ConvertedMessagePart, error) {
	a, err := al.account.DB.Alert.Get(ctx, al.account.Login.ID, m.MessageID)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fmt.Errorf("alert %q is in the queue alone", m.MessageID)
	}
	language := notify.LanguageTag(a.LCID)
	content := msgconv.AlertToMatrix(msgconv.Alert{
		Text:         a.Text,
		Language:     language,
		ActionURL:    a.ActionURL,
		SubscribeURL: a.SubscribeURL,
		Icon:         al.iconOf(ctx, a),
		Mention:      al.calledBy(a),
	})
	if a.Kind == database.AlertKindMail {
		content.MsgType = event.MsgText // clients count no notices, and this one is for the user as a text is
	}
	return &bridgev2.ConvertedMessagePart{
		Type:    event.EventMessage,
		Content: content,
		Extra: map[string]any{alertField: map[string]any{
			"kind":            a.Kind,
			"site_id":         names.Clean(a.SiteID), // all of these are short, unless a server means harm
			"notification_id": names.Clean(a.NotificationID),
			"message_id":      names.Clean(a.MessageID),
			"category":        names.Clean(a.Category),
			"priority":        names.Clean(a.Priority),
			"lcid":            a.LCID,
			"lang":            language,
		}},
	}, nil
}

// calledBy returns the user when an alert is urgent, else "".
func (al *Alerts) calledBy(a *database.Alert) id.UserID {
	if a.Priority == "" {
		return ""
	}
	return al.account.Login.UserMXID
}
