package msn_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// The client against the test server in all dialects: with web services from MSNP13
// on, and as both kinds of servers.

// webConfig is configFor with the web services.
func webConfig(srv *msntest.Server, account string, d wire.Dialect) msn.Config {
	cfg := configFor(srv, account, d)
	web := srv.Web()
	cfg.Web = msn.WebServices{Login: web.Login, AddressBook: web.AddressBook, Sharing: web.Sharing, Mailbox: web.Mailbox, Post: web.Post, Storage: web.Storage}
	if d >= wire.FirstPrefixed {
		cfg.Web.Login = web.Login2
	}
	return cfg
}

// inAllDialects runs a test in each dialect against both kinds of servers.
func inAllDialects(t *testing.T, test func(t *testing.T, srv *msntest.Server, d wire.Dialect)) {
	t.Parallel()
	for compat, name := range map[msntest.Compat]string{msntest.Historic: "historic", msntest.Escargot: "escargot"} {
		for d := msn.MinDialect; d <= msn.MaxDialect; d++ {
			t.Run(name+"/"+d.String(), func(t *testing.T) {
				t.Parallel()
				test(t, newService(t, msntest.WithCompat(compat), msntest.WithDialects(d)), d)
			})
		}
	}
}

// lists checks the lists that a client and the server have of a contact.
func checkLists(t *testing.T, what string, srv *msntest.Server, u *user, other string, has, hasNot msntest.List) {
	t.Helper()
	contact, _ := u.Contact(other)
	kept := srv.Account(u.Account()).Lists(other)
	for list, mine := range map[msntest.List]msn.List{msntest.FL: msn.ListForward, msntest.AL: msn.ListAllow, msntest.BL: msn.ListBlock} {
		switch {
		case has&list != 0 && (!contact.Lists.Has(mine) || kept&list == 0),
			hasNot&list != 0 && (contact.Lists.Has(mine) || kept&list != 0):
			t.Errorf("%s: the client has %s on %b, the server on %b", what, other, contact.Lists, kept)
		}
	}
}

// The scenario of a live server: sign-in, lists, presence, list edits, chat both
// ways, offline messages, sign-out.
func TestEverythingInAllDialects(t *testing.T) {
	inAllDialects(t, func(t *testing.T, srv *msntest.Server, d wire.Dialect) {
		a := signIn(t, webConfig(srv, alice, d))
		if contact, ok := a.Contact(bob); !ok || !contact.Lists.Has(msn.ListForward|msn.ListAllow) || contact.Name != "Bob Builder" {
			t.Errorf("bob is %+v", contact)
		}
		if a.DisplayName() != "Alice ♥ 100%" {
			t.Errorf("the name is %q", a.DisplayName())
		}
		if err := a.SetStatus(t.Context(), msn.Away); err != nil {
			t.Error(err)
		}
		b := signIn(t, webConfig(srv, bob, d))
		a.waitPresence(bob, msn.Online)
		b.waitPresence(alice, msn.Away)
		if err := a.SetStatus(t.Context(), msn.Online); err != nil {
			t.Error(err)
		}
		b.waitPresence(alice, msn.Online)
		changeLists(t, srv, a, b)
		a.waitPresence(bob, msn.Online)
		a.say(bob, "ping ♥")
		got := b.waitText("ping ♥")
		if got.From != alice {
			t.Errorf("it came from %q", got.From)
		}
		if err := got.Conversation.SendTyping(t.Context()); err != nil {
			t.Error(err)
		}
		wait(a, "typing", anyOf[msn.TypingReceived])
		b.say(alice, "pong")
		a.waitText("pong")
		got.Conversation.Close()
		wait(a, "the other to leave", anyOf[msn.ParticipantLeft])
		a.say(bob, "again")
		b.waitText("again")
		b.quit()
		a.waitPresence(bob, msn.Offline)
		if a.OfflineMessages() {
			leaveMessage(t, srv, a, d)
		}
	})
}

// changeLists has a remove b, add them again, block and allow them.
func changeLists(t *testing.T, srv *msntest.Server, a, b *user) {
	t.Helper()
	if err := a.RemoveContact(t.Context(), bob); err != nil {
		t.Fatalf("remove: %v", err)
	}
	checkLists(t, "removed", srv, a, bob, 0, msntest.FL)
	wait(b, "to be removed", anyOf[msn.RemovedYou])
	if err := a.AddContact(t.Context(), bob, "hello"); err != nil {
		t.Fatalf("add: %v", err)
	}
	checkLists(t, "added", srv, a, bob, msntest.FL, msntest.BL)
	wait(b, "to be added", anyOf[msn.AddedYou])
	if err := a.Block(t.Context(), bob); err != nil {
		t.Fatalf("block: %v", err)
	}
	b.waitPresence(alice, msn.Offline)
	checkLists(t, "blocked", srv, a, bob, msntest.BL, msntest.AL)
	if err := a.Allow(t.Context(), bob); err != nil {
		t.Fatalf("allow: %v", err)
	}
	b.waitPresence(alice, msn.Online)
	checkLists(t, "allowed", srv, a, bob, msntest.AL, msntest.BL)
}

// Who has added the user is answered by being allowed or blocked, and is then no longer pending.
func TestPendingContactsAreAnsweredInAllDialects(t *testing.T) {
	inAllDialects(t, func(t *testing.T, srv *msntest.Server, d wire.Dialect) {
		const eve, mallory = "eve@example.com", "mallory@example.com"
		for _, account := range []string{eve, mallory} {
			srv.AddAccount(account, password, msntest.Name("Somebody")).Add(alice)
		}
		a := signIn(t, webConfig(srv, alice, d))
		for account, answer := range map[string]func(context.Context, string) error{eve: a.Allow, mallory: a.Block} {
			if contact, ok := a.Contact(account); !ok || !contact.WaitsForAnswer() {
				t.Errorf("%s waits for no answer: %+v", account, contact)
			}
			if err := answer(t.Context(), account); err != nil {
				t.Fatalf("%s: %v", account, err)
			}
			if on := srv.Account(alice).Lists(account); on&msntest.PL != 0 {
				t.Errorf("the server has %s on %b", account, on)
			}
			if contact, _ := a.Contact(account); contact.WaitsForAnswer() || contact.Lists.Has(msn.ListPending) {
				t.Errorf("the client has %s on %b", account, contact.Lists)
			}
		}
		a.checkUsable()
	})
}

// leaveMessage has a write to bob, who is offline and gets it at the next sign-in.
func leaveMessage(t *testing.T, srv *msntest.Server, a *user, d wire.Dialect) {
	t.Helper()
	const text = "while you were out ♥\nsecond line"
	if err := a.SendOffline(t.Context(), bob, text, ""); err != nil {
		t.Fatal(err)
	}
	if waiting := srv.OfflineMessages(bob); len(waiting) != 1 || waiting[0].From != alice {
		t.Fatalf("the server keeps %+v", waiting)
	}
	b := signIn(t, webConfig(srv, bob, d))
	m := wait(b, "the offline message", anyOf[msn.OfflineReceived])
	if m.Text != text || m.From != alice || m.FromName != "Alice ♥ 100%" || time.Since(m.At).Abs() > time.Minute {
		t.Errorf("it came as %+v", m)
	}
	if err := b.DeleteOffline(t.Context(), m.ID); err != nil {
		t.Error(err)
	}
	if waiting := srv.OfflineMessages(bob); len(waiting) != 0 {
		t.Errorf("the server still keeps %+v", waiting)
	}
}

// From MSNP16 on an account is at several places: both see each other, get the calls,
// and one can sign the other out; before that the second ends the first.
func TestTwoPlaces(t *testing.T) {
	inAllDialects(t, func(t *testing.T, srv *msntest.Server, d wire.Dialect) {
		home, work := webConfig(srv, alice, d), webConfig(srv, alice, d)
		home.EndpointName, work.EndpointName = "home", "work"
		first := signIn(t, home)
		second := signIn(t, work)
		if d < wire.FirstEndpoints {
			wait(first, "to be signed out", anyOf[msn.Disconnected])
			return
		}
		wait(first, "two places", func(e msn.EndpointsChanged) bool {
			return len(e.Endpoints) == 2 && slices.ContainsFunc(e.Endpoints, func(p msn.Endpoint) bool { return p.Name == "work" && !p.Here })
		})
		b := signIn(t, webConfig(srv, bob, d))
		b.say(alice, "come in")
		answers := 0
		if _, err := srv.Await(t.Context(), func(r msntest.Record) bool {
			if r.From == wire.FromServer && r.Account == alice && r.Command.Verb == "ANS" {
				answers++
			}
			return answers == 2
		}); err != nil {
			t.Fatal(err)
		}
		b.say(alice, "to both")
		first.waitText("to both")
		second.waitText("to both")
		var other msn.Endpoint
		for _, p := range first.Endpoints() {
			if !p.Here {
				other = p
			}
		}
		if err := first.SignOutEndpoint(t.Context(), other.ID); err != nil {
			t.Error(err)
		}
		wait(second, "to be signed out", anyOf[msn.Disconnected])
		wait(first, "one place", func(e msn.EndpointsChanged) bool { return len(e.Endpoints) == 1 })
	})
}

// Signing in through the HTTP gateway, and a chat that goes through it.
func TestThroughTheGateway(t *testing.T) {
	t.Parallel()
	for _, d := range []wire.Dialect{2, 8, 12, 13, 15, 18} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			srv := newService(t, msntest.WithDialects(d))
			cfg := webConfig(srv, alice, d)
			cfg.Gateway = srv.Web().Gateway
			a, b := signIn(t, cfg), signIn(t, webConfig(srv, bob, d))
			a.waitPresence(bob, msn.Online)
			a.say(bob, "by HTTP")
			b.waitText("by HTTP")
			b.say(alice, "by TCP")
			a.waitText("by TCP")
		})
	}
}

// What web services do wrong on the way in, and what becomes of the sign-in.
func TestSigningInAgainstOddities(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hook func(srv *msntest.Server) func(*msntest.Request) msntest.Action
		want error // of the sign-in, nil when it is to succeed
	}{
		"nothing": {func(*msntest.Server) func(*msntest.Request) msntest.Action { return nil }, nil},
		"a wrong clock": {func(*msntest.Server) func(*msntest.Request) msntest.Action {
			return msntest.Once(msntest.OnSOAP("RST", msntest.BadTime()))
		}, nil},
		"the same request elsewhere": {func(srv *msntest.Server) func(*msntest.Request) msntest.Action {
			return msntest.Once(msntest.OnSOAP("RST", msntest.RedirectLogin(srv.Web().Login)))
		}, nil},
		"a redirect of HTTP": {func(srv *msntest.Server) func(*msntest.Request) msntest.Action {
			return msntest.Once(msntest.OnSOAP("ABFindAll", msntest.Redirect(srv.Web().AddressBook+"?again")))
		}, nil},
		"a ticket that is over": {func(*msntest.Server) func(*msntest.Request) msntest.Action {
			return msntest.Once(msntest.OnSOAP("FindMembership", msntest.Refuse("403")))
		}, nil},
		"a locked account": {func(*msntest.Server) func(*msntest.Request) msntest.Action {
			return msntest.OnSOAP("RST", msntest.LoginFault("0x80048823", "locked"))
		}, msn.ErrAccountLocked},
		"redirects without end": {func(srv *msntest.Server) func(*msntest.Request) msntest.Action {
			return msntest.OnSOAP("RST", msntest.RedirectLogin(srv.Web().Login))
		}, msn.ErrBusy},
		"no XML": {func(*msntest.Server) func(*msntest.Request) msntest.Action {
			return msntest.OnSOAP("RST", msntest.Respond(200, nil, "<html>down for maintenance"))
		}, msn.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newService(t)
			if hook := test.hook(srv); hook != nil {
				srv.Hook(hook)
			}
			client, err := msn.Login(t.Context(), webConfig(srv, alice, 15))
			if err == nil {
				u := &user{Client: client, t: t}
				defer u.quit()
				if contact, _ := u.Contact(bob); !contact.Lists.Has(msn.ListForward | msn.ListAllow) {
					t.Errorf("bob is %+v", contact)
				}
			}
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("the error is %v, want %v", err, test.want)
			}
		})
	}
}

// An account that never had an address book gets one, and can be used like others.
func TestFirstSignInOfAnAccount(t *testing.T) {
	t.Parallel()
	for _, d := range []wire.Dialect{13, 18} {
		srv := newService(t)
		srv.AddAccount("new@example.com", password, msntest.WithoutAddressBook())
		u := signIn(t, webConfig(srv, "new@example.com", d))
		if len(u.Contacts()) != 0 {
			t.Errorf("%v: contacts %+v", d, u.Contacts())
		}
		if err := u.AddContact(t.Context(), bob, ""); err != nil {
			t.Errorf("%v: %v", d, err)
		}
		checkLists(t, "added", srv, u, bob, msntest.FL|msntest.AL, msntest.BL)
	}
}
