package msn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// SendOffline leaves a text for a contact who is offline. Services cut long ones:
// more than MaxOfflineText bytes are refused with ErrTooLong.
//
// The error is ErrDialect when there are no offline messages, ErrNoSuchContact when
// the service does not take them for this contact (who does not exist, or has blocked
// the user), ErrTooFast when too many were sent, ErrEmpty, ErrNotDelivered when the
// service does not take the text, ErrBusy when it is out of order or not to be reached, or
// ErrUncertain when the text may have been left though no answer came.
func (c *Client) SendOffline(ctx context.Context, account, text, format string) error {
	to, ok := parseAccount(account)
	switch {
	case !ok:
		return ErrNoSuchContact
	case strings.TrimSpace(text) == "":
		return ErrEmpty
	case len(text) > MaxOfflineText:
		return ErrTooLong
	case !c.OfflineMessages():
		return ErrDialect
	case c.dialect >= wire.FirstPrefixed:
		return c.sendUUM(ctx, to, text, format)
	}
	tickets := c.tickets
	c.offline.sending.Lock()
	defer c.offline.sending.Unlock()
	if c.offline.post == nil {
		product := passport.ProductFor(c.dialect)
		c.offline.post = &soap.Post{
			Caller: c.caller(), URL: c.cfg.Web.Post, Ticket: tickets.ticket(passport.ServiceMessengerSecure),
			Second: c.dialect >= wire.FirstSSO, Dialect: c.dialect.String(),
			Build:   c.cfg.Identity.or(OfficialIdentity(c.dialect)).Version,
			Product: product.ID,
			Answer: func(challenge string) string {
				return passport.ChallengeAnswer(max(c.dialect, firstOffline), product, challenge)
			},
		}
		c.offline.runs = make(map[string]*run)
	}
	r := c.offline.runs[to]
	if r == nil {
		if len(c.offline.runs) >= maxRuns {
			clear(c.offline.runs)
		}
		r = &run{id: NewMachineGUID()}
		c.offline.runs[to] = r
	}
	message := soap.OfflineMessage{From: c.account, FromName: c.DisplayName(), To: to, RunID: r.id, Number: r.sent + 1, Text: text}
	begun := false
	err := tickets.with(ctx, passport.ServiceMessengerSecure, func() error {
		begun = true
		return c.offline.post.Send(ctx, message)
	})
	named := offlineError(err)
	if !begun && errors.Is(named, ErrUncertain) {
		return fmt.Errorf("%w: %w", ErrBusy, err) // there is no ticket: nothing was sent
	}
	if named == nil || errors.Is(named, ErrUncertain) {
		r.sent++ // a number that may be taken is not given again
	}
	return named
}

// offlineError gives the errors of sending an offline message their names.
func offlineError(err error) error {
	_, status := errors.AsType[*soap.StatusError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, soap.ErrUnavailable):
		return fmt.Errorf("%w: %w", ErrNoSuchContact, err)
	case errors.Is(err, soap.ErrThrottled):
		return fmt.Errorf("%w: %w", ErrTooFast, err)
	case errors.Is(err, soap.ErrContent):
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	case errors.Is(err, passport.ErrUntrusted), errors.Is(err, passport.ErrBadCredentials), errors.Is(err, passport.ErrLoginServer):
		return webError(err) // nothing was sent
	case status, neverConnected(err):
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	if _, fault := errors.AsType[*soap.Fault](err); fault {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return fmt.Errorf("%w: %w", ErrUncertain, err)
}

// neverConnected reports whether an HTTP request failed before there was a connection
// to send it on: the host's name or address was not to be had, or its certificate is
// none that is trusted.
func neverConnected(err error) bool {
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "dial" {
		return true
	}
	_, name := errors.AsType[*net.DNSError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	return name || certificate
}

// MaxOfflineText is the longest text of an offline message, in bytes: the content of
// one message, as some services take no more.
const MaxOfflineText = safeBody

// sendUUM leaves a text by MSNP18's own way (protocol/06-oim-mail.md, section 2.3).
func (c *Client) sendUUM(ctx context.Context, to, text, format string) error {
	header := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/plain; charset=UTF-8").
		With("Dest-Agent", "client")
	if format != "" && len(format) <= MaxFormat {
		header = header.With("X-MMS-IM-Format", format)
	}
	payload := wire.Message{Header: header, Body: crlf.Replace(text)}.Payload()
	err := c.await(ctx, func(result func(error)) { c.uum(to, soap.NetworkPassport, payload, result) })
	if err != nil && err == ctx.Err() {
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return err
}
