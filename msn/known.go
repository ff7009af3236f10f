package msn

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/wire"
)

// Known asks the service whether there is an account (FQY, protocol/02-contacts.md, section
// 5.1). There is when it returns nil; that says nothing of whether somebody still uses it.
//
// The error is ErrNoSuchContact when there is none, ErrArgument when account is no address,
// ErrDialect below MSNP14, where nothing can be asked, wire.ErrProtocol for an answer that
// is none, ErrTimeout, any other *ServerError, or that of the connection.
func (c *Client) Known(ctx context.Context, account string) error {
	account, ok := clean.Account(account)
	switch {
	case !ok || !clean.IsAddress(account):
		return fmt.Errorf("%w: %q is no account", ErrArgument, account)
	case c.Dialect() < wire.FirstNetworks:
		return ErrDialect
	}
	payloads := wire.FormatMembers([]wire.Member{{Account: account}}, false)
	if len(payloads) != 1 {
		return fmt.Errorf("%w: %q is no account", ErrArgument, account)
	}
	return c.conn.Await(ctx, func(result func(error)) {
		c.conn.Send(ns.Request{Command: wire.New("FQY").WithPayload(payloads[0]), Wait: c.cfg.Timeouts.Silence, Done: func(reply wire.Command, err error) {
			result(knownFrom(account, reply, err))
		}})
	})
}

// knownFrom reads the answer to FQY.
func knownFrom(account string, reply wire.Command, err error) error {
	if refused, ok := errors.AsType[*ServerError](err); ok && slices.Contains([]int{203, 205, 208}, refused.Number) {
		return fmt.Errorf("%w: %w", ErrNoSuchContact, err)
	}
	if err != nil {
		return err
	}
	members, err := wire.ParseMembers(reply.Payload)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(members, func(m wire.Member) bool {
		found, _ := clean.Account(m.Account)
		return found == account
	}) {
		return fmt.Errorf("%w: FQY does not speak of whom it was asked", wire.ErrProtocol)
	}
	return nil
}
