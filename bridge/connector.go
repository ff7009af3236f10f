// Package bridge puppets MSN accounts in Matrix: a network connector for the
// bridgev2 framework, which carries the Matrix side. Package msn speaks to the
// MSN services.
package bridge

import (
	"context"
	"fmt"
	"sort"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/msnid"
	"matrix-msn/database"
)

// Connector is the bridge to MSN services, one per process.
type Connector struct {
	Config Config

	transactions transactions
	generatedKey string // network.credential_key, when this start has made it

	br       *bridgev2.Bridge
	db       *database.Database
	services map[string]*service
	logins   keyedLocks[networkid.UserLoginID] // who signs in, signs out or is replaced
	inviting keyedLocks[id.UserID]             // who has an invitation mailed
	pages    loginPages
}

var (
	_ bridgev2.NetworkConnector            = (*Connector)(nil)
	_ bridgev2.ConfigValidatingNetwork     = (*Connector)(nil)
	_ bridgev2.IdentifierValidatingNetwork = (*Connector)(nil)
)

// Init keeps the framework's bridge and registers the commands.
func (c *Connector) Init(br *bridgev2.Bridge) {
	c.br = br
	c.db = database.New(br.ID, br.DB.Database, dbutil.ZeroLogger(br.Log.With().Str("db_section", "msn").Logger()))
	processor := br.Commands.(*commands.Processor)
	processor.AddHandlers(c.commandHandlers()...)
	processor.AddHandler(c.createGroupCommand()) // in place of the framework's
}

// Start brings the own tables up to date.
func (c *Connector) Start(ctx context.Context) error {
	if c.services == nil {
		if err := c.ValidateConfig(); err != nil {
			return err
		}
	}
	if err := c.db.Upgrade(ctx); err != nil {
		return bridgev2.DBUpgradeError{Err: err, Section: "msn"}
	}
	c.pages.open(c.br.Matrix, c.br.Log)
	return nil
}

// GetName describes the network.
func (c *Connector) GetName() bridgev2.BridgeName {
	return bridgev2.BridgeName{
		DisplayName:          "MSN Messenger",
		NetworkURL:           "https://en.wikipedia.org/wiki/MSN_Messenger",
		NetworkID:            "msn",
		BeeperBridgeType:     "msn",
		DefaultPort:          29363,
		DefaultCommandPrefix: "!msn",
	}
}

// GetBridgeInfoVersion returns the versions of what rooms say about the bridge
// and about their features. A higher one is sent to all rooms.
func (c *Connector) GetBridgeInfoVersion() (info, capabilities int) { return 1, 1 }

// GetLoginFlows returns one login flow per service, in the order of their keys.
func (c *Connector) GetLoginFlows() []bridgev2.LoginFlow {
	flows := make([]bridgev2.LoginFlow, 0, len(c.services))
	for _, s := range c.services {
		flows = append(flows, bridgev2.LoginFlow{
			ID:          s.key,
			Name:        s.name,
			Description: fmt.Sprintf("Sign in to %s with an e-mail address and a password", s.name),
		})
	}
	sort.Slice(flows, func(i, j int) bool { return flows[i].ID < flows[j].ID })
	return flows
}

// ValidateUserID reports whether a ghost's ID is that of an account at a service
// of this bridge.
func (c *Connector) ValidateUserID(id networkid.UserID) bool {
	identity, ok := msnid.ParseUserID(id)
	return ok && c.services[identity.Service] != nil
}

// LoadUserLogin makes the client of a login that is in the database.
func (c *Connector) LoadUserLogin(_ context.Context, login *bridgev2.UserLogin) error {
	identity, ok := msnid.ParseLoginID(login.ID)
	if !ok {
		return fmt.Errorf("login ID %q is none of this bridge", login.ID)
	}
	login.Client = newClient(c, login, identity)
	return nil
}
