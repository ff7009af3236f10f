package session

import (
	"context"
	"fmt"
	"testing"

	"matrix-msn/msn"
)

func TestEventsGoToThoseWhoWantThem(t *testing.T) {
	t.Parallel()
	s := New(nil, nil)
	var got []string
	type part string
	hearing := Hears(
		On(func(p part, _ context.Context, evt msn.TypingReceived) {
			got = append(got, string(p)+" typing of "+evt.From)
		}),
		On(func(p part, _ context.Context, evt msn.ContactChanged) {
			got = append(got, string(p)+" first "+evt.Contact.Account)
		}),
		On(func(p part, _ context.Context, evt msn.ContactChanged) {
			got = append(got, string(p)+" second "+evt.Contact.Account)
		}),
		OnDelivered(func(p part, _ context.Context, evt msn.TextReceived) { got = append(got, string(p)+" text "+evt.Text) }),
	)
	Listen(s, part("one"), hearing)
	Listen(s, part("other"), hearing)
	ctx, end := context.WithCancel(t.Context())
	tell := func() {
		s.Dispatch(ctx, msn.TypingReceived{From: "bob"})
		s.Dispatch(ctx, msn.ContactChanged{Contact: msn.Contact{Account: "carol"}})
		s.Dispatch(ctx, msn.TextReceived{Text: "hi"})
		s.Dispatch(ctx, msn.CirclesChanged{}) // which nobody wants
	}
	tell()
	if want := "[one typing of bob other typing of bob one first carol one second carol other first carol other second carol one text hi other text hi]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	// When the login is stopped only what the server believes delivered counts.
	end()
	got = nil
	tell()
	if want := "[one text hi other text hi]"; fmt.Sprint(got) != want {
		t.Errorf("after the end got %v, want %s", got, want)
	}
}
