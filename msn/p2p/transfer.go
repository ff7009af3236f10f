package p2p

import (
	"crypto/sha1"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/slp"
)

// What the user asks the other side for and offers them.

// Transfer is something that is on its way, or waits to be.
type Transfer struct{ call *call }

// Wake has what a transfer has to send be asked for, over the line that it is on now.
func (t *Transfer) Wake() { t.call.stack.cfg.Wake() }

// Stop ends a transfer for the user. It does nothing when it is over.
func (t *Transfer) Stop() { t.call.stop(ErrStopped) }

// Withdraw ends a transfer of which no data has gone or come yet, and leaves its Source or Sink open for
// another one. It reports false when it is too late for that.
func (t *Transfer) Withdraw() bool {
	c := t.call
	if c.over || c.begun {
		return false
	}
	c.source, c.sink = nil, nil
	c.stop(ErrStopped)
	return true
}

// OnMissed has f called in the place of Source.Close or Sink.Close when the other side has gone before its
// Messenger knew of the transfer, for all that this side has heard. The Source or Sink is free for another one then.
func (t *Transfer) OnMissed(f func(err error)) { t.call.missed = f }

// Patience is how long the answer to a transfer is waited for that was just begun.
func (t *Transfer) Patience() time.Duration { return t.call.limit }

// AnswerWithin has the answer to a transfer that was just begun waited for no longer than d.
func (t *Transfer) AnswerWithin(d time.Duration) {
	if c := t.call; !c.over && d < c.limit {
		c.within(d, c.failure)
	}
}

// Fetch asks the other side for an object. told is called with how much has come; may be nil.
func (s *Stack) Fetch(o slp.Object, to Sink, told func(done uint64)) *Transfer {
	app := uint32(slp.AppObject)
	if s.cfg.Later {
		switch o.Type {
		case slp.ObjectEmoticon, slp.ObjectWink:
			app = slp.AppEmoticon
		case slp.ObjectPicture:
			app = slp.AppPicture
		}
	}
	c := &call{kind: isObject, app: app, total: o.Size, hash: o.Hash, sink: to, digest: sha1.New(), told: told}
	return s.ask(c, slp.Offer{App: app, Kind: slp.ForObject, Context: o.Context()}, answerTime)
}

// Send offers a file to the other side and sends it when they want it. told is called with how much
// has gone out; may be nil.
func (s *Stack) Send(f slp.FileInfo, from Source, told func(done uint64)) *Transfer {
	c := &call{kind: isFile, app: slp.AppFile, total: f.Size, source: from, told: told}
	return s.ask(c, slp.Offer{App: slp.AppFile, Kind: slp.File, Context: f.Context()}, decideTime)
}

// ask invites the other side.
func (s *Stack) ask(c *call, o slp.Offer, patience time.Duration) *Transfer {
	c.mine, c.stack = true, s
	c.at = slp.Call{Self: s.cfg.Self, Peer: s.cfg.Peer, ID: clean.NewGUID()}
	t := &Transfer{c}
	if s.over != nil || len(s.calls) >= maxCalls || s.crowded() {
		err := s.over
		if err == nil {
			err = ErrBusy
		}
		c.finish(err)
		return t
	}
	c.session = s.newSession()
	o.Session = c.session
	s.add(c)
	c.within(patience, ErrSilent)
	s.say(c.at.Request(slp.Invite, slp.SessionRequest, o.Body(s.cfg.Later)), func() { c.heard = true })
	return t
}
