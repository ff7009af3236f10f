// Package self is what the user shows of themselves: status, personal message, capabilities
// and the endpoint.
package self

import (
	"context"
	"fmt"
	"strings"

	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// Config is what is shown.
type Config struct {
	Status roster.Status // after signing in
	// Capabilities is the client's capability number, sent from MSNP8 on. Zero means
	// DefaultCapabilities of the dialect.
	Capabilities uint32
	// MachineGUID names this endpoint, from MSNP16 on.
	MachineGUID string
	// EndpointName is what the user's other endpoints show of this one, from MSNP16 on: at
	// most roster.MaxEndpointName bytes of it.
	EndpointName string
	// Object is the MSNObject of the display picture, "" for none.
	Object string
	// Note is called with what others tell the user's Messenger (UBN). It may be nil.
	Note func(wire.Command)
}

// Roster is what the endpoints of the user are asked of. The owner asks.
type Roster interface {
	Endpoints() []roster.Endpoint
}

// Self is the user as others see them.
type Self struct {
	conn   *ns.Conn
	roster Roster
	cfg    Config
	// What follows belongs to the owner.
	status roster.Status
	object string
}

// New returns the user, who is offline, and registers what the server says of them. It is
// called by the owner.
func New(conn *ns.Conn, book Roster, cfg Config) *Self {
	s := &Self{conn: conn, roster: book, cfg: cfg, status: roster.Offline, object: cfg.Object}
	conn.Handle(
		ns.Verb{Name: "CHG", Do: s.changed},
		ns.Verb{Name: "UBN", From: wire.FirstSOAP, Do: s.note},
	)
	conn.OnEnd(func(error) { s.status = roster.Offline })
	return s
}

// Begin notes the initial status, which the server has confirmed. It is called by the
// owner.
func (s *Self) Begin(status roster.Status) { s.status = status }

// Status returns the user's own status. It is called by the owner.
func (s *Self) Status() roster.Status { return s.status }

// SetStatus changes the user's own status (CHG) and returns when the server has
// confirmed it.
func (s *Self) SetStatus(ctx context.Context, status roster.Status) error {
	if !status.Settable() {
		return fmt.Errorf("msn: %q is no status to set", status)
	}
	return s.conn.Call(ctx, s.StatusCommand(status), func(wire.Command) error {
		s.status = status
		return nil
	})
}

// StatusCommand is the command that sets a status (protocol/03-presence.md, section 2).
// Servers ignore a CHG without capability number from MSNP8 on.
func (s *Self) StatusCommand(status roster.Status) wire.Command {
	if s.conn.Dialect() < wire.FirstTweener {
		return wire.New("CHG", string(status))
	}
	if s.conn.Dialect() < wire.FirstObjects || s.object == "" {
		return wire.New("CHG", string(status), s.capabilities())
	}
	return wire.New("CHG", string(status), s.capabilities(), wire.Encode(s.object))
}

// SetObject sets the MSNObject of the display picture and returns when the server has confirmed
// it.
func (s *Self) SetObject(ctx context.Context, object string) error {
	return s.conn.Await(ctx, func(result func(error)) {
		s.object = object
		s.conn.Request(s.StatusCommand(s.status), func(_ wire.Command, err error) { result(err) })
	})
}

// changed applies a CHG that nobody asked for: the server has set the user's
// status.
func (s *Self) changed(cmd wire.Command) {
	if status := roster.Status(cmd.Arg(1)); status.Settable() || status == roster.Offline {
		s.status = roster.Status(strings.Clone(string(status)))
	}
}
