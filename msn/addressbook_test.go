package msn

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/contactlist"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// modernDialects are those whose lists come from web services.
var modernDialects = []wire.Dialect{13, 14, 15, 16, 17, 18}

func TestSOAPListsOfEveryRole(t *testing.T) {
	for _, d := range modernDialects {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			client, web, ns := webIn(t, d, func(w *fakeWeb) {
				w.groups = "<Group><groupId>g1</groupId><groupInfo><name>Friends &amp; family</name></groupInfo></Group>"
				w.members = membership("Allow", "bob@example.com", "both@example.com", "Carol@Example.com") +
					membership("Block", "both@example.com", "dave@example.com") + membership("Reverse", "bob@example.com") +
					membership("Pending", "erin@example.com")
				w.book = meElement("Alice A") +
					contactElement(bobsGUID, "bob@example.com", "Bob", "<groupIds><guid>g1</guid></groupIds>",
						"<annotations><Annotation><Name>AB.NickName</Name><Value>Bobby</Value></Annotation></annotations>",
						mobile("555"), "<phones><ContactPhone><contactPhoneType>ContactPhonePersonal</contactPhoneType><number>1 &amp; 2</number></ContactPhone></phones>") +
					contactElement("c2", "carol@example.com", "Carol ♥") +
					"<Contact><contactId>c3</contactId><contactInfo><contactType>Regular</contactType><passportName>mail@example.com</passportName>" +
					"<isMessengerUser>false</isMessengerUser></contactInfo></Contact>" +
					"<Contact><contactId>c4</contactId><contactInfo><contactType>Regular</contactType><emails><ContactEmail><contactEmailType>Messenger2</contactEmailType>" +
					"<email>frank@yahoo.example</email><isMessengerEnabled>true</isMessengerEnabled><Capability>32</Capability></ContactEmail></emails></contactInfo></Contact>" +
					"<Contact><contactId>c5</contactId><fDeleted>true</fDeleted><contactInfo><contactType>Regular</contactType><passportName>gone@example.com</passportName>" +
					"<isMessengerUser>true</isMessengerUser></contactInfo></Contact>"
			})
			type row struct {
				name, nick, guid string
				lists            List
				network          int
				groups           []string
			}
			want := map[string]row{
				"bob@example.com":     {"Bob", "Bobby", bobsGUID, ListForward | ListAllow | ListReverse, 1, []string{"g1"}},
				"carol@example.com":   {"Carol ♥", "", "c2", ListForward | ListAllow, 1, nil},
				"both@example.com":    {"", "", "", ListBlock, 1, nil},
				"dave@example.com":    {"", "", "", ListBlock, 1, nil},
				"erin@example.com":    {"", "", "", ListPending, 1, nil},
				"frank@yahoo.example": {"", "", "c4", ListForward, 32, nil},
			}
			for _, c := range client.Contacts() {
				w, ok := want[c.Account]
				if !ok || c.Name != w.name || c.Nick != w.nick || c.GUID != w.guid || c.Lists != w.lists || c.Network != w.network || !slices.Equal(c.Groups, w.groups) {
					t.Errorf("contact %+v, want %+v", c, w)
				}
				delete(want, c.Account)
			}
			if len(want) > 0 {
				t.Errorf("missing: %v", want)
			}
			bob, _ := client.Contact("bob@example.com")
			if bob.Properties["PHM"] != "555" || bob.Properties["PHH"] != "1 & 2" || bob.Properties["MOB"] != "Y" {
				t.Errorf("bob's numbers are %v", bob.Properties)
			}
			if groups := client.Groups(); len(groups) != 1 || groups[0] != (Group{ID: "g1", Name: "Friends & family"}) {
				t.Errorf("groups %+v", groups)
			}
			if client.DisplayName() != "Alice A" {
				t.Errorf("the user's name is %q", client.DisplayName())
			}
			find := "ABFindAll"
			if d >= wire.FirstEndpoints {
				find = "ABFindContactsPaged"
			}
			if got := web.operations(); !slices.Equal(got, []string{"RST", "FindMembership", find}) {
				t.Errorf("calls %q", got)
			}
			if cookie := web.called(find)[0].cookie; (cookie != "") != (d < wire.FirstSSO) {
				t.Errorf("the cookie is %q", cookie)
			}
			ns.barrier()
		})
	}
}

func TestSOAPListsAreToldToTheServer(t *testing.T) {
	n := newFakeNet(t)
	cfg := fakeConfig(n, 15)
	web := newFakeWeb(t)
	var accounts []string
	web.book = meElement("Alice A")
	for i := range 400 {
		account := fmt.Sprintf("somebody-with-a-long-name-%03d@host%d.example.com", i, i%3)
		accounts = append(accounts, account)
		web.book += contactElement(fmt.Sprintf("c%d", i), account, "x")
	}
	web.members = membership("Allow", accounts...) + membership("Block", "dave@example.com")
	cfg.https = web
	result := goLogin(t, cfg)
	ns := n.accept(fakeServer)
	ns.greet(15)
	payloads := ns.lists()
	ns.present(15, 6+len(payloads)+1)
	client, err := waitLogin(t, result)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quit(client, ns) })
	told := make(map[string]uint8)
	for _, payload := range payloads {
		members, err := wire.ParseMembers(payload)
		if err != nil || len(members) > wire.MaxMembers || len(payload) > wire.MaxMembersLength || !strings.HasPrefix(payload, `<ml l="1">`) {
			t.Errorf("%v, %d members, %d bytes: %.40s", err, len(members), len(payload), payload)
		}
		for _, m := range members {
			told[m.Account] |= m.Lists
		}
	}
	if len(payloads) < 3 || len(told) != 401 || told[accounts[7]] != 3 || told["dave@example.com"] != 4 {
		t.Errorf("%d payloads, %d people, %d, %d", len(payloads), len(told), told[accounts[7]], told["dave@example.com"])
	}
}

func TestSOAPBookThatDoesNotExistIsMade(t *testing.T) {
	n := newFakeNet(t)
	cfg := fakeConfig(n, 15)
	web := newFakeWeb(t)
	web.answer["FindMembership"] = once(bookFault("ABDoesNotExist"))
	web.answer["ABFindAll"] = once(bookFault("ABDoesNotExist"))
	cfg.https = web
	result := goLogin(t, cfg)
	ns := n.accept(fakeServer)
	ns.greet(15)
	if cmd := ns.expect("ADL 6"); cmd.Payload != `<ml l="1"></ml>` {
		t.Errorf("the server is told %q", cmd.Payload)
	}
	ns.send("ADL 6 OK")
	ns.present(15, 7) // there is no name to tell
	client, err := waitLogin(t, result)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quit(client, ns) })
	if !strings.Contains(web.called("ABAdd")[0].body, "<ownerEmail>alice@example.com</ownerEmail>") {
		t.Errorf("made by %s", web.called("ABAdd")[0].body)
	}
	if got := web.operations(); !slices.Equal(got, []string{"RST", "FindMembership", "ABFindAll", "ABAdd"}) {
		t.Errorf("calls %q", got)
	}
	if list := client.Contacts(); len(list) != 0 {
		t.Errorf("contacts %+v", list)
	}
	ns.barrier()
}

func TestSOAPListsAreAskedForAgain(t *testing.T) {
	for name, test := range map[string]struct {
		failures int
		answer   func(webCall) webAnswer
		want     error
	}{
		"once out of order":   {1, status(http.StatusInternalServerError), nil},
		"twice no answer":     {2, func(webCall) webAnswer { return webAnswer{content: "<x/>"} }, nil},
		"a fault for good":    {99, bookFault("Unavailable"), ErrBusy},
		"refused for good":    {99, status(http.StatusForbidden), ErrBusy},
		"a body without end":  {99, func(webCall) webAnswer { return webAnswer{content: soapEnvelope("<a>")[:200]} }, ErrBusy},
		"a hundred megabytes": {99, func(webCall) webAnswer { return webAnswer{content: strings.Repeat("x", soap.MaxAnswer+1)} }, ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(t)
				cfg := fakeConfig(n, 15)
				web := newFakeWeb(t)
				left := test.failures
				web.answer["ABFindAll"] = func(c webCall) webAnswer {
					if left--; left < 0 {
						return webAnswer{}
					}
					return test.answer(c)
				}
				cfg.https = web
				result := goLogin(t, cfg)
				ns := n.accept(fakeServer)
				ns.challengeLogin(15)
				ns.read()
				ns.send("USR 4 OK alice@example.com 1 0")
				if test.want != nil {
					if got := <-result; !errors.Is(got.err, test.want) {
						t.Errorf("error %v", got.err)
					}
					if calls := len(web.called("ABFindAll")); calls > contactlist.LoadAttempts*2 {
						t.Errorf("asked %d times", calls)
					}
					return
				}
				ns.expect("BLP 5 AL")
				ns.send("BLP 5 AL")
				ns.finish(15)
				got := <-result
				if got.err != nil {
					t.Fatal(got.err)
				}
				quit(got.client, ns)
			})
		})
	}
}

// longPing keeps PNG out of a test in which time passes.
func longPing(c *Config) { c.Timeouts.Ping = 24 * time.Hour }

// membersCommand is an ADL or RML of the server's own.
func membersCommand(verb, account string, lists List) string {
	user, domain, _ := strings.Cut(account, "@")
	payload := fmt.Sprintf(`<ml><d n="%s"><c n="%s" l="%d" t="1" f="Name%%20of"/></d></ml>`, domain, user, lists)
	return fmt.Sprintf("%s 0 %d\r\n%s", verb, len(payload), payload)
}

func TestSOAPBeingAddedAndRemovedIsToldOnce(t *testing.T) {
	for _, d := range modernDialects {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, web, ns := webIn(t, d, nil, longPing)
				ns.send(membersCommand("ADL", "Eve@example.com", ListReverse), membersCommand("ADL", "eve@example.com", ListReverse))
				if e := waitFor[AddedYou](t, client); e.Contact.Account != "eve@example.com" || e.Contact.Name != "Name of" || !e.Contact.Lists.Has(ListPending) {
					t.Errorf("event %+v", e)
				}
				web.set(func() { w := web; w.members += membership("Pending", "eve@example.com") })
				ns.send(membersCommand("ADL", "bob@example.com", ListForward)) // nobody's business
				time.Sleep(contactlist.RefreshEvery)                           // the lists have come again, and say the same
				ns.send(membersCommand("RML", "eve@example.com", ListReverse))
				web.set(func() { web.members = membership("Allow", "bob@example.com") })
				added := 0
				for {
					e := nextEvent(t, client)
					if _, ok := e.(AddedYou); ok {
						added++
					}
					if e, ok := e.(RemovedYou); ok {
						if e.Contact.Account != "eve@example.com" {
							t.Errorf("event %+v", e)
						}
						break
					}
				}
				if added != 0 {
					t.Errorf("told %d times more", added)
				}
				time.Sleep(contactlist.RefreshEvery)
				if e := waitFor[RemovedYou](t, client); e.Contact.Account != "bob@example.com" {
					t.Errorf("what the lists say alone: %+v", e)
				}
				ns.barrier()
			})
		})
	}
}

func TestSOAPRefreshesAreGatheredAndLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, nil, longPing)
		web.forget()
		start := time.Now()
		for range 50 {
			ns.send(membersCommand("ADL", "eve@example.com", ListReverse))
		}
		time.Sleep(contactlist.RefreshWait + time.Second)
		if got := len(web.called("FindMembership")); got != 1 {
			t.Errorf("%d downloads after 50 notices, want 1", got)
		}
		for time.Since(start) < 10*time.Minute {
			ns.send(membersCommand("RML", "eve@example.com", ListReverse), membersCommand("ADL", "eve@example.com", ListReverse))
			time.Sleep(time.Second)
			for range client.backlogLength() {
				nextEvent(t, client)
			}
		}
		if got := len(web.called("FindMembership")); got > 10*60/int(contactlist.RefreshEvery/time.Second)+1 {
			t.Errorf("%d downloads in 10 minutes", got)
		}
		ns.barrier()
	})
}

// backlogLength is how many events wait to be read.
func (c *Client) backlogLength() (n int) {
	c.conn.Do(func() { n = c.conn.Waiting() })
	return n
}

func TestSOAPRefreshTellsTheServerWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, func(w *fakeWeb) {
			w.members += membership("Allow", "carol@example.com") + membership("Block", "dave@example.com")
		}, longPing)
		web.set(func() {
			// carol is blocked, dave is not any more, erin is new.
			web.members = membership("Allow", "bob@example.com", "dave@example.com", "erin@example.com") + membership("Block", "carol@example.com") + membership("Reverse", "bob@example.com")
			web.book += contactElement("c9", "erin@example.com", "Erin")
		})
		client.conn.Do(func() { client.lists.Refresh() })
		time.Sleep(contactlist.RefreshEvery)
		var lines []string
		for range 2 {
			cmd := ns.read()
			lines = append(lines, cmd.Verb+" "+cmd.Payload)
			ns.send(cmd.Verb + " " + cmd.Arg(0) + " OK")
		}
		want := []string{
			`RML <ml><d n="example.com"><c n="carol" l="2" t="1"/><c n="dave" l="4" t="1"/></d></ml>`,
			`ADL <ml><d n="example.com"><c n="carol" l="4" t="1"/><c n="dave" l="2" t="1"/><c n="erin" l="3" t="1"/></d></ml>`,
		}
		if !slices.Equal(lines, want) {
			t.Errorf("the server is told %q, want %q", lines, want)
		}
		if erin, ok := client.Contact("erin@example.com"); !ok || erin.Name != "Erin" || erin.Lists != ListForward|ListAllow {
			t.Errorf("erin is %+v", erin)
		}
		// The same once more tells nobody anything.
		client.conn.Do(func() { client.lists.Refresh() })
		time.Sleep(contactlist.RefreshEvery)
		ns.barrier()
	})
}

func TestSOAPRefreshThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, nil, longPing)
		web.set(func() { web.answer["FindMembership"] = status(http.StatusInternalServerError) })
		client.conn.Do(func() { client.lists.Refresh() })
		time.Sleep(10 * time.Hour)
		if got := len(web.called("FindMembership")); got != 1+contactlist.MaxRefreshFailures {
			t.Errorf("asked %d times", got)
		}
		if client.Err() != nil {
			t.Errorf("the Client has ended: %v", client.Err())
		}
		web.set(func() { delete(web.answer, "FindMembership"); web.members = membership("Allow", "bob@example.com") })
		client.conn.Do(func() { client.lists.Refresh() })
		if e := waitFor[RemovedYou](t, client); e.Contact.Account != "bob@example.com" {
			t.Errorf("event %+v", e)
		}
		ns.barrier()
	})
}

func TestSOAPSettingOfStrangers(t *testing.T) {
	for value, want := range map[string]string{"": "AL", "1": "AL", "0": "AL", "2": "BL"} {
		n := newFakeNet(t)
		cfg := fakeConfig(n, 15)
		web := newFakeWeb(t)
		web.book = "<Contact><contactInfo><contactType>Me</contactType><annotations><Annotation><Name>MSN.IM.BLP</Name><Value>" + value +
			"</Value></Annotation></annotations></contactInfo></Contact>"
		cfg.https = web
		result := goLogin(t, cfg)
		ns := n.accept(fakeServer)
		ns.challengeLogin(15)
		ns.read()
		ns.send("USR 4 OK alice@example.com 1 0")
		if got := lineOf(ns.read()); got != "BLP 5 "+want {
			t.Errorf("%q makes %q", value, got)
		}
		ns.close()
		if _, err := waitLogin(t, result); err == nil {
			t.Error("no error")
		}
	}
}

// ADL, RML and UBX from a server that is broken: what can be read counts, nothing is
// the end of the session.
func TestHostileListChanges(t *testing.T) {
	log := &testLog{}
	client, _, ns := webIn(t, 15, nil, func(c *Config) { c.Logger = log.logger() })
	for _, payload := range []string{
		"", "x", "<ml>", "<!DOCTYPE ml><ml/>", "<ml><!-- --></ml>", `<ml><d><c/></d></ml>`, `<ml><d n="a b"><c n="x" l="8"/></d></ml>`,
		`<ml><d n="example.com"><c n="` + strings.Repeat("x", 1000) + `" l="8" t="1"/></d></ml>`, `<ml><d n="example.com"><c n="eve" l="99999999999"/></d></ml>`,
		strings.Repeat("<d n='x'>", 10000), `<ml><d n="example.com"><c n="eve` + "\r\nOUT" + `" l="8"/></d></ml>`, "<ml><d n=\"x\"><c n=\"\x00\xff\" l=\"8\"/></d></ml>",
	} {
		for _, verb := range []string{"ADL 0", "RML 0", "UBX bob@example.com", "UBX alice@example.com"} {
			ns.send(fmt.Sprintf("%s %d\r\n%s", verb, len(payload), payload))
		}
	}
	ns.barrier()
	for _, c := range client.Contacts() {
		if !strings.Contains(c.Account, "@") || len(c.Account) > clean.MaxAccount || strings.ContainsAny(c.Account, " \r\n\x00") {
			t.Errorf("contact %+v", c)
		}
	}
	// A bare & in somebody's name costs nobody the news.
	payload := `<ml><d n="example.com"><c n="eve" l="8" t="1" f="Tom & Eve"/></d></ml>`
	ns.send(fmt.Sprintf("ADL 0 %d\r\n%s", len(payload), payload))
	for {
		if e := waitFor[AddedYou](t, client); e.Contact.Account == "eve@example.com" {
			if e.Contact.Name != "Tom & Eve" {
				t.Errorf("event %+v", e)
			}
			break
		}
	}
	client.conn.Do(func() {
		if client.book.Len() > 20 {
			t.Errorf("%d contacts are known", client.book.Len())
		}
	})
}

// BenchmarkSignIn1000 signs in to a list of 1,000 contacts, all of whom are blocked or
// on the list, from web services in memory.
func BenchmarkSignIn1000(b *testing.B) {
	for _, d := range []wire.Dialect{15, 18} {
		b.Run(d.String(), func(b *testing.B) {
			web := newFakeWeb(b)
			var accounts []string
			for i := range 1000 {
				account := fmt.Sprintf("contact%d@example.com", i)
				accounts = append(accounts, account)
				web.book += contactElement(fmt.Sprintf("c1f9a363-4ee9-4a33-a434-%012d", i), account, fmt.Sprintf("Contact %d ♥", i))
			}
			web.members = membership("Allow", accounts...) + membership("Reverse", accounts...)
			b.ReportAllocs()
			for b.Loop() {
				n := &fakeNet{t: b, queues: make(map[string]chan *fakeConn)}
				cfg := fakeConfig(n, d)
				web.set(func() { web.calls, web.given = nil, 0 })
				cfg.https = web
				result := goLogin(b, cfg)
				ns := n.accept(fakeServer)
				ns.greet(d)
				payloads := ns.lists()
				last := 7 + len(payloads)
				if d >= wire.FirstEndpoints {
					last += 2
				}
				ns.present(d, last)
				client, err := waitLogin(b, result)
				if err != nil {
					b.Fatal(err)
				}
				if got := len(client.Contacts()); got != 1001 {
					b.Fatalf("%d contacts", got)
				}
				b.StopTimer()
				quit(client, ns)
				b.StartTimer()
			}
		})
	}
}

// Lists that began to be downloaded before the user blocked somebody do not let them in
// again.
func TestOlderListsDoNotUndoABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, nil, longPing)
		stuck := make(chan struct{})
		var asked atomic.Bool
		web.set(func() {
			web.answer["ABFindAll"] = func(webCall) webAnswer {
				if !asked.Swap(true) {
					<-stuck // the memberships are there already, as they were
				}
				return webAnswer{}
			}
		})
		ns.sendDocument("NOT", dataAlert("<Service>ABCHInternal</Service><HasNewItem>true</HasNewItem>"))
		time.Sleep(contactlist.RefreshWait + time.Second)
		if !asked.Load() {
			t.Fatal("the lists are not downloaded")
		}
		web.set(func() {
			web.members = membership("Block", "bob@example.com") + membership("Reverse", "bob@example.com")
		})
		blocked := make(chan error, 1)
		go func() { blocked <- client.Block(t.Context(), "bob@example.com") }()
		for range 2 {
			cmd := ns.read()
			ns.send(cmd.Verb + " " + cmd.Arg(0) + " OK")
		}
		if err := waitError(t, blocked); err != nil {
			t.Fatal(err)
		}
		close(stuck)
		time.Sleep(time.Second)
		ns.barrier() // no RML and ADL that let bob in
		if contact, _ := client.Contact("bob@example.com"); !contact.Lists.Has(ListBlock) || contact.Lists.Has(ListAllow) {
			t.Errorf("bob is on %b", contact.Lists)
		}
	})
}
