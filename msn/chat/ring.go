package chat

import (
	"strings"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// ring answers a RNG: "session host:port CKI ticket account name …". There is no
// way to decline; what is not answered is passed over.
func (c *Chats) ring(cmd wire.Command) {
	peer, ok := clean.Account(cmd.Arg(4))
	ownCall := peer == c.conn.Self()
	if !ok || ownCall && c.conn.Dialect() < wire.FirstEndpoints || cmd.Arg(0) == "" || cmd.Arg(3) == "" {
		return
	}
	refuse := func(why string) { c.conn.Warn("call not answered", "peer", peer, "reason", why) }
	address, err := c.cfg.Check(cmd.Arg(1))
	if err != nil {
		refuse(err.Error())
		return
	}
	if !c.rings.Allow(peer, time.Now()) {
		if !c.ringLater(peer, cmd) {
			refuse("too many calls")
		}
		return
	}
	cv := &Conversation{chats: c, id: ID{Contact: peer}} // until it shows with whom the user's other endpoint talks
	if !ownCall {
		cv = c.Conversation(ID{Contact: peer})
	}
	if why := c.roomFor(cv, peer); why != "" {
		refuse(why)
		return
	}
	s := c.addSession(cv, false)
	s.ownCall = ownCall
	s.id, s.ticket = strings.Clone(cmd.Arg(0)), strings.Clone(cmd.Arg(3))
	s.address = address
	s.connect()
}

// ringLater keeps a RNG until its caller may ring again, in the place of an earlier one: who
// calls so often has given that up. Tickets last for two minutes. It reports false when too
// many wait already.
func (c *Chats) ringLater(peer string, cmd wire.Command) bool {
	_, waits := c.ringing[peer]
	if !waits && len(c.ringing) >= maxRinging {
		return false
	}
	args := make([]string, 0, 5)
	for _, arg := range cmd.Args[:5] {
		args = append(args, strings.Clone(arg))
	}
	lazy.Put(&c.ringing, peer, wire.New(cmd.Verb, args...))
	if !waits {
		c.conn.After(RingEvery, func() {
			cmd := c.ringing[peer]
			delete(c.ringing, peer)
			if c.conn.Err() == nil {
				c.ring(cmd)
			}
		})
	}
	return true
}

// listed reports whether an account is on the user's contact list.
func (c *Chats) listed(account string) bool {
	contact, known := c.people.Find(account)
	return known && contact.Lists.Has(roster.ListForward)
}
