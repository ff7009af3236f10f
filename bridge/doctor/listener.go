package doctor

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
)

// ListensAt returns the address at which the bridge listens for the homeserver, "" when that is none that could be
// tried: a socket in the file system, a websocket, or no address at all.
func ListensAt(c *bridgeconfig.Config) string {
	at := c.AppService
	if c.Homeserver.Websocket || at.Hostname == "" || at.Port == 0 || strings.HasPrefix(at.Hostname, "/") {
		return ""
	}
	return net.JoinHostPort(at.Hostname, strconv.Itoa(int(at.Port)))
}

// CannotListen is why the bridge cannot listen there, a sentence for the admin.
func CannotListen(address string, err error) error {
	const settings = "appservice.hostname and appservice.port"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens at %s (%s): end it, if it is an old process of the bridge. Or take another appservice.port, "+
			"write it into appservice.address and into url of the registration that the homeserver has, and restart the homeserver", settings, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s (%s) are no address to listen at here: set appservice.hostname to one of this machine, 127.0.0.1, or 0.0.0.0 for all that it has", settings, address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("the user that the bridge runs as may not listen at %s (%s): take a port above 1023", settings, address)
	}
	cause := errors.Unwrap(err)
	if cause == nil {
		cause = err
	}
	return fmt.Errorf("%s (%s) are no address to listen at here: %w", settings, address, cause)
}
