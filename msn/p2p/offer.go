package p2p

import "matrix-msn/msn/slp"

// Files that the other side offers.

// isOffer reports whether the other side waits for the user to decide about a file.
func (c *call) isOffer() bool { return !c.mine && c.kind == isFile && c.sink == nil }

// Offer is a file that the other side offers.
type Offer struct {
	slp.FileInfo
	call *call
}

// offered takes the offer of a file.
func (s *Stack) offered(at slp.Call, m slp.Message, o slp.Offer) {
	info, ok := slp.ParseFile(o.Context)
	if !ok || s.offersWaiting() >= maxOffers || s.cfg.Offered == nil {
		s.decline(at, m, o)
		return
	}
	c := s.add(&call{at: at, session: o.Session, kind: isFile, app: slp.AppFile, total: info.Size, invite: m})
	c.within(decideTime, ErrSilent)
	s.cfg.Offered(&Offer{info, c})
}

// offersWaiting returns how many files wait for the user to decide.
func (s *Stack) offersWaiting() (n int) {
	for _, c := range s.calls {
		if c.isOffer() {
			n++
		}
	}
	return n
}

// Accept has the file sent. It reports false when the offer is not there any more, and nothing is
// done with to. told is called with how much has come; may be nil.
func (o *Offer) Accept(to Sink, told func(done uint64)) (*Transfer, bool) {
	c := o.call
	if !o.Open() {
		return nil, false
	}
	c.sink, c.told = to, told
	c.stack.say(c.at.Reply(c.invite, slp.OK, slp.SessionRequest, slp.SessionBody(c.session)), nil)
	c.within(silentTime, ErrSilent)
	if c.total == 0 {
		c.finish(nil) // there is nothing to come
	}
	return &Transfer{c}, true
}

// Decline says no. It reports false when the offer is not there any more.
func (o *Offer) Decline() bool {
	if !o.Open() {
		return false
	}
	o.call.decline(ErrStopped)
	return true
}

// Wake has the answer to an offer be asked for, over the line that it is on now.
func (o *Offer) Wake() { o.call.stack.cfg.Wake() }

// Open reports whether the offer can still be accepted.
func (o *Offer) Open() bool { return !o.call.over && o.call.sink == nil }

// OnEnd has f called when an offer ends that nobody has accepted: with ErrCancelled when the other
// side takes it back, with ErrSilent when it has waited for too long.
func (o *Offer) OnEnd(f func(error)) { o.call.withdrawn = f }

func (c *call) decline(err error) {
	c.stack.say(c.at.Reply(c.invite, slp.Decline, slp.SessionRequest, slp.SessionBody(c.session)), nil)
	c.finish(err)
}
