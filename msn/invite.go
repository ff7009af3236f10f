package msn

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// MaxInvitationText is the longest personal text of an invitation in bytes: some
// screens full, where official clients had a small box for it.
const MaxInvitationText = 1024

// library is what SND and SDC name as the program that asks. Servers answer 710 to
// any other (protocol/07-misc-founding-spec.md, section 3.3).
const library = "MSMSGS"

// Invite has the service send an e-mail saying that the user wants to talk to
// address: SND, or SDC when there is a text to add to it (protocol/07, section 3).
//
// The error is ErrArgument when address is none, ErrTooLong, ErrDialect when the
// dialect cannot carry a text (below MSNP5), a *ServerError, wire.ErrProtocol for an
// answer that is not OK, or ErrNotConnected when nothing was written. It wraps
// ErrUncertain when the connection, ctx or the time for an answer ended after that:
// the mail may be on its way.
func (c *Client) Invite(ctx context.Context, address, text string) error {
	if !clean.IsAddress(address) {
		return fmt.Errorf("%w: %q is no address", ErrArgument, address)
	}
	cmd := wire.New("SND", c.sndArgs(address)...)
	if text = cleanText(text); text != "" {
		if c.conn.Dialect() < wire.FirstPages {
			return fmt.Errorf("%w: an invitation with a text", ErrDialect)
		}
		if len(text) > MaxInvitationText {
			return ErrTooLong
		}
		cmd = wire.New("SDC", address, localeName(c.cfg.Locale), library, library, "X", "X", wire.Encode(c.DisplayName())).
			WithPayload(clean.CRLF(text))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := c.conn.Await(ctx, func(result func(error)) { c.order(cmd, result) })
	if ctx.Err() != nil && err == ctx.Err() {
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return err
}

// order sends an invitation. Without an answer it is uncertain unless it was not
// written.
func (c *Client) order(cmd wire.Command, result func(error)) {
	c.conn.Send(ns.Request{Command: cmd, Effect: true, Done: func(reply wire.Command, err error) {
		if err == nil && reply.Arg(1) != "OK" {
			err = fmt.Errorf("%w: %s is not answered by OK", wire.ErrProtocol, reply.Verb)
		}
		result(err)
	}})
}

// sndArgs are the parameters of SND behind the TrID, which grew with the dialects
// (section 3.2). The locale has no leading zeros here.
func (c *Client) sndArgs(address string) []string {
	locale := "0x" + strconv.FormatUint(uint64(c.cfg.Locale), 16)
	switch {
	case c.conn.Dialect() < wire.FirstLocale:
		return []string{address}
	case c.conn.Dialect() < wire.FirstBrand:
		return []string{address, locale, library}
	}
	return []string{address, locale, library, library}
}

// cleanText returns a text as it may go into a mail: UTF-8 with LF line ends and
// without NUL, or "" when it is nothing but blanks.
func cleanText(text string) string {
	text = strings.ReplaceAll(clean.LF(strings.ToValidUTF8(text, "\uFFFD")), "\x00", "\uFFFD")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return text
}
