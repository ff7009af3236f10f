package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// waitsFor reports whether somebody waits for the user's answer, or does not.
func (b *testBridge) waitsFor(client *Client, account string) bool {
	session := client.session.Current()
	if session == nil {
		return false
	}
	contact, _ := session.Contact(account)
	return contact.Reverse()
}

// Who has taken a request back is not answered, nor is somebody else in their place.
func TestAnswerReachesWhomTheUserMeans(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		const dave = "dave@example.com"
		b.srv.AddAccount(dave, pass)
		b.srv.SetList(carol, msntest.FL, alice, true)
		login := b.login()
		client := login.Client.(*Client)
		b.matrix.wait(b.T, 0, "the request", func(r record) bool {
			return r.kind == "message" && strings.Contains(r.body, carol+") has added you")
		})
		b.srv.SetList(carol, msntest.FL, alice, false)
		b.srv.SetList(dave, msntest.FL, alice, true)
		chat := b.management()
		before := b.matrix.position()
		b.ask(chat, "reconnect")
		// It may be told behind the request, and is no answer to what is asked next.
		b.matrix.wait(b.T, before, "how that went", func(r record) bool {
			return r.kind == "message" && strings.Contains(r.body, "is signed in to")
		})
		b.eventually("the other request", func() bool { return b.waitsFor(client, dave) && !b.waitsFor(client, carol) })
		b.matrix.wait(b.T, 0, "the other request", func(r record) bool {
			return r.kind == "message" && strings.Contains(r.body, dave) && strings.Contains(r.body, "has added you")
		})
		for _, step := range []struct{ command, want string }{
			{"accept", carol + " had added you, and took that back. By now " + dave + " waits for an answer. Nothing was changed. If you mean them, send it again."},
			{"accept " + carol, carol + " does not wait for an answer: they have not added you, or have taken that back. Nothing was changed. `!add " + carol + "` puts them on your contact list."},
			{"whois " + dave, "waits for your answer"},
			{"contacts waiting", dave},
			{"contacts waiting", "has added you, and waits for an answer"},
			{"decline " + bob, "does not wait for an answer. Nothing was changed. `!block " + bob + "` keeps them from seeing you and writing to you."},
			{"accept " + bob, "is on your contact list already, and can see you and write to you. Nothing was changed."},
			{"whois " + bob, "Lists: on your contact list, may see you"},
			{"accept", dave + " can see you and write to you, and is on your contact list."},
			{"decline " + dave, "does not wait for an answer. Nothing was changed."},
			{"block " + bob, "is blocked"},
			{"decline " + bob, "is blocked already. Nothing was changed."},
		} {
			if got := b.ask(chat, step.command); !strings.Contains(got.body, step.want) {
				t.Errorf("%s is answered by %q, want %q", step.command, got.body, step.want)
			}
		}
		if contact, _ := client.session.Current().Contact(carol); contact.Lists != 0 {
			t.Errorf("who took the request back is on the lists %b", contact.Lists)
		}
	})
}

// Of many requests not all are told: an answer without an address is for none of the others.
func TestNobodyIsAcceptedOfWhomTheUserHasNotHeard(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t)
	var adders []string
	for i := range 7 {
		adders = append(adders, string(rune('a'+i))+"@adders.example")
		srv.AddAccount(adders[i], pass)
		srv.SetList(adders[i], msntest.FL, alice, true)
	}
	b := newTestBridge(t, srv)
	login := b.login()
	client := login.Client.(*Client)
	b.matrix.wait(t, 0, "the sum", func(r record) bool {
		return r.kind == "message" && strings.HasPrefix(r.body, "7 people have added you")
	})
	last := adders[slices.IndexFunc(adders, func(account string) bool { return !client.requests.Knows(account) })]
	chat := b.management()
	for _, account := range adders {
		if account != last {
			b.ask(chat, "decline "+account)
		}
	}
	if got := b.ask(chat, "accept"); got.body != "By now "+last+" waits for an answer. Nothing was changed. If you mean them, send it again." {
		t.Errorf("accept is answered by %q", got.body)
	}
	if got := b.ask(chat, "accept"); got.body != last+" can see you and write to you, and is on your contact list." {
		t.Errorf("the second accept is answered by %q", got.body)
	}
}

// In the room with a contact an answer without an address is for them, if they wait.
func TestAnswerInARoomIsForWhoWaits(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.srv.SetList(carol, msntest.FL, alice, true)
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	client := login.Client.(*Client)
	b.eventually("the request", func() bool { return client.requests.Knows(carol) })
	for _, command := range []string{"!decline", "!accept"} {
		got := b.ask(b.dm(login, bob), command)
		if !strings.Contains(got.body, "Nothing was changed") || !strings.Contains(got.body, "wait: "+carol+".") {
			t.Errorf("%s is answered by %q", command, got.body)
		}
	}
	for _, account := range []string{bob, carol} {
		if contact, _ := client.session.Current().Contact(account); contact.Lists.Has(msn.ListBlock) || account == carol && contact.Lists.Has(msn.ListAllow) {
			t.Errorf("%s is on %v", account, contact.Lists)
		}
	}
}

// Who was let in and could not be put on the list is told as just that.
func TestRequestThatIsHalfAnswered(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		number int
		want   string
	}{
		{210, carol + " can see you and write to you now, and is not on your contact list: that is full. Remove somebody with `!remove`; then `!add " + carol + "` puts them on it."},
		{500, carol + " can see you and write to you now, and is not on your contact list: Home did not put them there. Try `!add " + carol + "` in a few minutes."},
	} {
		b := newTestBridge(t, newTestServer(t, msntest.WithDialects(12)))
		b.srv.SetList(carol, msntest.FL, alice, true)
		login := b.login()
		b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
		b.srv.Hook(func(r *msntest.Request) msntest.Action {
			if r.Command.Verb == "ADC" && r.Command.Arg(1) == "FL" {
				return msntest.Reply(wire.Command{Verb: fmt.Sprint(test.number), Args: []string{r.TrID()}})
			}
			return msntest.Action{}
		})
		chat := b.management()
		if got := b.ask(chat, "accept "+carol); got.body != test.want {
			t.Errorf("answered by %q, want %q", got.body, test.want)
		}
		if got := b.ask(chat, "whois "+carol); !strings.Contains(got.body, "Lists: may see you, has you on their list") {
			t.Errorf("whois says %q", got.body)
		}
	}
}

// Who asks in a friend's name is told so with the request, and when they are accepted; and when
// they take such a name later, in their room, once for each.
func TestRequestInTheNameOfAFriend(t *testing.T) {
	t.Parallel()
	byListDialect(t, func(t *testing.T, b *testBridge) {
		const mallory = "mallory@example.com"
		const warning = "Take care: " + mallory + " bears the name of " + bob + ", who is on your contact list, or one that looks like it. They are two accounts."
		b.srv.AddAccount(mallory, pass, msntest.Name("Bоb Builder"))
		b.srv.SetList(mallory, msntest.FL, alice, true)
		b.srv.SetList(carol, msntest.FL, alice, true)
		login := b.login()
		request := func(of string) record {
			told, _ := b.matrix.wait(b.T, 0, "the request", func(r record) bool {
				return r.kind == "message" && strings.Contains(r.body, "("+of+") has added you")
			})
			return told
		}
		if told := request(mallory); !strings.HasSuffix(told.body, "keeps them from that. "+warning) {
			t.Errorf("the request is told as %q", told.body)
		}
		if told := request(carol); strings.Contains(told.body, "Take care") {
			t.Errorf("another request is told as %q", told.body)
		}
		chat := b.management()
		if got := b.ask(chat, "accept "+mallory); !strings.HasSuffix(got.body, "is on your contact list. "+warning) {
			t.Errorf("accept is answered by %q", got.body)
		}
		if got := b.ask(chat, "accept "+carol); !strings.HasSuffix(got.body, "is on your contact list.") {
			t.Errorf("another accept is answered by %q", got.body)
		}
		room := b.dm(login, carol)
		b.dm(login, mallory)
		for _, name := range []string{"Bob Builder", "Carol again", "Bob Builder", "The end"} {
			login.Client.(*Client).session.Dispatch(b.ctx, msn.PresenceChanged{Contact: msn.Contact{Account: carol, Name: name, Told: name, Status: msn.Online, Lists: msn.ListForward}})
			b.eventually("the name "+name, func() bool { return b.ghostName(login, carol) == name+" (MSN)" })
		}
		taken := b.matrix.all(func(r record) bool { return strings.HasPrefix(r.body, "Take care: "+carol) })
		if len(taken) != 1 || taken[0].room != room {
			t.Errorf("that a contact takes the name of another is said so: %+v", taken)
		}
	})
}

// What somebody writes with their request is told with it, though services bring it later; what
// comes much later is told by itself, once.
func TestTextOfARequestIsToldWithIt(t *testing.T) {
	t.Parallel()
	srv := newTestServer(t, msntest.WithDialects(15))
	srv.AddAccount(dave, pass, msntest.Name("Dave"))
	b := newTestBridge(t, srv, speaking(srv, "MSNP15"))
	login := b.login()
	b.eventually("the sign-in", func() bool { return b.signedIn(login.ID) })
	web := srv.Web()
	carols, err := msn.Login(b.ctx, msn.Config{Account: carol, Password: pass, Server: srv.Addr(), RootCAs: srv.CertPool(),
		Web:      msn.WebServices{Login: web.Login, AddressBook: web.AddressBook, Sharing: web.Sharing},
		Dialects: []wire.Dialect{15}, Trust: msn.Trust{AllowPrivate: true}})
	if err != nil {
		t.Fatal(err)
	}
	b.Cleanup(func() { _ = carols.Close() })
	if err := carols.AddContact(b.ctx, alice, "It is me"); err != nil {
		t.Fatal(err)
	}
	of := func(account string) []record {
		return b.matrix.all(func(r record) bool {
			return r.kind == "message" && strings.Contains(r.body, account) && strings.Contains(r.body, "has added you")
		})
	}
	b.eventually("the request", func() bool { return len(of(carol)) > 0 })
	contact, _ := login.Client.(*Client).session.Current().Contact(carol)
	srv.Account(dave).Add(alice)
	b.eventually("the request without a text", func() bool { return len(of(dave)) > 0 })
	late, _ := login.Client.(*Client).session.Current().Contact(dave)
	late.Request = "I am late"
	for range 2 {
		for _, changed := range []msn.Contact{contact, late} {
			login.Client.(*Client).session.Dispatch(b.ctx, msn.ContactChanged{Contact: changed})
		}
	}
	b.eventually("the late text", func() bool { return len(of(dave)) == 2 })
	b.waitQueued(0)
	if told := of(carol); len(told) != 1 || !strings.Contains(told[0].body, ") has added you to their contact list at Home and writes: “It is me”. `!accept "+carol+"`") {
		t.Errorf("the request is told as %+v", told)
	}
	if told := of(dave); len(told) != 2 || strings.Contains(told[0].body, "writes") || told[1].body != dave+", who has added you, writes: “I am late”" {
		t.Errorf("the other request is told as %+v", told)
	}
}
