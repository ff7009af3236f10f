package msntest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"matrix-msn/msn/slp"
	"matrix-msn/msn/wire"
)

// Messenger is what the program of a played account does beside texts: it has a display picture that it
// gives who asks for it, and sends, takes and declines files, as programs of the period do
// (protocol/05-p2p.md, 10-real-clients.md). It shares with the client under test how packets and messages are
// written, and none of what is said when.
type Messenger struct {
	// Later has it be Windows Live Messenger 2009: at an endpoint of MSNP18, with packets of version 2 for
	// those who announce them too. Else it is MSN Messenger 7.0, with those of version 1.
	Later bool
	// Picture is the display picture, or nil.
	Picture []byte
	// Offered is called for each file that somebody offers, by the account's goroutine, as the functions
	// of a Script are. Nil declines them all.
	Offered func(*OfferedFile)
	// Faults are what it does wrong.
	Faults Faults
}

// Faults are what a Messenger does that others do not expect, and programs in use do.
type Faults struct {
	Mute    bool // it answers nothing and acknowledges nothing
	NoAcks  bool // it acknowledges nothing
	NoBye   bool // it does not end what is complete, as libpurple
	Deaf    bool // it announces packets of version 2 and has those of version 1 only
	Regrets bool // it says no after it has said yes
	// Instead is what it gives in the place of its picture.
	Instead []byte
	// Total is what its packets of data say that all of it is long, in bytes; 0 for what is right.
	Total uint64
	// Swaps is the packet of data, from 0 on, that goes out behind the next one; 0 for none.
	Swaps int
	// Data says what is sent in the place of the nth packet of data, from 0 on, of a picture or file; nil is that
	// packet. What is not sent is not made up for.
	Data func(n int, packet string) []string
}

// Why something was not transferred.
var (
	// ErrRefused says that the other side does not want a file, or does not give an object.
	ErrRefused = errors.New("msntest: declined")
	// ErrCancelled says that the other side has ended a transfer, and ErrStopped that this side has.
	ErrCancelled = errors.New("msntest: ended by the other side")
	ErrStopped   = errors.New("msntest: stopped")
	// ErrNoMessenger says that the account is played without a Messenger.
	ErrNoMessenger = errors.New("msntest: the account is played without a Messenger")
)

// The extended capability of packets of version 2, and what a Messenger of 2009 announces: A for 2009,
// winks and voice clips, and none of messages in parts, which a script would have to join.
const (
	packets2  = 0x20
	laterCaps = "2684649548:48"
)

// messenger is a Messenger at work. Its lock is taken before that of the server.
type messenger struct {
	bot *Bot
	cfg Messenger

	mu      sync.Mutex
	objects map[slp.Hash][]byte
	lines   map[*Chat][]*line
}

func newMessenger(b *Bot, cfg Messenger) *messenger {
	m := &messenger{bot: b, cfg: cfg, objects: make(map[slp.Hash][]byte), lines: make(map[*Chat][]*line)}
	return m
}

// announce has the session of the account say what it can do.
func (m *messenger) announce(ss *session) {
	if m.cfg.Later {
		ss.dialect, ss.endpoint, ss.caps = maxDialect, "{"+normalize(newGUID())+"}", laterCaps
	}
	ss.object = m.show(m.cfg.Picture)
}

// show keeps a display picture, and returns how it is announced.
func (m *messenger) show(picture []byte) string {
	if len(picture) == 0 {
		return ""
	}
	return wire.Encode(m.keep(slp.ObjectPicture, picture).String())
}

// keep has others given data when they ask for it.
func (m *messenger) keep(kind slp.ObjectType, data []byte) slp.Object {
	o := slp.NewObject(m.bot.account.email, kind, data)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[o.Hash] = data
	return o
}

// SetPicture changes the display picture; no data takes it away. It does nothing without a Messenger.
func (b *Bot) SetPicture(data []byte) {
	if b.messenger == nil {
		return
	}
	object := b.messenger.show(data)
	b.srv.mu.Lock()
	defer b.srv.mu.Unlock()
	b.srv.change(b.account, func() { b.session.object = object })
}

// SayWithEmoticons sends a text in which shortcuts stand for pictures.
func (c *Chat) SayWithEmoticons(text string, pictures map[string][]byte) error {
	m := c.bot.messenger
	if m == nil {
		return ErrNoMessenger
	}
	var emoticons []slp.Emoticon
	for _, shortcut := range slices.Sorted(maps.Keys(pictures)) {
		emoticons = append(emoticons, slp.Emoticon{Shortcut: shortcut, Object: m.keep(slp.ObjectEmoticon, pictures[shortcut])})
	}
	err := c.Send(wire.Message{
		Header: wire.Header("").With("MIME-Version", "1.0").With("Content-Type", slp.Emoticons),
		Body:   slp.EmoticonsBody(emoticons),
	})
	if err != nil {
		return err
	}
	return c.Say(text)
}

// Fetch asks somebody in the conversation for an object, such as the one in NLN.
func (c *Chat) Fetch(ctx context.Context, from string, o slp.Object) ([]byte, error) {
	t, err := c.begin(from, func(l *line) *transfer {
		return l.invite(&transfer{total: o.Size, hash: o.Hash, app: slp.AppObject}, slp.Offer{App: slp.AppObject, Kind: slp.ForObject, Context: o.Context()})
	})
	if err != nil {
		return nil, err
	}
	return t.wait(ctx)
}

// GiveFile offers a file to somebody in the conversation, sends it when they want it, and returns when
// they have it. It takes the file back when ctx ends.
func (c *Chat) GiveFile(ctx context.Context, to, name string, data []byte) error {
	info := slp.FileInfo{Name: name, Size: uint64(len(data))}
	t, err := c.begin(to, func(l *line) *transfer {
		return l.invite(&transfer{file: true, sends: true, data: data, total: info.Size, app: slp.AppFile},
			slp.Offer{App: slp.AppFile, Kind: slp.File, Context: info.Context()})
	})
	if err != nil {
		return err
	}
	_, err = t.wait(ctx)
	return err
}

// begin has something begun with somebody who is in the conversation.
func (c *Chat) begin(with string, start func(*line) *transfer) (*transfer, error) {
	m := c.bot.messenger
	if m == nil {
		return nil, ErrNoMessenger
	}
	m.mu.Lock()
	l := m.lineTo(c, normalize(with), "")
	var t *transfer
	if l != nil {
		t = start(l)
	}
	m.mu.Unlock()
	if t == nil {
		return nil, ErrNobodyThere
	}
	l.flush()
	return t, nil
}

// OfferedFile is a file that somebody offers a Messenger.
type OfferedFile struct {
	From string
	Name string // under the sender's control
	Size uint64 // in bytes

	transfer *transfer
}

// Accept has the file sent; Wait returns it.
func (o *OfferedFile) Accept() { o.do(o.transfer.accept) }

// Decline says no.
func (o *OfferedFile) Decline() { o.do(o.transfer.decline) }

// Cancel ends the transfer, accepted or not.
func (o *OfferedFile) Cancel() { o.do(o.transfer.stop) }

func (o *OfferedFile) do(f func()) {
	l := o.transfer.line
	l.messenger.mu.Lock()
	f()
	l.messenger.mu.Unlock()
	l.flush()
}

// Wait returns the file when it has come.
func (o *OfferedFile) Wait(ctx context.Context) ([]byte, error) { return o.transfer.wait(ctx) }

// lineTo returns the line to somebody in a conversation, at an endpoint, or with "" at the one that can do
// most. It is nil when they are not there.
func (m *messenger) lineTo(c *Chat, account, endpoint string) *line {
	at, later := m.bot.srv.placeOf(c, account, endpoint)
	if at == "" {
		return nil
	}
	later = later && m.cfg.Later && !m.cfg.Faults.Deaf
	for _, l := range m.lines[c] {
		if l.account == account && l.later == later && (!later || l.address == at) {
			return l
		}
	}
	l := &line{messenger: m, chat: c, account: account, address: account, own: m.bot.account.email, later: later}
	l.framing = newFraming1()
	if later {
		l.address, l.own = at, m.bot.session.at()
		l.framing = newFraming2()
	}
	m.lines[c] = append(m.lines[c], l)
	return l
}

// placeOf returns the address of somebody in a conversation, and whether they announce packets of version
// 2 there.
func (s *Server) placeOf(c *Chat, account, endpoint string) (address string, later bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range c.party.sb.parties {
		if p.account.email != account || endpoint != "" && p.session.endpoint != endpoint {
			continue
		}
		_, extended, _ := strings.Cut(p.session.caps, ":")
		n, _ := strconv.ParseUint(extended, 10, 32)
		if p.session.endpoint != "" && n&packets2 != 0 {
			return p.session.at(), true
		}
		address = account
	}
	return address, false
}

// packet takes a packet. The account's goroutine calls it.
func (m *messenger) packet(c *Chat, from string, message wire.Message) {
	account, endpoint, _ := strings.Cut(message.Header.Get("P2P-Dest"), ";")
	if m.cfg.Faults.Mute || normalize(account) != m.bot.account.email || endpoint != "" && normalize(endpoint) != m.bot.session.endpoint {
		return
	}
	_, place, _ := strings.Cut(message.Header.Get("P2P-Src"), ";")
	m.mu.Lock()
	l := m.lineTo(c, from, normalize(place))
	if l == nil {
		m.mu.Unlock()
		return
	}
	l.receive(message.Body)
	calls := l.calls
	l.calls = nil
	m.mu.Unlock()
	l.flush()
	for _, call := range calls {
		call()
	}
}

// left ends what is under way with somebody who has left, or with all when the account has.
func (m *messenger) left(c *Chat, account string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lines[c] {
		if account != "" && l.account != account {
			continue
		}
		for _, t := range slices.Clone(l.transfers) {
			t.end(ErrNobodyThere)
		}
	}
	m.lines[c] = slices.DeleteFunc(m.lines[c], func(l *line) bool { return account == "" || l.account == account })
	if len(m.lines[c]) == 0 {
		delete(m.lines, c)
	}
}
