// Package chat is conversations with people: over switchboards, and over other carriers
// that need none.
package chat

import (
	"context"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"matrix-msn/internal/lazy"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// ID says whom a conversation is with. One of the fields is set.
type ID struct {
	Contact string // account in lower case
	Group   string // of several people; see [Chats.Group]
	Circle  string // address of a circle
}

// People is what conversations ask of the contact list. The owner asks.
type People interface {
	// Find returns a contact.
	Find(account string) (contact roster.Contact, ok bool)
	// EndpointCount returns how many endpoints the user has, or a contact who is known to
	// have more than one, else 0.
	EndpointCount(account string) int
}

// Config is what conversations need to know.
type Config struct {
	// Open opens a connection to a switchboard at an address that Check gave.
	Open func(ctx context.Context, address string) (net.Conn, error)
	// Check returns an address that the server named in the form that is dialled, or an
	// error that wraps errs.ErrUntrusted.
	Check func(address string) (string, error)
	// Address is how the user is called in switchboards: with the endpoint from MSNP16 on.
	Address string
	// Groups are group chats that are known from the beginning: the members of each by its ID.
	Groups map[string][]string

	Request   time.Duration // one answer of a switchboard
	Answer    time.Duration // from CAL to the contact's JOI
	Ack       time.Duration // the acknowledgement of one message
	IdleClose time.Duration // a switchboard without traffic is left after this
}

// Chats are all conversations of an account. They belong to the owner of the connection,
// and so do the methods, unless they say otherwise.
type Chats struct {
	conn   *ns.Conn
	cfg    Config
	people People

	conversations map[ID]*Conversation
	sessions      map[*session]struct{}
	opened        int          // sessions so far
	open          atomic.Int64 // len(sessions), for other goroutines
	finishing     bool         // no text is begun any more
	rings, typing *limit.Limiter
	invites       *limit.Limiter
	files         func(*FileInvitation) bool
	invited       map[string]*FileInvitation // that are taken, by sender and cookie
	ringing       map[string]wire.Command    // by caller, the RNG that waits for its turn

	packets  Packets // nil for none
	boards   carrier
	carriers []direct // of what goes another way

	relaySession string // names in events what came without a switchboard
	relayed      int    // so much so far
}

// New returns the conversations of an account and registers what is theirs.
func New(conn *ns.Conn, people People, cfg Config) *Chats {
	c := &Chats{
		conn: conn, cfg: cfg, people: people,
		rings:        limit.New(RingBurst, RingEvery),
		typing:       limit.New(TypingBurst, typingEvery),
		invites:      limit.New(inviteBurst, inviteEvery),
		relaySession: "NS." + strconv.FormatInt(time.Now().UnixNano(), 36),
	}
	for id, members := range cfg.Groups {
		c.group(id, members)
	}
	c.boards = switchboards{c}
	conn.Handle(ns.Verb{Name: "RNG", Do: c.ring})
	conn.OnEnd(c.end)
	return c
}

// Open returns how many switchboards are open or being opened. Any goroutine may call it.
func (c *Chats) Open() int { return int(c.open.Load()) }

// Carry has a carrier bring the texts that it carries.
func (c *Chats) Carry(k Carrier) { c.carriers = append(c.carriers, direct{c, k}) }

// carrierOf returns what carries the texts of a conversation.
func (c *Chats) carrierOf(id ID) carrier {
	for _, k := range c.carriers {
		if k.Carries(id) {
			return k
		}
	}
	return c.boards
}

// Conversation returns a conversation. It costs nothing until something is sent.
func (c *Chats) Conversation(id ID) *Conversation {
	cv := c.conversations[id]
	if cv == nil {
		cv = &Conversation{chats: c, id: id}
		c.remember(cv)
	}
	return cv
}

// Get is Conversation for other goroutines than the owner. After the end of the connection
// it returns one in which nothing can be said.
func (c *Chats) Get(id ID) (cv *Conversation) {
	if id == (ID{}) || !c.conn.Do(func() { cv = c.Conversation(id) }) {
		return &Conversation{chats: c, id: id}
	}
	return cv
}

// remember keeps a conversation. When there are many, those are forgotten in which nothing
// is going on; whoever holds one can go on using it, see live.
func (c *Chats) remember(cv *Conversation) {
	if c.conversations[cv.id] == nil && len(c.conversations) >= MaxConversations {
		maps.DeleteFunc(c.conversations, func(_ ID, cv *Conversation) bool {
			return cv.id.Group == "" && cv.quiet()
		})
	}
	lazy.Put(&c.conversations, cv.id, cv)
}

// Flush sends what waits in a conversation, or settles it, after its carrier was not
// ready.
func (c *Chats) Flush(id ID) {
	if cv := c.conversations[id]; cv != nil {
		cv.flush()
	}
}

// NextRelayed identifies the next message that comes without a switchboard; see
// [TextReceived].
func (c *Chats) NextRelayed() (session string, seq int) {
	c.relayed++
	return c.relaySession, c.relayed
}

// AllowTyping reports whether one more typing note of a sender is passed on.
func (c *Chats) AllowTyping(sender string) bool { return c.typing.Allow(sender, time.Now()) }

// end ends all conversations with the connection.
func (c *Chats) end(error) {
	for s := range c.sessions {
		s.drop()
	}
	for _, cv := range c.conversations {
		cv.failAll(c.conn.Ended())
	}
}

// Finish begins no text any more: those of which nothing was sent fail with errs.ErrFinishing, and so do those that come. What is on the
// wire goes on.
func (c *Chats) Finish() {
	c.finishing = true
	for _, cv := range c.conversations {
		for _, d := range slices.Clone(cv.outbox) {
			if !d.begun() {
				d.settle(errs.ErrFinishing)
			}
		}
	}
}

// Len returns how many conversations are remembered.
func (c *Chats) Len() int { return len(c.conversations) }

// Sessions calls f for each switchboard session that has a connection. leave leaves it.
func (c *Chats) Sessions(f func(link *transport.Transport, leave func())) {
	for s := range c.sessions {
		if s.link != nil {
			f(s.link, s.leave)
		}
	}
}

// Call opens a switchboard session for a conversation, as a text would.
func (c *Chats) Call(cv *Conversation) { c.call(cv) }
