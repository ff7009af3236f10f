package inbox

import (
	"context"

	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/simplevent"

	"matrix-msn/bridge/account"
	"matrix-msn/database"
)

// replace shows a message that is in its room once more, with the pictures that have come since, and returns nil
// when that is done. There is nothing to do where the message did not get there, or has them. A replacement that
// comes twice changes nothing: nobody looks for one that was half-way.
func (b *Inbox) replace(ctx context.Context, m *database.QueuedMessage, kind Kind) error {
	key := b.account.KeyOf(m.PortalID)
	if there, err := b.rooms.Shows(ctx, key); err != nil || !there {
		return err // whoever has left is called back by what is said, and not by how it looks
	}
	converted, err := kind.Convert(ctx, m)
	if err != nil {
		return err
	}
	done, err := b.shows(ctx, m, converted)
	if err != nil || done {
		return err
	}
	if err := b.handled(ctx, func(meta simplevent.EventMeta) bridgev2.RemoteEvent {
		meta.Type, meta.PortalKey, meta.Sender, meta.Timestamp = bridgev2.RemoteEventEdit, key, kind.Sender(m), m.At
		return &simplevent.Message[*bridgev2.ConvertedMessagePart]{
			EventMeta: meta, TargetMessage: m.Replaces, Data: converted,
			ConvertEditFunc: func(_ context.Context, _ *bridgev2.Portal, _ bridgev2.MatrixAPI, existing []*bridgedb.Message, part *bridgev2.ConvertedMessagePart) (*bridgev2.ConvertedEdit, error) {
				return &bridgev2.ConvertedEdit{ModifiedParts: []*bridgev2.ConvertedEditPart{part.ToEditPart(existing[0])}}, nil
			},
		}
	}); err != nil {
		return err
	}
	if done, err = b.shows(ctx, m, converted); err == nil && !done {
		err = errNotInMatrix
	}
	return err
}

// shows reports whether a message shows as many pictures as what is to replace it, or is not there.
func (b *Inbox) shows(ctx context.Context, m *database.QueuedMessage, converted *bridgev2.ConvertedMessagePart) (bool, error) {
	parts, err := b.account.Bridge.DB.Message.GetAllPartsByID(ctx, b.account.Login.ID, m.Replaces)
	if err != nil || len(parts) == 0 {
		return err == nil, err
	}
	return picturesOf(parts[0].Metadata) >= picturesOf(converted.DBMetadata), nil
}

func picturesOf(metadata any) int {
	if known, ok := metadata.(*account.MessageMetadata); ok {
		return known.Pictures
	}
	return 0
}
