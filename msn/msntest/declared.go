package msntest

import (
	"context"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// SentPage is a page that a client has sent and the server took.
type SentPage struct {
	From, To string // accounts in lower case; To may be "tel:+15551112222"
	Device   string // of PGD: "1" mobile, "2" watch; "" for PAG
	TrID     string
	Page     notify.Page
}

// Invitation is a mail that a client has had sent by SND or SDC.
type Invitation struct {
	From, FromName, To string
	Locale             string
	Text               string // "" without one
	Verb               string // "SND" or "SDC"
}

// Mobile gives an account a mobile device that takes pages: MOB is Y.
func Mobile() AccountOption { panic("declared") }

// WithoutPaging makes a server that knows neither PAG nor PGD and takes their
// payload for commands, as Escargot does.
func WithoutPaging() Option { panic("declared") }

// WithVersion sets what CVR answers: the recommended and the minimum version of
// clients. Without it clients hear that theirs is fine.
func WithVersion(recommended, minimum string) Option { panic("declared") }

// Alert sends an alert to a client (NOT).
func (s *Server) Alert(email string, n notify.Notification) error { panic("declared") }

// PageFrom sends a client a page from somebody's mobile device (IPG): from is an
// account or "tel:+15551112222".
func (s *Server) PageFrom(email, from, text string) error { panic("declared") }

// Bounce reports to a client that a page it sent has failed (IPG). code is the
// MSG id: "407" for a page that was too long.
func (s *Server) Bounce(page SentPage, code string) error { panic("declared") }

// RefusePages has pages from an account answered by an error number from now on;
// "" takes them again.
func (s *Server) RefusePages(email, number string) { panic("declared") }

// Pages returns the pages taken so far. AwaitPage waits for the n-th, from 1.
func (s *Server) Pages() []SentPage { panic("declared") }

// AwaitPage waits until n pages were taken and returns the n-th, from 1.
func (s *Server) AwaitPage(ctx context.Context, n int) (SentPage, error) { panic("declared") }

// Invitations returns the mails sent so far.
func (s *Server) Invitations() []Invitation { panic("declared") }

// AwaitInvitation waits until n mails were sent and returns the n-th, from 1.
func (s *Server) AwaitInvitation(ctx context.Context, n int) (Invitation, error) {
	panic("declared")
}

// Mail announces a new mail to a client, and counts it.
func (s *Server) Mail(email, from, fromAddress, subject string) error { panic("declared") }

// AnnounceShutdown tells a client that the service goes down in so many minutes.
func (s *Server) AnnounceShutdown(email string, minutes int) error { panic("declared") }

// Unread makes an account that has unread mail at sign-in.
func Unread(inbox, folders int) AccountOption { panic("declared") }

var _ = wire.New
