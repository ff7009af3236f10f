package p2p

import (
	"bytes"
	"hash"
	"slices"
	"time"

	"matrix-msn/msn/slp"
)

// call is one session.
type call struct {
	stack   *Stack
	via     *Stack // the sibling over whose line the other side speaks of it; nil for stack
	at      slp.Call
	session uint32
	mine    bool        // the user's side has invited
	invite  slp.Message // of the other side's
	kind    kind        // isObject or isFile
	app     uint32
	total   uint64
	hash    slp.Hash // that an object must have

	source Source
	sink   Sink
	have   uint64 // of what arrives
	next   uint64 // from where on it has come soon enough
	first  string // the first packet of a file, while its sender may be one of whom inOrder tells
	behind uint64 // by how much what its sender tells of where data belong is too little
	digest hash.Hash
	begun  bool // data flows
	out    bool // all of it is out
	told   func(done uint64)

	heard  bool        // the other side has said something of it, or acknowledged the invitation
	missed func(error) // called in the place of Source.Close or Sink.Close when it has not; may be nil

	withdrawn func(error) // tells that an offer is not there any more, with nil when it was taken

	over    bool
	limit   time.Duration // for what is waited for
	since   time.Time     // from when on
	failure error         // what comes of it
	timer   *time.Timer   // runs, perhaps for an earlier limit
}

// add makes a call.
func (s *Stack) add(c *call) *call {
	c.stack = s
	s.calls = append(s.calls, c)
	return c
}

// within ends the call with err unless something new is waited for in time.
func (c *call) within(d time.Duration, err error) {
	c.limit, c.since, c.failure = d, time.Now(), err
	if c.timer != nil {
		c.timer.Stop()
	}
	c.watch(d)
}

// touch begins the time anew: something has come or gone.
func (c *call) touch() { c.since = time.Now() }

func (c *call) watch(d time.Duration) {
	c.timer = c.stack.cfg.After(d, func() {
		if c.over {
			return
		}
		if rest := c.limit - time.Since(c.since); rest > 0 {
			c.watch(rest)
			return
		}
		switch {
		case c.failure == nil:
			c.finish(nil)
		case c.isOffer():
			c.decline(c.failure)
		default:
			c.stop(c.failure)
		}
	})
}

// finish ends the call, once, without a word to the other side.
func (c *call) finish(err error) {
	if c.over {
		return
	}
	c.over = true
	if c.timer != nil {
		c.timer.Stop()
	}
	s := c.stack
	s.calls = slices.DeleteFunc(s.calls, func(o *call) bool { return o == c })
	s.data = slices.DeleteFunc(s.data, func(m *outgoing) bool { return m.session == c.session })
	s.flying = slices.DeleteFunc(s.flying, func(m *outgoing) bool { return m.session == c.session && m.session != 0 })
	s.forget(c.at.ID)
	s.wire.forget(c.session)
	if c.via != nil {
		c.via.wire.forget(c.session)
	}
	switch {
	case c.source != nil:
		c.source.Close(err)
	case c.sink != nil:
		c.sink.Close(err)
	case c.withdrawn != nil:
		c.withdrawn(err)
	}
}

// stop ends the call with err, and tells the other side.
func (c *call) stop(err error) {
	if c.over {
		return
	}
	c.bye()
	c.finish(err)
}

func (c *call) bye() {
	c.stack.say(c.at.Request(slp.Bye, slp.SessionClose, slp.SessionBody(c.session)), nil)
}

// ended takes the end of the call by the other side. Who never acknowledges anything says so that they
// have all.
func (c *call) ended() {
	if c.out && !c.stack.replies {
		c.finish(nil)
		return
	}
	c.finish(ErrCancelled)
}

// answered takes the answer to what the user's side has asked.
func (c *call) answered(m slp.Message) {
	c.heard = true
	switch code := m.Code(); {
	case code == 200 && m.Type() == slp.TransportAnswer:
	case code == 200:
		if c.mine && !c.begun {
			c.accepted()
		}
	case code >= 400 && !c.mine, code >= 400 && c.begun:
		c.finish(ErrCancelled) // so some clients take an offer back
	case code >= 400:
		c.finish(ErrDeclined)
	}
}

// accepted goes on after the other side has said yes.
func (c *call) accepted() {
	if c.source != nil {
		c.send()
		return
	}
	c.within(silentTime, ErrSilent)
}

// send has the data sent.
func (c *call) send() {
	if c.begun {
		return
	}
	c.begun = true
	footer := uint32(slp.FooterFile)
	if c.kind == isObject {
		footer = c.app
	}
	m := &outgoing{kind: c.kind, session: c.session, footer: footer, total: c.total}
	if !c.stack.cfg.Later {
		m.acked = func() { c.finish(nil) }
	}
	c.stack.data = append(c.stack.data, m)
	c.within(silentTime, ErrSilent)
}

// progress notes how much of the data went out.
func (c *call) progress(sent uint64) {
	c.touch()
	if c.told != nil {
		c.told(sent)
	}
}

// allSent is called when the last packet of the data is out. Who does not acknowledge it has it all
// the same: it was handed over.
func (c *call) allSent() {
	c.out = true
	if c.stack.cfg.Later {
		c.stack.put(&outgoing{kind: isEnd, session: c.session, acked: func() {
			if c.kind == isFile {
				c.bye()
			}
			c.finish(nil)
		}})
	}
	c.within(endTime, nil)
}

// arrives takes data that has come over the line of s.
func (c *call) arrives(a *arrival, s *Stack) (full <-chan struct{}) {
	c.heard = true
	if a.kind == isPreparation && c.kind == isObject && a.data == preparation {
		s.acknowledge(a, true)
		return nil
	}
	c.inOrder(a)
	switch {
	case a.total != c.total, a.offset > c.have, len(a.data) > maxPart:
		c.stop(ErrBroken)
		return nil
	case a.offset+uint64(len(a.data)) <= c.have && c.have < c.total, c.have == c.total && c.total > 0:
		return nil // a repeat, or nothing
	}
	c.begun = true
	data := a.data[c.have-a.offset:]
	c.have += uint64(len(data))
	if c.have >= c.next {
		c.next = c.have + leastData
		c.touch()
	}
	if c.digest != nil {
		_, _ = c.digest.Write([]byte(data)) // takes all
	}
	full = c.sink.Write(data)
	if c.told != nil {
		c.told(c.have)
	}
	if c.have < c.total {
		if s.cfg.Later { // these can ask for it in the middle
			s.acknowledge(a, false)
		}
		return full
	}
	s.acknowledge(a, true)
	if c.digest != nil && !bytes.Equal(c.digest.Sum(nil), c.hash[:]) {
		c.stop(ErrBroken)
		return full
	}
	c.complete()
	return full
}

// inOrder puts right where data of a file belong. A client that is in use writes into each packet the length of
// the one before, 0 into the first, and goes on from there: from the second on all say that they belong one packet
// before where they do. Of an object it does send the first packet twice.
func (c *call) inOrder(a *arrival) {
	if a.kind != isFile || a.data == "" {
		return
	}
	if c.have == 0 {
		if a.packet.Behind {
			c.first = a.data
		}
		return
	}
	if c.first != "" && a.offset == 0 && a.data != c.first {
		c.behind = uint64(len(c.first))
	}
	c.first = ""
	if c.behind > 0 && a.offset+c.behind == c.have && c.have < c.total {
		a.offset = c.have
		a.data = a.data[:min(uint64(len(a.data)), c.total-c.have)] // the footer looks like data of a packet before
	}
}

// complete ends a call in which all has arrived. Of a file with headers of version 2 the sender says
// so, else who has received it.
func (c *call) complete() {
	if !c.stack.cfg.Later || c.kind == isObject {
		c.bye()
	}
	c.finish(nil)
}

// preparation is what is sent before an object.
const preparation = "\x00\x00\x00\x00"

// memory is a Source of what is in memory.
type memory struct{ *bytes.Reader }

func (memory) Close(error) {}

// asked takes the request for an object of the user's.
func (s *Stack) asked(at slp.Call, m slp.Message, o slp.Offer) {
	object, err := slp.ParseObject(string(bytes.TrimRight(o.Context, "\x00")))
	var data []byte
	ok := err == nil && s.cfg.Object != nil
	if ok {
		data, ok = s.cfg.Object(object)
	}
	if !ok {
		s.decline(at, m, o)
		return
	}
	app := o.App
	if app == 0 {
		app = slp.AppObject
	}
	c := s.add(&call{at: at, session: o.Session, kind: isObject, app: app, total: uint64(len(data)), source: memory{bytes.NewReader(data)}})
	prepare := func() {
		if c.over || c.begun {
			return
		}
		c.stack.put(&outgoing{kind: isPreparation, session: c.session, footer: c.app, text: preparation, total: uint64(len(preparation))})
		c.send()
	}
	c.within(silentTime, ErrSilent)
	s.say(at.Reply(m, slp.OK, slp.SessionRequest, slp.SessionBody(o.Session)), prepare)
	s.cfg.After(ackTime, func() {
		prepare()
		c.stack.cfg.Wake() // it may be on another line now
	})
}
