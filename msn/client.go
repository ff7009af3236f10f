package msn

import (
	"context"

	"matrix-msn/msn/wire"
)

// Client is one account that is signed in. Its methods may be called from any
// goroutine.
type Client struct{}

// Login signs in: it dials, follows redirects, negotiates the dialect, proves
// the password, loads the contact lists and sets the initial status. It returns
// when the account is ready to use. ctx bounds the signing in only.
func Login(ctx context.Context, cfg Config) (*Client, error) { panic("") }

// Account returns the account as the server spells it.
func (c *Client) Account() string { panic("") }

// DisplayName returns the user's own display name.
func (c *Client) DisplayName() string { panic("") }

// Dialect returns what was negotiated.
func (c *Client) Dialect() wire.Dialect { panic("") }

// Events returns the channel of what happens. It must be read: when MaxBacklog
// events wait, the Client stops reading from the server. It is closed after
// Disconnected.
func (c *Client) Events() <-chan Event { panic("") }

// Contacts returns everybody who is on a list, by account.
func (c *Client) Contacts() []Contact { panic("") }

// Contact returns one contact. Letter case does not matter.
func (c *Client) Contact(account string) (Contact, bool) { panic("") }

// Groups returns the groups of the contact list.
func (c *Client) Groups() []Group { panic("") }

// Status returns the user's own status.
func (c *Client) Status() Status { panic("") }

// SetStatus changes the user's own status (CHG).
func (c *Client) SetStatus(ctx context.Context, status Status) error { panic("") }

// Conversation returns the conversation with one contact, the same one as long
// as the Client lives. It costs nothing until something is sent.
func (c *Client) Conversation(account string) *Conversation { panic("") }

// Close signs out (OUT) and waits until all that the Client started has ended.
func (c *Client) Close() error { panic("") }

// Done is closed when the Client has ended; Err says why then.
func (c *Client) Done() <-chan struct{} { panic("") }

// Err returns nil while signed in, then the error of Disconnected.
func (c *Client) Err() error { panic("") }

// Conversation is the exchange with one contact. The switchboard session behind
// it comes and goes: it is opened by the first message either way, left when
// nothing was said for a while, and opened again, unseen, by the next message.
type Conversation struct{}

// Peer returns the contact's account, in lower case.
func (cv *Conversation) Peer() string { panic("") }

// Participants returns who is in the session now, besides the user.
func (cv *Conversation) Participants() []string { panic("") }

// SendText sends a text, in several messages if it is long, and returns when the
// server has acknowledged them all. It opens a session if there is none and
// waits for the contact to come. Messages are sent in the order of the calls.
// format is the value of X-MMS-IM-Format, or "" for the default.
func (cv *Conversation) SendText(ctx context.Context, text, format string) error { panic("") }

// SendTyping tells the contact that the user is writing. It never opens a
// session: without one nothing is sent and the result is nil.
func (cv *Conversation) SendTyping(ctx context.Context) error { panic("") }

// Close leaves the session, if there is one.
func (cv *Conversation) Close() { panic("") }
