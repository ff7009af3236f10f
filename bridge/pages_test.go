package bridge

import (
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/database"
	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// newPagingServer is newTestServer where bob has a mobile device.
func newPagingServer(t *testing.T, opts ...msntest.Option) *msntest.Server {
	srv := msntest.NewServer(t, opts...)
	srv.AddAccount(alice, pass, msntest.Name("Alice"), msntest.Property("PHH", "15550001111"))
	srv.AddAccount(bob, pass, msntest.Name("Bob Builder"), msntest.Mobile())
	srv.AddAccount(carol, pass, msntest.Name("Carol"))
	srv.Befriend(alice, bob)
	srv.Befriend(alice, carol)
	return srv
}

// awaitPage returns the n-th page that the server has taken.
func (b *testBridge) awaitPage(n int) msntest.SentPage {
	b.Helper()
	page, err := b.srv.AwaitPage(b.ctx, n)
	if err != nil {
		b.Fatal(err)
	}
	return page
}

func TestPageIsSentAndItsFateTold(t *testing.T) {
	t.Parallel()
	for _, dialect := range []wire.Dialect{5, 7, 8, 9, 12} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newPagingServer(t, msntest.WithDialects(dialect)))
			login := b.login()
			room := b.dm(login, bob)
			got := b.ask(room, "!page Fish & <chips>\nfor  two 👋")
			page := b.awaitPage(1)
			if page.To != bob || page.From != alice || page.Page.Text != "Fish & <chips>\nfor  two 👋" || page.Page.Callback != (notify.Callback{}) {
				t.Errorf("the server got %+v", page)
			}
			if !strings.HasPrefix(got.body, "Paged Bob Builder (bob@example.com): no error came back") || got.room != room || got.answer != "$user1" {
				t.Errorf("the answer is %q, to %s", got.body, got.answer)
			}
			b.eventually("the page being settled", func() bool {
				pages, err := b.conn.db.Page.Untold(b.ctx, login.ID)
				return err == nil && len(pages) == 0
			})
		})
	}
}

func TestEveryFateOfAPageHasItsSentence(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 114)
	for _, test := range []struct {
		name, command, want string
		refuse              string
		state               database.PageState
	}{
		{"not accepted", "!page bob@example.com x", "The page was not accepted", "220", "msn-page-refused"},
		{"could not be sent", "!page bob@example.com x", "could not be sent, perhaps because you send too fast", "800", "msn-page-failed"},
		{"unavailable by 606", "!page bob@example.com x", "Paging is not available", "606", "msn-paging-unavailable"},
		{"unavailable by 710", "!page bob@example.com x", "Paging is not available", "710", "msn-paging-unavailable"},
		{"unavailable by 715", "!page bob@example.com x", "Paging is not available", "715", "msn-paging-unavailable"},
		{"another error", "!page bob@example.com x", "Home refused the page to Bob Builder (bob@example.com) (error 999)", "999", "msn-server-error"},
		{"too long", "!page bob@example.com " + long, "The page has 114 characters, and at most 113 fit. Shorten it by 1", "", "msn-page-too-long"},
		{"no device", "!page carol@example.com x", "Carol (carol@example.com) has no mobile device", "", "msn-no-mobile"},
		{"control character", "!page bob@example.com a\x01b", "characters that no page can carry", "", "msn-page-characters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newPagingServer(t))
			login := b.login()
			b.srv.RefusePages(bob, test.refuse)
			if got := b.ask(b.management(), test.command); !strings.Contains(got.body, test.want) {
				t.Errorf("the answer is %q", got.body)
			}
			if n := len(b.srv.Pages()); n > 0 {
				t.Errorf("the server has taken %d pages", n)
			}
			var state database.PageState
			err := b.br.DB.Database.QueryRow(b.ctx, "SELECT state FROM page WHERE login_id=$1", login.ID).Scan(&state)
			if err != nil || state != test.state {
				t.Errorf("the page is %q in the table, want %q, %v", state, test.state, err)
			}
		})
	}
}

func TestLongestPageGoesOut(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	b.login()
	text := strings.Repeat("&", 112) + "👋"
	if got := b.ask(b.management(), "page bob@example.com "+text); !strings.Contains(got.body, "Paged Bob") {
		t.Errorf("the answer is %q", got.body)
	}
	if page := b.awaitPage(1); page.Page.Text != text {
		t.Errorf("the server got %q", page.Page.Text)
	}
}

func TestPageCanAskToBeCalledBack(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	room := b.dm(b.login(), bob)
	pages := 0
	for _, test := range []struct {
		command, want string
		callback      notify.Callback
	}{
		{"!page --callback home Call me", "Paged", notify.Callback{Location: notify.Home, Number: "15550001111"}},
		{"!page --callback=work=+1-555-222 Call me", "Paged", notify.Callback{Location: notify.Work, Number: "1555222"}},
		{"!Page bob@example.com —callback MOBILE=15553334444 Call me", "Paged", notify.Callback{Location: notify.Mobile, Number: "15553334444"}},
		{"!page --callback work Call me", "MSN knows no work number of yours", notify.Callback{}},
		{"!page --callback office Call me", "must be followed by home, work or mobile", notify.Callback{}},
		{"!page --callback home=abc Call me", "abc is no telephone number", notify.Callback{}},
		{"!page --callback home", "The text is missing", notify.Callback{}},
		{"!page --callback hi", "--callback must be followed by home, work or mobile, not by hi. The page was not sent. Write `!page", notify.Callback{}},
		{"!page bob@example.com --callback hi", "not by hi", notify.Callback{}},
		{"!page --callback", "--callback must be followed by home, work or mobile. The page", notify.Callback{}},
		{"!page bob@example.com", "The text is missing", notify.Callback{}},
	} {
		if got := b.ask(room, test.command); !strings.Contains(got.body, test.want) {
			t.Errorf("%q is answered by %q", test.command, got.body)
		}
		if test.callback.Number == "" {
			continue
		}
		pages++
		if page := b.awaitPage(pages); page.Page.Callback != test.callback || page.Page.Text != "Call me" {
			t.Errorf("%q: the server got %+v", test.command, page)
		}
	}
	if n := len(b.srv.Pages()); n != pages {
		t.Errorf("the server got %d pages, want %d", n, pages)
	}
}

func TestServiceThatDoesNotPageIsSentNoPage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t, msntest.WithoutPaging()), withHome(func(home *config.ServiceConfig) { home.Paging = "never" }))
	room := b.dm(b.login(), bob)
	if got := b.ask(room, "!page Call me"); !strings.Contains(got.body, "Home does not page mobile devices") || !strings.Contains(got.body, "the admin of this bridge can switch it on") {
		t.Errorf("the answer is %q", got.body)
	}
	_, texts := b.friend()
	b.write(room, "still there")
	b.receive(texts, alice+": still there")
}

func TestPageThatTakesLongIsSaidToBeOnItsWay(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t), withHome(func(home *config.ServiceConfig) { home.PageGrace = "3s" }))
	room := b.dm(b.login(), bob)
	_, texts := b.friend()
	from := b.matrix.position()
	b.write(room, "!page Call me")
	b.write(room, "and now a text")
	b.receive(texts, alice+": and now a text") // not held up by the page
	if got := b.answer(from, "!page"); got.body != "Paging Bob Builder (bob@example.com) …" {
		t.Errorf("the first answer is %q", got.body)
	}
	b.waitMessage(from, "Paged Bob")
}

func TestBounceIsToldWhereThePageWasTyped(t *testing.T) {
	t.Parallel()
	for _, restarted := range []bool{false, true} {
		t.Run(map[bool]string{false: "in the session", true: "after a restart"}[restarted], func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newPagingServer(t))
			room := b.dm(b.login(), bob)
			b.ask(room, "!page Call me")
			page := b.awaitPage(1)
			if restarted {
				b.restart()
				b.waitState("CONNECTED")
			}
			from := b.matrix.position()
			if err := b.srv.Bounce(page, notify.BounceTooLong); err != nil {
				t.Fatal(err)
			}
			got := b.answer(from, "the bounce")
			if got.body != "Your page to Bob Builder (bob@example.com) did not arrive after all: it was too long for the device. It said: Call me" ||
				got.room != room || got.answer != "$user1" {
				t.Errorf("the notice is %q in %s, to %s", got.body, got.room, got.answer)
			}
		})
	}
}

func TestBounceOfNoKnownPageIsAnAlert(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	b.login()
	if err := b.srv.Bounce(msntest.SentPage{From: alice, To: bob, TrID: "77"}, "500"); err != nil {
		t.Fatal(err)
	}
	b.waitAlert(0, "Your page to Bob Builder (bob@example.com) did not arrive after all (code 500).")
}

func TestPageWhoseSendingWasInterruptedIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		sentAt time.Time
		want   string
	}{
		{"before it was sent", time.Time{}, "was not sent: the bridge was stopped before"},
		{"while it may have gone out", time.Now(), "It may or may not have gone out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newPagingServer(t))
			login := b.login()
			room := b.dm(login, bob)
			b.br.Stop()
			b.startWith(func() {
				now := time.Now()
				if err := b.conn.db.Page.Put(b.Context(), &database.Page{LoginID: login.ID, PageID: "p", To: bob, Text: "Call me",
					TrID: 9, SentAt: test.sentAt, RoomID: room, EventID: "$e", Sender: fakeUser, State: database.PageSending,
					WrittenAt: now, UpdatedAt: now}); err != nil {
					t.Fatal(err)
				}
			})
			got := b.answer(0, "the page")
			if !strings.Contains(got.body, test.want) || got.room != room || got.answer != "$e" {
				t.Errorf("the notice is %q in %s, to %s", got.body, got.room, got.answer)
			}
			if n := len(b.srv.Pages()); n > 0 {
				t.Errorf("the page was sent %d times", n)
			}
		})
	}
}

func TestPageIsUncertainWhenTheConnectionIsLost(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	b.login()
	room := b.management()
	b.srv.Hook(msntest.On("PGD", msntest.Drop()))
	if got := b.ask(room, "page bob@example.com Call me"); !strings.Contains(got.body, "It may or may not have gone out") {
		t.Errorf("the answer is %q", got.body)
	}
}

func TestPageWithoutASessionSaysWhy(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	b.login()
	if err := b.srv.Kick(alice, "OTH"); err != nil {
		t.Fatal(err)
	}
	b.waitState("UNKNOWN_ERROR")
	got := b.ask(b.management(), "page bob@example.com Call me")
	if !strings.Contains(got.body, "was signed in at another place") {
		t.Errorf("the answer is %q", got.body)
	}
}

func TestFateOfAPageIsToldWhenTheHomeserverIsBack(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	login := b.login()
	room := b.dm(login, bob)
	b.matrix.failSending(msn.ErrTimeout)
	b.write(room, "!page Call me")
	b.awaitPage(1)
	b.eventually("the page counting as sent", func() bool {
		pages, err := b.conn.db.Page.Untold(b.ctx, login.ID)
		return err == nil && len(pages) == 1 && pages[0].State == database.PagePaged
	})
	b.restart()
	b.waitMessage(0, "Paged Bob Builder")
}

func TestFateOfAPageOutlastsADatabaseOutage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	room := b.dm(b.login(), bob)
	b.srv.RefusePages(bob, "220")
	b.exec("CREATE TABLE attempts (n INTEGER)")
	b.exec("CREATE TRIGGER no BEFORE UPDATE OF state ON page BEGIN INSERT INTO attempts VALUES (1); SELECT RAISE(FAIL, 'disk full'); END")
	from := b.matrix.position()
	b.write(room, "!page Call me")
	failed := func() (n int) { // FAIL keeps what the statement did before
		if err := b.br.DB.Database.QueryRow(b.ctx, "SELECT COUNT(*) FROM attempts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	b.eventually("a failed attempt", func() bool { return failed() > 0 })
	b.exec("DROP TRIGGER no")
	if got := b.answer(from, "!page"); !strings.Contains(got.body, "The page was not accepted") {
		t.Errorf("the answer is %q", got.body)
	}
	if n := failed(); n > 2 {
		t.Errorf("it was tried %d times in a moment", n)
	}
}

func TestUserWithoutPermissionCannotPage(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t), func(b *testBridge) { b.only = true })
	login := b.login()
	room := b.dm(login, bob)
	const mallory = id.UserID("@mallory:elsewhere.test")
	from := b.matrix.position()
	for _, command := range []string{"!page bob@example.com x", "!invite eve@example.org", "!inbox", "!find A B", "!alerts", "!client-version announce"} {
		b.writeAs(mallory, room, &event.MessageEventContent{MsgType: event.MsgText, Body: command})
		got, next := b.matrix.wait(t, from, "the refusal of "+command, func(r record) bool { return r.kind == "status" })
		if from = next; got.status == event.MessageStatusSuccess || !strings.Contains(got.body, "permission") {
			t.Errorf("%s: %s %q", command, got.status, got.body)
		}
	}
	if n := len(b.srv.Pages()) + len(b.srv.Invitations()); n > 0 {
		t.Errorf("%d pages and invitations were sent", n)
	}
}

// Another user of the bridge who is in the room acts with accounts of their own.
func TestOtherUserOfTheBridgeDoesNotPageInTheNameOfTheRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	room := b.dm(b.login(), bob)
	from := b.matrix.position()
	b.writeAs("@mallory:"+fakeServer, room, &event.MessageEventContent{MsgType: event.MsgText, Body: "!page Call me"})
	if got := b.answer(from, "!page"); !strings.Contains(got.body, "You are not logged in to MSN") {
		t.Errorf("the answer is %q", got.body)
	}
	if n := len(b.srv.Pages()); n > 0 {
		t.Errorf("%d pages were sent", n)
	}
}

func TestPageIsUncertainWhenItsWaitIsCutShort(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testBridge, *bridgev2.UserLogin){
		"by a restart": func(b *testBridge, _ *bridgev2.UserLogin) { b.restart() },
		"by a reconnect": func(b *testBridge, login *bridgev2.UserLogin) {
			login.Client.(*Client).session.Reconnect(b.ctx)
		},
		"by a logout": func(b *testBridge, login *bridgev2.UserLogin) { login.Logout(b.ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTestBridge(t, newPagingServer(t), withHome(func(home *config.ServiceConfig) { home.PageGrace = "5m" }))
			login := b.login()
			room := b.management()
			b.write(room, "page bob@example.com Call me")
			b.awaitPage(1)
			end(b, login)
			got, _ := b.waitMessage(0, "It may or may not have gone out")
			if got.room != room || got.answer != "$user1" {
				t.Errorf("it is told in %s, to %s", got.room, got.answer)
			}
			if n := len(b.srv.Pages()); n != 1 {
				t.Errorf("the page was sent %d times", n)
			}
		})
	}
}

func TestMistypedOptionIsNotPaged(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newPagingServer(t))
	login := b.login()
	room := b.dm(login, bob)
	if got := b.ask(room, "!page --calback home Call me"); !strings.Contains(got.body, "--calback is no option of !page. The page was not sent.") {
		t.Errorf("the answer is %q", got.body)
	}
	if got := b.ask(room, "!page -- that is all"); !strings.Contains(got.body, "Paged Bob") {
		t.Errorf("a text that begins with a dash is answered by %q", got.body)
	}
	if pages := b.srv.Pages(); len(pages) != 1 || pages[0].Page.Text != "-- that is all" {
		t.Errorf("the server got %+v", pages)
	}
}
