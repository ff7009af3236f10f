package presence

import (
	"context"
	"sync"
	"time"
)

// work is one request to the homeserver.
type work struct {
	ghost *ghost
	state State
	look  bool // asks how the ghost is shown, in place of saying so
	again bool // repeats what was said
}

// run does what there is to do until ctx ends. It waits for news while there is nothing.
func (k *Keeper) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil && k.cfg.Ours() {
		w, at := k.choose(time.Now())
		if w.ghost != nil {
			k.do(ctx, w)
			k.done(w.ghost)
			continue
		}
		var due <-chan time.Time
		if !at.IsZero() {
			timer.Reset(time.Until(at))
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-k.wake:
		case <-due:
		}
	}
}

// choose returns what is to be done now, or when there may be something; zero is never.
func (k *Keeper) choose(now time.Time) (w work, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer func() {
		if w.ghost != nil {
			// Another keeper may have been faster.
			if due, taken := k.cfg.Pace.take(now, k.cfg.Kind.requests); !taken {
				w, at = work{}, earlier(at, due)
			}
		}
		k.busy = w.ghost
	}()
	at = k.expire(now)
	if wait := later(k.cfg.Pace.due(), k.server.until); now.Before(wait) {
		if len(k.dirty) > 0 || k.cfg.Repeats || k.life.probe != nil {
			at = earlier(at, wait)
		}
		return work{}, at
	}
	k.pick()
	if due := k.life.due(); !due.IsZero() {
		switch {
		case !now.Before(due):
			return work{ghost: k.life.probe.ghost, look: true}, at
		case k.life.probe.step == 0 && k.server.blind > 0:
			return work{}, earlier(at, due) // the last one had no effect: whether this one has is seen first
		}
		at = earlier(at, due)
	}
	var first *ghost
	for g := range k.dirty {
		switch due := k.due(g); {
		case now.Before(due):
			at = earlier(at, due)
		case first == nil || g.since.Before(first.since) || g.since.Equal(first.since) && g.id < first.id:
			first = g
		}
	}
	if first != nil {
		return work{ghost: first, state: first.wanted()}, at
	}
	again, due := k.fading(now)
	if again != nil {
		return work{ghost: again, state: again.shown, again: true}, at
	}
	return work{}, earlier(at, due)
}

// done notes that nothing is under way any more.
func (k *Keeper) done(g *ghost) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.busy = nil
	k.forget(g)
}

// due returns when a change is to be sent. mu is held.
func (k *Keeper) due(g *ghost) time.Time {
	quietly := g.changed.Add(quiet)
	if latest := g.since.Add(restless); latest.Before(quietly) {
		quietly = latest
	}
	due := later(quietly, g.aside)
	if !g.put.IsZero() {
		due = later(due, g.put.Add(k.cfg.Kind.perGhost))
	}
	if g.hold.After(due) && g.wanted() == offline { // few are held: their ties need not be looked at
		due = g.hold
	}
	return due
}

// fading returns who is to be shown anew before the homeserver forgets them, or when there
// will be somebody. Of several it is the one with whom somebody spoke last: there may be more
// than the bridge repeats. mu is held.
func (k *Keeper) fading(now time.Time) (g *ghost, at time.Time) {
	if !k.cfg.Repeats || k.life.every == 0 {
		return nil, time.Time{}
	}
	for other := range k.present {
		if _, changes := k.dirty[other]; changes || now.Before(other.aside) {
			continue
		}
		switch due := other.put.Add(k.life.every); {
		case now.Before(due):
			at = earlier(at, due)
		case g == nil || other.spoken.After(g.spoken) || other.spoken.Equal(g.spoken) && other.id < g.id:
			g = other
		}
	}
	if g != nil && now.Before(k.repeat) {
		return nil, k.repeat
	}
	return g, at
}

// do makes one request.
func (k *Keeper) do(ctx context.Context, w work) {
	if w.look {
		k.look(ctx, w.ghost)
		return
	}
	k.mu.Lock()
	list := w.state != offline && !w.ghost.listed
	k.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if list { // before: who is shown as online must not be forgotten
		if err := k.cfg.Store.Put(asking, w.ghost.id); err != nil {
			k.troubled(err)
			return
		}
		k.mu.Lock()
		w.ghost.listed = true
		k.mu.Unlock()
	}
	err := k.cfg.Homeserver.SetPresence(asking, w.ghost.id, w.state)
	if ctx.Err() != nil {
		return // Stop goes on, which cannot know what has become of it
	}
	k.told(w, err)
	if err == nil && w.state == offline {
		k.unlist(asking, w.ghost)
	}
}

// told notes what has become of a request.
func (k *Keeper) told(w work, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	g := w.ghost
	g.put = now
	if w.again {
		k.repeat = now.Add(repeatPace)
	}
	if err != nil {
		g.sure = false
		k.settled(g, now)
		k.failed(g, err, now)
		return
	}
	k.life.told(g)
	k.reached()
	g.shown, g.sure = w.state, true
	if g.shown == offline {
		delete(k.present, g)
	} else {
		k.present[g] = struct{}{}
	}
	delete(k.dirty, g)
	k.settled(g, now) // there may be something newer
}

// unlist takes a ghost that is shown as offline off the list on disk. It stays there when that
// fails, which costs a request after the next start.
func (k *Keeper) unlist(ctx context.Context, g *ghost) {
	if err := k.cfg.Store.Delete(ctx, g.id); err != nil {
		k.cfg.Log.Warn().Err(err).Msg("Failed to note that a contact is shown as offline")
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	g.listed = false
	k.settled(g, time.Now())
}

// Stop shows everybody as offline, and returns when that is done or takes too long.
func (k *Keeper) Stop() {
	if k.stop == nil {
		return
	}
	k.stop()
	k.loop.Wait()
	k.stop = nil
	if !k.cfg.Ours() {
		return
	}
	k.mu.Lock()
	var left []*ghost
	if time.Now().After(k.server.until) { // else it is no use
		for _, g := range k.ghosts {
			if g.listed {
				left = append(left, g)
			}
		}
	}
	k.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	var working sync.WaitGroup
	list := make(chan *ghost)
	for range min(goodbyes, len(left)) {
		working.Go(func() {
			for g := range list {
				if err := k.cfg.Homeserver.SetPresence(ctx, g.id, offline); err != nil {
					cancel() // whoever is left is on the list
				} else if err := k.cfg.Store.Delete(ctx, g.id); err != nil {
					cancel()
				}
			}
		})
	}
	for _, g := range left {
		select {
		case list <- g:
		case <-ctx.Done():
		}
	}
	close(list)
	working.Wait()
	if ctx.Err() != nil {
		k.cfg.Log.Info().Msg("Not all contacts could be shown as offline; they will be after the next start")
	}
}
