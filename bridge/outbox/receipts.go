package outbox

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
)

// receiptTimeout is how long it is tried to show a message as read. Those behind it wait meanwhile.
const receiptTimeout = 5 * time.Second

// ownNetwork is msn.Contact.Network of people on MSN; it is less where nobody says.
const ownNetwork = 1

// acknowledged notes that the service has said of a message that the contact has it. It does not of
// what it keeps for later, nor of what goes to other networks.
func (o *Outbox) acknowledged(e *database.QueuedEvent) {
	if !o.account.Config.ReadReceipts {
		return
	}
	to, _ := msnid.ParsePeer(e.PortalID)
	if session := o.session.Current(); session != nil && to.Account != "" {
		if contact, _ := session.Contact(to.Account); contact.Network > ownNetwork {
			return
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.arrived[e.EventID] = true
}

// showRead has the bot show a message as read if the service has acknowledged it. Nothing depends
// on it.
func (o *Outbox) showRead(ctx context.Context, e *database.QueuedEvent) {
	o.mu.Lock()
	arrived := o.arrived[e.EventID]
	delete(o.arrived, e.EventID)
	o.mu.Unlock()
	if !arrived {
		return
	}
	ctx, cancel := context.WithTimeout(mautrix.WithMaxRetries(ctx, 0), receiptTimeout)
	defer cancel()
	if err := o.account.Bridge.Bot.MarkRead(ctx, e.RoomID, e.EventID, time.Now()); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Stringer("event_id", e.EventID).Msg("Failed to show a message as read")
	}
}
