package msn_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestServiceSignedInElsewhere(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		first := signIn(t, configFor(srv, alice, d))
		second := signIn(t, configFor(srv, alice, d))
		over := wait(first, "the end", anyOf[msn.Disconnected])
		var out *msn.OutError
		if !errors.As(over.Err, &out) || !out.SignedInElsewhere() {
			t.Errorf("the first ended with %v", over.Err)
		}
		if second.Err() != nil {
			t.Errorf("the second ended with %v", second.Err())
		}
	})
}

func TestServiceRedirect(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t, msntest.WithDispatch())
		a := signIn(t, configFor(srv, alice, d))
		if err := srv.Redirect(alice, srv.NotificationAddr()); err != nil {
			t.Fatal(err)
		}
		over := wait(a, "the end", anyOf[msn.Disconnected])
		var moved *msn.MovedError
		if !errors.As(over.Err, &moved) || moved.Address != srv.NotificationAddr() {
			t.Errorf("ended with %v", over.Err)
		}
	})
}

func TestServiceNegotiatesDownwards(t *testing.T) {
	srv := newService(t, msntest.WithDialects(4, 9, 10))
	if a := signIn(t, configFor(srv, alice)); a.Dialect() != 10 {
		t.Errorf("dialect %v", a.Dialect())
	}
	_, err := msn.Login(t.Context(), configFor(srv, bob, 7, 8))
	if !errors.Is(err, msn.ErrNoDialect) {
		t.Errorf("error %v", err)
	}
}

func TestServiceWrongPassword(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		cfg := configFor(srv, alice, d)
		cfg.Password = "not it"
		if _, err := msn.Login(t.Context(), cfg); !errors.Is(err, msn.ErrBadCredentials) {
			t.Errorf("error %v", err)
		}
	})
}

func TestServiceLosesTheConnection(t *testing.T) {
	srv := newService(t)
	a := signIn(t, configFor(srv, alice, 12))
	if err := srv.Drop(alice); err != nil {
		t.Fatal(err)
	}
	if over := wait(a, "the end", anyOf[msn.Disconnected]); !errors.Is(over.Err, msn.ErrNotConnected) {
		t.Errorf("ended with %v", over.Err)
	}
	<-a.Done()
	if a.Err() == nil {
		t.Error("Err is nil")
	}
}

// The short times are those of a bubble, so that a busy machine is no service that misbehaves.
func TestServiceMisbehaves(t *testing.T) {
	quick := msn.Timeouts{Request: 2 * time.Second, Ack: time.Second, Answer: time.Second}
	for _, test := range []struct {
		name string
		hook func(*msntest.Request) msntest.Action
		want error // nil: delivered
	}{
		{"NAK", msntest.On("MSG", msntest.NAK()), msn.ErrNotDelivered},
		{"no acknowledgement", msntest.On("MSG", msntest.Swallow()), msn.ErrUncertain},
		{"late acknowledgement", msntest.On("MSG", msntest.Delay(300*time.Millisecond)), nil},
		{"session cut at the message, once", msntest.Once(msntest.On("MSG", msntest.Drop())), msn.ErrUncertain},
		{"session cut at each message", msntest.On("MSG", msntest.Drop()), msn.ErrUncertain},
		{"ticket refused once", msntest.Once(onSwitchboard("USR", msntest.Refuse("911"))), nil},
		{"ticket refused always", onSwitchboard("USR", msntest.Refuse("911")), msn.ErrSwitchboard},
		{"switchboard cut at USR", onSwitchboard("USR", msntest.Drop()), msn.ErrRefused},
		{"call refused", msntest.On("CAL", msntest.Refuse("217")), msn.ErrOffline},
		{"call not answered", msntest.On("CAL", msntest.Swallow()), msn.ErrTimeout},
		{"garbage on the switchboard", msntest.On("CAL", msntest.Garbage([]byte(strings.Repeat("x", wire.MaxLine+1000)))), wire.ErrProtocol},
		{"busy", msntest.On("XFR", msntest.Refuse("910")), msn.ErrBusy},
		{"switchboard elsewhere", msntest.On("XFR", msntest.Redirect("192.0.2.1:1864")), msn.ErrUntrusted},
		{"XFR not answered", msntest.On("XFR", msntest.Swallow()), msn.ErrTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := msntest.NewNetwork()
				srv := newService(t, msntest.WithNetwork(network), msntest.WithDialects(7))
				texts := make(chan string, 10)
				srv.Play(bob, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { texts <- text }})
				cfg := configFor(srv, alice, 7)
				cfg.Timeouts, cfg.Dial = quick, network.Dial
				a := signIn(t, cfg)
				srv.Hook(msntest.For(alice, test.hook))
				err := a.Conversation(bob).SendText(t.Context(), "hello", "")
				if !errors.Is(err, test.want) {
					t.Fatalf("error %v, want %v", err, test.want)
				}
				if err == nil {
					if got := <-texts; got != "hello" {
						t.Errorf("bob got %q", got)
					}
				}
				if a.Err() != nil {
					t.Errorf("the Client has ended: %v", a.Err())
				}
			})
		})
	}
}

// onSwitchboard is a hook for one command on switchboards.
func onSwitchboard(verb string, do msntest.Action) func(*msntest.Request) msntest.Action {
	return func(r *msntest.Request) msntest.Action {
		if r.Kind != msntest.SB || r.Command.Verb != verb {
			return msntest.Action{}
		}
		return do
	}
}

// The server relays a text and ends the session before it acknowledges: the text
// may have arrived, has here, and is not sent again.
func TestServiceRelaysAndEndsTheSession(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		texts := make(chan string, 10)
		srv.Play(bob, msntest.Script{Text: func(_ *msntest.Chat, _, text string) { texts <- text }})
		a := signIn(t, configFor(srv, alice, d))
		srv.Hook(msntest.For(alice, msntest.Once(msntest.On("MSG", msntest.DropAfter()))))
		if err := a.Conversation(bob).SendText(t.Context(), "once", ""); !errors.Is(err, msn.ErrUncertain) {
			t.Errorf("error %v", err)
		}
		a.say(bob, "next")
		for _, want := range []string{"once", "next"} {
			if got := <-texts; got != want {
				t.Errorf("bob got %q, want %q", got, want)
			}
		}
	})
}

func TestServiceIdleSessionIsLeft(t *testing.T) {
	srv := newService(t)
	texts := make(chan string, 10)
	left := make(chan string, 10)
	srv.Play(bob, msntest.Script{
		Text: func(_ *msntest.Chat, _, text string) { texts <- text },
		Left: func(_ *msntest.Chat, account string) { left <- account },
	})
	cfg := configFor(srv, alice, 10)
	cfg.Timeouts.IdleClose = 200 * time.Millisecond
	a := signIn(t, cfg)
	for _, text := range []string{"one", "two"} {
		a.say(bob, text)
		if got := <-texts; got != text {
			t.Errorf("bob got %q", got)
		}
		if who := <-left; who != alice {
			t.Errorf("%s left", who)
		}
	}
}

func TestServiceChallenge(t *testing.T) {
	for d := wire.Dialect(6); d <= 12; d++ {
		srv := newService(t, msntest.WithChallenges(-1))
		a := signIn(t, configFor(srv, alice, d))
		if err := srv.Challenge(alice); err != nil {
			t.Fatal(err)
		}
		if _, err := srv.AwaitCommand(t.Context(), alice, "QRY"); err != nil {
			t.Fatal(err)
		}
		// A wrong answer would end the connection before this is answered.
		if err := a.SetStatus(t.Context(), msn.Busy); err != nil {
			t.Errorf("%v: %v", d, err)
		}
		srv.Hook(msntest.On("QRY", msntest.WrongChallenge()))
		if err := srv.Challenge(alice); err != nil {
			t.Fatal(err)
		}
		over := wait(a, "the end", anyOf[msn.Disconnected])
		var refused *msn.ServerError
		if !errors.As(over.Err, &refused) || refused.Number != 540 {
			t.Errorf("%v: ended with %v", d, over.Err)
		}
	}
}
