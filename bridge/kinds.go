package bridge

import (
	"context"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/file"
	"matrix-msn/bridge/inbox"
	"matrix-msn/bridge/people"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// kinds says how each kind of message is shown that comes from MSN.
func (c *Client) kinds() map[database.QueuedKind]inbox.Kind {
	kinds := make(map[database.QueuedKind]inbox.Kind)
	said := inbox.Kind{
		Convert: func(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ConvertedMessagePart, error) {
			return c.heard.Convert(ctx, m), nil
		},
		Sender: c.heard.SenderOf,
		Limit: func(ctx context.Context, m *database.QueuedMessage, waiting int) (inbox.Limit, error) {
			most, limited, err := c.people.Strangers.Limit(ctx, m, waiting)
			if err != nil || !limited {
				return inbox.Usual, err
			}
			return inbox.Limit{Most: most, Instead: people.LeftOut}, nil
		},
		Unwanted: c.people.Strangers.Unwanted, Admit: c.people.Strangers.Admit,
		RoomInfo: func(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ChatInfo, error) {
			return c.info(ctx, m.PortalID)
		},
		RoomMade: func(ctx context.Context, m *database.QueuedMessage) {
			c.people.Strangers.RoomMade(ctx, m)
			c.groups.Attendance.RoomMade(m)
		},
		CallsBack: c.people.Absence.CallsBack, Away: c.people.Absence.Away,
		Named: func(m *database.QueuedMessage) string { return words.Text("matrix.message", m.Sender) },
	}
	for _, kind := range []database.QueuedKind{database.QueuedText, database.QueuedPage, database.QueuedNote, database.QueuedNudge} {
		kinds[kind] = said
	}
	again := said
	again.Limit = func(_ context.Context, _ *database.QueuedMessage, waiting int) (inbox.Limit, error) {
		if waiting >= chat.MaxPicturesWaiting {
			return inbox.Limit{}, nil // the text is there as it was written
		}
		return inbox.Usual, nil
	}
	kinds[database.QueuedEdit] = again
	membership := said
	membership.Show, membership.Room = c.groups.Attendance.ShowMembership, c.groups.Attendance.MembershipRoom
	membership.Named = func(m *database.QueuedMessage) string { return words.Text("matrix.membership", m.Sender, m.Body) }
	kinds[database.QueuedLeft] = membership
	kinds[database.QueuedBack] = membership
	ink := said
	ink.Attach = c.heard.Attach
	ink.Limit = func(ctx context.Context, m *database.QueuedMessage, waiting int) (inbox.Limit, error) {
		limit, err := said.Limit(ctx, m, waiting)
		limit.Most = min(limit.Most, chat.MaxInkWaiting)
		return limit, err
	}
	kinds[database.QueuedInk] = ink
	files := said
	files.Convert = func(ctx context.Context, m *database.QueuedMessage) (*bridgev2.ConvertedMessagePart, error) {
		if shown := file.Convert(m); shown != nil {
			return shown, nil
		}
		return said.Convert(ctx, m) // what took the place of files that were too many
	}
	kinds[database.FileQueued] = files
	offline := said
	offline.Keeper = inbox.NewOffline(c.account, c.heard.Removals.Remove)
	kinds[database.QueuedOffline] = offline
	kinds[database.QueuedAlert] = inbox.Kind{
		Convert: c.alerts.Convert,
		Sender:  func(*database.QueuedMessage) bridgev2.EventSender { return c.alerts.Sender() },
		RoomInfo: func(ctx context.Context, _ *database.QueuedMessage) (*bridgev2.ChatInfo, error) {
			c.account.NameSelf(ctx)
			return c.alerts.Info(), nil
		},
		Named: func(*database.QueuedMessage) string { return words.Text("matrix.alert", c.account.Service.Name) },
		Show: func(ctx context.Context, m *database.QueuedMessage) (shown bool, err error) {
			if !c.alerts.ToManagement(m) {
				return false, nil
			}
			return true, c.alerts.ShowInManagement(ctx, m)
		},
		Room: func(ctx context.Context, m *database.QueuedMessage) (room id.RoomID, elsewhere bool, err error) {
			if !c.alerts.ToManagement(m) {
				return "", false, nil
			}
			room, err = c.rooms.Management(ctx)
			return room, true, err
		},
	}
	return kinds
}
