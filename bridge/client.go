package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix/bridgev2"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/alert"
	"matrix-msn/bridge/background"
	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/circle"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/file"
	"matrix-msn/bridge/group"
	"matrix-msn/bridge/inbox"
	"matrix-msn/bridge/intake"
	"matrix-msn/bridge/login"
	"matrix-msn/bridge/look"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/outage"
	"matrix-msn/bridge/outbox"
	"matrix-msn/bridge/pager"
	"matrix-msn/bridge/people"
	"matrix-msn/bridge/picture"
	"matrix-msn/bridge/presence"
	"matrix-msn/bridge/reason"
	"matrix-msn/bridge/request"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/self"
	"matrix-msn/bridge/session"
	"matrix-msn/bridge/spaces"
	"matrix-msn/database"
	"matrix-msn/msn"
)

// Client is one login, as the framework knows it: an MSN account that a Matrix user signed
// in to. It hands on to the parts that do the work.
type Client struct {
	account  *account.Account
	session  *session.Session
	rooms    *room.Rooms
	alerts   *alert.Alerts
	people   *people.People
	requests *request.Requests
	groups   *group.Groups
	circles  *circle.Circles
	chat     *chat.Chat     // what the user says
	heard    *chat.Heard    // what they hear
	inbox    *inbox.Inbox   // from MSN to Matrix
	outbox   *outbox.Outbox // from Matrix to MSN
	coming   *file.Coming   // files from MSN
	going    *file.Going    // files to MSN
	pager    *pager.Pager   // pages for mobile devices
	self     *self.Self     // as contacts see the user

	contacts *presence.Contacts // as Matrix shows them
	own      *picture.Own       // the display picture of the user
	pictures *picture.Contacts  // their display pictures
	spaces   *spaces.Spaces     // of the groups of contacts

	outages *outage.Outages // what the user is told of them
	welcome *login.Welcome  // what they are told after the login

	intake *intake.Intake // of all logins

	commands *call.Login
}

var (
	_ bridgev2.NetworkAPI                    = (*Client)(nil)
	_ bridgev2.NetworkAPIWithUserID          = (*Client)(nil)
	_ bridgev2.TypingHandlingNetworkAPI      = (*Client)(nil)
	_ bridgev2.GroupCreatingNetworkAPI       = (*Client)(nil)
	_ bridgev2.UserSearchingNetworkAPI       = (*Client)(nil)
	_ bridgev2.UserBlockingNetworkAPI        = (*Client)(nil)
	_ bridgev2.IdentifierResolvingNetworkAPI = (*Client)(nil)
	_ bridgev2.GhostDMCreatingNetworkAPI     = (*Client)(nil)
	_ bridgev2.ContactListingNetworkAPI      = (*Client)(nil)
	// What MSN does not have is refused in the room: without these the framework would keep
	// it to itself.
	_ bridgev2.PollHandlingNetworkAPI      = (*Client)(nil)
	_ bridgev2.ReactionHandlingNetworkAPI  = (*Client)(nil)
	_ bridgev2.RedactionHandlingNetworkAPI = (*Client)(nil)
)

// newClient wires the parts of a login.
func newClient(c *Connector, of *bridgev2.UserLogin, identity msnid.Identity) *Client {
	client := &Client{account: account.New(c.br, of, c.db, &c.Config, identity), intake: c.intake}
	client.account.Icons, client.account.Metrics = &c.icons, c.Metrics
	work := background.New()
	fetching := background.New() // what contacts have to give, who may keep it waiting: nothing else waits behind them
	client.session = session.New(client.account, &c.signIns)
	client.rooms = room.New(client.account, c.Homeserver, &c.places)
	client.inbox = inbox.New(client.account, client.rooms, c.pace)
	client.outbox = outbox.New(client.account, client.session, work)
	client.alerts = alert.New(client.account, client.rooms, client.inbox)
	client.pager = pager.New(client.account, client.session, client.rooms, client.alerts)
	looks := look.New(client.account.Shown, work, c.signIns.Crowded)
	client.people = people.New(client.account, client.session, client.rooms, work, looks, client.inbox, client.alerts)
	client.requests = request.New(client.account, client.session, work, client.people.Notes, client.people.Alike, client.people.Tell)
	client.groups = group.New(client.account, client.session, client.rooms, work, client.inbox, client.people.Roster, client.people.Strangers, client.people.Notes)
	client.circles = circle.New(client.account, client.session, client.rooms, work, client.people.Roster, client.people.Notes, client.alerts)
	client.coming = file.NewComing(file.ComingConfig{
		Account: client.account, Rooms: client.rooms, Inbox: client.inbox, Work: work, Fetch: client.fetch, Most: c.mostUpload,
	})
	client.going = file.NewGoing(client.account, client.session, client.outbox)
	objects := picture.NewObjects(client.account, &c.fetches)
	client.chat, client.heard = chat.New(chat.Config{
		Account: client.account, Session: client.session, Rooms: client.rooms, Work: work,
		Inbox: client.inbox, Outbox: client.outbox, Notices: client.alerts,
		Names: client.people.Roster, Strangers: client.people.Strangers, Groups: client.groups,
		Takers: client.coming, Files: client.going,
		Emoticons: picture.NewEmoticons(client.account, client.session, objects, client.inbox, fetching),
		Winks:     picture.NewWinks(client.account, client.session, client.inbox, fetching),
	})
	client.self = self.New(client.account, client.session, client.alerts, c.nameOf(of.UserMXID))
	client.contacts = presence.NewContacts(client.account, client.session, c.keepers)
	client.pictures = picture.NewContacts(client.account, client.session, client.rooms, objects, fetching, looks)
	client.own = picture.NewOwn(client.account, client.session, client.rooms, work, client.alerts, &c.reading)
	client.spaces = spaces.New(client.account, client.session, work)
	client.outages = outage.New(client.account, client.rooms, work, !c.tellsOutages)
	client.welcome = login.NewWelcome(client.account, client.session, client.rooms, work)
	client.outbox.Use(client.chat)
	client.going.Use(client.chat)
	client.coming.Use(client.heard)
	client.outbox.OnSettled(client.going.Release)
	client.outbox.OnSent(client.outages.Sent)
	client.inbox.Use(client.kinds)
	client.session.Use(client.rooms, client.inbox, client.outbox, client.pager, work, fetching, looks, client.coming, client.going)
	client.people.Listen(client.session)
	client.requests.Listen(client.session)
	client.groups.Listen(client.session)
	client.circles.Listen(client.session)
	client.chat.Listen(client.session)
	client.heard.Listen(client.session)
	client.alerts.Listen(client.session)
	client.pager.Listen(client.session)
	client.self.Listen(client.session)
	client.contacts.Listen(client.session)
	client.pictures.Listen(client.session)
	client.spaces.Listen(client.session)
	client.outages.Listen(client.session)
	client.welcome.Listen(client.session)
	session.Listen(client.session, client.outbox, releasing)
	client.commands = &call.Login{
		Account: client.account, Session: client.session, People: client.people, Requests: client.requests,
		Groups: client.groups, Circles: client.circles, Chat: client.chat,
		Alerts: client.alerts, Pages: client.pager, Files: client.coming, Self: client.self, Presence: client.contacts, Picture: client.own,
		Outages: client.outages,
	}
	return client
}

// releasing has texts that were kept go out to who is online at a sign-in, when all others know of it.
var releasing = session.Hears(session.OnReady(func(o *outbox.Outbox, _ context.Context, client *msn.Client) { o.ReleaseOnline(client) }))

// fetch asks a contact for something and writes it to w.
func (c *Client) fetch(ctx context.Context, contact string, o msn.Object, w io.Writer) error {
	session := c.session.Current()
	if session == nil {
		return reason.NotConnected{}
	}
	return session.Fetch(ctx, contact, o, w, nil)
}

// Connect signs in, in the background, and stays signed in until Disconnect. It does not
// sign in while the account is in use at another endpoint.
func (c *Client) Connect(context.Context) { c.session.Start(nil) }

// Disconnect signs out and returns when everything that Connect started has ended. It may
// be called again, and without Connect.
func (c *Client) Disconnect() { c.session.Stop() }

// LogoutRemote signs out for ever. What waits to be sent is said not to have gone out; what has come is brought to Matrix, or told of.
func (c *Client) LogoutRemote(ctx context.Context) { c.session.Logout(ctx) }

// IsLoggedIn reports whether messages make sense: the account is signed in, or the bridge
// is trying, or can say better than the framework why not.
func (c *Client) IsLoggedIn() bool { return c.session.LoggedIn() }

// GetUserID returns the ID of the login's own account.
func (c *Client) GetUserID() networkid.UserID { return c.account.UserID() }

// IsThisUser reports whether a ghost is the login's own account.
func (c *Client) IsThisUser(_ context.Context, user networkid.UserID) bool {
	return user == c.account.UserID()
}

// GetCapabilities returns what a room supports. The framework asks right before it makes a
// room, whoever wants that, and tells of it in no other way.
func (c *Client) GetCapabilities(ctx context.Context, portal *bridgev2.Portal) *event.RoomFeatures {
	c.contacts.Room(ctx, portal.ID)
	return featuresOf(portal.ID, c.account.Config.SendBelow(), c.going.Links())
}

// GetChatInfo describes a portal.
func (c *Client) GetChatInfo(ctx context.Context, portal *bridgev2.Portal) (*bridgev2.ChatInfo, error) {
	info, err := c.info(ctx, portal.ID)
	if err == nil && account.Borrows(portal) {
		return account.OfBorrowed(info), nil
	}
	return info, err
}

func (c *Client) info(ctx context.Context, portal networkid.PortalID) (*bridgev2.ChatInfo, error) {
	if msnid.IsAlertsPortalID(portal) {
		c.account.NameSelf(ctx)
		return c.alerts.Info(), nil
	}
	with, ok := msnid.ParsePeer(portal)
	switch {
	case !ok:
		return nil, fmt.Errorf("portal ID %q does not belong to this bridge", portal)
	case with.Group != "":
		return c.groups.Info(ctx, with.Group)
	case with.Circle != "":
		return c.circles.Info(ctx, with.Circle), nil
	}
	return c.people.Names.Info(ctx, with.Account), nil
}

// GetUserInfo names a contact's ghost.
func (c *Client) GetUserInfo(_ context.Context, ghost *bridgev2.Ghost) (*bridgev2.UserInfo, error) {
	if msnid.IsAlertsUserID(ghost.ID) {
		return c.alerts.Ghost(), nil
	}
	identity, ok := msnid.ParseUserID(ghost.ID)
	if !ok {
		return nil, fmt.Errorf("ghost ID %q does not belong to this bridge", ghost.ID)
	}
	return c.account.UserInfo(identity.Account), nil
}

// ResolveIdentifier finds the contact that a user names.
func (c *Client) ResolveIdentifier(ctx context.Context, identifier string, createChat bool) (*bridgev2.ResolveIdentifierResponse, error) {
	return c.people.Finder.Resolve(ctx, identifier, createChat)
}

// CreateChatWithGhost prepares the room with a contact whom the user has invited into one in
// Matrix. There the framework says only that it did not work.
func (c *Client) CreateChatWithGhost(ctx context.Context, ghost *bridgev2.Ghost) (*bridgev2.CreateChatResponse, error) {
	found, err := c.people.Finder.Resolve(ctx, string(ghost.ID), true)
	if err != nil {
		c.people.Finder.SayNotInvited(ctx, err)
		return nil, err
	}
	c.people.Finder.DescribeInvited(ctx, ghost, found.Chat)
	return &bridgev2.CreateChatResponse{PortalKey: found.Chat.PortalKey}, nil
}

// GetContactList returns the people on the user's contact list.
func (c *Client) GetContactList(ctx context.Context) ([]*bridgev2.ResolveIdentifierResponse, error) {
	return c.people.Finder.ContactList(ctx)
}

// SearchUsers finds people on the user's contact list.
func (c *Client) SearchUsers(ctx context.Context, query string) ([]*bridgev2.ResolveIdentifierResponse, error) {
	return c.people.Finder.SearchUsers(ctx, query)
}

// HandleMatrixBlockUser keeps the contact of a room from seeing the user, or lets them.
func (c *Client) HandleMatrixBlockUser(ctx context.Context, msg *bridgev2.MatrixBlockUser) error {
	return c.people.Roster.Block(ctx, msg.Portal.ID, msg.Content.Block)
}

// CreateGroup makes a group chat. Its members are called with the first message.
func (c *Client) CreateGroup(ctx context.Context, params *bridgev2.GroupCreateParams) (*bridgev2.CreateChatResponse, error) {
	return c.groups.Calls.Create(ctx, params)
}

// left leaves the conversation of a room that the user has left.
func (c *Client) left(portal networkid.PortalID, in id.RoomID) {
	c.groups.Calls.Left(portal, func() bool { return c.intake.Open(in) || !c.outbox.Idle(portal) })
}

// HandleMatrixMessage sends a message, or the new text of one, to the people of its room.
func (c *Client) HandleMatrixMessage(ctx context.Context, msg *bridgev2.MatrixMessage) (*bridgev2.MatrixMessageResponse, error) {
	evt := msg.Event.ID
	if c.intake.LeaveBehind(evt) {
		return &bridgev2.MatrixMessageResponse{Pending: true}, nil
	}
	c.contacts.Spoken(msg.Portal.ID)
	sent, err := c.chat.Send(ctx, msg)
	// It must not be said to have failed: it is on disk, and the next start would send it.
	if errors.Is(err, reason.ErrBridge) && !database.Refuses(err) && c.intake.Leave(evt) {
		return &bridgev2.MatrixMessageResponse{Pending: true}, nil
	}
	return sent, everyday(ctx, err)
}

// HandleMatrixPollStart sends a poll as a text.
func (c *Client) HandleMatrixPollStart(ctx context.Context, msg *bridgev2.MatrixPollStart) (*bridgev2.MatrixMessageResponse, error) {
	text := msg.MatrixMessage
	text.Content = chat.PollText(msg.Event)
	return c.HandleMatrixMessage(ctx, &text)
}

// HandleMatrixPollVote refuses a vote.
func (c *Client) HandleMatrixPollVote(ctx context.Context, _ *bridgev2.MatrixPollVote) (*bridgev2.MatrixMessageResponse, error) {
	return nil, everyday(ctx, errVotes)
}

// HandleMatrixTyping tells the contact of a room that the user writes.
func (c *Client) HandleMatrixTyping(_ context.Context, msg *bridgev2.MatrixTyping) error {
	return c.chat.UserTypes(msg)
}

var (
	errReactions  = reason.Refused(reason.ErrReaction, reason.Subject{})
	errRedactions = reason.Refused(reason.ErrRedaction, reason.Subject{})
	errVotes      = reason.Refused(reason.ErrVote, reason.Subject{})
)

// PreHandleMatrixReaction refuses a reaction.
func (c *Client) PreHandleMatrixReaction(ctx context.Context, _ *bridgev2.MatrixReaction) (bridgev2.MatrixReactionPreResponse, error) {
	return bridgev2.MatrixReactionPreResponse{}, everyday(ctx, errReactions)
}

// HandleMatrixReaction is not called: PreHandleMatrixReaction refuses them all.
func (c *Client) HandleMatrixReaction(context.Context, *bridgev2.MatrixReaction) (*bridgedb.Reaction, error) {
	return nil, errReactions
}

// HandleMatrixReactionRemove refuses to remove a reaction, of which there are none.
func (c *Client) HandleMatrixReactionRemove(context.Context, *bridgev2.MatrixReactionRemove) error {
	return errReactions
}

// HandleMatrixMessageRemove refuses to delete a message.
func (c *Client) HandleMatrixMessageRemove(ctx context.Context, _ *bridgev2.MatrixMessageRemove) error {
	return everyday(ctx, errRedactions)
}

// withdraw takes a message of a room that was deleted, which evt says, out of those that wait.
func (c *Client) withdraw(ctx context.Context, room id.RoomID, evt, deleted id.EventID) {
	if c.intake.LeaveBehind(evt) {
		return // the message may be among those that were left
	}
	err := errors.Join(c.going.Withdraw(ctx, deleted), c.outbox.Withdraw(ctx, deleted))
	if err == nil {
		return
	}
	left := c.intake.Leave(evt)
	zerolog.Ctx(ctx).Err(err).Stringer("event_id", deleted).Bool("tries_again", left).Msg("Failed to take out a message that was deleted")
	if left {
		return
	}
	if err := c.outbox.SayNotWithdrawn(ctx, room, deleted); err != nil {
		zerolog.Ctx(ctx).Err(err).Stringer("event_id", deleted).Msg("Failed to tell that a message could not be taken out")
		c.intake.Untold(evt)
	}
}
