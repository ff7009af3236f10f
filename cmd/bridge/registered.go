package main

import (
	"context"
	"sync"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// registeredIntent registers its ghost before anything else, once. The framework does so in each
// call and notes it without a lock, though a ghost is used by several goroutines at once.
type registeredIntent struct {
	*matrix.ASIntent
	ghost *registration
}

// registration is that of one ghost.
type registration struct {
	mu   sync.Mutex
	done bool
}

// registrations are those of all ghosts that were used, by what the framework keeps of each.
type registrations struct{ ghosts sync.Map }

func (r *registrations) of(intent *matrix.ASIntent) registeredIntent {
	return registeredIntent{intent, r.ghost(intent.Matrix)}
}

func (r *registrations) ghost(intent *appservice.IntentAPI) *registration {
	ghost, _ := r.ghosts.LoadOrStore(intent, new(registration))
	return ghost.(*registration)
}

// ensure returns when a ghost is registered.
func (r *registrations) ensure(ctx context.Context, intent *appservice.IntentAPI) error {
	return r.ghost(intent).ensure(ctx, intent)
}

func (r *registration) ensure(ctx context.Context, intent *appservice.IntentAPI) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return nil
	}
	err := intent.EnsureRegistered(ctx)
	r.done = err == nil
	return err
}

// register returns when the ghost is registered.
func (i registeredIntent) register(ctx context.Context) error { return i.ghost.ensure(ctx, i.Matrix) }

// SendMessage implements bridgev2.MatrixAPI. The framework asks the database with each message whether its room is encrypted; in one
// that is known as not encrypted it is sent at once, as the framework does then.
func (i registeredIntent) SendMessage(ctx context.Context, room id.RoomID, kind event.Type, content *event.Content, extra *bridgev2.MatrixSendExtra) (*mautrix.RespSendEvent, error) {
	if err := i.register(ctx); err != nil {
		return nil, err
	}
	message, ok := content.Parsed.(*event.MessageEventContent)
	if ok && kind == event.EventMessage && extra != nil && !i.Connector.Config.Encryption.Require {
		if encrypted, err := i.Matrix.StateStore.IsEncrypted(ctx, room); err == nil && !encrypted {
			message.AddPerMessageProfileFallback()
			return i.Matrix.SendMessageEvent(ctx, room, kind, content, mautrix.ReqSendEvent{Timestamp: extra.Timestamp.UnixMilli(), TransactionID: extra.TransactionID})
		}
	}
	return i.ASIntent.SendMessage(ctx, room, kind, content, extra)
}

// SendState implements bridgev2.MatrixAPI.
func (i registeredIntent) SendState(ctx context.Context, room id.RoomID, kind event.Type, key string, content *event.Content, at time.Time) (*mautrix.RespSendEvent, error) {
	if err := i.register(ctx); err != nil {
		return nil, err
	}
	return i.ASIntent.SendState(ctx, room, kind, key, content, at)
}

// MarkRead implements bridgev2.MatrixAPI.
func (i registeredIntent) MarkRead(ctx context.Context, room id.RoomID, evt id.EventID, at time.Time) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.MarkRead(ctx, room, evt, at)
}

// MarkTyping implements bridgev2.MatrixAPI.
func (i registeredIntent) MarkTyping(ctx context.Context, room id.RoomID, kind bridgev2.TypingType, timeout time.Duration) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.MarkTyping(ctx, room, kind, timeout)
}

// UploadMedia implements bridgev2.MatrixAPI.
func (i registeredIntent) UploadMedia(ctx context.Context, room id.RoomID, data []byte, name, mime string) (id.ContentURIString, *event.EncryptedFileInfo, error) {
	if err := i.register(ctx); err != nil {
		return "", nil, err
	}
	return i.ASIntent.UploadMedia(ctx, room, data, name, mime)
}

// UploadMediaStream implements bridgev2.MatrixAPI.
func (i registeredIntent) UploadMediaStream(ctx context.Context, room id.RoomID, size int64, requireFile bool, cb bridgev2.FileStreamCallback) (id.ContentURIString, *event.EncryptedFileInfo, error) {
	if err := i.register(ctx); err != nil {
		return "", nil, err
	}
	return i.ASIntent.UploadMediaStream(ctx, room, size, requireFile, cb)
}

// SetDisplayName implements bridgev2.MatrixAPI.
func (i registeredIntent) SetDisplayName(ctx context.Context, name string) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.SetDisplayName(ctx, name)
}

// SetAvatarURL implements bridgev2.MatrixAPI.
func (i registeredIntent) SetAvatarURL(ctx context.Context, avatar id.ContentURIString) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.SetAvatarURL(ctx, avatar)
}

// SetExtraProfileMeta implements bridgev2.MatrixAPI.
func (i registeredIntent) SetExtraProfileMeta(ctx context.Context, data any) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.SetExtraProfileMeta(ctx, data)
}

// SetProfile implements bridgev2.MatrixAPI.
func (i registeredIntent) SetProfile(ctx context.Context, data any) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.SetProfile(ctx, data)
}

// EnsureJoined implements bridgev2.MatrixAPI.
func (i registeredIntent) EnsureJoined(ctx context.Context, room id.RoomID, params ...bridgev2.EnsureJoinedParams) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.EnsureJoined(ctx, room, params...)
}

// EnsureInvited implements bridgev2.MatrixAPI.
func (i registeredIntent) EnsureInvited(ctx context.Context, room id.RoomID, user id.UserID) error {
	if err := i.register(ctx); err != nil {
		return err
	}
	return i.ASIntent.EnsureInvited(ctx, room, user)
}
