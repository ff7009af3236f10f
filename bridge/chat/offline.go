package chat

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"matrix-msn/bridge/background"
	"matrix-msn/bridge/msgconv"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// deleteTimeout bounds the removal of offline messages from the service.
const deleteTimeout = time.Minute

// offlineReceived puts a message that was written while the user was offline into the
// queue, with the time at which it was written. The service keeps it until Matrix has
// it: what comes a second time has the same ID.
func (h *Heard) offlineReceived(ctx context.Context, evt msn.OfflineReceived) {
	account, ok := msnid.FromServer(evt.From)
	if !ok && !h.strangers.Unshown(ctx, evt.From, evt.Text, msnid.MakeNoticeMessageID("unshown offline", evt.ID)) {
		return // the service keeps it, and brings it again at the next sign-in
	}
	if !ok || account == h.account.Identity.Account {
		h.Removals.Remove(evt.ID) // nobody to show it as; it would be fetched at every sign-in
		return
	}
	if h.account.KeepsOut(ctx, account) {
		return // the service keeps it: the user may let them write again
	}
	text := msgconv.Said(evt.Text)
	if strings.TrimSpace(text) == "" {
		h.Removals.Remove(evt.ID)
		return
	}
	split := msgconv.Split(text)
	var parts []*database.QueuedMessage
	for i, part := range split {
		// The number of parts still to come, so that the last one is known by it.
		parts = append(parts, &database.QueuedMessage{
			LoginID:   h.account.Login.ID,
			MessageID: msnid.MakeOfflineMessageID(evt.ID, len(split)-1-i),
			PortalID:  h.account.PortalKey(account).ID,
			Sender:    account,
			At:        evt.At,
			Body:      part,
			Format:    evt.Format,
			GroupSize: 1,
			Kind:      database.QueuedOffline,
		})
	}
	h.inbox.Put(ctx, parts...)
}

// Removals are the offline messages that the service is to forget, because Matrix has
// them.
type Removals struct {
	session *session.Session
	work    *background.Work

	mu  sync.Mutex
	ids map[string]struct{}
}

// Remove has the service forget a message. What is not removed now is listed by the next
// sign-in again, and removed then.
func (r *Removals) Remove(id string) {
	r.mu.Lock()
	if r.ids == nil {
		r.ids = make(map[string]struct{})
	}
	r.ids[id] = struct{}{}
	r.mu.Unlock()
	r.work.Do("offline messages", r.removeAll)
}

// Take returns what is to be removed, in no order, and forgets it.
func (r *Removals) Take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := slices.Collect(maps.Keys(r.ids))
	clear(r.ids)
	return ids
}

// removeAll has the service forget messages. One that it does not know keeps it from none
// of the others.
func (r *Removals) removeAll(ctx context.Context) {
	ids, client := r.Take(), r.session.Current()
	if client == nil || len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	if err := client.DeleteOffline(ctx, ids...); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Int("messages", len(ids)).Msg("Offline messages that Matrix has were not removed from the service")
	}
}
