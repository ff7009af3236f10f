package msn

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/wire"
)

// probeAccount stands for the account that a Config has to have. A probe sends it nowhere.
const probeAccount = "nobody@example.com"

// maxProbed bounds what is read of the answer of a web service, in bytes: so much is thrown away to
// end a request in good order.
const maxProbed = 64 << 10

// Probe connects to the server of a service as [Login] does, by proxy and gateway, agrees on a
// dialect and hangs up. Nobody is signed in, and neither Account nor Password is needed or sent.
// The error is one that Login could have; ErrNoDialect if there is no dialect in common.
func Probe(ctx context.Context, cfg Config) (wire.Dialect, error) {
	cfg.Account, cfg.Password, cfg.Shared = probeAccount, "", nil // what is tried out is a connection of its own, with waits of its own
	c, address, err := newClient(cfg)
	if err != nil {
		return 0, err
	}
	defer c.network.close()
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeouts.Login, ErrTimeout)
	defer cancel()
	link, err := c.network.dialer.Open(ctx, transport.Notification, address)
	if err != nil {
		return 0, err
	}
	s := c.startSignIn(link)
	s.conn.Begin()
	dialect, _, err := s.offer(ctx)
	if err == nil && dialect == 0 {
		err = ErrNoDialect
	}
	s.conn.Abandon(ErrClosed)
	return dialect, err
}

// WebAnswer is what a web service has answered to a probe.
type WebAnswer struct {
	Status  int       // of HTTP
	Expires time.Time // when its certificate ends to be valid; zero without https
}

// ProbeWeb asks one of the addresses of [Config.WebAddresses] for an answer, with what connections
// and certificates a Login would trust. No account is named. What the answer says is not an error.
func ProbeWeb(ctx context.Context, cfg Config, address string) (WebAnswer, error) {
	cfg.Account, cfg.Password, cfg.Shared = probeAccount, "", nil // what is tried out is a connection of its own, with waits of its own
	c, _, err := newClient(cfg)
	if err != nil {
		return WebAnswer{}, err
	}
	defer c.network.close()
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeouts.Request, ErrTimeout)
	defer cancel()
	method := http.MethodPost // there is nothing to be had by GET where SOAP is spoken
	if address == cfg.NexusURL {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return WebAnswer{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	answer, err := c.network.web.RoundTrip(request)
	switch {
	case err != nil && ctx.Err() != nil:
		return WebAnswer{}, fmt.Errorf("msn: connect to %s: %w: %w", request.URL.Host, context.Cause(ctx), err)
	case err != nil:
		return WebAnswer{}, fmt.Errorf("msn: connect to %s: %w", request.URL.Host, err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxProbed)
	found := WebAnswer{Status: answer.StatusCode}
	if answer.TLS != nil && len(answer.TLS.PeerCertificates) > 0 {
		found.Expires = answer.TLS.PeerCertificates[0].NotAfter
	}
	return found, nil
}

// WebAddresses returns the addresses of all web services, each once: where sign-in and contact list
// are asked for. The gateway is not among them.
func (c *Config) WebAddresses() (addresses []string) {
	seen := make(map[string]bool)
	for _, address := range append([]string{c.NexusURL}, c.Web.All()...) {
		if address != "" && !seen[address] {
			seen[address] = true
			addresses = append(addresses, address)
		}
	}
	return addresses
}
