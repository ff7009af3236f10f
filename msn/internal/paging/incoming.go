package paging

import (
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

const (
	// Burst and Every bound the pages of one sender. Nobody types faster on a
	// telephone.
	Burst = 20
	Every = 3 * time.Second
)

// PageReceived is a page from somebody's mobile device (IPG).
type PageReceived struct {
	// From is an account in lower case, or "tel:" and a number. Contact is the
	// contact it belongs to: the account, or whoever has that mobile number. It is
	// "" when nobody known does.
	From, Contact string
	Text          string
	LCID          int
	At            time.Time
}

// PageBounced says that a page of the user's own failed after all (IPG). It comes
// once for a page. When the session did not send it, as when the program was started
// again meanwhile, Page has only TrID and To, which the server may have made up.
type PageBounced struct {
	Page SentPage
	// Code is notify.BounceTooLong when the page was too long. When it failed by an
	// error that came after Send had returned it is that number; else it is not known
	// why.
	Code string
}

// Size implements Event.
func (e PageReceived) Size() int { return event.Size(e.From, e.Contact, e.Text) }

// Size implements Event.
func (e PageBounced) Size() int {
	callback := e.Page.Page.Callback
	return event.Size(e.Page.To, e.Page.Page.Text, string(callback.Location), callback.Number, e.Code)
}

// incoming handles IPG (protocol/07-misc-founding-spec.md, section 7): a page, or
// the report that one of the user's own has failed.
func (p *Pages) incoming(cmd wire.Command) {
	n, err := notify.Parse(cmd.Payload)
	if page, ok := n.Page(); ok {
		p.paged(page)
		return
	}
	bounce, ok := n.Bounce()
	if !ok || bounce.TrID == 0 {
		p.notices.Show(n, err)
		return
	}
	code := clean.Cut(bounce.Code, clean.MaxName)
	if p.failed(bounce.TrID, code) {
		return
	}
	if p.notices.MayShow("bounce") {
		p.conn.Note("report of a page that this session has not sent", "trid", bounce.TrID, "code", code)
		to, _ := p.sender(bounce.To)
		p.conn.Emit(PageBounced{Page: SentPage{To: to, TrID: bounce.TrID}, Code: code})
	}
}

// paged tells of a page.
func (p *Pages) paged(page notify.IncomingPage) {
	from, contact := p.sender(page.From)
	if !p.senders.Allow(from, time.Now()) {
		p.notices.LeaveOut()
		return
	}
	if !p.notices.MayShow("page") {
		return
	}
	p.conn.Emit(PageReceived{From: from, Contact: contact, Text: page.Text, LCID: page.LCID, At: time.Now()})
}

// sender returns the sender of a page in the form in which accounts and
// numbers are compared, and the contact that it is, if one is known. A number that
// several contacts have is nobody's.
func (p *Pages) sender(s string) (from, contact string) {
	if number, digits, ok := clean.Phone(s); ok {
		if owners := p.book.WithMobile(digits); len(owners) == 1 {
			contact = owners[0].Account
		}
		return number, contact
	}
	if clean.HasPhonePrefix(s) {
		return "", "" // no number, and no account either
	}
	from, ok := clean.Account(s)
	if !ok {
		return "", ""
	}
	if _, known := p.book.Find(from); known {
		contact = from
	}
	return from, contact
}
