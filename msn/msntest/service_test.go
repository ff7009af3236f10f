package msntest_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// The commands of protocol/07-misc-founding-spec.md, as clients of the period send
// them.

// asked is a command and what is answered; closed when the connection then ends.
type asked struct {
	name       string
	d          wire.Dialect
	send, want string
	closed     bool
}

func ask(t *testing.T, tests []asked, opts ...msntest.Option) {
	t.Helper()
	for _, test := range tests {
		t.Run(fmt.Sprintf("%v %s", test.d, test.name), func(t *testing.T) {
			t.Parallel()
			c := online(t, friends(t, opts...), test.d, alice)
			c.send(test.send)
			if test.want != "" {
				c.want(test.want)
			}
			if test.closed {
				c.wantClosed()
			} else {
				c.barrier()
			}
		})
	}
}

func TestClientVersions(t *testing.T) {
	t.Parallel()
	ask(t, []asked{
		{"six parameters", 3, "CVR 7 0x0409 win 4.10 i386 MSMSGS 2.0.0085", "CVR 7 2.0.0085 2.0.0085 1.0.0000 * *", false},
		{"seven parameters", 4, "CVR 7 0x0409 win 4.10 i386 MSMSGS 3.6.0025 MSMSGS", "CVR 7 3.6.0025 3.6.0025 1.0.0000 http://messenger.example.com/download http://messenger.example.com", false},
		{"eight parameters", 8, "CVR 7 0x0409 winnt 5.1 i386 MSNMSGR 5.0.0544 MSMSGS alice@example.com", "CVR 7 5.0.0544 5.0.0544 1.0.0000 * *", false},
		{"more than the dialect has", 2, "CVR 7 0x0409 win 4.10 i386 MSMSGS 1.0.0863 MSMSGS", "CVR 7 1.0.0863 1.0.0863 1.0.0000 * *", false},
		{"unknown client", 7, "CVR 8 0x0409 win 4.10 i386 MSGSTRST 3.6.0025 MSMSGS", "CVR 8 1.0.0000 1.0.0000 1.0.0000 * *", false},
		{"five parameters", 3, "CVR 7 0x0409 win 4.10 i386 MSMSGS", "710 7", true},
		{"no codebase", 7, "CVR 7 0x0409 win 4.10 i386 MSMSGS 3.6.0025", "710 7", true},
		{"no account", 8, "CVR 7 0x0409 winnt 5.1 i386 MSNMSGR 5.0.0544 MSMSGS", "710 7", true},
		{"too many", 12, "CVR 7 0x0409 winnt 5.1 i386 MSNMSGR 5.0.0544 MSMSGS a@b x", "710 7", true},
	})
}

func TestClientsAreToldToUpgrade(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithVersion("7.5.0324", "7.0.0777"))
	for client, want := range map[string]string{
		"MSNMSGR": "CVR 2 7.5.0324 7.5.0324 7.0.0777 * *",
		"OTHER":   "CVR 2 1.0.0000 1.0.0000 1.0.0000 * *",
	} {
		c := dial(t, srv, srv.Addr())
		c.send("VER 1 MSNP8", "CVR 2 0x0409 winnt 5.1 i386 "+client+" 6.0.0602 MSMSGS alice@example.com")
		c.want("VER 1 MSNP8", want)
	}
}

func TestClientsWithoutADialectAskForTheVersionOnly(t *testing.T) {
	t.Parallel()
	srv := friends(t, msntest.WithDialects(12), msntest.WithVersion("7.5.0324", ""))
	for name, last := range map[string]string{
		"empty codebase":       " ",
		"codebase and account": " MSMSGS alice@example.com",
		"six parameters":       "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, srv, srv.Addr())
			c.send("VER 1 MSNP4 MSNP3 CVR0", "CVQ 2 0x0409 win 4.10 i386 MSMSGS 2.2.1053"+last)
			c.want("VER 1 CVR0", "CVQ 2 7.5.0324 7.5.0324 1.0.0000 * *")
			c.wantClosed()
		})
	}
}

func TestPagesOfTheService(t *testing.T) {
	t.Parallel()
	const compose = "/cgi-bin/compose"
	tests := []asked{
		{"COMPOSE", 9, "URL 7 COMPOSE example@passport.com", "URL 7 " + compose + "?mailto=1&to=example%40passport%2ecom * 2", false},
		{"COMPOSE to nobody", 9, "URL 7 COMPOSE x", "201 7", false},
		{"locale in decimal", 9, "URL 7 PROFILE 0x1409", "URL 7 http://members.msn.com/Edit.asp?lc=5129 * 4263", false},
		{"locale is missing", 9, "URL 7 PERSON", "201 7", false},
		{"locale is not padded", 9, "URL 7 CHAT 0x409", "201 7", false},
		{"locale in capitals", 9, "URL 7 CHAT 0X0409", "201 7", false},
		{"locale is none", 9, "URL 7 CHAT 0x04zz", "201 7", false},
		{"lower case", 9, "URL 7 inbox", "201 7", false},
		{"argument too many", 9, "URL 7 INBOX 0x0409", "201 7", false},
		{"words too many", 9, "URL 7 COMPOSE a@b.c d", "201 7", false},
		{"unknown", 9, "URL 7 MESSENGERSUPPORT", "201 7", false},
		{"no name", 9, "URL 7", "201 7", false},
		{"MOBILE", 4, "URL 7 MOBILE", "201 7", false},
		{"MOBILE", 5, "URL 7 MOBILE", "URL 7 * * 961", false},
		{"N2PACCOUNT", 6, "URL 7 N2PACCOUNT 0x0409", "URL 7 https://ocs.net2phone.com/account/msnaccount/default.asp?_lang=0x0409 * 2823", false},
		{"N2PACCOUNT", 7, "URL 7 N2PACCOUNT 0x0409", "201 7", false},
		{"ADDRBOOK", 7, "URL 7 ADDRBOOK", "201 7", false},
		{"ADDRBOOK", 8, "URL 7 ADDRBOOK", "URL 7 * * 2", false},
	}
	// The eight of the founding specification, with and without a number.
	for _, name := range []string{"INBOX", "FOLDERS", "COMPOSE", "COMPOSE a@b.example", "PROFILE 0x0409", "CHGMOB", "PERSON 0x0409", "CHAT 0x0409"} {
		tests = append(tests, asked{name, 2, "URL 7 " + name, "URL 7 * https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033", false})
		for _, d := range []wire.Dialect{3, 7, 12} {
			tests = append(tests, asked{name, d, "URL 7 " + name, "URL 7 * https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033 *", false})
		}
	}
	ask(t, tests)
}

func TestProfileCarriesWhatTheLogInFormNeeds(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	srv.AddAccount("dave@example.com", "secret", msntest.MSPAuth("2AAAAA$$"), msntest.Unread(1, 0))
	for _, test := range []struct {
		email           string
		d               wire.Dialect
		auth, hasMail   string
		sid, kv, member string
	}{
		{"dave@example.com", 2, "", "", "", "", ""},
		{"dave@example.com", 3, "2AAAAA$$", "1", "507", "5", "84736"},
		{"dave@example.com", 12, "2AAAAA$$", "1", "507", "5", "84736"},
	} {
		mark := srv.Mark()
		login(t, srv, test.d, test.email, "secret")
		rec, err := srv.AwaitAfter(testContext(t), mark, func(r msntest.Record) bool {
			return r.From == wire.FromServer && r.Command.Verb == "MSG"
		})
		must(t, err)
		h := wire.ParseMessage(rec.Command.Payload).Header
		got := []string{h.Get("MSPAuth"), h.Get("EmailEnabled"), h.Get("sid"), h.Get("kv"), h.Get("MemberIdHigh")}
		if want := []string{test.auth, test.hasMail, test.sid, test.kv, test.member}; !reflect.DeepEqual(got, want) || h.Get("LoginTime") == "" {
			t.Errorf("%v: profile %q, want %q", test.d, got, want)
		}
	}
}

func TestMalformedInvitations(t *testing.T) {
	t.Parallel()
	const sdc = "SDC 7 a@b.example 0x0409 MSMSGS MSMSGS X X me 0\r\n"
	ask(t, []asked{
		{"SND without an address", 2, "SND 7", "503 7", true},
		{"SND of later dialects", 2, "SND 7 a@b.example 0x409 MSMSGS", "503 7", true},
		{"SND without the library", 3, "SND 7 a@b.example 0x409", "503 7", true},
		{"SND without the codebase", 4, "SND 7 a@b.example 0x409 MSMSGS", "503 7", true},
		{"SND to no address", 9, "SND 7 ab.example 0x409 MSMSGS MSMSGS", "503 7", true},
		{"SND to a line of no search", 9, "SND 7 1 0x409 MSMSGS MSMSGS", "503 7", true},
		{"SND with a locale in decimal", 9, "SND 7 a@b.example 1033 MSMSGS MSMSGS", "503 7", true},
		{"SND with an empty parameter", 9, "SND 7 a@b.example 0x409 MSMSGS ", "503 7", true},
		{"SDC before its time", 4, sdc, "", true},
		{"SDC", 5, sdc, "SDC 7 OK", false},
		{"SDC with another library", 5, strings.Replace(sdc, "MSMSGS", "OTHER", 1), "710 7", false},
		{"SDC with the library of later clients", 12, strings.Replace(sdc, "MSMSGS", "MSNMSGR", 1), "SDC 7 OK", false},
		{"SDC with another codebase", 5, strings.Replace(sdc, "MSMSGS X", "OTHER X", 1), "503 7", true},
		{"SDC of Windows Messenger", 5, strings.Replace(sdc, "MSMSGS X", "WindowsMessenger X", 1), "SDC 7 OK", false},
		{"SDC with other letters", 5, strings.Replace(sdc, "X X", "X Y", 1), "503 7", true},
		{"SDC without a name", 5, strings.Replace(sdc, " me", "", 1), "503 7", true},
		{"SDC with an empty name", 5, strings.Replace(sdc, " me", " ", 1), "503 7", true},
		{"SDC to no address", 5, strings.Replace(sdc, "a@b.example", "a@", 1), "503 7", true},
		{"SDC without a locale", 5, strings.Replace(sdc, "0x0409", "en", 1), "503 7", true},
	})
}

func TestInvitationsAreKept(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t), testContext(t)
	steps := []struct {
		d    wire.Dialect
		send string
		want msntest.Invitation
	}{
		{2, "SND 7 Dave@Example.NET", msntest.Invitation{To: "Dave@Example.NET", Verb: "SND"}},
		{3, "SND 7 d@example.net 0x409 MSMSGS", msntest.Invitation{To: "d@example.net", Locale: "0x409", Verb: "SND"}},
		{4, "SND 7 d@example.net 0x0409 MSMSGS MSMSGS", msntest.Invitation{To: "d@example.net", Locale: "0x0409", Verb: "SND"}},
		{5, "SDC 7 d@example.net 0x0409 MSMSGS MSMSGS X X example%20name 37\r\nThis will be added to the invitation.",
			msntest.Invitation{FromName: "example name", To: "d@example.net", Locale: "0x0409", Text: "This will be added to the invitation.", Verb: "SDC"}},
		{12, "SDC 7 d@example.net 0x0409 MSMSGS MSMSGS X X me 0\r\n", msntest.Invitation{FromName: "me", To: "d@example.net", Locale: "0x0409", Verb: "SDC"}},
	}
	for i, step := range steps {
		c := online(t, srv, step.d, alice)
		c.send(step.send)
		c.want(step.want.Verb + " 7 OK")
		step.want.From = alice
		if got, err := srv.AwaitInvitation(ctx, i+1); err != nil || got != step.want {
			t.Errorf("%s: %+v, %v", step.send, got, err)
		}
	}
	if got := srv.Invitations(); len(got) != len(steps) || got[1].Locale != "0x409" {
		t.Errorf("invitations %+v", got)
	}
}

func TestOnlyTheLastInvitationsAreKept(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t, msntest.WithRecordLimit(2)), testContext(t)
	c := online(t, srv, 2, alice)
	for i := range 3 {
		c.send(fmt.Sprintf("SND %d d%d@example.net", 7+i, i+1))
		c.want(fmt.Sprintf("SND %d OK", 7+i))
	}
	if got, err := srv.AwaitInvitation(ctx, 3); err != nil || got.To != "d3@example.net" {
		t.Errorf("third %+v, %v", got, err)
	}
	if got, err := srv.AwaitInvitation(ctx, 1); err == nil {
		t.Errorf("first %+v", got)
	}
	if got := srv.Invitations(); len(got) != 2 {
		t.Errorf("invitations %+v", got)
	}
}

func TestDirectorySearch(t *testing.T) {
	t.Parallel()
	bob := msntest.Person{FirstName: "Bob", LastName: "Builder", City: "New York", State: "NY", Country: "US", Address: "bob@example.net"}
	crowd := []msntest.Person{bob, {FirstName: "Bob", LastName: "Builder", City: "Paris", Country: "FR"}}
	for range 101 {
		crowd = append(crowd, msntest.Person{FirstName: "John", LastName: "Smith", City: "x", State: "x", Country: "US"})
	}
	ask(t, []asked{
		{"one hit", 5, "FND 7 fname=bob lname=BUILDER city=* state=* country=US", "FND 7 1 1 fname=Bob lname=Builder city=New%20York state=NY country=US", false},
		{"encoded city", 5, "FND 7 fname=Bob lname=Builder city=New%20York state=* country=*", "FND 7 1 1 ...", false},
		{"nobody", 5, "FND 7 fname=Eve lname=Builder city=* state=* country=*", "FND 7 0 0", false},
		{"no first name", 5, "FND 7 fname=* lname=Builder city=* state=* country=*", "201 7", false},
		{"no last name", 5, "FND 7 fname=Bob lname= city=* state=* country=*", "201 7", false},
		{"no country", 5, "FND 7 fname=Bob lname=Builder city=* state=*", "201 7", false},
		{"other order", 5, "FND 7 lname=Builder fname=Bob city=* state=* country=*", "201 7", false},
		{"too many", 5, "FND 7 fname=John lname=Smith city=* state=* country=US", "301 7", false},
	}, msntest.WithDirectory(crowd...))

	srv := friends(t, msntest.WithDirectory(crowd...))
	c := online(t, srv, 4, alice)
	c.send("FND 7 fname=Bob lname=Builder city=* state=* country=*", "SND 8 1 0x409 MSMSGS MSMSGS")
	c.want("FND 7 1 2 ...", "FND 7 2 2 fname=Bob lname=Builder city=Paris state= country=FR", "SND 8 OK")
	if got := srv.Invitations(); len(got) != 1 || got[0].To != bob.Address {
		t.Errorf("invitations %+v", got)
	}
}

func TestDirectorySearchIsSwitchedOff(t *testing.T) {
	t.Parallel()
	var tests []asked
	for d := wire.Dialect(2); d <= 12; d++ {
		tests = append(tests, asked{"FND", d, "FND 7 fname=A lname=B city=* state=* country=US", "502 7", false})
	}
	ask(t, tests)
}

// pageBody is the founding example of section 6.1.
const pageBody = `<TEXT xml:space="preserve">Fish &amp; chips &#225; la carte</TEXT>`

func pag(to, body string) string { return fmt.Sprintf("PAG 7 %s %d\r\n%s", to, len(body), body) }

func pgd(to, device, body string) string {
	return fmt.Sprintf("PGD 7 %s %s %d\r\n%s", to, device, len(body), body)
}

// pager starts a server where bob, who is played, has a mobile device.
func pager(t *testing.T, opts ...msntest.Option) (*msntest.Server, chan msntest.SentPage) {
	t.Helper()
	srv := friends(t, opts...)
	srv.AddAccount(bob, "secret", msntest.Mobile())
	heard := make(chan msntest.SentPage, 10)
	srv.Play(bob, msntest.Script{Paged: func(page msntest.SentPage) { heard <- page }})
	return srv, heard
}

func TestPagesAreTakenInSilence(t *testing.T) {
	t.Parallel()
	text := notify.Page{Text: "Fish & chips \u00e1 la carte"}
	back := notify.Page{Text: "x", Callback: notify.Callback{Location: notify.Home, Number: "15551114444"}}
	for _, test := range []struct {
		name string
		d    wire.Dialect
		send string
		want msntest.SentPage
	}{
		{"PAG", 5, pag(bob, pageBody), msntest.SentPage{To: bob, Page: text}},
		{"PAG of the last dialect", 8, pag("Bob@Example.com", pageBody), msntest.SentPage{To: bob, Page: text}},
		{"callback number", 7, pag(bob, `<PHONE pri="1"><LOC>HOME</LOC><NUM>15551114444</NUM></PHONE><TEXT xml:space="preserve">x</TEXT>`), msntest.SentPage{To: bob, Page: back}},
		{"PGD", 9, pgd(bob, "1", `<TEXT xml:space="preserve" enc="utf-8">Fish &amp; chips `+"\u00e1"+` la carte</TEXT>`), msntest.SentPage{To: bob, Device: "1", Page: text}},
		{"PGD to a watch", 12, pgd(bob, "2", pageBody), msntest.SentPage{To: bob, Device: "2", Page: text}},
		{"113 characters", 7, pag(bob, "<TEXT>"+strings.Repeat("&amp;", 113)+"</TEXT>"), msntest.SentPage{To: bob, Page: notify.Page{Text: strings.Repeat("&", 113)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv, heard := pager(t)
			c := online(t, srv, test.d, alice)
			c.send(test.send)
			c.barrier()
			test.want.From, test.want.TrID = alice, "7"
			if got, err := srv.AwaitPage(testContext(t), 1); err != nil || got != test.want {
				t.Errorf("page %+v, %v", got, err)
			}
			if got := next(t, heard); got != test.want {
				t.Errorf("bob was paged %+v", got)
			}
			if got := srv.Pages(); len(got) != 1 {
				t.Errorf("pages %+v", got)
			}
		})
	}
}

func TestPagesToANumber(t *testing.T) {
	t.Parallel()
	srv, _ := pager(t)
	c := online(t, srv, 9, alice)
	c.send(pgd("tel:+15551112222", "1", pageBody))
	c.barrier()
	if got, err := srv.AwaitPage(testContext(t), 1); err != nil || got.To != "tel:+15551112222" {
		t.Errorf("page %+v, %v", got, err)
	}
	srv.RefusePages("tel:+15551112222", "800")
	c.send(pgd("tel:+15551112222", "1", pageBody))
	c.want("800 7")
}

func TestPagesAreRefused(t *testing.T) {
	t.Parallel()
	long := "<TEXT>" + strings.Repeat("&amp;", 114) + "</TEXT>"
	for _, test := range []struct {
		name       string
		d          wire.Dialect
		send, want string
	}{
		{"PAG is gone", 9, pag(bob, pageBody), "715 7"},
		{"114 characters", 7, pag(bob, long), "220 7"},
		{"no markup", 7, pag(bob, "hi"), "220 7"},
		{"unescaped", 7, pag(bob, "<TEXT>a & b</TEXT>"), "220 7"},
		{"callback with punctuation", 7, pag(bob, "<PHONE><LOC>HOME</LOC><NUM>+1</NUM></PHONE><TEXT>x</TEXT>"), "220 7"},
		{"empty", 7, pag(bob, ""), "220 7"},
		{"no mobile device", 7, pag(carol, pageBody), "220 7"},
		{"unknown account", 7, pag("nobody@example.com", pageBody), "220 7"},
		{"number by PAG", 7, pag("tel:+15551112222", pageBody), "220 7"},
		{"parameter too many", 7, strings.Replace(pag(bob, pageBody), "PAG 7", "PAG 7 x", 1), "220 7"},
		{"device unknown", 9, pgd(bob, "3", pageBody), "220 7"},
		{"device missing", 9, strings.Replace(pgd(bob, "1", pageBody), bob+" 1", bob, 1), "220 7"},
		{"no number", 9, pgd("tel:+1-555", "1", pageBody), "220 7"},
		{"blocked", 7, pag("dave@example.com", pageBody), "220 7"},
		{"as the test says", 7, pag("erin@example.com", pageBody), "800 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv, _ := pager(t)
			srv.AddAccount("dave@example.com", "x", msntest.Mobile()).Block(alice, true)
			srv.AddAccount("erin@example.com", "x", msntest.Mobile())
			srv.RefusePages("Erin@example.com", "800")
			c := online(t, srv, test.d, alice)
			c.send(test.send)
			c.want(test.want)
			c.barrier()
			if got := srv.Pages(); len(got) != 0 {
				t.Errorf("taken: %+v", got)
			}
			srv.RefusePages("erin@example.com", "")
			if test.want == "800 7" {
				c.send(test.send)
				c.barrier()
			}
		})
	}
	ask(t, []asked{
		{"PAG before its time", 4, pag(bob, pageBody), "", true},
		{"PGD before its time", 8, pgd(bob, "1", pageBody), "", true},
	})
}

// Section 6.3: a server that does not know that PAG has a payload.
func TestServersWithoutPagingLoseTheNextCommand(t *testing.T) {
	t.Parallel()
	for _, compat := range []msntest.Option{msntest.WithoutPaging(), msntest.WithCompat(msntest.Escargot)} {
		srv, _ := pager(t, compat)
		c := online(t, srv, 7, alice)
		c.send(pag(bob, pageBody), "PNG", "CHG 8 BSY")
		c.want("CHG 8 BSY")
		// A payload within the lost command is taken for commands in its turn.
		c.send(pag(bob, pageBody), "SDC 9 a@b.example 0x409 MSMSGS MSMSGS X X me 15\r\nCHG 10 AWY\r\nxyz", "CHG 11 NLN", "CHG 12 BSY")
		c.want("CHG 10 AWY", "CHG 12 BSY")
		c.send(pag(bob, "PNG\r\nCHG 13 AWY\r\n"))
		c.want("QNG", "CHG 13 AWY")
		c.barrier()
		if got := srv.Pages(); len(got) != 0 {
			t.Errorf("taken: %+v", got)
		}
	}
}

func TestAlertsAreCounted(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	c := online(t, srv, 5, alice)
	n := notify.Notification{Version: "1", SiteID: "111100200", SiteURL: "http://calendar.msn.com", Messages: []notify.Message{
		{ActionURL: "/calendar/isapi.dll?a=1&b=2", LCID: 2052, Text: "lunch & more"}, {ID: "x", Text: "late"},
	}}
	for _, want := range []string{"1", "2", "77", "3"} {
		if n.ID = ""; want == "77" {
			n.ID = want
		}
		must(t, srv.Alert(alice, n))
		cmd := c.read()
		got, err := notify.Parse(cmd.Payload)
		must(t, err)
		if cmd.Verb != "NOT" || len(cmd.Args) != 0 || got.ID != want || got.To.Name != alice || got.Version != "1" || len(got.Messages) != 2 ||
			got.Messages[0].ID != want || got.Messages[0].Text != "lunch & more" || got.Messages[1].ID != "x" ||
			got.Messages[0].ActionURL != "http://calendar.msn.com/calendar/isapi.dll?a=1&b=2" {
			t.Errorf("%s: alert %+v in %q", want, got, line(cmd))
		}
	}
	if n.Messages[0].ID != "" {
		t.Error("the caller's messages were changed")
	}
	must(t, srv.Alert(alice, notify.Notification{Raw: "<anything"}))
	if got := c.read(); got.Payload != "<anything" {
		t.Errorf("raw %q", got.Payload)
	}
	again := online(t, srv, 12, alice) // counts anew
	n.ID = ""
	must(t, srv.Alert(alice, n))
	if got, err := notify.Parse(again.read().Payload); err != nil || got.ID != "1" {
		t.Errorf("after another sign-in %+v, %v", got, err)
	}
}

func TestPagesComeIn(t *testing.T) {
	t.Parallel()
	srv, _ := pager(t)
	c := online(t, srv, 6, alice)
	must(t, srv.PageFrom(alice, "tel:+15551112222", "on my way \u263a"))
	cmd := c.read()
	n, err := notify.Parse(cmd.Payload)
	must(t, err)
	if page, ok := n.Page(); !ok || page != (notify.IncomingPage{From: "tel:+15551112222", Text: "on my way \u263a", LCID: 1033}) || cmd.Verb != "IPG" {
		t.Errorf("%s: %+v, %v", line(cmd), page, ok)
	}
	c.send(pag(bob, pageBody))
	sent, err := srv.AwaitPage(testContext(t), 1)
	must(t, err)
	must(t, srv.Bounce(sent, notify.BounceTooLong))
	n, err = notify.Parse(c.read().Payload)
	must(t, err)
	if b, ok := n.Bounce(); !ok || b != (notify.Bounce{TrID: 7, Code: "407", To: bob}) {
		t.Errorf("bounce %+v, %v", b, ok)
	}
}

func TestWhatTheDialectDoesNotHaveIsNotSent(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	c := online(t, srv, 4, alice)
	for name, err := range map[string]error{
		"alert": srv.Alert(alice, notify.Notification{}), "page": srv.PageFrom(alice, bob, "x"), "bounce": srv.Bounce(msntest.SentPage{From: alice, TrID: "1"}, "407"),
	} {
		if !errors.Is(err, msntest.ErrNotInDialect) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.barrier()
	for name, err := range map[string]error{
		"alert": srv.Alert(bob, notify.Notification{}), "mail": srv.Mail(bob, "", "", ""), "shutdown": srv.AnnounceShutdown(bob, 1), "move": srv.MoveMail(bob, "", "", 1),
	} {
		if !errors.Is(err, msntest.ErrNotOnline) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// hotmail reads a message of the server itself: its type and the fields of its
// body.
func (c *rawClient) hotmail() (string, wire.Header) {
	c.t.Helper()
	cmd := c.read()
	if cmd.Verb != "MSG" || cmd.Arg(0) != "Hotmail" {
		c.t.Fatalf("got %q, want MSG Hotmail", line(cmd))
	}
	m := wire.ParseMessage(cmd.Payload)
	return m.MediaType(), wire.Header(m.Body)
}

func TestUnreadMailIsToldAtSignIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d     wire.Dialect
		kind  string
		field string
		want  string
	}{
		{2, "application/x-msmsgsemailnotification", "Inbox-Unread", "3"},
		{3, "text/x-msmsgsinitialemailnotification", "Inbox-Unread", "3"},
		{10, "text/x-msmsgsinitialemailnotification", "Folders-Unread", "4"},
		{11, "text/x-msmsgsinitialmdatanotification", "Mail-Data", "<MD><E><I>3</I><IU>3</IU><O>4</O><OU>4</OU></E><Q><QTM>409600</QTM><QNM>204800</QNM></Q></MD>"},
	} {
		t.Run(test.d.String(), func(t *testing.T) {
			t.Parallel()
			srv := msntest.NewServer(t, msntest.WithChallenges(-1))
			srv.AddAccount(alice, "secret", msntest.Unread(3, 4))
			c := login(t, srv, test.d, alice, "secret")
			c.send(map[bool]string{false: "CHG 6 NLN", true: "CHG 6 NLN 0"}[test.d >= 8])
			c.want("CHG 6 ...")
			kind, body := c.hotmail()
			if kind != test.kind || body.Get(test.field) != test.want || body.Get("Inbox-URL") != "/cgi-bin/HoTMaiL" || !strings.HasPrefix(body.Get("Post-URL"), "https://") {
				t.Errorf("%s %q", kind, body)
			}
			c.send("CHG 7 BSY 0")
			c.want("CHG 7 ...")
			c.barrier() // once
		})
	}
}

func TestMailNotices(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	for _, test := range []struct {
		d    wire.Dialect
		kind string
	}{{2, "application/x-msmsgsemailnotification"}, {7, "text/x-msmsgsemailnotification"}, {12, "text/x-msmsgsemailnotification"}} {
		c := online(t, srv, test.d, alice)
		must(t, srv.Mail(alice, "D\u00e9d\u00e9\r\nid: 3", "dede@example.net", "plain"))
		kind, body := c.hotmail()
		if kind != test.kind || body.Get("From-Addr") != "dede@example.net" || body.Get("Subject") != "plain" || body.Get("Dest-Folder") != "ACTIVE" ||
			body.Get("id") != "2" || !strings.HasPrefix(body.Get("From"), "=?utf-8?q?D=C3=A9d") || !strings.HasPrefix(body.Get("Message-URL"), "/cgi-bin/getmsg?") {
			t.Errorf("%s %q", kind, body)
		}
	}
	// Three are unread; one is read, one thrown away.
	c := online(t, srv, 9, bob)
	for range 3 {
		must(t, srv.Mail(bob, "x", "x@example.net", "x"))
		c.hotmail()
	}
	must(t, srv.MoveMail(bob, "ACTIVE", "ACTIVE", 1))
	kind, body := c.hotmail()
	if kind != "text/x-msmsgsactivemailnotification" || body.Get("Src-Folder") != "ACTIVE" || body.Get("Dest-Folder") != "ACTIVE" || body.Get("Message-Delta") != "1" {
		t.Errorf("%s %q", kind, body)
	}
	must(t, srv.MoveMail(bob, "ACTIVE", "trAsH", 1))
	c.hotmail()
	c = login(t, srv, 9, bob, "secret")
	c.send("CHG 6 NLN 0")
	c.want("CHG 6 ...", "ILN ...")
	if _, body := c.hotmail(); body.Get("Inbox-Unread") != "1" || body.Get("Folders-Unread") != "1" {
		t.Errorf("unread %q", body)
	}
}

func TestShutdownIsAnnounced(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	c := online(t, srv, 2, alice)
	must(t, srv.AnnounceShutdown(alice, 5))
	kind, body := c.hotmail()
	if kind != "application/x-msmsgssystemmessage" || body.Get("Type") != "1" || body.Get("Arg1") != "5" {
		t.Errorf("%s %q", kind, body)
	}
}
