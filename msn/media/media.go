// Package media is what the user and their contacts ask each other for and send beside texts:
// pictures, emoticons, files and voice. It carries sessions of package p2p over switchboards.
package media

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Limits of what others can make an account do.
const (
	// requestBurst and requestEvery bound how many requests of one contact are dealt with, those for
	// pictures and the others each by themselves: official clients ask for a picture and five emoticons
	// at once.
	requestBurst = 32
	requestEvery = 2 * time.Second
	// offerBurst and offerEvery bound how many files of one contact are told of.
	offerBurst = 10
	offerEvery = 10 * time.Second
	// maxPeers and maxPlaces are with how many endpoints something is under way in one session, of all people and of
	// one: what an endpoint is called is the word of whom it belongs to. One with nothing under way gives way.
	maxPeers  = 32
	maxPlaces = 8
	// MaxObject is how long an object of the user's may be, in bytes.
	MaxObject = 1 << 20
	// maxDeaf is how many endpoints are remembered that do not understand what they announce.
	maxDeaf = 256
	// maxOwn is how many objects of the user's are kept: those offered last, and the display picture.
	maxOwn = 64
)

// deafTime is how long an endpoint that announces headers of version 2 may say nothing in them before it
// is asked again in those of version 1: Messengers acknowledge their first packet at once.
const deafTime = 15 * time.Second

// Config is what Media needs to know.
type Config struct {
	// Later is set where headers of version 2 are announced.
	Later bool
	// Address is how the user is called in switchboards: with the endpoint from MSNP16 on.
	Address string
	// Speaks reports whether an endpoint of a contact, "" for any, understands headers of version 2.
	Speaks func(account, endpoint string) bool
	// Dial opens a connection to where a contact's Messenger listens, and checks the address. Nil has files of
	// old clients declined.
	Dial func(ctx context.Context, at netip.AddrPort) (net.Conn, error)
	// Picture is the display picture of the user's, nil for none.
	Picture []byte
	// Blocked reports whether the user blocks somebody. Nothing is told of them, nor given to them.
	Blocked func(account string) bool
}

// Media is what an account has under way. It belongs to the owner of the connection, and so do the
// methods, unless they say otherwise.
type Media struct {
	conn  *ns.Conn
	talks talks
	cfg   Config

	pipes              map[line]*traffic
	pictures, requests *limit.Limiter
	offers             *limit.Limiter
	own                []owned                // of the user, the latest last
	deaf               map[string]bool        // addresses that announce headers of version 2, and do not understand them
	old                map[*oldOffer]struct{} // of old clients, that are not over
	buffer             []byte
}

// owned is an object of the user's that contacts can ask for.
type owned struct {
	object slp.Object
	data   []byte
}

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

// New returns the media of an account, and carries them over its conversations.
func New(conn *ns.Conn, chats *chat.Chats, cfg Config) *Media {
	m := newMedia(conn, conversations{chats}, cfg)
	chats.CarryPackets(packets{m})
	if cfg.Dial != nil {
		chats.TakeFiles(m.invited)
		conn.OnEnd(func(error) { m.severOld("", conn.Ended()) })
	}
	return m
}

func newMedia(conn *ns.Conn, talks talks, cfg Config) *Media {
	m := &Media{
		conn: conn, talks: talks, cfg: cfg, pipes: make(map[line]*traffic), deaf: make(map[string]bool),
		old:      make(map[*oldOffer]struct{}),
		pictures: limit.New(requestBurst, requestEvery), requests: limit.New(requestBurst, requestEvery), offers: limit.New(offerBurst, offerEvery),
	}
	if len(cfg.Picture) > 0 {
		m.keep(slp.NewObject(conn.Account(), slp.ObjectPicture, cfg.Picture), cfg.Picture)
	}
	return m
}

// receive is that of chat.Packets.
func (m *Media) receive(d chat.Data, from line) (full <-chan struct{}, ok bool) {
	if m.blocked(d.From) {
		return nil, true
	}
	endpoint := ""
	if account, at, ok := clean.Endpoint(d.Message.Header.Get("P2P-Src")); ok && account == d.From {
		endpoint = at
	}
	later := m.cfg.Later && m.isLater(from, d.From, endpoint, d.Message.Body)
	p := m.find(from, d.From, endpoint, later)
	if p == nil {
		if p = m.add(from, d.From, endpoint, later); p == nil {
			return nil, true
		}
	}
	p.last, p.heard = &d, true
	full, ok = p.stack.Receive(d.Message.Body)
	p.last = nil
	return full, ok
}

// blocked reports whether the user blocks somebody.
func (m *Media) blocked(account string) bool { return m.cfg.Blocked != nil && m.cfg.Blocked(account) }

// isLater reports whether a packet of somebody has a header of version 2. One of version 1 begins with
// its session: with zeros, or a number that is known. Clients are in use that announce the one and
// send the other, and some send both.
func (m *Media) isLater(over line, account, endpoint, body string) bool {
	if old := m.find(over, account, endpoint, false); old != nil && old.stack.Knows(body) {
		return false
	}
	p, ok := slp.Parse2(body)
	return ok && p.Op <= slp.OpSyn|slp.OpRak && (p.Op&slp.OpSyn != 0 || m.find(over, account, endpoint, true) != nil)
}

// next is that of chat.Packets.
func (m *Media) next(over line) (payload string, ok bool) {
	t := m.pipes[over]
	if t == nil {
		return "", false
	}
	for range t.peers {
		p := t.peers[0]
		t.peers = append(t.peers[1:], p) // they take turns
		m.buffer = append(m.buffer[:0], p.head...)
		if m.buffer, ok = p.stack.Next(m.buffer); ok {
			return string(m.buffer), true
		}
	}
	return "", false
}

// busy is that of chat.Packets.
func (m *Media) busy(over line) bool {
	t := m.pipes[over]
	if t == nil {
		return false
	}
	for _, p := range t.peers {
		if p.stack.Busy() {
			return true
		}
	}
	return false
}

// left is that of chat.Packets.
func (m *Media) left(over line, account, endpoint string) {
	t := m.pipes[over]
	if t == nil {
		return
	}
	var left []*peer
	stay := t.peers[:0:0]
	for _, p := range t.peers {
		if p.account == account && (endpoint == "" || p.address == account+";"+endpoint) {
			left = append(left, p)
		} else {
			stay = append(stay, p)
		}
	}
	t.peers = stay
	for _, p := range left {
		p.stack.Left(ErrGone)
	}
}

// ended is that of chat.Packets.
func (m *Media) ended(over line, err error) {
	t := m.pipes[over]
	delete(m.pipes, over)
	if t == nil {
		return
	}
	for _, p := range t.peers {
		p.stack.End(errors.Join(ErrGone, err))
	}
}

// Sever ends all that is under way with somebody whom the user blocks from now on, with ErrBlocks, and tells their
// Messenger that it is over. The owner calls it.
func (m *Media) Sever(account string) {
	for over, t := range m.pipes {
		for _, p := range t.peers {
			if p.account == account {
				p.stack.Stop(ErrBlocks)
			}
		}
		over.Pump()
	}
	m.severOld(account, ErrBlocks)
}

// ErrBlocks says that the user blocks the contact, so that nothing of them would be heard.
var ErrBlocks = errors.New("msn: the contact is blocked by the user")

// ErrGone says that the other side left while something was under way, or could not be reached any
// more.
var ErrGone = errors.New("msn: the other side has gone")

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
		m.pipes[over] = t
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
		Object:  m.object,
		Offered: func(o *p2p.Offer) { m.offered(over, p, o) },
		Asked:   func(o slp.Offer) { m.asked(over, p, o) },
		Loose:   func(session uint32, message string) { m.loose(p, session, message) },
		Admit:   func(kind slp.Kind) bool { return m.admit(kind, account) },
	})
	t.peers = append(t.peers, p)
	return p
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
	m.deaf[p.address] = true
}

// admit reports whether one more request of somebody is dealt with.
func (m *Media) admit(kind slp.Kind, account string) bool {
	if kind == slp.ForObject {
		return m.pictures.Allow(account, time.Now())
	}
	return m.requests.Allow(account, time.Now())
}

// loose takes what belongs to no session: handwriting.
func (m *Media) loose(p *peer, session uint32, message string) {
	if session == chat.InkSession && p.last != nil {
		m.talks.PackedInk(*p.last, message)
	}
}

// object gives a contact what they ask for: what the user has offered, by its hash.
func (m *Media) object(o slp.Object) (data []byte, ok bool) {
	for i := len(m.own) - 1; i >= 0; i-- {
		own := m.own[i]
		if own.object.Hash == o.Hash && own.object.Type == o.Type {
			return own.data, true
		}
	}
	if i := m.picture(); i >= 0 && o.Type == slp.ObjectPicture { // somebody asks for an earlier one
		return m.own[i].data, true
	}
	return nil, false
}

// Own has contacts given data when they ask for it, and returns the object that describes it. It may
// be called from any goroutine.
func (m *Media) Own(kind slp.ObjectType, data []byte) slp.Object {
	o := slp.NewObject(m.conn.Account(), kind, data)
	m.conn.Do(func() { m.keep(o, data) })
	return o
}

// NoPicture has contacts given no display picture any more. It may be called from any goroutine.
func (m *Media) NoPicture() {
	m.conn.Do(func() {
		m.own = slices.DeleteFunc(m.own, func(own owned) bool { return own.object.Type == slp.ObjectPicture })
	})
}

// keep notes an object of the user's, in the place of the same one.
func (m *Media) keep(o slp.Object, data []byte) {
	m.own = slices.DeleteFunc(m.own, func(own owned) bool { return own.object.Hash == o.Hash && own.object.Type == o.Type })
	if len(m.own) >= maxOwn {
		oldest := 0
		if m.picture() == 0 {
			oldest = 1
		}
		m.own = slices.Delete(m.own, oldest, oldest+1)
	}
	m.own = append(m.own, owned{o, data})
}

// picture returns which object is the display picture, -1 for none.
func (m *Media) picture() int {
	for i := len(m.own) - 1; i >= 0; i-- {
		if m.own[i].object.Type == slp.ObjectPicture {
			return i
		}
	}
	return -1
}

// others are the offers that nobody takes.
var others = map[slp.Kind]chat.Offer{
	slp.Webcam: chat.OfferWebcam, slp.WantWebcam: chat.OfferWantWebcam, slp.VideoCall: chat.OfferVideo,
	slp.Activity: chat.OfferGame, slp.Photos: chat.OfferPhotos,
}

// asked tells of what was declined.
func (m *Media) asked(over line, p *peer, o slp.Offer) {
	what := others[o.Kind]
	if what == "" {
		what = chat.OfferOther
	}
	m.conn.Emit(chat.InvitationReceived{Origin: m.origin(over, p), Offer: what, Declined: true, Name: o.Name})
}

// origin says where something came from.
func (m *Media) origin(over line, p *peer) chat.Origin {
	if p.last != nil {
		d := *p.last
		return chat.Origin{Conversation: over.Conversation(), From: d.From, FromName: d.Name, Session: d.Session, Seq: d.Seq, Others: d.Others, At: time.Now()}
	}
	session, seq := m.talks.NextRelayed()
	return chat.Origin{Conversation: over.Conversation(), From: p.account, Session: session, Seq: seq, Others: over.Others(p.account), At: time.Now()}
}

// FileOffered says that somebody offers a file.
type FileOffered struct {
	chat.Origin
	// Name is one line under the sender's control, without a path; it may be "".
	Name  string
	Bytes uint64
	// Preview is a picture of it that was not looked at, or "".
	Preview string
	Offer   *FileOffer
}

// Size implements Event.
func (e FileOffered) Size() int { return e.Origin.Size() + event.Size(e.Name, e.Preview) }

// offered tells of a file.
func (m *Media) offered(over line, p *peer, o *p2p.Offer) {
	if !m.offers.Allow(p.account, time.Now()) {
		o.Decline()
		return
	}
	offer := &FileOffer{media: m, over: over, offer: o, ended: make(chan struct{})}
	o.OnEnd(offer.end)
	m.conn.Emit(FileOffered{Origin: m.origin(over, p), Name: strings.Clone(o.Name), Bytes: o.Size, Preview: string(o.Preview), Offer: offer})
}
