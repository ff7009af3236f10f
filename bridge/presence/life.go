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
// one ghost at a time, which is left alone meanwhile. The keeper's mutex guards it.
type life struct {
	every time.Duration // how often presence is repeated, 0 for never
	// lasts is set when it is known whether a presence ends by itself, idles when it is known
	// whether somebody online is shown as idle.
	lasts, idles bool
	probe        *probe
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

// told notes that the homeserver has taken a presence. Who was looked at and has changed says
// nothing any more; whom it is shown of now may be looked at.
func (l *life) told(g *ghost, w work, now time.Time) {
	if l.probe != nil {
		if l.probe.ghost != g {
			return
		}
		l.probe = nil
	}
	online := w.state.Presence == event.PresenceOnline
	if w.state.Presence == event.PresenceOffline || l.idles || l.lasts && !online {
		return
	}
	l.probe = &probe{ghost: g, state: w.state, since: now}
}

// maxLooks is how often looking at a probe may fail.
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
		if p.fails++; p.fails >= maxLooks {
			k.life.probe = nil
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
		l.probe = nil
		k.server.blind++
		k.vain(k.server.blind, errNoEffect, now)
		return
	case p.step == 0:
		k.server.blind = 0
		k.works()
		if k.cfg.Repeats {
			p.step++
			return
		}
		l.lasts, l.idles = true, true // it does not matter
	case !kept && (p.step == 1 || shown.Presence == event.PresenceOffline):
		l.lasts, l.idles, l.every = true, true, beforeEnd
		k.cfg.Log.Info().Dur("repeats_every", l.every).
			Msg("The homeserver shows contacts as offline half a minute after they were shown as online, so that presence is repeated all the time. " +
				"Synapse from 1.156 on can be told to keep it longer: presence.sync_online_timeout")
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
