// Package paging is pages to mobile devices and from them.
package paging

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/limit"
	"matrix-msn/msn/internal/notice"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// Pages are the pages of a connection.
type Pages struct {
	conn    *ns.Conn
	book    *roster.Book
	notices *notice.Notices
	whom    Paging
	wait    time.Duration // how long no error must come for a page to count as sent

	sent    sentPages // that a bounce can still name
	senders *limit.Limiter
}

// New returns the pages of a connection and registers what is theirs. wait is how long no
// error must come for a page to count as sent.
func New(conn *ns.Conn, book *roster.Book, notices *notice.Notices, whom Paging, wait time.Duration) *Pages {
	p := &Pages{conn: conn, book: book, notices: notices, whom: whom, wait: wait, senders: limit.New(Burst, Every)}
	conn.Handle(ns.Verb{Name: "IPG", Do: p.incoming})
	conn.OnLateError(func(trid uint32, number int) bool { return p.failed(trid, fmt.Sprintf("%03d", number)) })
	return p
}

// Paging says whom pages may be sent to. A server that does not know PAG takes the
// page for commands and loses what comes next.
type Paging uint8

// The choices.
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

// Send sends a text to somebody's mobile device: PAG up to MSNP8, PGD from MSNP9
// on (protocol/07, section 6). to is an account, or "tel:+15551112222" from MSNP9
// on. Servers answer only errors: Send returns nil when none has come for
// the wait of Pages, and a failure can still be reported after that by PageBounced. So
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
func (p *Pages) Send(ctx context.Context, to string, page notify.Page, sent func(SentPage)) error {
	to, digits, err := p.target(to)
	if err != nil {
		return err
	}
	cmd, err := p.command(to, page)
	if err != nil {
		return err
	}
	var refused error
	out := SentPage{To: to, Page: page, At: time.Now()}
	if !p.conn.Do(func() {
		if refused = p.allowed(to, digits); refused == nil {
			out.TrID = p.conn.NewTrID()
		}
	}) {
		return p.conn.Ended()
	}
	if refused != nil {
		return refused
	}
	if sent != nil {
		sent(out)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var abandoned, settled bool // belong to the owner
	var outcome error
	err = p.conn.Await(ctx, func(result func(error)) {
		p.write(out, cmd, &abandoned, func(err error) {
			settled, outcome = true, err
			result(err)
		})
	})
	if ctx.Err() == nil || err != ctx.Err() {
		return err
	}
	p.conn.Query(func() {
		abandoned = true
		if settled {
			err = outcome
		} else {
			err = fmt.Errorf("%w: %w", errs.ErrUncertain, err)
		}
	})
	return err
}

// target checks whom a page is for. digits are those of a number.
func (p *Pages) target(to string) (target, digits string, err error) {
	if p.conn.Dialect() < wire.FirstPages || p.whom == PageNobody {
		return "", "", errs.ErrNoPaging
	}
	if target, digits, ok := clean.Phone(to); ok {
		if p.conn.Dialect() < wire.FirstDevices {
			return "", "", fmt.Errorf("%w: a page to a number", errs.ErrDialect)
		}
		return target, digits, nil
	}
	account, ok := clean.Account(to)
	if !ok || !clean.IsAddress(account) {
		return "", "", fmt.Errorf("%w: %q is no account or number", errs.ErrArgument, to)
	}
	return account, "", nil
}

// command makes PAG or PGD without its TrID.
func (p *Pages) command(to string, page notify.Page) (wire.Command, error) {
	if p.conn.Dialect() < wire.FirstDevices {
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
		return fmt.Errorf("%w: %w", errs.ErrEmpty, err)
	}
	return err
}

// allowed decides by the contact list whether a page may be sent.
func (p *Pages) allowed(to, digits string) error {
	if p.conn.Err() != nil {
		return p.conn.Ended()
	}
	if p.whom != PageMobile {
		return nil
	}
	if digits != "" {
		if slices.ContainsFunc(p.book.WithMobile(digits), roster.Contact.TakesPages) {
			return nil
		}
		return fmt.Errorf("%w: no contact with a mobile device has the number %s", errs.ErrNoMobile, to)
	}
	if contact, ok := p.book.Find(to); ok && contact.TakesPages() {
		return nil
	}
	return errs.ErrNoMobile
}

// write writes a page and waits for what comes of it. Silence is success. Once it is
// abandoned, a failure is told by an event.
func (p *Pages) write(page SentPage, cmd wire.Command, abandoned *bool, result func(error)) {
	if p.conn.Err() != nil {
		result(p.conn.Ended())
		return
	}
	p.sent.add(page)
	p.conn.Send(ns.Request{Command: cmd, TrID: page.TrID, Wait: p.wait, Silent: true, Effect: true, Done: func(_ wire.Command, err error) {
		refused, isError := errors.AsType[*errs.ServerError](err)
		switch {
		case err == nil: // the page is remembered for what comes later
		case isError && *abandoned:
			p.failed(page.TrID, strconv.Itoa(refused.Number))
		case !errors.Is(err, errs.ErrUncertain):
			p.sent.fail(page.TrID)
		}
		result(err)
	}})
}

// failed tells, once, that a page has failed after Send has returned. It reports false
// when none was sent under the TrID.
func (p *Pages) failed(trid uint32, code string) bool {
	page, first := p.sent.fail(trid)
	if first {
		p.conn.Emit(PageBounced{Page: *page, Code: code})
	}
	return page != nil
}

// OwnNumber returns the user's own number at a location as digits, or "" when the
// account has none (PHH, PHW, PHM).
func (p *Pages) OwnNumber(at notify.Location) (number string) {
	keys := map[notify.Location]string{
		notify.Home:   roster.PropertyHome,
		notify.Work:   roster.PropertyWork,
		notify.Mobile: roster.PropertyMobile,
	}
	p.conn.Query(func() { number = p.book.OwnNumber(keys[at]) })
	return number
}
