package self

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/xmltext"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// The endpoints of an account, from MSNP16 on (protocol/03-presence.md, section 7).

// Address is how the user is called in switchboards: the account, from MSNP16 on with the
// endpoint.
func (s *Self) Address() string {
	if s.conn.Dialect() < wire.FirstEndpoints {
		return s.conn.Account()
	}
	return s.conn.Account() + ";" + s.cfg.MachineGUID
}

// Announcements are what an endpoint says of itself at sign-in, before the status: none
// below MSNP16.
func (s *Self) Announcements() []wire.Command {
	if s.conn.Dialect() < wire.FirstEndpoints {
		return nil
	}
	return []wire.Command{
		wire.New("UUX").WithPayload("<EndpointData><Capabilities>" + s.capabilities() + "</Capabilities></EndpointData>"),
		wire.New("UUX").WithPayload("<PrivateEndpointData><EpName>" + xmltext.Escape(clean.Cut(s.cfg.EndpointName, roster.MaxEndpointName)) + "</EpName><Idle>false</Idle>" +
			"<ClientType>1</ClientType><State>" + string(s.cfg.Status) + "</State></PrivateEndpointData>"),
	}
}

// Types of UUN and UBN, and what stands in those that end an endpoint.
const (
	noteSignOut  = "4"
	noteSignOut2 = "8"
	goAway       = "goawyplzthxbye"
	getOut       = "gtfo"
)

// SignOut signs the account out at another endpoint (UUN). The server does not
// tell whether that endpoint obeys; roster.EndpointsChanged follows when it does. The error
// is errs.ErrDialect below MSNP16, and errs.ErrArgument for an endpoint that is not there or
// is this one.
func (s *Self) SignOut(ctx context.Context, id string) error {
	return s.conn.Await(ctx, func(result func(error)) {
		there := slices.ContainsFunc(s.roster.Endpoints(), func(e roster.Endpoint) bool { return e.ID == id && !e.Here })
		switch {
		case s.conn.Dialect() < wire.FirstEndpoints:
			result(errs.ErrDialect)
			return
		case !there:
			result(fmt.Errorf("%w: no other endpoint %q", errs.ErrArgument, id))
			return
		}
		cmd := wire.New("UUN", s.conn.Account()+";"+id, noteSignOut).WithPayload(goAway)
		s.conn.Request(cmd, func(_ wire.Command, err error) {
			if errors.Is(err, errs.ErrTimeout) {
				err = nil // not every server acknowledges it
			}
			result(err)
		})
	})
}

// note handles UBN: a note of another endpoint of the user's, or of somebody else.
func (s *Self) note(cmd wire.Command) {
	account, _, ok := clean.Endpoint(cmd.Arg(0))
	if ok && account != s.conn.Self() && s.cfg.Note != nil {
		s.cfg.Note(cmd)
	}
	if !ok || account != s.conn.Self() || s.conn.Dialect() < wire.FirstEndpoints || cmd.Arg(1) != noteSignOut && cmd.Arg(1) != noteSignOut2 {
		return
	}
	if text := strings.TrimSpace(cmd.Payload); strings.HasPrefix(text, goAway) || strings.HasPrefix(text, getOut) {
		s.conn.End(&errs.OutError{Reason: "OTH"})
	}
}
