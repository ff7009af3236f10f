package msn

import (
	"context"
	"strings"

	"matrix-msn/msn/chat"
	"matrix-msn/msn/circle"
)

// The circles of MSNP18, as package circle has them.
type (
	// Circle is a persistent group that the user belongs to or is invited into.
	Circle = circle.Circle
	// CircleMember is somebody who belongs to a circle.
	CircleMember = circle.Member
)

// MaxCircleName is the longest name of a circle, in bytes.
const MaxCircleName = circle.MaxName

// CarriesCircles reports whether the dialect carries what is said in circles.
func (c *Client) CarriesCircles() bool { return c.circles.Carried() }

// Circles returns the user's circles. There are none below MSNP16.
func (c *Client) Circles() []Circle { return c.circles.List() }

// CircleChat returns the conversation of the circle with this ID, which should be one
// of Circles: nothing can be said in others (ErrCircle).
func (c *Client) CircleChat(id string) *Conversation {
	return c.chats.Get(chat.ID{Circle: strings.ToLower(id)})
}

// CreateCircle makes a circle of the user's own and returns its ID. CirclesChanged
// comes before it returns.
//
// The error is ErrArgument for a name that is empty or too long, ErrDialect below
// MSNP18, or what the service said.
func (c *Client) CreateCircle(ctx context.Context, name string) (id string, err error) {
	return c.circles.Create(ctx, name)
}

// AnswerCircle accepts or declines the invitation into a circle. CirclesChanged comes
// before it returns. The error is ErrArgument when there is no such invitation,
// ErrDialect below MSNP18, or what the service said.
func (c *Client) AnswerCircle(ctx context.Context, id string, accept bool) error {
	return c.circles.Answer(ctx, id, accept)
}

// InviteToCircle invites somebody into a circle. message is shown to them, at most
// MaxRequest bytes. Somebody who is invited already is no error.
//
// The error is ErrCircle when the user does not belong to the circle, ErrCircleMember
// when the other one does already, ErrNoSuchContact when there is no such account,
// ErrArgument when account is invalid or the user's own, ErrTooLong, ErrDialect below
// MSNP18, ErrUncertain, or what the service said: most circles let their administrators
// invite only.
func (c *Client) InviteToCircle(ctx context.Context, id, account, message string) error {
	return c.circles.Invite(ctx, id, account, message)
}

// LeaveCircle takes the user out of a circle. CirclesChanged comes before it returns.
// The error is ErrArgument when the user does not belong to it, ErrDialect below
// MSNP18, or what the service said.
func (c *Client) LeaveCircle(ctx context.Context, id string) error { return c.circles.Leave(ctx, id) }
