package presence

import (
	"time"
)

// server is what is known of the homeserver. The keeper's mutex guards it.
type server struct {
	until time.Time     // nothing is sent before
	pause time.Duration // the last wait, while it cannot be reached
	off   bool          // presence is not shown, and the log says so

	refused int // requests in a row that it did not allow
	blind   int // requests in a row that it took, and that had no effect
}

// reached notes that the homeserver has taken a presence. mu is held.
func (k *Keeper) reached() {
	s := &k.server
	if s.pause > 0 {
		k.cfg.Log.Info().Msg("The " + k.cfg.Kind.name + " of contacts is shown again")
	}
	s.pause, s.refused = 0, 0
	if s.blind == 0 {
		k.works()
	}
}

// works notes that presence is shown. mu is held.
func (k *Keeper) works() {
	if k.server.off {
		k.cfg.Log.Info().Msg("The homeserver shows the " + k.cfg.Kind.name + " of contacts again")
	}
	k.server.off = false
}

// failed notes that the homeserver has not taken a presence. mu is held.
func (k *Keeper) failed(g *ghost, err error, now time.Time) {
	if !Refused(err) {
		k.paused(err, now)
		return
	}
	s := &k.server
	s.pause = 0
	if s.refused++; s.refused == 1 && !s.off {
		k.cfg.Log.Warn().Err(err).Str("ghost", string(g.id)).Dur("try_again_after", rest).Msg("The homeserver does not let the " + k.cfg.Kind.name + " of a contact be set")
	}
	g.aside = now.Add(rest) // others may fare better
	k.vain(s.refused, err, now)
}

// troubled notes that the database did not take what has to be noted before.
func (k *Keeper) troubled(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.paused(err, time.Now())
}

// paused notes that nothing is to be sent for a while. mu is held.
func (k *Keeper) paused(err error, now time.Time) {
	s := &k.server
	if s.pause == 0 {
		k.cfg.Log.Warn().Err(err).Msg("Failed to show the " + k.cfg.Kind.name + " of a contact; trying again later")
	}
	s.pause = min(max(2*s.pause, firstPause), longestPause)
	s.until = now.Add(s.pause)
}

// vain notes how many requests in a row had no effect. After some the homeserver is left alone
// for a while; then one more is enough. mu is held.
func (k *Keeper) vain(times int, err error, now time.Time) {
	if times < giveUp {
		return
	}
	s := &k.server
	if !s.off {
		k.cfg.Log.Warn().Err(err).Dur("try_again_after", rest).
			Msg("The homeserver does not show the " + k.cfg.Kind.name + " of contacts. " + k.cfg.Kind.hint)
	}
	s.off, s.until = true, now.Add(rest)
	k.life.probe = nil
	for _, g := range k.ghosts {
		g.aside = time.Time{}
		if g.shown != offline {
			g.sure = false
			k.settled(g, now)
		}
	}
}

// Works reports whether the homeserver shows presence, as far as is known.
func (k *Keeper) Works() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.server.off
}
