package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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

// CannotServe is why the metrics cannot be served at an address, a sentence for the admin.
func CannotServe(c *bridgeconfig.Config, address string, err error) error {
	setting := fmt.Sprintf("network.metrics (%s)", address)
	switch {
	case isOwn(c, address):
		return fmt.Errorf("%s has the port of appservice.port, where the bridge listens for the homeserver: take another one", setting)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens at %s: end it, if it is an old process of the bridge, or take another port", setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address to listen at here: take one of this machine, such as 127.0.0.1:9464", setting)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("the user that the bridge runs as may not listen at %s: take a port above 1023", setting)
	}
	return fmt.Errorf("%s is no address to listen at here: %w", setting, cause(err))
}

// isOwn reports whether an address is where the bridge listens for the homeserver.
func isOwn(c *bridgeconfig.Config, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || ListensAt(c) == "" || port != strconv.Itoa(int(c.AppService.Port)) {
		return false
	}
	own, other := numeric(c.AppService.Hostname), numeric(host)
	return own == other || isAll(own) || isAll(other)
}

// numeric is the host of an address, where there is only one for a name.
func numeric(host string) string {
	if host == "localhost" {
		return "127.0.0.1"
	}
	return host
}

// isAll reports whether a host stands for all that this machine has.
func isAll(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// Metrics looks whether the metrics can be served at an address, or are by the bridge that runs. "" is none.
func Metrics(ctx context.Context, c *bridgeconfig.Config, address string) []Finding {
	f := findings{about: "metrics"}
	if address == "" {
		return nil
	}
	if isOwn(c, address) { // where the bridge listens only while it runs
		f.bad("%v", CannotServe(c, address, syscall.EADDRINUSE))
		return f.list
	}
	listener, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		_ = listener.Close()
		f.fine("can be served at network.metrics (%s)", address)
	case errors.Is(err, syscall.EADDRINUSE) && servesMetrics(ctx, address):
		f.fine("are served at network.metrics (%s)", address)
	default:
		f.bad("%v", CannotServe(c, address, err))
	}
	return f.list
}

// servesMetrics reports whether it is a bridge that answers at an address.
func servesMetrics(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(address)+"/metrics", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return err == nil && strings.Contains(string(body), "matrix_msn_build_info")
}

// reachable returns where it can be called what listens at an address, which may be all that this machine has.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if isAll(host) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
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
	return fmt.Errorf("%s (%s) are no address to listen at here: %w", settings, address, cause(err))
}

// cause is what an error wraps, or else that error.
func cause(err error) error {
	if wrapped := errors.Unwrap(err); wrapped != nil {
		return wrapped
	}
	return err
}
