package inbox

import (
	"context"
	"slices"
	"time"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/words"
	"matrix-msn/database"
)

// maxRefused is how many refused parts of offline messages are remembered. A room is
// told again of what is forgotten.
const maxRefused = 100

// Offline is the Keeper of offline messages, which the service keeps until Matrix has them.
// A part of one that the homeserver refuses stays there: the next sign-in brings it again.
type Offline struct {
	account *account.Account
	remove  func(id string) // has the service forget a message
}

var _ Keeper = (*Offline)(nil)

// NewOffline returns the Keeper of a login's offline messages. remove is called for those
// that the service need not keep any more.
func NewOffline(a *account.Account, remove func(id string)) *Offline { return &Offline{a, remove} }

// InMatrix implements Keeper: an offline message of which this was the last part need not
// be kept by the service any more, unless another part of it was refused.
func (o *Offline) InMatrix(ctx context.Context, m *database.QueuedMessage) {
	if o.Refused(m) {
		o.update(ctx, func(refused []networkid.MessageID) []networkid.MessageID {
			return slices.DeleteFunc(refused, func(other networkid.MessageID) bool { return other == m.MessageID })
		})
	}
	if id, left, ok := msnid.ParseOfflineMessageID(m.MessageID); ok && left == 0 && !o.Told(m) {
		o.remove(id)
	}
}

// Refused implements Keeper.
func (o *Offline) Refused(m *database.QueuedMessage) bool {
	return slices.Contains(o.account.Stored().Refused, m.MessageID)
}

// Told implements Keeper.
func (o *Offline) Told(m *database.QueuedMessage) bool {
	id, _, ok := msnid.ParseOfflineMessageID(m.MessageID)
	return ok && slices.ContainsFunc(o.account.Stored().Refused, func(part networkid.MessageID) bool {
		other, _, _ := msnid.ParseOfflineMessageID(part)
		return other == id
	})
}

// NoteRefused implements Keeper.
func (o *Offline) NoteRefused(ctx context.Context, m *database.QueuedMessage) {
	if o.Refused(m) {
		return
	}
	o.update(ctx, func(refused []networkid.MessageID) []networkid.MessageID {
		refused = append(refused, m.MessageID)
		return refused[max(0, len(refused)-maxRefused):]
	})
}

// Sentence implements Keeper.
func (o *Offline) Sentence() string {
	return words.Text("inbox.keeps_it_the_bridge_tries_again", o.account.Service.Name)
}

// LeftOutID implements Keeper.
func (o *Offline) LeftOutID(m *database.QueuedMessage) networkid.MessageID {
	return msnid.MakeNoticeMessageID("left out", string(m.MessageID), m.At.Format(time.RFC3339Nano))
}

// update changes a copy of what was refused and stores it.
func (o *Offline) update(ctx context.Context, change func([]networkid.MessageID) []networkid.MessageID) {
	_ = o.account.Remember(ctx, func(kept *account.Record) { kept.Refused = change(slices.Clone(kept.Refused)) })
}
