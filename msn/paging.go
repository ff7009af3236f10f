package msn

import (
	"context"
	"time"

	"matrix-msn/msn/notify"
)

// Paging says whom pages may be sent to. A server that does not know PAG takes the
// page for commands and loses what comes next.
type Paging uint8

// The choices for Config.Paging.
const (
	PageMobile  Paging = iota // contacts whose MOB is Y, and their numbers
	PageAnybody               // the service knows PAG or PGD, whatever MOB says
	PageNobody                // it does not
)

// SentPage is a page that was written to the server.
type SentPage struct {
	To   string // account in lower case, or "tel:+15551112222"
	Page notify.Page
	TrID uint32
	At   time.Time
}

// Page sends a text to somebody's mobile device: PAG up to MSNP8, PGD from MSNP9
// on (protocol/07, section 6). to is an account, or "tel:+15551112222" from MSNP9
// on. Servers answer only errors: Page returns nil when none has come for
// Timeouts.Page, and a failure can still be reported after that by PageBounced.
// sent is called before anything is written, with what a bounce will name; it may
// be nil.
//
// The error is ErrNoPaging when the service or the dialect has none, ErrNoMobile
// when the contact has no mobile device, *notify.TooLongError, ErrEmpty or
// notify.ErrPageText when the text cannot be sent, ErrPageRefused (220),
// ErrPageFailed (800), ErrPagingUnavailable (606, 710, 715), any other
// *ServerError, or ErrUncertain when the connection ended meanwhile.
func (c *Client) Page(ctx context.Context, to string, page notify.Page, sent func(SentPage)) error {
	panic("declared")
}

// OwnNumber returns the user's own number at a location as digits, or "" when the
// account has none (PHH, PHW, PHM).
func (c *Client) OwnNumber(at notify.Location) string { panic("declared") }
