package msn

import "context"

// MaxInvitationText is the longest personal text of an invitation in bytes.
const MaxInvitationText = 1024

// Invite has the service send an e-mail saying that the user wants to talk to
// address: SND, or SDC when there is a text to add to it (protocol/07, section 3).
//
// The error is ErrArgument when address is none, ErrTooLong, ErrDialect when the
// dialect cannot carry a text (below MSNP5), a *ServerError or ErrTimeout.
func (c *Client) Invite(ctx context.Context, address, text string) error { panic("declared") }
