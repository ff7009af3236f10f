package presence

import (
	"context"
	"errors"
	"time"

	"maunium.net/go/mautrix/event"
)

// errNoEffect says that the homeserver has taken a presence and does not show it.
var errNoEffect = errors.New("the homeserver takes presence and does not show it")

// life is how long the homeserver shows a presence that is not repeated. It is found out with
// one ghost at a time, which changes little meanwhile. The keeper's mutex guards it.
type life struct {
	every time.Duration // how often presence is repeated, 0 for never
	// What is known: that a presence has an effect, whether it ends by itself, and whether
	// somebody online is shown as idle after a while.
	effect, lasts, idles bool

	probe  *probe
	vain   time.Time // when a probe was seen last that had no effect
	broken int       // how many probes could not be looked at
}

// probe is a ghost that is looked at.
type probe struct {
	ghost *ghost
	state State
	since time.Time
	step  int
	fails int
}

// steps are when a probe is looked at.
var steps = []time.Duration{lookForEffect, lookForEnd, lookForIdle}

// due returns when somebody is to be looked at, zero for never.
func (l *life) due() time.Time {
	if l.probe == nil {
		return time.Time{}
	}
	return l.probe.since.Add(steps[l.probe.step] + time.Duration(l.probe.fails)*firstPause)
}

// told notes that the homeserver was told something of a ghost: a probe that has changed says
// nothing any more.
func (l *life) told(g *ghost) {
	if l.probe != nil && l.probe.ghost == g {
		l.probe = nil
	}
}

// pick takes a ghost as the probe if there is something to find out: the one that was told of
// last, of those online if there are any. mu is held.
func (k *Keeper) pick() {
	l := &k.life
	if l.probe != nil || l.idles {
		return
	}
	var best *ghost
	for g := range k.present {
		online := g.shown.Presence == event.PresenceOnline
		if _, changes := k.dirty[g]; changes || !g.sure || !g.put.After(l.vain) || l.lasts && !online {
			continue
		}
		if best == nil || online && best.shown.Presence != event.PresenceOnline || online == (best.shown.Presence == event.PresenceOnline) && g.put.After(best.put) {
			best = g
		}
	}
	if best == nil {
		return
	}
	l.probe = &probe{ghost: best, state: best.shown, since: best.put}
	switch {
	case l.lasts:
		l.probe.step = 2
	case l.effect:
		l.probe.step = 1
	}
}

// maxLooks is how often looking at a probe may fail, and with how many of them.
const maxLooks = 3

// look looks at the probe, which may be another one by now.
func (k *Keeper) look(ctx context.Context, g *ghost) {
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	shown, err := k.cfg.Homeserver.Presence(asking, g.id)
	if ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	p := k.life.probe
	switch {
	case p == nil || p.ghost != g:
	case err != nil:
		p.fails++
		if p.fails < maxLooks {
			break
		}
		k.life.probe = nil
		if k.life.broken++; k.life.broken >= maxLooks {
			k.life.effect, k.life.lasts, k.life.idles = true, true, true
			k.cfg.Log.Warn().Err(err).Msg("The homeserver does not say how contacts are shown: presence is not repeated, which it may have to be")
		}
	default:
		k.seen(p, shown, now)
	}
}

// seen notes how the homeserver shows a probe. mu is held.
func (k *Keeper) seen(p *probe, shown State, now time.Time) {
	l := &k.life
	kept := shown.Presence == p.state.Presence
	p.fails = 0
	switch {
	case p.step == 0 && (!kept || shown.Text == "" && p.state.Text != ""):
		l.probe, l.vain = nil, now
		k.server.blind++
		k.vain(k.server.blind, errNoEffect, now)
		return
	case p.step == 0:
		k.server.blind, l.effect = 0, true
		k.works()
		if k.cfg.Repeats {
			p.step++
			return
		}
		l.lasts, l.idles = true, true // it does not matter
	case !kept && (p.step == 1 || shown.Presence == event.PresenceOffline):
		l.lasts, l.idles, l.every = true, true, beforeEnd
		k.cfg.Log.Info().Dur("repeats_every", l.every).
			Msg("The homeserver shows contacts as offline soon after they were shown as online, so that presence is repeated all the time. " +
				"Synapse from 1.157 on can be told to keep it longer: presence.sync_online_timeout")
	case !kept:
		l.lasts, l.idles, l.every = true, true, beforeIdle
		k.cfg.Log.Info().Dur("repeats_every", l.every).Msg("The homeserver shows contacts as idle some minutes after they were shown as online, so that presence is repeated")
	case p.step == 1:
		l.lasts = true
		if p.state.Presence == event.PresenceOnline {
			p.step++
			return
		}
	default:
		l.idles = true
	}
	l.probe = nil
}
