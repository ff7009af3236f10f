package inbox

import (
	"context"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/database"
)

// Kind is how messages of one kind are shown.
type Kind struct {
	// Convert makes the event of a message.
	Convert func(context.Context, *database.QueuedMessage) (*bridgev2.ConvertedMessagePart, error)
	// Attach brings to the homeserver what belongs to the event of a message: its room is there
	// then. It may be nil.
	Attach func(ctx context.Context, m *database.QueuedMessage, room id.RoomID, part *bridgev2.ConvertedMessagePart) error
	// Sender returns whose event it is.
	Sender func(*database.QueuedMessage) bridgev2.EventSender
	// Limit returns how many messages may wait for the room of one, of which so many do. It
	// may be nil: then it is Usual.
	Limit func(ctx context.Context, m *database.QueuedMessage, waiting int) (Limit, error)
	// Unwanted reports whether a message that waits is not to be shown any more. It may be nil:
	// then it is.
	Unwanted func(context.Context, *database.QueuedMessage) (bool, error)
	// Admit returns until when a message waits because its room is not to be made yet, and no
	// time for one that does not. It may be nil. Inbox.Release has it asked again.
	Admit func(context.Context, *database.QueuedMessage) (until time.Time, err error)
	// RoomInfo describes the room, which is made when there is none. The error has the
	// message tried again.
	RoomInfo func(context.Context, *database.QueuedMessage) (*bridgev2.ChatInfo, error)
	// RoomMade is called when the room was made for a message. It may be nil.
	RoomMade func(context.Context, *database.QueuedMessage)
	// CallsBack reports whether a message brings a user back who has left the room. It may
	// be nil: then it does.
	CallsBack func(context.Context, *database.QueuedMessage) bool
	// Away is told whether the user has left the room for which a message is, and stays away.
	// It may be nil.
	Away func(ctx context.Context, m *database.QueuedMessage, away bool)
	// Named is how a message is called that was given up: "A message that bob@example.com
	// sent".
	Named func(*database.QueuedMessage) string

	// Show shows a message elsewhere than in the room of its portal, and reports false for
	// one that belongs there. It may be nil.
	Show func(context.Context, *database.QueuedMessage) (shown bool, err error)
	// Room returns where Show shows a message, and reports false for one that belongs into
	// the room of its portal. It is nil when Show is.
	Room func(context.Context, *database.QueuedMessage) (room id.RoomID, elsewhere bool, err error)
	// Keeper keeps messages elsewhere that are not in Matrix. It may be nil.
	Keeper Keeper
}

// Keeper keeps messages of a kind until they are in Matrix, so that they are not lost when
// the homeserver refuses them.
type Keeper interface {
	// InMatrix says that the homeserver has a message.
	InMatrix(context.Context, *database.QueuedMessage)
	// Refused reports whether the homeserver has refused a message before.
	Refused(*database.QueuedMessage) bool
	// Told reports whether the room was told that a message was refused, or another part of
	// the same.
	Told(*database.QueuedMessage) bool
	// NoteRefused says that the homeserver refuses a message, which the room is told.
	NoteRefused(context.Context, *database.QueuedMessage)
	// Sentence says where a message is kept.
	Sentence() string
	// LeftOutID returns the ID of a note that takes the place of a message.
	LeftOutID(*database.QueuedMessage) networkid.MessageID
}

// kindOf returns how a message is shown: like a text when its kind is that of another
// version.
func (b *Inbox) kindOf(m *database.QueuedMessage) Kind {
	if kind, ok := b.kinds()[m.Kind]; ok {
		return kind
	}
	return b.kinds()[database.QueuedText]
}

func (k Kind) limit(ctx context.Context, m *database.QueuedMessage, waiting int) (Limit, error) {
	if k.Limit == nil {
		return Usual, nil
	}
	return k.Limit(ctx, m, waiting)
}

func (k Kind) unwanted(ctx context.Context, m *database.QueuedMessage) (bool, error) {
	if k.Unwanted == nil {
		return false, nil
	}
	return k.Unwanted(ctx, m)
}

func (k Kind) admit(ctx context.Context, m *database.QueuedMessage) (until time.Time, err error) {
	if k.Admit == nil {
		return time.Time{}, nil
	}
	return k.Admit(ctx, m)
}

func (k Kind) inMatrix(ctx context.Context, m *database.QueuedMessage) {
	if k.Keeper != nil {
		k.Keeper.InMatrix(ctx, m)
	}
}
