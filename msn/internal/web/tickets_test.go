package web

import (
	"errors"
	"testing"

	"matrix-msn/msn/passport"
)

func TestTicketThatCannotBeRenewed(t *testing.T) {
	tickets := onlyTicket("t=a&p=b")
	refused := tickets.With(t.Context(), passport.ServiceMessenger, func() error { return &passport.AccountError{} })
	if !errors.Is(refused, passport.ErrAccount) {
		t.Errorf("an error of another kind becomes %v", refused)
	}
	if err := tickets.renew(t.Context(), 0); !errors.Is(err, errOneTicket) {
		t.Errorf("renewing it: %v", err)
	}
}
