package msn

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"matrix-msn/msn/wire"
)

// Client is one account that is signed in. Its methods may be called from any
// goroutine.
//
// One goroutine, the owner, holds all state; the others only carry bytes, time
// and calls to it. See run.
type Client struct {
	cfg      Config
	timeouts Timeouts
	policy   *policy
	log      *slog.Logger

	// Set while signing in and constant after that.
	account string
	self    string // account in lower case
	dialect wire.Dialect

	webOnce sync.Once
	web     *http.Transport // to web services, made by caller
	tickets *tickets        // nil where the sign-in needed none of its own
	offline offline

	ctx    context.Context // ends with the Client
	cancel context.CancelFunc
	group  sync.WaitGroup // all goroutines but the owner

	inbound chan inbound  // from all transports
	calls   chan func()   // for the owner to do
	events  chan Event    // to the user
	done    chan struct{} // closed when the Client has ended; err is set then
	gone    chan struct{} // closed when the owner has ended
	err     error

	// What follows belongs to the owner, and to Login before there is one.
	ns            *transport
	book          *book
	roster        roster
	status        Status
	pending       map[uint32]*request
	backlog       backlog
	stalled       bool
	pulse         pulse
	closing       bool         // Close was called: events that nobody reads are dropped in the end
	lastError     *ServerError // an error that answers nothing, and when it came
	lastErrorAt   time.Time
	opened        int      // sessions so far
	version       *Version // the latest answer to CVR
	outdated      bool     // the log says that the server wants a newer client
	profile       profile
	mail          mailbox
	pages         sentPages // that a bounce can still name
	alerts        alerts
	conversations map[string]*Conversation
	sessions      map[*session]struct{}
	byTransport   map[*transport]*session
	parting       map[*session]struct{} // left, and still read
	concluded     bool                  // Disconnected was emitted
	rings, typing *limiter
	relaySession  string // names in events what came without a switchboard
	relayed       int    // so much so far
	freshTicket   string // that of the circles in the address book, "" for none
	circleTicket  string // the one that the server took
	// refusedTickets is how many it has refused since.
	refusedTickets int
	// circleRetries is how often circles were tried again, and retryingCircles whether
	// they are about to be.
	circleRetries   int
	retryingCircles bool
}

// Login signs in: it dials, follows redirects, negotiates the dialect, proves
// the password, loads the contact lists and sets the initial status. It returns
// when the account is ready to use. ctx bounds the signing in only.
//
// The error wraps ErrBadCredentials, ErrAccountLocked or ErrBusy when the service
// said so (with a *ServerError or *passport.RefusedError), ErrNoDialect (an
// *UpgradeError when the server says what client it wants), ErrUntrusted, ErrRefused when it closed the connection instead of answering,
// ErrTimeout, ErrConfig, *OutError, wire.ErrProtocol, or what the network said.
func Login(ctx context.Context, cfg Config) (*Client, error) {
	c, address, err := newClient(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeouts.Login, ErrTimeout)
	defer cancel()
	if err := c.signIn(ctx, address); err != nil {
		c.abandon()
		return nil, fmt.Errorf("msn: sign in: %w", err)
	}
	c.log.Info("signed in", "account", c.account, "dialect", c.dialect.String(), "contacts", len(c.book.contacts))
	c.enterCircles(c.freshTicket)
	if r, ok := c.roster.(*soapRoster); ok {
		r.followCircles()
	}
	go c.run()
	return c, nil
}

// abandon ends what a failed Login has started.
func (c *Client) abandon() {
	for s := range c.sessions {
		s.drop()
	}
	c.cancel()
	close(c.gone) // there will be no owner
	c.group.Wait()
	c.closeWeb()
}

// newClient checks cfg and makes a Client that is not connected yet, and the
// address to begin with.
func newClient(ctx context.Context, cfg Config) (*Client, string, error) {
	if err := cfg.prepare(); err != nil {
		return nil, "", err
	}
	policy, address, err := newPolicy(&cfg)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c := &Client{
		cfg:           cfg,
		timeouts:      cfg.Timeouts.withDefaults(),
		policy:        policy,
		log:           cfg.Logger,
		account:       cfg.Account,
		self:          strings.ToLower(cfg.Account),
		inbound:       make(chan inbound),
		calls:         make(chan func()),
		events:        make(chan Event),
		done:          make(chan struct{}),
		gone:          make(chan struct{}),
		book:          newBook(),
		status:        Offline,
		pending:       make(map[uint32]*request),
		conversations: make(map[string]*Conversation),
		sessions:      make(map[*session]struct{}),
		byTransport:   make(map[*transport]*session),
		parting:       make(map[*session]struct{}),
		rings:         newLimiter(ringBurst, ringEvery),
		typing:        newLimiter(typingBurst, typingEvery),
		alerts:        newAlerts(),
		relaySession:  "NS." + strconv.FormatInt(time.Now().UnixNano(), 36),
	}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return c, address, nil
}

// Account returns the account as the server spells it.
func (c *Client) Account() string { return c.account }

// Dialect returns what was negotiated.
func (c *Client) Dialect() wire.Dialect { return c.dialect }

// DisplayName returns the user's own display name, or the account while the
// server has not told one.
func (c *Client) DisplayName() (name string) {
	c.query(func() { name = c.book.ownName })
	if name == "" {
		return c.account
	}
	return name
}

// Events returns the channel of what happens. It must be read: when MaxBacklog
// events wait, the Client stops reading from the server. It is closed after
// Disconnected.
func (c *Client) Events() <-chan Event { return c.events }

// Contacts returns everybody who is on a list, by account.
func (c *Client) Contacts() (contacts []Contact) {
	c.query(func() { contacts = c.book.listed() })
	return contacts
}

// Contact returns one contact, who need not be on a list. Letter case does not
// matter.
func (c *Client) Contact(account string) (contact Contact, ok bool) {
	c.query(func() {
		if found := c.book.find(account); found != nil {
			contact, ok = *found, true
		}
	})
	return contact, ok
}

// Groups returns the groups of the contact list.
func (c *Client) Groups() (groups []Group) {
	c.query(func() { groups = slices.Clone(c.book.groups) })
	return groups
}

// Status returns the user's own status.
func (c *Client) Status() (status Status) {
	c.query(func() { status = c.status })
	return status
}

// SetStatus changes the user's own status (CHG) and returns when the server has
// confirmed it.
func (c *Client) SetStatus(ctx context.Context, status Status) error {
	if !status.settable() {
		return fmt.Errorf("msn: %q is no status to set", status)
	}
	return c.await(ctx, func(result func(error)) {
		c.request("CHG", c.statusArgs(status), func(cmd wire.Command, err error) {
			if err == nil {
				c.status = status
			}
			result(err)
		})
	})
}

// Conversation returns the conversation with one contact. It costs nothing until
// something is sent. Among very many contacts those that nothing is said to are
// forgotten: another Conversation may be returned later then, and both can be
// used alike.
func (c *Client) Conversation(account string) (conversation *Conversation) {
	peer, ok := parseAccount(account)
	if !ok {
		return &Conversation{client: c}
	}
	if !c.ask(func() { conversation = c.conversation(peer) }) {
		return &Conversation{client: c, peer: peer}
	}
	return conversation
}

// Close signs out (OUT) and waits until all that the Client started has ended.
// Events that wait to be read are still delivered while somebody reads them;
// when nobody does for 2 seconds, they are dropped. Close may be called more
// than once and always returns nil.
func (c *Client) Close() error {
	c.post(func() {
		c.closing = true
		c.end(ErrClosed)
	})
	<-c.gone
	c.group.Wait()
	c.closeWeb()
	return nil
}

// Done is closed when the Client has ended; Err says why then. Events may still
// wait to be read.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns nil while signed in, then the error of Disconnected.
func (c *Client) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// post has the owner do f. It reports false when there is no owner any more. The
// owner itself must not call it.
func (c *Client) post(f func()) bool {
	select {
	case c.calls <- f:
		return true
	case <-c.gone:
		return false
	}
}

// ask is post that returns when f is done.
func (c *Client) ask(f func()) bool {
	finished := make(chan struct{})
	if !c.post(func() { f(); close(finished) }) {
		return false
	}
	<-finished
	return true
}

// query has f read the owner's state, which nobody changes after the owner.
func (c *Client) query(f func()) {
	if !c.ask(f) {
		f()
	}
}

// await has the owner start something and waits for its result or for ctx.
func (c *Client) await(ctx context.Context, start func(result func(error))) error {
	result := make(chan error, 1)
	if !c.post(func() { start(func(err error) { result <- err }) }) {
		return c.ended()
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended is the error of calls that come when the Client has ended.
func (c *Client) ended() error {
	if c.err == ErrClosed {
		return ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrNotConnected, c.err)
}

// after has the owner do f after d, unless the timer is stopped. A timer that
// is stopped too late still runs f: f checks whether it is wanted.
func (c *Client) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { c.post(f) })
}
