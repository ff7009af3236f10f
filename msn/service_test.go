package msn_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

const (
	alice    = "alice@example.com"
	bob      = "bob@example.com"
	password = "secret123"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

// newService starts a server with alice and bob, who have each other on their
// lists.
func newService(t *testing.T, opts ...msntest.Option) *msntest.Server {
	t.Helper()
	srv := msntest.NewServer(t, opts...)
	srv.AddAccount(alice, password, msntest.Name("Alice ♥ 100%"))
	srv.AddAccount(bob, password, msntest.Name("Bob Builder"))
	srv.Befriend(alice, bob)
	return srv
}

// configFor is a Config for an account of a server.
func configFor(srv *msntest.Server, account string, dialects ...wire.Dialect) msn.Config {
	return msn.Config{
		Account:  account,
		Password: password,
		Server:   srv.Addr(),
		NexusURL: srv.NexusURL(),
		RootCAs:  srv.CertPool(),
		Dialects: dialects,
		Trust:    msn.Trust{AllowPrivate: true},
	}
}

// user is a Client whose events are gathered, so that a test can wait for any of
// them in any order.
type user struct {
	*msn.Client
	t      *testing.T
	events []msn.Event // what was read and not waited for
}

func signIn(t *testing.T, cfg msn.Config) *user {
	t.Helper()
	client, err := msn.Login(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{Client: client, t: t}
	t.Cleanup(u.quit)
	return u
}

// quit closes the Client while its events are read.
func (u *user) quit() {
	done := make(chan struct{})
	go func() {
		for range u.Events() {
		}
		close(done)
	}()
	_ = u.Close()
	<-done
}

// wait returns the first event of type E that ok accepts.
func wait[E msn.Event](u *user, what string, ok func(E) bool) E {
	u.t.Helper()
	for n, e := range u.events {
		if found, is := e.(E); is && ok(found) {
			u.events = append(u.events[:n:n], u.events[n+1:]...)
			return found
		}
	}
	deadline := time.After(patience)
	for {
		select {
		case e, open := <-u.Events():
			if !open {
				u.t.Fatalf("waiting for %s: the events have ended: %v", what, u.Err())
			}
			if found, is := e.(E); is && ok(found) {
				return found
			}
			u.events = append(u.events, e)
		case <-deadline:
			u.t.Fatalf("waiting for %s: it does not come; events: %+v", what, u.events)
		}
	}
}

func anyOf[E msn.Event](E) bool { return true }

func (u *user) waitPresence(account string, status msn.Status) msn.PresenceChanged {
	u.t.Helper()
	return wait(u, fmt.Sprintf("%s to be %s", account, status), func(e msn.PresenceChanged) bool {
		return e.Contact.Account == account && e.Contact.Status == status
	})
}

func (u *user) waitText(text string) msn.TextReceived {
	u.t.Helper()
	return wait(u, fmt.Sprintf("the text %.40q", text), func(e msn.TextReceived) bool { return e.Text == text })
}

// say sends a text that must arrive.
func (u *user) say(to, text string) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), patience)
	defer cancel()
	if err := u.Conversation(to).SendText(ctx, text, ""); err != nil {
		u.t.Fatalf("sending %.40q: %v", text, err)
	}
}

// eachDialect runs a test in every dialect without web services, with a server of its
// own.
func eachDialect(t *testing.T, test func(t *testing.T, d wire.Dialect)) {
	for d := msn.MinDialect; d < wire.FirstSOAP; d++ {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

func TestServiceListsAndPresence(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		srv.AddAccount("carol@example.com", password)
		srv.SetList(alice, msntest.FL, "carol@example.com", true)
		srv.SetList(alice, msntest.BL, "dave@example.com", true)
		a := signIn(t, configFor(srv, alice, d))
		if a.Dialect() != d || a.Account() != alice || a.DisplayName() != "Alice ♥ 100%" {
			t.Errorf("dialect %v, account %q, name %q", a.Dialect(), a.Account(), a.DisplayName())
		}
		lists := map[string]msn.List{}
		for _, c := range a.Contacts() {
			lists[c.Account] = c.Lists
		}
		for account, want := range map[string]msn.List{
			bob:                 msn.ListForward | msn.ListAllow | msn.ListReverse,
			"carol@example.com": msn.ListForward,
			"dave@example.com":  msn.ListBlock,
		} {
			if lists[account] != want {
				t.Errorf("%s is on lists %d, want %d", account, lists[account], want)
			}
		}
		b := signIn(t, configFor(srv, bob, d))
		if p := b.waitPresence(alice, msn.Online); !p.Initial || p.Contact.Name != "Alice ♥ 100%" {
			t.Errorf("alice is %+v", p)
		}
		if p := a.waitPresence(bob, msn.Online); p.Initial {
			t.Errorf("bob is %+v", p)
		}
		for _, status := range []msn.Status{msn.Busy, msn.Idle, msn.BeRightBack, msn.Away, msn.OnThePhone, msn.OutToLunch, msn.Online} {
			if err := a.SetStatus(t.Context(), status); err != nil {
				t.Fatal(err)
			}
			b.waitPresence(alice, status)
			if a.Status() != status {
				t.Errorf("own status is %s, want %s", a.Status(), status)
			}
		}
		if err := a.SetStatus(t.Context(), msn.Hidden); err != nil {
			t.Fatal(err)
		}
		b.waitPresence(alice, msn.Offline)
		if err := a.Conversation(bob).SendText(t.Context(), "x", ""); !errors.Is(err, msn.ErrHidden) {
			t.Errorf("writing while hidden: %v", err)
		}
		if err := a.SetStatus(t.Context(), msn.Online); err != nil {
			t.Fatal(err)
		}
		b.waitPresence(alice, msn.Online)
		b.quit()
		a.waitPresence(bob, msn.Offline)
	})
}

func TestServiceChat(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		a, b := signIn(t, configFor(srv, alice, d)), signIn(t, configFor(srv, bob, d))
		a.waitPresence(bob, msn.Online)
		b.waitPresence(alice, msn.Online)
		a.say(bob, "Hello\nBob ♥")
		text := b.waitText("Hello\nBob ♥")
		if text.From != alice || text.FromName != "Alice ♥ 100%" || text.Seq != 1 || text.Others != nil {
			t.Errorf("text %+v", text)
		}
		if err := text.Conversation.SendTyping(t.Context()); err != nil {
			t.Fatal(err)
		}
		wait(a, "typing", func(e msn.TypingReceived) bool { return e.From == bob })
		if err := b.Conversation(alice).SendText(t.Context(), "styled", "FN=Arial; EF=BI; CO=ff; PF=22"); err != nil {
			t.Fatal(err)
		}
		if text := a.waitText("styled"); text.Format != "FN=Arial; EF=BI; CO=ff; PF=22" || text.From != bob {
			t.Errorf("text %+v", text)
		}
		if n := srv.Switchboards(alice); n != 1 {
			t.Errorf("%d sessions", n)
		}
		long := strings.Repeat("ä€🙂 word\n", 400)
		a.say(bob, long)
		whole := ""
		for whole != long {
			whole += wait(b, "a part", anyOf[msn.TextReceived]).Text
			if !strings.HasPrefix(long, whole) {
				t.Fatalf("the long text came as %q", whole)
			}
		}
		// The session ends and is opened again, unseen.
		b.Conversation(alice).Close()
		wait(a, "bob to leave", func(e msn.ParticipantLeft) bool { return e.Account == bob })
		a.say(bob, "again")
		b.waitText("again")
		b.say(alice, "and back")
		a.waitText("and back")
	})
}

func TestServiceBlockedContact(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		a, b := signIn(t, configFor(srv, alice, d)), signIn(t, configFor(srv, bob, d))
		a.waitPresence(bob, msn.Online)
		srv.Account(bob).Block(alice, true)
		a.waitPresence(bob, msn.Offline)
		if err := a.Conversation(bob).SendText(t.Context(), "x", ""); !errors.Is(err, msn.ErrOffline) {
			t.Errorf("error %v", err)
		}
		srv.Account(bob).Block(alice, false)
		a.waitPresence(bob, msn.Online)
		a.say(bob, "peace")
		b.waitText("peace")
	})
}

func TestServiceBeingAddedAndRemoved(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		eve := srv.AddAccount("eve@example.com", password, msntest.Name("Eve"))
		a := signIn(t, configFor(srv, alice, d))
		eve.Add(alice)
		added := wait(a, "eve to add alice", anyOf[msn.AddedYou])
		if added.Contact.Account != "eve@example.com" || added.Contact.Name != "Eve" || !added.Contact.Lists.Has(msn.ListReverse) {
			t.Errorf("added by %+v", added)
		}
		eve.Remove(alice)
		removed := wait(a, "eve to remove alice", anyOf[msn.RemovedYou])
		if removed.Contact.Lists.Has(msn.ListReverse) {
			t.Errorf("removed by %+v", removed)
		}
	})
}

func TestServiceContactCalls(t *testing.T) {
	eachDialect(t, func(t *testing.T, d wire.Dialect) {
		srv := newService(t)
		b := srv.Play(bob, msntest.Script{})
		a := signIn(t, configFor(srv, alice, d))
		for i := range 5 {
			text := fmt.Sprintf("text %d", i)
			if err := b.Say(t.Context(), alice, text); err != nil {
				t.Fatal(err)
			}
			if got := a.waitText(text); got.From != bob || got.Seq != i+1 {
				t.Errorf("text %+v", got)
			}
		}
	})
}

func TestServicePersonalMessage(t *testing.T) {
	for d := wire.Dialect(11); d <= 12; d++ {
		srv := newService(t)
		b := srv.Play(bob, msntest.Script{})
		a := signIn(t, configFor(srv, alice, d))
		b.SetPersonalMessage("busy & <happy> ♥")
		wait(a, "the personal message", func(e msn.PersonalMessageChanged) bool {
			return e.Contact.Account == bob && e.Contact.Personal == "busy & <happy> ♥"
		})
	}
}

func TestServiceGroupChatIsReadAndNotWrittenTo(t *testing.T) {
	srv := newService(t)
	srv.AddAccount("carol@example.com", password)
	srv.Befriend(alice, bob, "carol@example.com")
	carolTexts := make(chan string, 10)
	carol := srv.Play("carol@example.com", msntest.Script{Text: func(_ *msntest.Chat, from, text string) { carolTexts <- from + ": " + text }})
	bobTexts := make(chan string, 10)
	b := srv.Play(bob, msntest.Script{Text: func(_ *msntest.Chat, from, text string) { bobTexts <- from + ": " + text }})
	_ = carol
	a := signIn(t, configFor(srv, alice, 12))
	chat, err := b.Call(t.Context(), alice, "carol@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Say("hi all"); err != nil {
		t.Fatal(err)
	}
	text := a.waitText("hi all")
	if len(text.Others) != 1 || text.Others[0] != "carol@example.com" {
		t.Errorf("text %+v", text)
	}
	<-carolTexts
	a.say(bob, "only you")
	if got := <-bobTexts; got != alice+": only you" {
		t.Errorf("bob got %q", got)
	}
	if err := chat.Say("last"); err != nil {
		t.Fatal(err)
	}
	if got := <-carolTexts; got != bob+": last" {
		t.Errorf("carol got %q", got)
	}
}

// What a switchboard relays before it has seen the good-bye is delivered, as far as
// its sender knows.
func TestTextThatCrossesTheGoodbyeIsDelivered(t *testing.T) {
	t.Parallel()
	srv := newService(t)
	a := signIn(t, configFor(srv, alice, 12)).Client
	bot := srv.Play(bob, msntest.Script{})
	chat, err := bot.Call(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	// The server learns of the good-bye only after it has relayed another text.
	crossed := make(chan struct{})
	cross := sync.OnceFunc(func() { close(crossed) })
	defer cross()
	srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "OUT" {
			<-crossed
		}
		return msntest.Action{}
	})
	if err := chat.Say("before"); err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() { a.Close(); close(closed) }()
	<-a.Done()
	err = chat.Say("crossing")
	cross()
	if err != nil {
		t.Fatal(err)
	}
	var heard []string
	for evt := range a.Events() {
		if text, ok := evt.(msn.TextReceived); ok {
			heard = append(heard, text.Text)
		}
	}
	<-closed
	if !slices.Contains(heard, "before") || !slices.Contains(heard, "crossing") {
		t.Errorf("heard %q", heard)
	}
}
