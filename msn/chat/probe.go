package chat

import (
	"context"
	"fmt"
	"net"
	"strings"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/transport"
	"matrix-msn/msn/wire"
)

// ProbeSwitchboard goes the way of a text up to where somebody would be called: it asks for a switchboard,
// introduces the user there, and leaves. Nobody notices. The error is what a text would fail with.
func (c *Chats) ProbeSwitchboard(ctx context.Context) error {
	return c.conn.Await(ctx, func(result func(error)) {
		c.conn.Request(wire.New("XFR", "SB"), func(reply wire.Command, err error) {
			address := ""
			if err == nil && (reply.Arg(1) != "SB" || reply.Arg(4) == "") {
				err = fmt.Errorf("%w: XFR is not answered by a switchboard", wire.ErrProtocol)
			}
			if err == nil {
				address, err = c.cfg.Check(reply.Arg(2))
			}
			if err != nil {
				result(noSession(err))
				return
			}
			ticket := strings.Clone(reply.Arg(4))
			c.conn.Go(func(ctx context.Context) {
				conn, err := c.cfg.Open(ctx, address)
				if !c.conn.Post(func() { c.introduce(ctx, conn, err, ticket, result) }) && err == nil {
					_ = conn.Close() // nobody is there any more
				}
			})
		})
	})
}

// introduce says who the user is on a connection to a switchboard, and leaves with the answer.
func (c *Chats) introduce(ctx context.Context, conn net.Conn, err error, ticket string, result func(error)) {
	if err != nil {
		result(noSession(err))
		return
	}
	if ctx.Err() != nil || c.conn.Err() != nil {
		_ = conn.Close()
		return
	}
	var link *transport.Transport
	over := false
	end := func(err error) {
		if over {
			return
		}
		over = true
		c.conn.Release(link)
		_ = link.Send(wire.New("OUT")) // the connection may be gone already
		link.Close()
		if err != nil {
			err = noSession(err)
		}
		result(err)
	}
	link = c.conn.Adopt(conn, func(in transport.Inbound) {
		number, refused := in.Command.ErrorNumber()
		switch {
		case in.Err != nil:
			end(in.Err)
		case refused:
			end(errs.Server(number, "USR"))
		case in.Command.Verb == "USR" && in.Command.Arg(1) != "OK":
			end(fmt.Errorf("%w: USR is not answered by OK", wire.ErrProtocol))
		case in.Command.Verb == "USR":
			end(nil)
		}
	})
	c.conn.After(c.cfg.Request, func() { end(errs.ErrTimeout) })
	if err := link.Send(ns.Command(link.NewTrID(), "USR", c.cfg.Address, ticket)); err != nil {
		end(err)
	}
}
