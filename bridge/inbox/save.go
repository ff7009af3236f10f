package inbox

import (
	"context"
	"maps"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2/networkid"

	"matrix-msn/bridge/queue"
	"matrix-msn/database"
)

// How what waits in memory comes into the table: in order, together with what waits beside it, and again when that fails.

// lockSaver waits until nobody stores what waits in memory, and keeps others from it until unlock. It comes before mu.
func (b *Inbox) lockSaver() (unlock func()) {
	b.saver <- struct{}{}
	return func() { <-b.saver }
}

// saveAll stores what waits in memory, in order, and goes on trying later. It returns how
// many are left. What comes meanwhile waits behind. What the
// database will never take is left out, which its room is told. The saver is locked.
func (b *Inbox) saveAll() (left int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.storing = false }()
	most := maxTogether
	if b.failing {
		most = 1 // one of them may be to blame
	}
	for len(b.unsaved) > 0 {
		batch, ctx := b.first(most), b.ctx
		b.mu.Unlock()
		err := b.saveFirst(ctx, batch)
		b.mu.Lock()
		for i := range batch {
			b.unsaved[i].again = b.unsaved[i].again || err != nil
		}
		if len(batch) > 1 && database.Refuses(err) {
			most = len(batch) / 2 // it is one of them
			continue
		}
		if b.failing = err != nil; b.failing {
			zerolog.Ctx(ctx).Err(err).Int("messages", b.inMemory()).Msg("Failed to store incoming messages, they wait in memory")
			for i := range b.unsaved {
				b.unsaved[i].wasTried()
			}
			b.saveLater()
			b.moved.Broadcast()
			return b.inMemory()
		}
		for i := range batch {
			b.unsaved[i].wasTried()
		}
		b.unsaved = b.unsaved[len(batch):]
		b.moved.Broadcast()
		most = min(2*most, maxTogether)
	}
	b.unsaved, b.atMost = nil, nil // and with it what was stored
	b.waits.Reset()
	return 0
}

// first returns what is stored next: so many messages, or one with all its parts. mu is held.
func (b *Inbox) first(most int) (batch []arrival) {
	parts := 0
	for _, a := range b.unsaved {
		if parts += len(a.parts); len(batch) > 0 && (parts > most || a.alone || batch[0].alone) {
			break
		}
		batch = append(batch, a)
	}
	return batch
}

// saveFirst stores what is next. A message that the database will never take is left out.
func (b *Inbox) saveFirst(ctx context.Context, batch []arrival) error {
	storing, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := b.save(storing, batch...)
	if len(batch) > 1 || !database.Refuses(err) {
		return err
	}
	zerolog.Ctx(ctx).Err(err).Str("message_id", string(batch[0].parts[0].MessageID)).Msg("Lost an incoming message: the database does not take it as it is")
	if err = b.save(storing, b.leftOut(batch[0], NotTaken)); database.Refuses(err) {
		err = nil // nor can its room be told
	}
	return err
}

// saveLater has what waits in memory stored after a while. mu is held.
func (b *Inbox) saveLater() {
	if b.started && b.saving == nil {
		b.saveIn(b.waits.NextBackOff())
	}
}

// saveIn has what waits in memory stored after a time. mu is held, and no attempt is due.
func (b *Inbox) saveIn(wait time.Duration) {
	b.saving = time.AfterFunc(wait, func() {
		defer b.lockSaver()()
		b.mu.Lock()
		b.saving = nil
		started := b.started
		b.mu.Unlock()
		if started {
			b.saveAll()
		}
	})
}

// save stores messages, all or none, or what takes their place when too many wait. One calls it at a
// time: the saver is locked, or mu is held while the inbox is stopped.
func (b *Inbox) save(ctx context.Context, batch ...arrival) error {
	added, done, err := b.saveAsTheyAre(ctx, batch)
	if err == nil && !done {
		added, err = b.saveWithin(ctx, batch)
	}
	if err != nil {
		return err
	}
	for i, a := range batch {
		for _, part := range added[i] {
			b.left.isNew(part.PortalID, part.Position)
			b.loop.WakeWith(part.PortalID, queue.Entry[*database.QueuedMessage]{Row: part, Position: part.Position, Owner: part.Owner})
		}
		if len(added[i]) == 0 && a.again {
			b.loop.Wake(a.parts[0].PortalID, 1) // the database may have stored it the first time
		}
	}
	return nil
}

// saveAsTheyAre stores messages by one statement, without counting those that wait, and returns those of each that are new. It does
// nothing, and says so, where that does not do: when one is stored with something else, or too many may wait.
func (b *Inbox) saveAsTheyAre(ctx context.Context, batch []arrival) (added [][]*database.QueuedMessage, done bool, err error) {
	var parts []*database.QueuedMessage
	atMost := make(map[networkid.PortalID]int)
	for _, a := range batch {
		if a.store != nil {
			return nil, false, nil
		}
		m := a.parts[0]
		waiting, known := atMost[m.PortalID]
		if !known && !b.loop.Idle(m.PortalID) {
			if waiting, known = b.atMost[m.PortalID]; !known {
				if waiting, err = b.account.DB.MSNQueue.Count(ctx, m.LoginID, m.PortalID); err != nil {
					return nil, false, err
				}
			}
		}
		limit, err := b.kindOf(m).limit(ctx, m, waiting)
		if err != nil || limit != Usual || waiting >= limit.Most {
			return nil, false, err
		}
		atMost[m.PortalID] = waiting + len(a.parts)
		parts = append(parts, a.parts...)
	}
	owner := b.loop.Run()
	for _, part := range parts {
		part.Owner = owner
	}
	rest, err := b.account.DB.MSNQueue.PutAll(ctx, parts)
	if err != nil {
		return nil, false, err
	}
	added = make([][]*database.QueuedMessage, len(batch))
	for i, a := range batch {
		for _, part := range a.parts {
			if len(rest) > 0 && rest[0] == part {
				added[i], rest = append(added[i], part), rest[1:]
			}
		}
	}
	if b.atMost == nil {
		b.atMost = atMost
	} else {
		maps.Copy(b.atMost, atMost)
	}
	return added, true, nil
}

// saveWithin stores messages one after the other, or what takes their place, as far as so many may wait.
func (b *Inbox) saveWithin(ctx context.Context, batch []arrival) (added [][]*database.QueuedMessage, err error) {
	b.atMost = nil
	storeAll := func(ctx context.Context) error {
		added = make([][]*database.QueuedMessage, len(batch))
		waiting := make(map[networkid.PortalID]int)
		for i, a := range batch {
			a, err := b.within(ctx, a, waiting)
			if err != nil {
				return err
			}
			store := a.store
			if store == nil {
				store = b.account.DB.MSNQueue.Put
			}
			for _, part := range a.parts {
				part.Owner = b.loop.Run()
				isNew, err := store(ctx, part)
				if err != nil {
					return err
				}
				if isNew {
					added[i] = append(added[i], part)
					waiting[part.PortalID]++
				}
			}
		}
		return nil
	}
	if len(batch) == 1 && len(batch[0].parts) <= 1 {
		err = storeAll(ctx)
	} else {
		err = b.account.DB.MSNQueue.DoTogether(ctx, storeAll)
	}
	return added, err
}
