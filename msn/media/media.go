// Package media is what the user and their contacts ask each other for and send beside texts:
// pictures, emoticons, files and voice. It carries sessions of package p2p over switchboards.
package media

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/p2p"
	"matrix-msn/msn/slp"
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
		conn: conn, talks: talks, cfg: cfg,
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

// Finish ends with errs.ErrFinishing what the user offers and the other side has not taken yet, of which nothing has gone out, and what
// is asked for and does not come yet. What is on its way goes on. It is meant for after chat.Chats.Finish, with which nothing new is
// begun. The owner calls it.
func (m *Media) Finish() {
	for over, t := range m.pipes {
		for _, p := range t.peers {
			p.stack.Finish(errs.ErrFinishing)
		}
		over.Pump()
	}
}

// ErrBlocks says that the user blocks the contact, so that nothing of them would be heard.
var ErrBlocks = errors.New("msn: the contact is blocked by the user")

// ErrGone says that the other side left while something was under way, or could not be reached any
// more.
var ErrGone = errors.New("msn: the other side has gone")

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
	offer := &FileOffer{media: m, offer: o, ended: make(chan struct{})}
	o.OnEnd(offer.end)
	m.conn.Emit(FileOffered{Origin: m.origin(over, p), Name: strings.Clone(o.Name), Bytes: o.Size, Preview: string(o.Preview), Offer: offer})
}
