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
	note := func(who string) { got = append(got, who) }
	On(s, func(_ context.Context, evt msn.TypingReceived) { note("typing of " + evt.From) })
	On(s, func(_ context.Context, evt msn.ContactChanged) { note("first " + evt.Contact.Account) })
	On(s, func(_ context.Context, evt msn.ContactChanged) { note("second " + evt.Contact.Account) })
	OnDelivered(s, func(_ context.Context, evt msn.TextReceived) { note("text " + evt.Text) })
	ctx, end := context.WithCancel(t.Context())
	tell := func() {
		s.Dispatch(ctx, msn.TypingReceived{From: "bob"})
		s.Dispatch(ctx, msn.ContactChanged{Contact: msn.Contact{Account: "carol"}})
		s.Dispatch(ctx, msn.TextReceived{Text: "hi"})
		s.Dispatch(ctx, msn.CirclesChanged{}) // which nobody wants
	}
	tell()
	if want := "[typing of bob first carol second carol text hi]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	// When the login is stopped only what the server believes delivered counts.
	end()
	got = nil
	tell()
	if want := "[text hi]"; fmt.Sprint(got) != want {
		t.Errorf("after the end got %v, want %s", got, want)
	}
}
