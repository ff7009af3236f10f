package doctor

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
)

// What the framework's example config has in the place of values, and which a bridge cannot have.
const (
	exampleAddress = "http://example.localhost:8008"
	exampleDomain  = "example.com"
	exampleToken   = "This value is generated when generating the registration"
	examplePool    = "postgres://user:password@host/database?sslmode=disable"
)

// HomeserverSettings checks those without which there is no registration. The error is a sentence
// for the admin that begins with the setting at fault.
func HomeserverSettings(c *bridgeconfig.Config) error {
	address, err := url.Parse(c.Homeserver.Address)
	switch {
	case c.Homeserver.Address == exampleAddress:
		return errors.New("homeserver.address is still that of the example: set it to the address at which the bridge reaches the homeserver, such as http://localhost:8008")
	case err != nil, address.Scheme != "http" && address.Scheme != "https", address.Host == "":
		return fmt.Errorf("homeserver.address is %q: write the address at which the homeserver is reached with its scheme, as in http://localhost:8008", shown(c.Homeserver.Address))
	case c.Homeserver.Domain == "", c.Homeserver.Domain == exampleDomain:
		return fmt.Errorf("homeserver.domain is %q: set it to the part of user names behind the colon, as in @you:matrix.org", c.Homeserver.Domain)
	case strings.ContainsAny(c.Homeserver.Domain, "/@ "):
		return fmt.Errorf("homeserver.domain is %q: it is the part of user names behind the colon, without a scheme", c.Homeserver.Domain)
	}
	return nil
}

// Settings checks those of the framework that a bridge cannot do without. The error is a sentence
// for the admin that begins with the setting at fault.
func Settings(c *bridgeconfig.Config) error {
	if err := HomeserverSettings(c); err != nil {
		return err
	}
	switch {
	case !bridgeconfig.AllowedHomeserverSoftware[c.Homeserver.Software]:
		return fmt.Errorf("homeserver.software is %q: set it to standard", c.Homeserver.Software)
	case c.AppService.ASToken == exampleToken || c.AppService.ASToken == "":
		return errors.New("appservice.as_token is not set: make the registration with -g, which sets it, and give the file to the homeserver")
	case c.AppService.HSToken == exampleToken || c.AppService.HSToken == "":
		return errors.New("appservice.hs_token is not set: make the registration with -g, which sets it, and give the file to the homeserver")
	case c.AppService.ASToken == c.AppService.HSToken:
		return errors.New("appservice.hs_token is the same as appservice.as_token: make the registration anew with -g")
	case !c.Bridge.Permissions.IsConfigured():
		return errors.New("bridge.permissions is still that of the example: say who may use the bridge, such as \"your.server\": user and \"@you:your.server\": admin")
	case c.AppService.AsyncTransactions:
		return errors.New("appservice.async_transactions must be false: messages would lose their order")
	case c.Bridge.AsyncEvents:
		return errors.New("bridge.async_events must be false: messages would lose their order")
	}
	if _, err := template.New("").Parse(c.AppService.UsernameTemplate); err != nil {
		return errors.New("appservice.username_template cannot be read: write it like msn_{{.}}")
	}
	if !strings.Contains(c.AppService.FormatUsername("1234567890"), "1234567890") {
		return errors.New("appservice.username_template has no {{.}}: all contacts would be one Matrix user. Write it like msn_{{.}}")
	}
	return nil
}

// shown is an address that can be printed: without the user and password that somebody may have written
// into it.
func shown(address string) string {
	if at := strings.LastIndex(address, "@"); at >= 0 {
		return "…" + address[at:]
	}
	return address
}
