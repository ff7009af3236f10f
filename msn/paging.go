package msn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
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

// maxSentPages is how many pages of one session are remembered for bounces and
// late errors. Nobody types more before the first of them has been delivered or
// not.
const maxSentPages = 256

// sentPages are the latest pages of a session, the oldest first.
type sentPages []sentPage

type sentPage struct {
	SentPage
	failed bool // the failure was told
}

func (p *sentPages) add(page SentPage) {
	if len(*p) >= maxSentPages {
		*p = slices.Delete(*p, 0, 1)
	}
	*p = append(*p, sentPage{SentPage: page})
}

// fail notes that the page that was sent under a TrID has failed. It returns nil
// when there is none; first is false when that was known.
func (p sentPages) fail(trid uint32) (page *SentPage, first bool) {
	for i := range p {
		if p[i].TrID == trid {
			first, p[i].failed = !p[i].failed, true
			return &p[i].SentPage, first
		}
	}
	return nil, false
}

// mobileDevice is the device that PGD names for a mobile phone.
const mobileDevice = "1"

// Page sends a text to somebody's mobile device: PAG up to MSNP8, PGD from MSNP9
// on (protocol/07, section 6). to is an account, or "tel:+15551112222" from MSNP9
// on. Servers answer only errors: Page returns nil when none has come for
// Timeouts.Page, and a failure can still be reported after that by PageBounced. So
// is a bounce that comes before. sent is called before anything is written, with
// what a bounce will name; it may be nil.
//
// The error is ErrArgument when to is neither, ErrNoPaging when the service or the
// dialect has none, ErrDialect for a number below MSNP9, ErrNoMobile
// when the contact has no mobile device, *notify.TooLongError, ErrEmpty,
// notify.ErrPageText or notify.ErrCallback when the page cannot be sent, ErrPageRefused
// (220), ErrPageFailed (800), ErrPagingUnavailable (606, 710, 715), any other
// *ServerError, or ErrNotConnected when nothing was written. It wraps ErrUncertain
// when the connection, or ctx, ended after that.
func (c *Client) Page(ctx context.Context, to string, page notify.Page, sent func(SentPage)) error {
	to, digits, err := c.pageTarget(to)
	if err != nil {
		return err
	}
	cmd, err := c.pageCommand(to, page)
	if err != nil {
		return err
	}
	var refused error
	p := SentPage{To: to, Page: page, At: time.Now()}
	if !c.ask(func() {
		if refused = c.mayPage(to, digits); refused == nil {
			p.TrID = c.ns.newTrID()
		}
	}) {
		return c.ended()
	}
	if refused != nil {
		return refused
	}
	if sent != nil {
		sent(p)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	out := &outgoingPage{SentPage: p, result: make(chan error, 1)}
	if !c.ask(func() { c.sendPage(out, cmd) }) {
		return c.ended()
	}
	select {
	case err := <-out.result:
		return err
	case <-ctx.Done():
	}
	c.ask(func() { out.abandoned = true })
	select {
	case err := <-out.result:
		return err
	default:
		return fmt.Errorf("%w: %w", ErrUncertain, ctx.Err())
	}
}

// outgoingPage is a page that Page waits for.
type outgoingPage struct {
	SentPage
	result    chan error // takes one
	abandoned bool       // Page has returned
}

// pageTarget checks whom a page is for. digits are those of a number.
func (c *Client) pageTarget(to string) (target, digits string, err error) {
	if c.dialect < 5 || c.cfg.Paging == PageNobody {
		return "", "", ErrNoPaging
	}
	if target, digits, ok := phoneTarget(to); ok {
		if c.dialect < 9 {
			return "", "", fmt.Errorf("%w: a page to a number", ErrDialect)
		}
		return target, digits, nil
	}
	account, ok := parseAccount(to)
	if !ok || !isAddress(account) {
		return "", "", fmt.Errorf("%w: %q is no account or number", ErrArgument, to)
	}
	return account, "", nil
}

// pageCommand makes PAG or PGD without its TrID.
func (c *Client) pageCommand(to string, page notify.Page) (wire.Command, error) {
	if c.dialect < 9 {
		body, err := page.PAG()
		if err != nil {
			return wire.Command{}, pageError(err)
		}
		return wire.New("PAG", to).WithPayload(body), nil
	}
	body, err := page.PGD()
	if err != nil {
		return wire.Command{}, pageError(err)
	}
	return wire.New("PGD", to, mobileDevice).WithPayload(body), nil
}

// pageError makes of notify's error that of Page.
func pageError(err error) error {
	if errors.Is(err, notify.ErrEmptyPage) {
		return fmt.Errorf("%w: %w", ErrEmpty, err)
	}
	return err
}

// mayPage decides by the contact list whether a page may be sent.
func (c *Client) mayPage(to, digits string) error {
	if c.err != nil {
		return c.ended()
	}
	if c.cfg.Paging != PageMobile {
		return nil
	}
	if digits != "" {
		if slices.ContainsFunc(c.book.withMobile(digits), (*Contact).takesPages) {
			return nil
		}
		return fmt.Errorf("%w: no contact with a mobile device has the number %s", ErrNoMobile, to)
	}
	if contact := c.book.find(to); contact != nil && contact.takesPages() {
		return nil
	}
	return ErrNoMobile
}

// sendPage writes a page and waits for what comes of it. Silence is success.
func (c *Client) sendPage(p *outgoingPage, cmd wire.Command) {
	if c.err != nil {
		p.result <- c.ended()
		return
	}
	at := c.ns.position()
	c.pages.add(p.SentPage)
	c.submit(p.TrID, cmd, c.timeouts.Page, &request{done: func(_ wire.Command, err error) {
		refused, isError := errors.AsType[*ServerError](err)
		switch {
		case err == ErrTimeout:
			err = nil // the page is remembered for what comes later
		case isError && p.abandoned:
			c.pageFailed(p.TrID, strconv.Itoa(refused.Number))
		case isError, err != nil && c.ns.unwritten(at), errors.Is(err, wire.ErrUnsafe):
			c.pages.fail(p.TrID)
		case err != nil:
			err = fmt.Errorf("%w: %w", ErrUncertain, err)
		}
		p.result <- err
	}})
}

// pageFailed tells, once, that a page has failed after Page has returned. It
// reports false when none was sent under the TrID.
func (c *Client) pageFailed(trid uint32, code string) bool {
	page, first := c.pages.fail(trid)
	if first {
		c.emit(PageBounced{Page: *page, Code: code})
	}
	return page != nil
}

// OwnNumber returns the user's own number at a location as digits, or "" when the
// account has none (PHH, PHW, PHM).
func (c *Client) OwnNumber(at notify.Location) (number string) {
	keys := map[notify.Location]string{
		notify.Home:   propertyHome,
		notify.Work:   propertyWork,
		notify.Mobile: propertyMobile,
	}
	c.query(func() { number = c.book.ownNumbers[keys[at]] })
	return number
}
