package account

import (
	"context"
	"net/http"

	"matrix-msn/bridge/msnid"
	"matrix-msn/bridge/names"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn"

	"github.com/rs/zerolog"
)

// About returns what sentences need to speak of something: name is how it is called.
func (a *Account) About(name string) reason.Subject {
	return reason.Subject{Name: name, Service: a.Service.Name, ServiceKey: a.Identity.Service, Login: string(msnid.MakeLoginID(a.Identity))}
}

// Person is About for a contact: with the name, in which nothing becomes a link, and the account, and with what the session
// knows of them.
func (a *Account) Person(ctx context.Context, account string) reason.Subject {
	who := a.About(account)
	if name := a.DisplayName(ctx, account); name != "" && name != account {
		who.Name = names.Unlinked(name) + " (" + account + ")"
	}
	if roster := a.live(); roster != nil {
		if contact, ok := roster.Contact(account); ok {
			who.Online = contact.Status != msn.Offline && contact.Status != ""
			who.Listed = contact.Lists.Has(msn.ListForward)
		}
	}
	return who
}

// Cannot logs an error and makes of it what the framework may show to the user.
func (a *Account) Cannot(ctx context.Context, err error, place reason.Place, name string) error {
	why, level, status := reason.Of(err, place, a.About(name)), zerolog.InfoLevel, http.StatusBadRequest
	if why.Trouble() {
		level, status = zerolog.ErrorLevel, http.StatusInternalServerError
	}
	zerolog.Ctx(ctx).WithLevel(level).Err(err).Str("code", why.Code).Msg("Cannot do what a user asked for")
	return why.Answer(status, err)
}
