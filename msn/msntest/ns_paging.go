package msntest

import (
	"context"
	"slices"
	"strings"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// PAG and PGD: pages to mobile devices (protocol/07-misc-founding-spec.md,
// section 6).

// SentPage is a page that a client has sent and the server took.
type SentPage struct {
	From, To string // accounts in lower case; To may be "tel:+15551112222"
	Device   string // of PGD: "1" mobile, "2" watch; "" for PAG
	TrID     string
	Page     notify.Page
}

// pag takes PAG, which is gone from MSNP9 on.
func (s *Server) pag(c *conn, trid string, cmd wire.Command) {
	if c.dialect >= wire.FirstDevices {
		c.fail("715", trid)
		return
	}
	if len(cmd.Args) != 2 || !isAddress(cmd.Arg(1)) {
		c.fail("220", trid)
		return
	}
	s.page(c, SentPage{To: normalize(cmd.Arg(1)), TrID: trid}, cmd.Payload)
}

// pgd takes PGD, which also reaches telephone numbers.
func (s *Server) pgd(c *conn, trid string, cmd wire.Command) {
	to, device := normalize(cmd.Arg(1)), cmd.Arg(2)
	if len(cmd.Args) != 3 || !isAddress(to) && !isNumberTarget(to) || device != "1" && device != "2" {
		c.fail("220", trid)
		return
	}
	s.page(c, SentPage{To: to, Device: device, TrID: trid}, cmd.Payload)
}

// phonePrefix is what stands before a telephone number in place of an account.
const phonePrefix = "tel:"

// isPhone reports whether somebody on a list is a telephone number.
func isPhone(s string) bool { return strings.HasPrefix(s, phonePrefix) }

// isNumberTarget reports whether s is a telephone number as PGD has it.
func isNumberTarget(s string) bool {
	number, ok := strings.CutPrefix(s, phonePrefix+"+")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// page takes a page whose command is in order. Success is silent.
func (s *Server) page(c *conn, page SentPage, body string) {
	var err error
	if page.Page, err = notify.ParsePage(body); err != nil {
		s.log.Info("page refused", "conn", c.id, "err", err)
		c.fail("220", page.TrID)
		return
	}
	page.From = c.session.account.email
	refusal := s.refusals[page.To]
	target := s.accounts[page.To]
	if !isNumberTarget(page.To) {
		if refusal = "220"; target != nil && target.props["MOB"] == "Y" && target.allows(c.session.account) {
			refusal = target.refusal
		}
	}
	if refusal != "" {
		c.fail(refusal, page.TrID)
		return
	}
	s.pages.add(page)
	s.notifyChange()
	if target != nil && target.main() != nil && target.main().bot != nil {
		target.main().bot.paged(page)
	}
}

// misread does what happens to the payload of a command that the server does not
// know to have one (protocol/09-quirks.md, section 1): its lines are commands, and
// what follows its last line end becomes the beginning of the next command, which
// is lost with that.
func (s *Server) misread(c *conn, payload string) {
	end := strings.LastIndexByte(payload, '\n') + 1
	r := wire.NewReader(strings.NewReader(payload[:end]), wire.FromClient)
	for !c.over {
		cmd, err := r.Read()
		if err != nil {
			break // also at a payload that the end cuts off
		}
		s.record(c, wire.FromClient, cmd)
		s.handle(c, cmd)
	}
	if end < len(payload) {
		c.garbled = true
	}
}

// RefusePages has pages to an account, or to a number as "tel:+15551112222", be
// answered by an error number from now on; "" takes them again.
func (s *Server) RefusePages(email, number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if email = normalize(email); isNumberTarget(email) {
		s.refusals[email] = number
	} else if a := s.accounts[email]; a != nil {
		a.refusal = number
	}
}

// Pages returns the pages taken so far. AwaitPage waits for the n-th, from 1.
func (s *Server) Pages() []SentPage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pages.last)
}

// AwaitPage waits until n pages were taken and returns the n-th, from 1.
func (s *Server) AwaitPage(ctx context.Context, n int) (SentPage, error) {
	return awaitKept(ctx, s, &s.pages, n)
}
