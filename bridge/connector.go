// Package bridge puppets MSN accounts in Matrix: a network connector for the
// bridgev2 framework, which carries the Matrix side. Package msn speaks to the
// MSN services. The types here are what the framework demands; the packages below do
// the work.
package bridge

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/rs/zerolog"
	"go.mau.fi/util/configupgrade"
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	bridgedb "maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/simplevent"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/account"
	"matrix-msn/bridge/chat"
	"matrix-msn/bridge/command"
	"matrix-msn/bridge/command/call"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/forget"
	"matrix-msn/bridge/icon"
	"matrix-msn/bridge/inbox"
	"matrix-msn/bridge/intake"
	"matrix-msn/bridge/lease"
	"matrix-msn/bridge/login"
	"matrix-msn/bridge/loginpage"
	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/outage"
	"matrix-msn/bridge/picture"
	"matrix-msn/bridge/presence"
	"matrix-msn/bridge/room"
	"matrix-msn/bridge/session"
	"matrix-msn/database"
	"matrix-msn/internal/lazy"
)

// Connector is the bridge to MSN services, one per process.
type Connector struct {
	Config config.Config
	// Homeserver can be asked whether it answers. It is set before the first login is
	// loaded; without, it counts as answering.
	Homeserver room.Homeserver
	// Presence is what shows contacts as online. It is set before Start.
	Presence presence.Homeserver
	// Profile is what shows their status in their profiles. It returns nil where the homeserver
	// does not take any. It may be nil, and is called when the homeserver is known.
	Profile func() presence.Homeserver

	// Metrics are what the bridge counts. It is set before Init, and may be nil.
	Metrics *metrics.Metrics

	// Rush is called when many logins begin to sign in at once, and when that is over: after a start, or when a service is
	// there again. It is set before Init, may be nil, and must not wait.
	Rush func(begins bool)

	// Encrypts reports whether the bridge can read and write in encrypted rooms. It may be nil, which
	// counts as yes.
	Encrypts func() bool

	br       *bridgev2.Bridge
	db       *database.Database
	signIns  session.SignIns
	logins   *login.Logins
	commands *command.Commands
	pages    loginpage.Pages
	intake   *intake.Intake
	lease    *lease.Lease
	pace     inbox.Pace // at which messages are brought into rooms
	keepers  presence.Keepers
	queues   *outage.Queues
	places   room.Places
	upload   atomic.Int64 // how large files may be that the homeserver takes, 0 while that is not known
	usurped  atomic.Bool  // another process has taken the database over

	fetches  picture.Turns // what contacts are asked for
	reading  lazy.Slots    // pictures of users
	icons    icon.Set
	invited  invitedGhosts // into rooms that are not bridged
	invites  invitations   // of ghosts that are being handled
	owners   owners
	pointers pointers // which messages reactions and deletions are about
	// BotHasPicture says that the admin has chosen the picture of the bot. It is set before Start.
	BotHasPicture bool

	metricsServer *metrics.Server    // nil while none are served
	forgetting    *forget.Forgetting // nil while stopped

	tellsOutages bool // users are told that their accounts are not signed in

	// Usurped is called when another process has taken the database over: this one has to
	// end. It may be nil.
	Usurped func()
	// Deliver hands an event of the homeserver to the framework, and waits until it takes
	// it. It is set before the first transaction.
	Deliver func(context.Context, *event.Event) error
	// NoteEncrypted notes for the framework that a room is encrypted, as [intake.Config] says. It may be nil.
	NoteEncrypted func(context.Context, id.RoomID, *event.EncryptionEventContent) error
}

var (
	_ bridgev2.NetworkConnector            = (*Connector)(nil)
	_ bridgev2.ConfigValidatingNetwork     = (*Connector)(nil)
	_ bridgev2.IdentifierValidatingNetwork = (*Connector)(nil)
	_ bridgev2.StoppableNetwork            = (*Connector)(nil)
	_ bridgev2.MaxFileSizeingNetwork       = (*Connector)(nil)
)

// noNotices is the value of bridge.bridge_status_notices for that nobody is told of outages.
const noNotices = "none"

// SignInsWaiting returns how many logins wait for their turn to sign in. It may be called from any goroutine, but not by Rush itself.
func (c *Connector) SignInsWaiting() int { return c.signIns.Waiting() }

// Init keeps the framework's bridge, wires what all logins share and registers the
// commands.
func (c *Connector) Init(br *bridgev2.Bridge) {
	c.br, c.pace = br, inbox.Unhurried
	// What a user sends as a notice is a text. Those of others, who are relayed, may be programs'.
	c.Config.RelayNotices(br.Config.BridgeNotices)
	br.Config.BridgeNotices = true
	// The framework would name states and codes, and says nothing of many an outage.
	c.tellsOutages = br.Config.BridgeStatusNotices != noNotices
	br.Config.BridgeStatusNotices = noNotices
	c.db = database.New(br.ID, br.DB.Database, dbutil.ZeroLogger(br.Log.With().Str("db_section", "msn").Logger()))
	br.DB.Database.Log = c.Metrics.Statements(br.DB.Database.Log) // which hears of those of the own tables too
	c.signIns.Took, c.signIns.Rush = c.Metrics.SignIn, c.Rush
	c.Metrics.Watch(current{c}, br.Log.With().Str("component", "metrics").Logger())
	c.logins = &login.Logins{Bridge: br, Config: &c.Config, SignIns: &c.signIns, SessionOf: func(login *bridgev2.UserLogin) *session.Session {
		return login.Client.(*Client).session
	}}
	c.commands = command.New(br, c.db, &c.pages, func(login *bridgev2.UserLogin) *call.Login {
		return login.Client.(*Client).commands
	}, func() bool { return c.Encrypts == nil || c.Encrypts() })
	c.intake = intake.New(intake.Config{
		Bridge: br, Store: c.db.Intake, Log: br.Log, Metrics: c.Metrics,
		Ours:    func(user id.UserID) bool { return user == br.Bot.GetMXID() || br.IsGhostMXID(user) },
		Deliver: func(ctx context.Context, evt *event.Event) error { return c.Deliver(ctx, evt) },
		NoteEncrypted: func(ctx context.Context, room id.RoomID, content *event.EncryptionEventContent) error {
			if c.NoteEncrypted == nil {
				return nil
			}
			return c.NoteEncrypted(ctx, room, content)
		},
		IsCommand: c.commands.IsCommand, Secret: c.commands.AnswersPrompt, Unfinished: c.commands.SayInterrupted,
		Waits: c.commands.SayWaits, GivenUp: c.commands.SayGivenUp, Asked: c.commands.SayPrompts,
	})
	c.db.MatrixQueue.Taken, c.db.FileQueue.Taken = c.intake.Taken, c.intake.Taken
	command.OwnWords(br)
	br.Commands.(*commands.Processor).AddHandlers(slices.Concat(c.commands.Handlers(), c.commands.Prompts())...)
}

// Claim brings the own tables up to date, and sees to it that this is the only process that uses
// them. Start does so too; a program that does something at the homeserver before that which
// would disturb another process calls Claim first. Stop takes it back.
func (c *Connector) Claim(ctx context.Context) error {
	if c.lease != nil {
		return nil
	}
	if !c.Config.Checked() {
		if err := c.Config.Check(); err != nil {
			return err
		}
	}
	if err := c.db.Upgrade(ctx); err != nil {
		return bridgev2.DBUpgradeError{Err: err, Section: "msn"}
	}
	held, err := lease.Acquire(c.br.Log.WithContext(ctx), c.db.Lease, func() {
		c.usurped.Store(true)
		if c.Usurped != nil {
			c.Usurped()
		}
	})
	if err != nil {
		return err
	}
	c.lease = held
	return nil
}

// Start opens the bridge, after Claim.
func (c *Connector) Start(ctx context.Context) error {
	if err := c.Claim(ctx); err != nil {
		return err
	}
	if err := c.db.Learn(ctx); err != nil {
		return fmt.Errorf("read who has something that waits: %w", err)
	}
	if err := c.db.Index(ctx); err != nil {
		c.br.Log.Warn().Err(err).Msg("Failed to make indices in the framework's tables: with many accounts each sign-in takes longer")
	}
	if err := c.db.Ghost.NameBy(ctx, c.Config.DisplaynameTemplate); err != nil {
		return err
	}
	ctx = c.br.Log.WithContext(ctx)
	if address := c.Config.Metrics; address != "" && c.Metrics != nil {
		server, err := c.Metrics.Serve(address, c.br.Log.With().Str("component", "metrics").Logger())
		if err != nil {
			return fmt.Errorf("network.metrics is %s, where nothing can be served: choose another address and port: %w", address, err)
		}
		c.metricsServer = server
	}
	c.icons.Load(ctx, c.br)
	if !c.BotHasPicture {
		c.icons.ShowBot(ctx, c.br)
	}
	// Also when presence is off: it may have been on before.
	c.keepers = c.newKeepers()
	if err := c.keepers.Start(ctx); err != nil {
		return err
	}
	if err := c.commands.RecallPrompts(ctx); err != nil {
		return err
	}
	c.queues = outage.NewQueues(c.db)
	c.queues.Start(ctx)
	c.forgetting = forget.Start(c.db.Old, c.ages(), c.br.Log.With().Str("component", "forget").Logger())
	c.intake.Accept()
	c.pages.Open(c.br.Matrix, c.br.Log)
	return nil
}

// ages are how long rows of each kind are kept.
func (c *Connector) ages() forget.Ages {
	keep := c.Config.Remembers()
	return forget.Ages{
		database.OldAlerts: keep.Alerts, database.OldPages: keep.Pages, database.OldInvitations: keep.Pages,
		database.OldPictures: keep.Pictures, database.OldMessages: keep.Messages,
	}
}

// newKeepers returns what shows who is online, and the status in the profile where the homeserver
// takes one.
func (c *Connector) newKeepers() presence.Keepers {
	cfg := presence.Config{
		Kind: presence.Presence, Homeserver: c.Presence, Store: c.db.Presence, Log: c.br.Log.With().Str("component", "presence").Logger(),
		Pace: &presence.Pace{}, Repeats: c.Config.Presence == config.PresenceFull, Ours: func() bool { return !c.usurped.Load() },
	}
	keepers := presence.Keepers{presence.New(cfg)}
	if c.Profile == nil {
		return keepers
	}
	if cfg.Homeserver = c.Profile(); cfg.Homeserver != nil {
		cfg.Kind, cfg.Store = presence.Profile, c.db.ProfileStatus
		keepers = append(keepers, presence.New(cfg))
	}
	return keepers
}

// Stop shows all contacts as offline, and leaves the database to another process.
func (c *Connector) Stop() {
	c.forgetting.Stop()
	c.keepers.Stop()
	c.queues.Stop()
	for _, key := range c.Config.ServiceKeys() {
		c.Config.Service(key).Template.Shared.Close()
	}
	if err := c.metricsServer.Close(); err != nil {
		c.br.Log.Warn().Err(err).Msg("Failed to stop serving metrics")
	}
	c.metricsServer = nil
	if c.lease == nil {
		return
	}
	c.lease.Release(c.br.Log.WithContext(context.Background()))
	c.lease = nil
}

// usualUpload is how large files may be that a homeserver takes which does not say so. It is what
// homeservers have where nobody has changed it, and what the framework takes it to be.
const usualUpload = 50 << 20

// SetMaxFileSize notes how large files may be that the homeserver takes.
func (c *Connector) SetMaxFileSize(size int64) { c.upload.Store(size) }

// mostUpload returns how large files may be that the homeserver takes, in bytes.
func (c *Connector) mostUpload() uint64 {
	return uint64(cmp.Or(max(c.upload.Load(), 0), usualUpload))
}

// GetName describes the network.
func (c *Connector) GetName() bridgev2.BridgeName {
	return bridgev2.BridgeName{
		DisplayName:          account.NetworkName,
		NetworkURL:           "https://en.wikipedia.org/wiki/MSN_Messenger",
		NetworkIcon:          c.icons.URI(icon.Bot),
		NetworkID:            "msn",
		BeeperBridgeType:     "msn",
		DefaultPort:          29363,
		DefaultCommandPrefix: "!msn",
	}
}

// GetBridgeInfoVersion returns the versions of what rooms say about the bridge
// and about their features. A higher one is sent to all rooms.
func (c *Connector) GetBridgeInfoVersion() (info, capabilities int) { return 2, 3 }

// GetCapabilities returns what the framework should know of the network.
func (c *Connector) GetCapabilities() *bridgev2.NetworkGeneralCapabilities { return networkFeatures }

// GetLoginFlows returns one login flow per service, in the order of their keys.
func (c *Connector) GetLoginFlows() []bridgev2.LoginFlow { return login.Flows(&c.Config) }

// CreateLogin begins to sign a user in to the service that flow names.
func (c *Connector) CreateLogin(_ context.Context, user *bridgev2.User, flow string) (bridgev2.LoginProcess, error) {
	return c.logins.Begin(user, flow)
}

// ValidateUserID reports whether a ghost's ID is that of an account at a service
// of this bridge.
func (c *Connector) ValidateUserID(id networkid.UserID) bool {
	identity, ok := msnid.ParseUserID(id)
	return ok && c.Config.Service(identity.Service) != nil
}

// LoadUserLogin makes the client of a login that is in the database.
func (c *Connector) LoadUserLogin(_ context.Context, login *bridgev2.UserLogin) error {
	identity, ok := msnid.ParseLoginID(login.ID)
	if !ok {
		return fmt.Errorf("login ID %q does not belong to this bridge", login.ID)
	}
	if login.Client == nil { // nobody logs yet
		login.Log = account.Logger(login)
	}
	room.GiveCache(login)
	login.Client = newClient(c, login, identity)
	c.owners.add(login.UserMXID)
	return nil
}

// GetDBMetaTypes returns constructors for what is kept with the framework's rows.
func (c *Connector) GetDBMetaTypes() bridgedb.MetaTypes { return account.MetaTypes() }

// GetConfig returns the section's example, where to decode it and how to carry
// old settings over.
func (c *Connector) GetConfig() (example string, data any, upgrader configupgrade.Upgrader) {
	return config.Example, &c.Config, configupgrade.SimpleUpgrader(c.Config.Upgrade)
}

// ValidateConfig checks the section before anything is started.
func (c *Connector) ValidateConfig() error { return c.Config.Check() }

// Receive returns a handler for the homeserver's transactions, as intake.Intake.Receive.
func (c *Connector) Receive(next http.Handler, allowed func(*http.Request) bool) http.Handler {
	return c.intake.Receive(next, allowed)
}

// CallBack refuses transactions that wait for the end of the start, as intake.Intake.CallBack.
func (c *Connector) CallBack(ctx context.Context) { c.intake.CallBack(ctx) }

// Arriving is to be called for every event of intake.Types before the framework sees it. It
// makes plain to the framework what it would not pass on: a text that is a command, or only
// looks like one, edits, and deletions of what waits.
func (c *Connector) Arriving(ctx context.Context, evt *event.Event) {
	if evt.Content.Raw[doublePuppet] == nil {
		c.isActive(ctx, evt.Sender)
	}
	c.pointers.note(evt)
	switch evt.Type {
	case event.EventMessage, event.EventUnstablePollStart:
		c.commands.Rewrite(ctx, evt)
		if portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID); err == nil && portal != nil {
			if c.isRelayed(portal, evt.Sender) {
				c.other(ctx, evt)
			}
			chat.AsMessage(evt, c.br.Config.CommandPrefix)
		}
	case event.EventRedaction:
		c.withdraw(ctx, evt)
	default:
		c.other(ctx, evt)
	}
	c.intake.Arriving(ctx, evt)
}

// isRelayed reports whether what somebody writes in a room goes to MSN by the login of another.
func (c *Connector) isRelayed(portal *bridgev2.Portal, sender id.UserID) bool {
	login := c.br.GetCachedUserLoginByID(portal.Receiver)
	return portal.Relay != nil && login != nil && login.UserMXID != sender
}

// other hands an event that the framework would pass over to the room as a message, if the user
// whose room it is has sent it, or somebody who speaks through their login. Programs in a room are
// not answered.
func (c *Connector) other(ctx context.Context, evt *event.Event) {
	if evt.Content.Raw[doublePuppet] != nil || evt.Sender == c.br.Bot.GetMXID() || c.br.IsGhostMXID(evt.Sender) {
		return
	}
	portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID)
	if err != nil || portal == nil {
		return
	}
	login, relayed := c.br.GetCachedUserLoginByID(portal.Receiver), c.isRelayed(portal, evt.Sender)
	if login == nil || login.UserMXID != evt.Sender && !relayed {
		return
	}
	if made := chat.OtherMessage(evt, relayed); made != nil {
		c.br.QueueMatrixEvent(ctx, made)
	}
}

// LiveLocation is to be called for every event of chat.LiveLocation.
func (c *Connector) LiveLocation(ctx context.Context, evt *event.Event) { c.other(ctx, evt) }

// withdraw has the loop of a room take a message that was deleted out of those that wait,
// when it has come past the message itself.
func (c *Connector) withdraw(ctx context.Context, evt *event.Event) {
	deleted := evt.Redacts
	if content, ok := evt.Content.Parsed.(*event.RedactionEventContent); ok && deleted == "" {
		deleted = content.Redacts
	}
	portal, err := c.br.GetPortalByMXID(ctx, evt.RoomID)
	if err != nil || portal == nil || deleted == "" {
		return
	}
	login := c.br.GetCachedUserLoginByID(portal.Receiver)
	if login == nil {
		return
	}
	login.QueueRemoteEvent(&simplevent.EventMeta{
		Type: bridgev2.RemoteEventUnknown, PortalKey: portal.PortalKey,
		PreHandleFunc: func(ctx context.Context, _ *bridgev2.Portal) {
			login.Client.(*Client).withdraw(ctx, evt.RoomID, evt.ID, deleted)
		},
	})
}

// Dispatched is to be called for every event of intake.Types after the framework has seen it.
func (c *Connector) Dispatched(ctx context.Context, evt *event.Event) { c.intake.Dispatched(ctx, evt) }

// Decrypt is to be called for each attempt of the framework to decrypt an event, as
// intake.Intake.Decrypt.
func (c *Connector) Decrypt(ctx context.Context, evt *event.Event, decrypt intake.Decrypts, noKey error) (*event.Event, error) {
	return c.intake.Decrypt(ctx, evt, decrypt, noKey)
}

// StartIntake hands on what the homeserver sends, and what it sent before the bridge was
// stopped. It is to be called when the logins are loaded.
func (c *Connector) StartIntake(ctx context.Context) {
	c.meetRelayed(ctx)
	c.intake.Start(ctx)
}

// meetRelayed has it noted who is in the rooms in which others are relayed, if people on MSN are told
// who comes and goes: by the first change that is heard of the homeserver does not say any more what
// was before.
func (c *Connector) meetRelayed(ctx context.Context) {
	if !c.Config.RelayJoins {
		return
	}
	// Asked of the database: the framework's own copies change under its hands.
	portals, err := c.br.DB.Portal.GetAllWithMXID(ctx)
	if err != nil {
		zerolog.Ctx(ctx).Err(err).Msg("Failed to read rooms, to see who is in those in which others are relayed")
		return
	}
	for _, portal := range portals {
		if login := c.br.GetCachedUserLoginByID(portal.Receiver); login != nil && portal.RelayLoginID != "" {
			login.Client.(*Client).chat.MeetRelayed(ctx, portal.MXID)
		}
	}
}

// StopIntake leaves to the next start what was not handed on.
func (c *Connector) StopIntake() {
	c.intake.Stop()
	c.invites.stop()
}

// WatchCommands has each command followed to its end, and gives it a logger of its own, as
// command.SeparateLogs. It is to be called when the framework has added its own commands.
func (c *Connector) WatchCommands() {
	command.SeparateLogs(c.br)
	c.br.Commands = c.intake.Commands(c.br.Commands)
}

// InPrivate returns a command that is given a secret as one that runs in the chat with the bot
// only, and whose message is removed.
func (c *Connector) InPrivate(h *commands.FullHandler) commands.CommandHandler {
	return c.commands.InPrivate(h, true)
}

// LoginMatrix returns the framework's login-matrix in the bridge's words, as command.LoginMatrix, in the chat with the bot only.
func (c *Connector) LoginMatrix(framework *commands.FullHandler, automatic func(homeserver string) bool) commands.CommandHandler {
	return c.InPrivate(command.LoginMatrix(framework, automatic))
}
