package main

import (
	"context"
	"errors"

	"go.mau.fi/util/configupgrade"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/database"
	"maunium.net/go/mautrix/bridgev2/networkid"
	"maunium.net/go/mautrix/bridgev2/status"

	"matrix-msn/bridge/metrics"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// settings are where the service is, and where metrics are served.
type settings struct {
	Server  string `yaml:"server"`
	Nexus   string `yaml:"nexus"`
	Metrics string `yaml:"metrics"`
}

const example = "server: \"\"\nnexus: \"\"\nmetrics: \"\"\n"

// connector is a bridgev2.NetworkConnector.
type connector struct {
	settings settings
	bridge   *bridgev2.Bridge
	metrics  *metrics.Metrics
}

// record is what is kept of a login.
type record struct {
	Password string `json:"password"`
}

func (c *connector) Init(bridge *bridgev2.Bridge) { c.bridge = bridge }

func (c *connector) Start(context.Context) error {
	_, err := c.metrics.Serve(c.settings.Metrics, c.bridge.Log)
	return err
}

func (c *connector) GetName() bridgev2.BridgeName {
	return bridgev2.BridgeName{DisplayName: "MSN", NetworkID: "msn", BeeperBridgeType: "msn", DefaultPort: 29363, DefaultCommandPrefix: "!msn"}
}

func (c *connector) GetDBMetaTypes() database.MetaTypes {
	return database.MetaTypes{UserLogin: func() any { return new(record) }}
}

func (c *connector) GetCapabilities() *bridgev2.NetworkGeneralCapabilities {
	return &bridgev2.NetworkGeneralCapabilities{}
}

func (c *connector) GetConfig() (string, any, configupgrade.Upgrader) {
	return example, &c.settings, configupgrade.SimpleUpgrader(func(helper configupgrade.Helper) {
		for _, name := range []string{"server", "nexus", "metrics"} {
			helper.Copy(configupgrade.Str, name)
		}
	})
}

func (c *connector) GetBridgeInfoVersion() (info, capabilities int) { return 1, 1 }

func (c *connector) GetLoginFlows() []bridgev2.LoginFlow {
	return []bridgev2.LoginFlow{{ID: "home", Name: "Home", Description: "Sign in"}}
}

func (c *connector) CreateLogin(_ context.Context, user *bridgev2.User, _ string) (bridgev2.LoginProcess, error) {
	return &process{c, user}, nil
}

func (c *connector) LoadUserLogin(_ context.Context, login *bridgev2.UserLogin) error {
	login.Client = &client{connector: c, login: login}
	return nil
}

// signIn opens a session.
func (c *connector) signIn(ctx context.Context, account, password string) (*msn.Client, error) {
	return msn.Login(ctx, msn.Config{
		Account: account, Password: password, Server: c.settings.Server, NexusURL: c.settings.Nexus,
		Dialects: []wire.Dialect{12}, Trust: msn.Trust{AllowPrivate: true},
	})
}

// process is a login under way.
type process struct {
	connector *connector
	user      *bridgev2.User
}

func (p *process) Cancel() {}

func (p *process) Start(context.Context) (*bridgev2.LoginStep, error) {
	return &bridgev2.LoginStep{Type: bridgev2.LoginStepTypeUserInput, StepID: "credentials", UserInputParams: &bridgev2.LoginUserInputParams{
		Fields: []bridgev2.LoginInputDataField{
			{Type: bridgev2.LoginInputFieldTypeEmail, ID: "account", Name: "Account"}, {Type: bridgev2.LoginInputFieldTypePassword, ID: "password", Name: "Password"},
		},
	}}, nil
}

func (p *process) SubmitUserInput(ctx context.Context, input map[string]string) (*bridgev2.LoginStep, error) {
	login, err := p.user.NewLogin(ctx, &database.UserLogin{ID: networkid.UserLoginID(input["account"]), RemoteName: input["account"], Metadata: &record{input["password"]}}, nil)
	if err != nil {
		return nil, err
	}
	login.Client.Connect(ctx)
	return &bridgev2.LoginStep{Type: bridgev2.LoginStepTypeComplete, StepID: "done", CompleteParams: &bridgev2.LoginCompleteParams{UserLoginID: login.ID, UserLogin: login}}, nil
}

// connected tells the framework that a login is.
func connected(login *bridgev2.UserLogin) {
	login.BridgeState.Send(status.BridgeState{StateEvent: status.StateConnected})
}

var errNotConnected = errors.New("not connected")
