package offline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// MaxText is the longest text of an offline message, in bytes: the content of one message,
// as some services take no more.
const MaxText = 1400

// maxRuns is how many recipients' counters of offline messages are remembered.
const maxRuns = 1024

// run counts the messages to one recipient, as far as the service has, or may have, taken
// them.
type run struct {
	id   string
	sent int
}

// Send leaves a text for a contact who is offline. Services cut long ones:
// more than MaxText bytes are refused with ErrTooLong.
//
// The error is ErrDialect when there are no offline messages, ErrNoSuchContact when
// the service does not take them for this contact (who does not exist, or has blocked
// the user), ErrTooFast when too many were sent, ErrEmpty, ErrNotDelivered when the
// service does not take the text, ErrBusy when it is out of order or not to be reached, or
// ErrUncertain when the text may have been left though no answer came.
func (m *Messages) Send(ctx context.Context, account, text, format string) error {
	to, ok := clean.Account(account)
	switch {
	case !ok:
		return errs.ErrNoSuchContact
	case strings.TrimSpace(text) == "":
		return errs.ErrEmpty
	case len(text) > MaxText:
		return errs.ErrTooLong
	case !m.Taken():
		return errs.ErrDialect
	case m.conn.Dialect() >= wire.FirstPrefixed:
		return m.sendUUM(ctx, to, text, format)
	}
	if m.conn.Reason() != nil {
		return m.conn.Ended()
	}
	ctx, release := m.conn.Bind(ctx)
	defer release()
	tickets := m.web.Tickets()
	m.sending.Lock()
	defer m.sending.Unlock()
	if m.post == nil {
		product := passport.ProductFor(m.conn.Dialect())
		m.post = &soap.Post{
			Caller: m.web.Caller(), URL: m.web.Addresses().Post, Ticket: tickets.Ticket(passport.ServiceMessengerSecure),
			Second: m.conn.Dialect() >= wire.FirstSSO, Dialect: m.conn.Dialect().String(),
			Build:   m.cfg.Build,
			Product: product.ID,
			Answer: func(challenge string) string {
				return passport.ChallengeAnswer(max(m.conn.Dialect(), wire.FirstPersonal), product, challenge)
			},
		}
		m.runs = make(map[string]*run)
	}
	r := m.runs[to]
	if r == nil {
		if len(m.runs) >= maxRuns {
			clear(m.runs)
		}
		r = &run{id: clean.NewGUID()}
		m.runs[to] = r
	}
	message := soap.OfflineMessage{From: m.conn.Account(), FromName: m.cfg.Name(), To: to, RunID: r.id, Number: r.sent + 1, Text: text, Format: format}
	begun := false
	err := tickets.With(ctx, passport.ServiceMessengerSecure, func() error {
		begun = true
		err := m.post.Send(ctx, message)
		if errors.Is(err, soap.ErrContent) && message.Format != "" {
			message.Format = "" // how it looks matters less than the text
			err = m.post.Send(ctx, message)
		}
		return err
	})
	named := offlineError(err)
	if !begun && errors.Is(named, errs.ErrUncertain) {
		return fmt.Errorf("%w: %w", errs.ErrBusy, err) // there is no ticket: nothing was sent
	}
	if named == nil || errors.Is(named, errs.ErrUncertain) {
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
		return fmt.Errorf("%w: %w", errs.ErrNoSuchContact, err)
	case errors.Is(err, soap.ErrThrottled):
		return fmt.Errorf("%w: %w", errs.ErrTooFast, err)
	case errors.Is(err, soap.ErrContent):
		return fmt.Errorf("%w: %w", errs.ErrNotDelivered, err)
	case errors.Is(err, passport.ErrUntrusted), errors.Is(err, passport.ErrBadCredentials), errors.Is(err, passport.ErrLoginServer):
		return web.Error(err) // nothing was sent
	case status, web.NeverConnected(err):
		return fmt.Errorf("%w: %w", errs.ErrBusy, err)
	}
	if _, fault := errors.AsType[*soap.Fault](err); fault {
		return fmt.Errorf("%w: %w", errs.ErrBusy, err)
	}
	return fmt.Errorf("%w: %w", errs.ErrUncertain, err)
}

// sendUUM leaves a text by MSNP18's own way (protocol/06-oim-mail.md, section 2.3).
func (m *Messages) sendUUM(ctx context.Context, to, text, format string) error {
	header := wire.Header("").With("MIME-Version", "1.0").With("Content-Type", "text/plain; charset=UTF-8").
		With("Dest-Agent", "client")
	if format = clean.Format(format); format != "" {
		header = header.With("X-MMS-IM-Format", format)
	}
	payload := wire.Message{Header: header, Body: clean.CRLF(text)}.Payload()
	err := m.conn.Await(ctx, func(result func(error)) { m.cfg.UUM(to, payload, result) })
	if err != nil && err == ctx.Err() {
		return fmt.Errorf("%w: %w", errs.ErrUncertain, err)
	}
	return err
}
