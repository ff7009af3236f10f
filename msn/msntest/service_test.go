package msntest_test

import (
	"fmt"
	"reflect"
	"testing"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

// CVR, URL and what belongs to them (protocol/07-misc-founding-spec.md, sections 1
// and 2), as clients of the period send them.

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
