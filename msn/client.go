package msn

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/circle"
	"matrix-msn/msn/internal/contactlist"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/networks"
	"matrix-msn/msn/internal/notice"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/offline"
	"matrix-msn/msn/internal/paging"
	"matrix-msn/msn/internal/proxy"
	"matrix-msn/msn/internal/self"
	"matrix-msn/msn/internal/storage"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/media"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/slp"
	"matrix-msn/msn/trust"
	"matrix-msn/msn/wire"
)

// Client is one account that is signed in. Its methods may be called from any goroutine.
//
// The state belongs to one goroutine, that of the notification connection. The parts are
// registered there; the Client only holds them and hands on to them.
type Client struct {
	cfg     Config
	policy  *trust.Policy
	network network
	conn    *ns.Conn
	parts

	// What follows belongs to the connection's owner.
	versions versions
	profile  profile
}

// network is how the Client reaches others than the notification server. It outlives
// redirects.
type network struct {
	web    *web.Services
	dialer *transport.Dialer
}

// parts are what is registered on the connection once the server has let the user in.
type parts struct {
	book     *roster.Book
	lists    *contactlist.List
	self     *self.Self
	chats    *chat.Chats
	media    *media.Media
	networks *networks.Networks
	circles  *circle.Circles
	notices  *notice.Notices
	pages    *paging.Pages
	offline  *offline.Messages
	storage  *storage.Storage
}

// Login signs in: it dials, follows redirects, negotiates the dialect, proves
// the password, loads the contact lists and sets the initial status. It returns
// when the account is ready to use. ctx bounds the signing in only.
//
// The error wraps ErrBadCredentials, ErrTicket, ErrAccountLocked or ErrBusy when the
// service said so (with a *ServerError or *passport.RefusedError), ErrNoDialect (an
// *UpgradeError when the server says what client it wants), ErrUntrusted, ErrRefused when
// it closed the connection instead of answering, ErrTimeout, ErrConfig, *OutError,
// wire.ErrProtocol, or what the network said.
func Login(ctx context.Context, cfg Config) (*Client, error) {
	c, err := login(ctx, cfg)
	if c == nil || err == nil {
		return c, err
	}
	if older, ok := c.cfg.withoutWeb(err); ok {
		c.cfg.Logger.Warn("The web services cannot be used; signing in with an older dialect that needs none", "account", c.cfg.Account, "error", err)
		c, again := login(ctx, older)
		switch {
		case again == nil:
			return c, nil
		case refuses(again): // this is what keeps the user out; the other error would have it tried for ever
			return nil, again
		}
	}
	return nil, err
}

// login signs in once. With an error it returns a Client that is closed, or none when cfg is wrong.
func login(ctx context.Context, cfg Config) (*Client, error) {
	c, address, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeouts.Login, ErrTimeout)
	defer cancel()
	if err := c.signIn(ctx, address); err != nil {
		c.network.close()
		return c, fmt.Errorf("msn: sign in: %w", err)
	}
	if log := c.cfg.Logger; log.Enabled(ctx, slog.LevelDebug) { // else the list would be read for nothing
		log.Debug("signed in", "account", c.conn.Account(), "dialect", c.conn.Dialect().String(), "contacts", len(c.Contacts()))
	}
	return c, nil
}

// newClient checks cfg and makes a Client that is not connected yet, and the address to
// begin with.
func newClient(cfg Config) (*Client, string, error) {
	if err := cfg.prepare(); err != nil {
		return nil, "", err
	}
	policy, address, err := trust.New(cfg.trusted(), cfg.Trust)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var pool *web.Pool
	if cfg.Shared != nil {
		pool = &cfg.Shared.pool
	}
	services := web.New(web.Config{
		Account: cfg.Account, Password: cfg.Password, NexusURL: cfg.NexusURL, Addresses: cfg.Web, Policy: policy,
		Roots: cfg.Roots, Proxy: cfg.Proxy, Dial: cfg.Timeouts.Dial, Request: cfg.Timeouts.Request, Pool: pool, Transport: cfg.https,
	})
	if cfg.Proxy != nil {
		cfg.Dial = proxy.New(cfg.Proxy, cfg.Dial).DialContext
	}
	dialer := &transport.Dialer{
		Policy: policy, Timeout: cfg.Timeouts.Dial, Dial: cfg.Dial,
		Gateway: cfg.Gateway, HTTP: services, Reply: cfg.Timeouts.Request,
	}
	return &Client{cfg: cfg, policy: policy, network: network{services, dialer}}, address, nil
}

// close ends what is left when the connections have ended.
func (n network) close() {
	n.dialer.Wait()
	n.web.Close()
}

// begin registers the parts, once the server has let the user in. The connection's owner
// calls it.
func (c *Client) begin(conn *ns.Conn) {
	d := conn.Dialect()
	c.conn = conn
	c.book = roster.New(d, conn.Self(), c.cfg.MachineGUID)
	c.lists = contactlist.New(conn, c.book, c.network.web)
	c.self = self.New(conn, c.book, self.Config{
		Capabilities: c.cfg.Capabilities, MachineGUID: c.cfg.MachineGUID, EndpointName: c.cfg.EndpointName, Status: c.cfg.Status,
		Object: c.pictureObject(), Note: func(cmd wire.Command) { c.chats.Note(cmd) },
	})
	c.chats = chat.New(conn, c.book, chat.Config{
		Open: func(ctx context.Context, address string) (net.Conn, error) {
			return c.network.dialer.Open(ctx, transport.Switchboard, address)
		},
		Check: c.policy.Check, Address: c.self.Address(), Groups: c.cfg.Groups,
		Request: c.cfg.Timeouts.Request, Answer: c.cfg.Timeouts.Answer, Ack: c.cfg.Timeouts.Ack, IdleClose: c.cfg.Timeouts.IdleClose,
	})
	c.media = media.New(conn, c.chats, media.Config{
		Dial: c.dialPeer(), Later: d >= wire.FirstEndpoints, Address: c.self.Address(), Speaks: c.book.SpeaksLater, Picture: c.cfg.Picture,
		Blocked: func(account string) bool {
			contact, known := c.book.Find(account)
			return known && contact.Lists.Has(roster.ListBlock)
		},
	})
	conn.Watch(func(e event.Event) {
		if e, ok := e.(roster.ContactChanged); ok && e.Contact.Lists.Has(roster.ListBlock) && !e.Before.Has(roster.ListBlock) {
			c.media.Sever(e.Contact.Account)
		}
	})
	c.networks = networks.New(conn, c.book, c.chats)
	c.storage = storage.New(conn, c.network.web, c.lists, c.policy.CheckURL)
	c.circles = circle.New(conn, c.book, c.chats, c.lists, c.cfg.MachineGUID)
	c.offline = offline.New(conn, c.network.web, offline.Config{
		Build: c.Identity().Version,
		Name:  c.DisplayName,
		UUM: func(to, payload string, result func(error)) {
			c.networks.SendUUM(to, networkMSN, payload, result)
		},
		Counted: func(inbox, folders int64, known bool) { c.notices.Count(inbox, folders, known) },
	})
	c.notices = notice.New(conn, notice.Hooks{
		AddressBook: c.lists.Refresh,
		Circle: func(id string) {
			if !c.circles.Echo(id) {
				c.lists.Refresh()
			}
		},
		CountMails: c.offline.Count,
	})
	c.pages = paging.New(conn, c.book, c.notices, c.cfg.Paging, c.cfg.Timeouts.Page)
	conn.HandleMessage("text/x-msmsgsprofile", c.profile.message)
}

// dialPeer returns what opens connections to contacts' Messengers, nil where the configuration has none.
func (c *Client) dialPeer() func(context.Context, netip.AddrPort) (net.Conn, error) {
	if !c.cfg.DirectFiles || c.cfg.Gateway != "" {
		return nil
	}
	return func(ctx context.Context, at netip.AddrPort) (net.Conn, error) {
		if err := c.policy.CheckPeer(at); err != nil {
			return nil, err
		}
		return c.network.dialer.Open(ctx, transport.Switchboard, at.String())
	}
}

// pictureObject is the object of the display picture that the user signs in with.
func (c *Client) pictureObject() string {
	if len(c.cfg.Picture) == 0 || len(c.cfg.Picture) > MaxObject {
		return ""
	}
	return slp.NewObject(c.conn.Account(), slp.ObjectPicture, c.cfg.Picture).String()
}

// ready ends the sign-in. The connection's owner calls it when the server has confirmed the
// initial status, before it reads what comes next.
func (c *Client) ready() {
	if c.conn.Dialect() < wire.FirstTweener && !c.cfg.SkipVersion {
		// Optional in these dialects, sent where official clients did, and nothing depends
		// on the answer.
		c.announceAtSignIn()
	}
	c.self.Begin(c.cfg.Status)
	c.circles.Begin()
	c.conn.Ready()
	c.lists.Begin()
}

// networkMSN is the number of the MSN network.
const networkMSN = 1

// Account returns the account as the server spells it.
func (c *Client) Account() string { return c.conn.Account() }

// Dialect returns what was negotiated.
func (c *Client) Dialect() wire.Dialect { return c.conn.Dialect() }

// Events returns the channel of what happens. It must be read: when MaxBacklog
// events wait, the Client stops reading from the server. It is closed after
// Disconnected.
func (c *Client) Events() <-chan Event { return c.conn.Events() }

// Notify has f called, once and in a goroutine of its own, when there is something to read from Events: an event, or that
// it is closed. A program with many accounts can wait like that, without a goroutine for each, where it reads
// Events nowhere else meanwhile. The latest call counts. f may call Notify again.
func (c *Client) Notify(f func()) { c.conn.Notify(f) }

// Close signs out (OUT) and waits until all that the Client started has ended.
// Events that wait to be read are still delivered while somebody reads them;
// when nobody does for 2 seconds, they are dropped. Close may be called more
// than once and always returns nil.
func (c *Client) Close() error {
	c.conn.Close()
	c.network.close()
	return nil
}

// Done is closed when the Client has ended; Err says why then. Events may still
// wait to be read.
func (c *Client) Done() <-chan struct{} { return c.conn.Done() }

// Err returns nil while signed in, then the error of Disconnected.
func (c *Client) Err() error { return c.conn.Reason() }
