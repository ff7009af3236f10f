package people

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/words"
	"matrix-msn/msn"
)

// Block keeps the contact of a room from seeing the user and writing to them, or lets them.
// The error is fit to be shown to the user.
func (r *Roster) Block(ctx context.Context, portal networkid.PortalID, block bool) error {
	account, ok := msnid.ParseDMPortalID(portal)
	if !ok {
		return r.account.Cannot(ctx, fmt.Errorf("%w: not the room with a contact", msn.ErrArgument), reason.Roster, words.Text("people.subject.this_room"))
	}
	asking, cancel := context.WithTimeout(ctx, session.RequestTimeout)
	defer cancel()
	client, err := r.session.Wait(asking)
	if err == nil && block {
		err = client.Block(asking, account)
	} else if err == nil {
		err = client.Allow(asking, account)
	}
	if err != nil {
		return r.account.Cannot(ctx, err, reason.Roster, account)
	}
	return nil
}

// blocked ends the conversation with somebody whom the user has just blocked, here or in another
// Messenger, and lets go of what waits of them.
func (r *Roster) blocked(account string) {
	r.account.Blocks(account) // first, so that what the end of the conversation ends is ended by the block
	if client := r.session.Current(); client != nil {
		client.Conversation(account).Close()
	}
	r.strangers.release(account)
}
