package msn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/link"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

func TestURLOfEachName(t *testing.T) {
	tests := []struct {
		name     URLName
		argument string
		want     string // behind the TrID
	}{
		{URLInbox, "", "INBOX"},
		{URLFolders, "", "FOLDERS"},
		{URLCompose, "", "COMPOSE"},
		{URLCompose, "example@passport.com", "COMPOSE example@passport.com"},
		{URLProfile, "0x1409", "PROFILE 0x1409"},
		{URLProfile, "", "PROFILE 0x0807"},
		{URLMobileSet, "", "CHGMOB"},
		{URLPerson, "0x0409", "PERSON 0x0409"},
		{URLPerson, "", "PERSON 0x0807"},
		{URLChat, "0x409", "CHAT 0x409"},
		{URLChat, "", "CHAT 0x0807"},
		{URLPassword, "", "PASSWORD"},
		{URLMessage, "", "MESSAGE"},
		{URLMobile, "", "MOBILE"},
		{URLN2PAccount, "", "N2PACCOUNT 0x0807"},
		{URLN2PFund, "", "N2PFUND 0x0807"},
		{URLAddressBook, "", "ADDRBOOK"},
		{URLAdvSearch, "", "ADVSEARCH"},
		{URLIntSearch, "", "INTSEARCH"},
	}
	inEveryDialect(t, func(t *testing.T, client *Client, ns *fakeConn, trid string) {
		for i, test := range tests {
			id := tridAfter(trid, i)
			call := goCall(func() (ServiceURL, error) { return client.ServiceURL(t.Context(), test.name, test.argument) })
			ns.expect("URL " + id + " " + test.want)
			ns.send("URL " + id + " /cgi-bin/HoTMaiL https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033 2")
			want := ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: "https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033", SiteID: "2"}
			if got, err := waitCall(t, call); err != nil || got != want {
				t.Errorf("%s: %+v, %v", test.name, got, err)
			}
		}
	}, func(c *Config) { c.Locale = 0x0807 })
}

func TestURLThatCannotBeAskedFor(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 9)
	for _, test := range []struct {
		name     URLName
		argument string
		want     error
	}{
		{"inbox", "", ErrNoSuchURL},
		{"", "", ErrNoSuchURL},
		{"INBOX ", "", ErrNoSuchURL},
		{"MESSENGERSUPPORT", "", ErrNoSuchURL},
		{"INBOX\r\nOUT", "", ErrNoSuchURL},
		{URLInbox, "0x0409", ErrArgument},
		{URLCompose, "no address", ErrArgument},
		{URLCompose, "a@b@c", ErrArgument},
		{URLCompose, "a@b\r\nOUT", ErrArgument},
		{URLCompose, "a@b\x00", ErrArgument},
		{URLCompose, "a@b c", ErrArgument},
		{URLCompose, "a@\xff", ErrArgument},
		{URLCompose, "a@" + strings.Repeat("b", 300), ErrArgument},
		{URLProfile, "0409", ErrArgument},
		{URLProfile, "0X0409", ErrArgument},
		{URLProfile, "0x", ErrArgument},
		{URLProfile, "0x04g9", ErrArgument},
		{URLProfile, "0x+409", ErrArgument},
		{URLProfile, "0x0000000409", ErrArgument},
		{URLProfile, "0x0409\r\nOUT", ErrArgument},
		{URLProfile, "1033", ErrArgument},
	} {
		if _, err := client.ServiceURL(t.Context(), test.name, test.argument); !errors.Is(err, test.want) {
			t.Errorf("URL %q %.20q: %v", test.name, test.argument, err)
		}
	}
	ns.barrier() // nothing was sent
}

func TestURLAnswers(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		want         ServiceURL
		absolute     bool
		dummy        bool
		err          func(error) bool
	}{
		{name: "relative, without id", answer: "URL # /cgi-bin/HoTMaiL https://l/x", want: ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: "https://l/x", SiteID: ""}},
		{name: "relative, with id", answer: "URL # /cgi-bin/HoTMaiL https://l/x 2", want: ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: "https://l/x", SiteID: "2"}},
		{name: "absolute, with id", answer: "URL # http://members.msn.com/Edit.asp?lc=1033 https://l/x 4263", want: ServiceURL{Redirect: "http://members.msn.com/Edit.asp?lc=1033", Post: "https://l/x", SiteID: "4263"}, absolute: true},
		{name: "absolute, without id", answer: "URL # HTTPS://members.msn.com/ https://l/x", want: ServiceURL{Redirect: "HTTPS://members.msn.com/", Post: "https://l/x", SiteID: ""}, absolute: true},
		{name: "more values", answer: "URL # /a https://l/x 1 2 3", want: ServiceURL{Redirect: "/a", Post: "https://l/x", SiteID: "1"}},
		{name: "dummies", answer: "URL # /unused1 /unused2 1", want: ServiceURL{Redirect: "/unused1", Post: "/unused2", SiteID: "1"}, dummy: true},
		{name: "an address inside", answer: "URL # /a?u=http://b https://l/x 1", want: ServiceURL{Redirect: "/a?u=http://b", Post: "https://l/x", SiteID: "1"}},
		{name: "one value", answer: "URL # /a", err: func(err error) bool { return errors.Is(err, wire.ErrProtocol) }},
		{name: "empty values", answer: "URL #  ", err: func(err error) bool { return errors.Is(err, wire.ErrProtocol) }},
		{name: "an endless address", answer: "URL # /" + strings.Repeat("a", 5000) + " https://l/x 1", err: func(err error) bool { return errors.Is(err, wire.ErrProtocol) }},
		{name: "refused", answer: "201 #", err: func(err error) bool {
			var e *ServerError
			return errors.As(err, &e) && e.Number == 201 && e.Verb == "URL"
		}},
	} {
		for _, d := range []wire.Dialect{2, 4, 12} {
			t.Run(test.name+" "+d.String(), func(t *testing.T) {
				t.Parallel()
				client, ns := signedIn(t, newFakeNet(t), d)
				call := goCall(func() (ServiceURL, error) { return client.ServiceURL(t.Context(), URLInbox, "") })
				ns.read()
				ns.send(strings.Replace(test.answer, "#", firstTrID(d), 1))
				got, err := waitCall(t, call)
				ns.barrier() // whatever it was, the connection goes on
				if test.err != nil {
					if !test.err(err) || got != (ServiceURL{}) {
						t.Errorf("%+v, %v", got, err)
					}
					return
				}
				if err != nil || got != test.want || got.Absolute() != test.absolute || got.Dummy() != test.dummy {
					t.Errorf("%+v, %v; absolute %v, dummy %v", got, err, got.Absolute(), got.Dummy())
				}
			})
		}
	}
}

// The vector of section 2.3.
const (
	vectorAuth  = "2AAAAAAAADMoV8ORoz64BVwmjtksIg!kmR!Rj5tBBqEaW9hc4YnPHSOQ$$"
	vectorCreds = "cd7cadce47f9e28a46ab8e9af890aa3e"
)

// profileMessage is the payload of a profile.
func profileMessage(fields ...string) string {
	return "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsprofile; charset=UTF-8\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

func TestLoginForm(t *testing.T) {
	for d := MinDialect; d <= MaxDialect; d++ {
		for _, absolute := range []bool{false, true} {
			t.Run(fmt.Sprint(d, " absolute ", absolute), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					log := &testLog{}
					client, ns := signedIn(t, newFakeNet(t), d, func(c *Config) { c.Logger = log.logger() })
					ns.sendMessage("Hotmail", "Hotmail", profileMessage(
						fmt.Sprintf("LoginTime: %d", time.Now().Unix()-100), "sid: 507", "kv: 5", "mspauth: "+vectorAuth))
					ns.barrier()
					u := ServiceURL{Redirect: "/cgi-bin/HoTMaiL", Post: "https://login.msn.example.com/ppsecure/md5auth.srf?lc=1033", SiteID: "2"}
					target := "rru"
					if absolute {
						u.Redirect, target = "http://members.msn.com/Edit.asp?lc=1033", "ru"
					}
					form, err := client.LoginForm(u)
					if err != nil {
						t.Fatal(err)
					}
					want := []FormField{{"mode", "ttl"}, {"login", "alice"}, {"username", "alice@example.com"}, {"sid", "507"}, {"kv", "5"},
						{"id", "2"}, {"sl", "100"}, {target, u.Redirect}, {"auth", vectorAuth}, {"creds", vectorCreds}, {"svc", "mail"}, {"js", "yes"}}
					if form.Action != u.Post || !slices.Equal(form.Fields, want) {
						t.Errorf("form %+v", form.Fields)
					}
					client.conn.Log().Info("form", "form", form)
					for _, secret := range []string{vectorAuth, vectorCreds, "secret"} {
						if strings.Contains(log.text(), secret) {
							t.Errorf("the log holds %q", secret)
						}
						if strings.Contains(fmt.Sprint(form), secret) {
							t.Errorf("printing the form shows %q", secret)
						}
					}
				})
			})
		}
	}
}

func TestLoginFormWithoutProfile(t *testing.T) {
	post := ServiceURL{Redirect: "/a", Post: "https://login.msn.example.com/", SiteID: ""}
	t.Run("from the ticket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, ns := signedIn(t, newFakeNet(t), 9)
			ns.barrier()
			<-time.After(7 * time.Second) // of the bubble: the local time counts
			form, err := client.LoginForm(post)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []FormField{{"auth", "abc"}, {"sl", "7"}, {"creds", passport.Creds("abc", "7", "secret")}, {"sid", ""}, {"kv", ""}} {
				if !slices.Contains(form.Fields, want) {
					t.Errorf("no field %v in %v", want, form.Fields)
				}
			}
		})
	})
	t.Run("none to MSNP7", func(t *testing.T) {
		client, _ := signedIn(t, newFakeNet(t), 7)
		if _, err := client.LoginForm(post); !errors.Is(err, ErrNoForm) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLoginFormGoesToTrustedHostsOnly(t *testing.T) {
	client, ns := signedIn(t, newFakeNet(t), 9, func(c *Config) { c.Trust.Hosts = []string{"loginnet.passport.com"} })
	ns.barrier()
	for post, want := range map[string]error{
		"https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033": nil,
		"https://login.msn.example.com/":                             nil,
		"http://loginnet.passport.com/ppsecure/md5auth.srf":          ErrUntrusted,
		"http://localhost/":                                          ErrUntrusted,
		"https://evil.example.net/":                                  ErrUntrusted,
		"https://loginnet.passport.com.evil.net/":                    ErrUntrusted,
		"https://alice:x@loginnet.passport.com/":                     ErrUntrusted,
		"https://loginnet.passport.com:8080/":                        ErrUntrusted,
		"https://127.0.0.1/":                                         ErrUntrusted,
		"//loginnet.passport.com/":                                   ErrUntrusted,
		"javascript:alert(1)":                                        ErrUntrusted,
		"/unused2":                                                   ErrUntrusted,
		"":                                                           ErrUntrusted,
		"https://loginnet.passport.com\r\nOUT":                       ErrUntrusted,
		"https://evil.example.net\\@loginnet.passport.com/ppsecure/%zz": ErrUntrusted,
	} {
		form, err := client.LoginForm(ServiceURL{Redirect: "/a", Post: post})
		if !errors.Is(err, want) || err == nil && form.Action != post || err != nil && form.Fields != nil {
			t.Errorf("%q: %v", post, err)
		}
	}
}

func FuzzServiceURL(f *testing.F) {
	for _, seed := range []string{"/unused1 /unused2 1", "/cgi-bin/HoTMaiL https://l/x 2", "http://a https://b", "", " ", "a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		u, err := link.Parse(strings.Split(line, " "))
		if err != nil && u != (ServiceURL{}) || err == nil && (u.Post == "" || u.Redirect == "") {
			t.Errorf("%+v, %v", u, err)
		}
		if u.Absolute() && u.Dummy() {
			t.Errorf("%+v is whole and a dummy", u)
		}
	})
}

func FuzzProfile(f *testing.F) {
	f.Add(profileMessage("LoginTime: 1795337070", "sid: 507", "kv: 5", "MSPAuth: "+vectorAuth))
	f.Add(profileMessage("LoginTime: -1", "sid:", "MSPAuth:", "kv"))
	f.Add("\n\n\n")
	f.Fuzz(func(t *testing.T, payload string) {
		var p profile
		p.begin(time.Unix(1, 0), "t=a&p=b")
		p.update(wire.ParseMessage(payload).Header)
		if p.auth == "" || len(p.auth) > maxSecret+8 || len(p.sid) > clean.MaxName || len(p.kv) > clean.MaxName || p.login.Before(time.Unix(1, 0)) {
			t.Errorf("profile of %q: %v bytes, sid %q, kv %q, login %v", payload, len(p.auth), p.sid, p.kv, p.login)
		}
	})
}
