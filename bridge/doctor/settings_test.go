package doctor

import (
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
)

func TestSettingsThatABridgeCannotDoWithout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*bridgeconfig.Config)
		want   string
	}{
		{func(*bridgeconfig.Config) {}, ""},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = "https://matrix.example.com" }, ""},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = "localhost:8008" }, `homeserver.address is "localhost:8008": write`},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = "127.0.0.1:8008" }, "homeserver.address"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = "user:nobody-may-see@host:8008" }, "homeserver.address"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = "" }, "homeserver.address"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = "http://" }, "homeserver.address"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = "ftp://x" }, "homeserver.address"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Address = exampleAddress }, "homeserver.address is still that of the example"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Domain = "" }, "homeserver.domain"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Domain = exampleDomain }, "homeserver.domain"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Domain = "https://example.org" }, "homeserver.domain"},
		{func(c *bridgeconfig.Config) { c.Homeserver.Software = "synapse" }, "homeserver.software"},
		{func(c *bridgeconfig.Config) { c.AppService.ASToken = exampleToken }, "appservice.as_token is not set: make the registration with -g"},
		{func(c *bridgeconfig.Config) { c.AppService.HSToken = exampleToken }, "appservice.hs_token is not set"},
		{func(c *bridgeconfig.Config) { c.AppService.HSToken = c.AppService.ASToken }, "appservice.hs_token is the same"},
		{func(c *bridgeconfig.Config) { c.Bridge.Permissions = nil }, "bridge.permissions"},
		{func(c *bridgeconfig.Config) { c.AppService.AsyncTransactions = true }, "appservice.async_transactions must be false"},
		{func(c *bridgeconfig.Config) { c.Bridge.AsyncEvents = true }, "bridge.async_events must be false"},
		{func(c *bridgeconfig.Config) { c.AppService.UsernameTemplate = "msn_{{" }, "appservice.username_template cannot be read"},
		{func(c *bridgeconfig.Config) { c.AppService.UsernameTemplate = "msn" }, "appservice.username_template has no {{.}}"},
	} {
		c := new(bridgeconfig.Config)
		c.Homeserver.Address, c.Homeserver.Domain, c.Homeserver.Software = "http://localhost:8008", "example.org", "standard"
		c.AppService.ASToken, c.AppService.HSToken, c.AppService.UsernameTemplate = asToken, hsToken, "msn_{{.}}"
		c.Bridge.Permissions = bridgeconfig.PermissionConfig{"example.org": &bridgeconfig.PermissionLevelUser}
		test.change(c)
		err := Settings(c)
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "nobody-may-see")) {
			t.Errorf("want %q, got %v", test.want, err)
		}
	}
}
