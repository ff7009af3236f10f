package media

import (
	"iter"
	"slices"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/chat"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// With whom something is under way in a session, and with which headers.

// traffic is what goes over one session, by the address of the other side.
type traffic struct{ peers []*peer }

// peer is one endpoint of somebody in a session.
type peer struct {
	account string
	address string // as packets for it are marked
	own     string // and those of the user
	later   bool   // headers of version 2
	heard   bool   // something came in them
	stack   *p2p.Stack
	head    []byte     // what stands before each packet
	last    *chat.Data // the message in which a packet came last
}

// isLater reports whether a packet of somebody has a header of version 2. One of version 1 begins with
// its session: with zeros, or a number that is known. Clients are in use that announce the one and
// send the other, and some send both.
func (m *Media) isLater(over line, account, endpoint, body string) bool {
	for p := range m.all(account, false) {
		if p.stack.Knows(body) {
			return false
		}
	}
	p, ok := slp.Parse2(body)
	return ok && p.Op <= slp.OpSyn|slp.OpRak && (p.Op&slp.OpSyn != 0 || m.find(over, account, endpoint, true) != nil)
}

// find returns an endpoint of somebody in a session, nil when there is nothing of it yet.
func (m *Media) find(over line, account, endpoint string, later bool) *peer {
	t := m.pipes[over]
	if t == nil {
		return nil
	}
	for _, p := range t.peers {
		if p.later == later && p.account == account && (p.address == account || endpoint == "" || p.address == account+";"+endpoint) {
			return p
		}
	}
	return nil
}

// add begins with an endpoint of somebody in a session. It returns nil when there are too many.
func (m *Media) add(over line, account, endpoint string, later bool) *peer {
	t := m.pipes[over]
	if t == nil {
		t = new(traffic)
		lazy.Put(&m.pipes, over, t)
	}
	if !t.room(account) {
		return nil
	}
	p := &peer{account: account, address: account, own: m.conn.Account(), later: later}
	if endpoint != "" {
		p.address += ";" + endpoint
	}
	self, to := p.own, account
	head := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", slp.MediaType).With("P2P-Dest", p.address)
	if later {
		p.own = m.cfg.Address
		self, to = p.own, p.address
		head = head.With("P2P-Src", p.own)
	}
	p.head = []byte(string(head) + "\r\n")
	p.stack = p2p.New(p2p.Config{
		Self: self, Peer: to, Later: later,
		After: func(d time.Duration, f func()) *time.Timer {
			return m.conn.After(d, func() {
				f()
				over.Pump()
			})
		},
		Wake:     over.Pump,
		Siblings: func() []*p2p.Stack { return m.siblings(p) },
		Object:   m.object,
		Offered:  func(o *p2p.Offer) { m.offered(over, p, o) },
		Asked:    func(o slp.Offer) { m.asked(over, p, o) },
		Loose:    func(session uint32, message string) { m.loose(p, session, message) },
		Admit:    func(kind slp.Kind) bool { return m.admit(kind, account) },
	})
	t.peers = append(t.peers, p)
	return p
}

// all yields the endpoints of somebody in all sessions, with headers of one version.
func (m *Media) all(account string, later bool) iter.Seq[*peer] {
	return func(yield func(*peer) bool) {
		for _, t := range m.pipes {
			for _, p := range t.peers {
				if p.account == account && p.later == later && !yield(p) {
					return
				}
			}
		}
	}
}

// siblings returns what is under way with the same person in other sessions.
func (m *Media) siblings(p *peer) []*p2p.Stack {
	var others []*p2p.Stack
	for other := range m.all(p.account, p.later) {
		if other != p {
			others = append(others, other.stack)
		}
	}
	return others
}

// understands reports whether an endpoint has said anything in headers of version 2, in whichever session.
func (m *Media) understands(p *peer) bool {
	for other := range m.all(p.account, true) {
		if other.heard && other.address == p.address {
			return true
		}
	}
	return false
}

// room reports whether there is room for one more endpoint of somebody, in the place of an idle one perhaps.
func (t *traffic) room(account string) bool {
	full := func(of func(*peer) bool, most int) bool {
		n, idle := 0, -1
		for i, p := range t.peers {
			if !of(p) {
				continue
			}
			if n++; idle < 0 && !p.stack.Busy() {
				idle = i
			}
		}
		if n < most {
			return false
		}
		if idle >= 0 {
			t.peers = slices.Delete(t.peers, idle, idle+1)
		}
		return idle < 0
	}
	return !full(func(p *peer) bool { return p.account == account }, maxPlaces) && !full(func(*peer) bool { return true }, maxPeers)
}

// to returns the endpoint of a contact in a session that something is sent to.
func (m *Media) to(over line, account string) *peer {
	endpoint, later := "", false
	if m.cfg.Later && m.cfg.Speaks != nil {
		for _, at := range over.Endpoints(account) {
			if m.cfg.Speaks(account, at) && !m.deaf[account+";"+at] {
				endpoint, later = at, true
				break
			}
		}
	}
	if p := m.find(over, account, endpoint, later); p != nil {
		return p
	}
	return m.add(over, account, endpoint, later)
}

// noteDeaf notes that an endpoint does not understand headers of version 2.
func (m *Media) noteDeaf(p *peer) {
	if len(m.deaf) >= maxDeaf {
		clear(m.deaf)
	}
	lazy.Put(&m.deaf, p.address, true)
}
