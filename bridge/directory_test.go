package bridge

import (
	"strings"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestSearchThatIsSwitchedOffIsExplained(t *testing.T) {
	t.Parallel()
	byDialect(t, func(t *testing.T, b *testBridge) {
		login := b.login()
		room := b.dm(login, bob)
		if got := b.ask(room, "!find Bob Builder"); !strings.Contains(got.body, "switched off for all versions of Messenger in 2003") {
			t.Errorf("the answer is %q", got.body)
		}
		_, texts := b.friend()
		b.write(room, "still there")
		b.receive(texts, alice+": still there")
	})
}

func TestPeopleWhoWereFoundAreListed(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "FND" {
			return msntest.Action{}
		}
		if r.Command.Arg(1) == "fname=Nobody" {
			return msntest.Reply(wire.New("FND", r.TrID(), "0", "0"))
		}
		return msntest.Reply(
			wire.New("FND", r.TrID(), "1", "2", "fname=Bob", "lname=Builder%3Cb%3E", "city=Springfield", "state=", "country=US"),
			wire.New("FND", r.TrID(), "2", "2", "fname=Bob", "lname=Builder", "city=", "state=", "country="))
	})
	got := b.ask(b.management(), "!find Bob Builder country=US")
	if got.body != "Home has 2 in its directory:\n• Bob Builder<b> (Springfield, US)\n• Bob Builder" || got.html != "" {
		t.Errorf("the answer is %q, %q", got.body, got.html)
	}
	if got := b.ask(b.management(), "!find Nobody Atall"); !strings.Contains(got.body, "Home has nobody of that name") {
		t.Errorf("the answer is %q", got.body)
	}
	if got := b.ask(b.management(), "!find Bob"); !strings.Contains(got.body, "Write `!find Bob Builder`") {
		t.Errorf("the answer is %q", got.body)
	}
}

func TestWhatIsSearchedFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typed string
		want  msn.Query
		ok    bool
	}{
		{"Bob Builder", msn.Query{FirstName: "Bob", LastName: "Builder"}, true},
		{" Bob  van der Builder City=New York country=US", msn.Query{FirstName: "Bob", LastName: "van der Builder", City: "New York", Country: "US"}, true},
		{"Bob b=c state=NY", msn.Query{FirstName: "Bob", LastName: "b=c", State: "NY"}, true},
		{"Bob", msn.Query{}, false},
		{"", msn.Query{}, false},
		{"Bob city=X", msn.Query{}, false},
	} {
		got, ok := parseQuery(test.typed)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%q gives %+v, %v", test.typed, got, ok)
		}
	}
}

func TestWhatIsAnnouncedIsShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, client string
		recommended  string
		minimum      string
		command      string
		dialect      wire.Dialect
		want, never  string
	}{
		{"official", "", "", "", "!client-version", 12, "announces itself to Home as MSNMSGR 7.5", "demands"},
		{"recommended", "", "99.0", "1.0", "!client-version", 12, "Home recommends version 99.0.", "demands"},
		{"demanded", "", "99.0", "98.0", "!client-version", 12, "It demands version 98.0 at least", ""},
		{"not recognised", "", "1.0.0000", "1.0.0000", "!client-version", 12, "Home does not recognise this client", "demands"},
		{"again", "", "99.0", "1.0", "!client-version announce", 7, "Home recommends version 99.0.", ""},
		{"that it was announced again", "", "", "", "!client-version announce", 12, "The bridge has announced itself to Home again, as MSNMSGR", "announces itself"},
		{"that it was announced", "none", "", "", "!client-version announce", 7, "The bridge has announced itself to Home as", "again"},
		{"too much", "", "", "", "!client-version announce it", 12, "Write `!client-version`", ""},
		{"honest", "honest", "", "", "!client-version", 12, "announces itself to Home as matrix-msn", ""},
		{"not announced", "none", "", "", "!client-version", 7, "It has not been announced in this session", ""},
		{"announced by hand", "none", "99.0", "1.0", "!client-version announce", 7, "Home recommends version 99.0.", "has not been announced"},
		{"misspelt", "", "", "", "!client-version anounce", 12, "Write `!client-version`", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opts := []msntest.Option{msntest.WithDialects(test.dialect)}
			if test.recommended != "" {
				opts = append(opts, msntest.WithVersion(test.recommended, test.minimum))
			}
			b := newTestBridge(t, newTestServer(t, opts...), withHome(func(home *ServiceConfig) { home.Client = test.client }))
			b.login()
			got := b.ask(b.management(), test.command)
			if !strings.Contains(got.body, test.want) || test.never != "" && strings.Contains(got.body, test.never) {
				t.Errorf("the answer is %q", got.body)
			}
		})
	}
}
