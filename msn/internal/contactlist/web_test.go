package contactlist

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	services "matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/soap"
	"matrix-msn/msn/wire"
)

// book is an address book that keeps the lists as text, and takes every change without
// making it.
type book struct {
	mu      sync.Mutex
	calls   []string
	answer  map[string]func(context.Context) (status int, content string) // in place of the usual one
	members string
	people  string
}

const (
	bobsID = "c1f9a363-4ee9-4a33-a434-b056a4c55b98"
	bob    = "<Contact><contactId>" + bobsID + "</contactId><contactInfo><contactType>Regular</contactType><passportName>bob@example.com</passportName>" +
		"<displayName>Bob</displayName><isMessengerUser>true</isMessengerUser></contactInfo></Contact>"
	me = "<Contact><contactId>me</contactId><contactInfo><contactType>Me</contactType><passportName>alice@example.com</passportName>" +
		"<displayName>Alice</displayName></contactInfo></Contact>"
)

func membership(role, account string) string {
	return "<Membership><MemberRole>" + role + `</MemberRole><Members><Member xsi:type="PassportMember"><State>Accepted</State><PassportName>` +
		account + "</PassportName></Member></Members></Membership>"
}

func envelope(body string) string {
	return `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Body>` +
		body + `</soap:Body></soap:Envelope>`
}

// fault answers with a fault of the address book.
func fault(code string) func(context.Context) (int, string) {
	return func(context.Context) (int, string) {
		return 500, envelope("<soap:Fault><faultcode>soap:Client</faultcode><faultstring>" + code + "</faultstring><detail><errorcode>" + code + "</errorcode></detail></soap:Fault>")
	}
}

// hang answers when the caller does not wait any more.
func hang(ctx context.Context) (int, string) {
	<-ctx.Done()
	return 500, ""
}

// RoundTrip implements http.RoundTripper.
func (b *book) RoundTrip(r *http.Request) (*http.Response, error) {
	action := strings.Trim(r.Header.Get("SOAPAction"), `"`)
	operation := action[strings.LastIndexByte(action, '/')+1:]
	b.mu.Lock()
	b.calls = append(b.calls, operation)
	special, members, people := b.answer[operation], b.members, b.people
	b.mu.Unlock()
	status, content := 200, ""
	switch {
	case special != nil:
		status, content = special(r.Context())
	case operation == "FindMembership":
		content = "<Services><Service><Memberships>" + members + "</Memberships><Info><Handle><Id>1</Id><Type>Messenger</Type></Handle></Info></Service></Services>"
	case operation == "ABFindAll":
		content = "<contacts>" + people + "</contacts>"
	case operation == "ABFindContactsPaged":
		content = "<Contacts>" + people + "</Contacts>"
	case operation == "ABContactAdd":
		content = "<guid>00000000-0000-0000-0000-0000000000aa</guid>"
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if special == nil {
		content = envelope("<" + operation + "Response><" + operation + "Result>" + content + "</" + operation + "Result></" + operation + "Response>")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(content)), Request: r}, nil
}

func (b *book) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *book) called() (calls []string) {
	b.set(func() { calls, b.calls = b.calls, nil })
	return calls
}

// everybody are tickets that always count.
type everybody struct{}

func (everybody) With(_ context.Context, _ passport.Service, call func() error) error { return call() }

// openWeb returns a contact list of MSNP13 or later that is not loaded.
func openWeb(t *testing.T, d wire.Dialect) (*List, *book, *nstest.Server) {
	t.Helper()
	b := &book{
		answer:  make(map[string]func(context.Context) (int, string)),
		members: membership("Allow", "bob@example.com") + membership("Reverse", "bob@example.com"), people: me + bob,
	}
	l := &List{account: nstest.Account, tickets: everybody{}, service: &soap.AddressBook{
		Caller: soap.Caller{Client: &http.Client{Transport: b}, Allow: func(*url.URL) error { return nil }},
		URL:    "https://web.example.com/book", SharingURL: "https://web.example.com/sharing", Ticket: func() string { return "t" },
	}}
	_, server := nstest.Serve(t, d, func(conn *ns.Conn) {
		l.conn, l.book = conn, roster.New(d, conn.Self(), "")
		l.register()
	})
	return l, b, server
}

func (l *List) ownName() (name string) {
	l.conn.Query(func() { name = l.book.OwnName() })
	return name
}

const bobIsKnown = `<ml l="1"><d n="example.com"><c n="bob" l="3" t="1"/></d></ml>`

// loadWeb returns a contact list that is loaded and in use.
func loadWeb(t *testing.T, d wire.Dialect) (*List, *book, *nstest.Server) {
	t.Helper()
	l, b, server := openWeb(t, d)
	done := goDo(func() error { return l.Load(t.Context()) })
	server.Answer("BLP AL", "AL")
	server.Answer("ADL", "OK", bobIsKnown)
	server.Answer("PRP MFN Alice", "MFN Alice")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	begin(l, server)
	b.called()
	return l, b, server
}

func TestListsOfTheAddressBook(t *testing.T) {
	for d := wire.FirstSOAP; d <= wire.MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _, server := loadWeb(t, d)
				bob := l.contactNow("bob@example.com")
				want := roster.Contact{Account: "bob@example.com", Name: "Bob", Told: "Bob", GUID: bobsID, Network: 1, Status: roster.Offline,
					Lists: roster.ListForward | roster.ListAllow | roster.ListReverse}
				if !reflect.DeepEqual(bob, want) || l.ownName() != "Alice" {
					t.Errorf("bob is %+v, the user %q", bob, l.ownName())
				}
				if events := server.Events(); len(events) != 0 {
					t.Errorf("events %+v", events)
				}
				server.ExpectNothing()
			})
		})
	}
}

// Services that are out of order are asked again, a few times.
func TestServicesAreAskedAgainAtSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, server := openWeb(t, 15)
		b.answer["FindMembership"] = func(context.Context) (int, string) { return 503, "no" }
		start := time.Now()
		err := l.Load(t.Context())
		if !errors.Is(err, errs.ErrBusy) || !strings.HasPrefix(err.Error(), "contact list: ") || time.Since(start) != (LoadAttempts-1)*loadPause {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if calls := b.called(); len(calls) != LoadAttempts {
			t.Errorf("calls %q", calls)
		}
		server.ExpectNothing()
	})
}

func TestSignInEndsWhileTheAddressBookHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, server := openWeb(t, 15)
		b.answer["FindMembership"] = hang
		done := goDo(func() error { return l.Load(t.Context()) })
		synctest.Wait()
		server.Hangup()
		if err := <-done; !errors.Is(err, errs.ErrRefused) || !strings.Contains(err.Error(), "contact list") {
			t.Errorf("error %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l, b, server := openWeb(t, 15)
		b.answer["FindMembership"] = hang
		done := goDo(func() error { return l.Load(t.Context()) })
		synctest.Wait()
		server.Send("OUT SSD")
		if out, ok := errors.AsType[*errs.OutError](<-done); !ok || out.Reason != "SSD" {
			t.Errorf("error %v", out)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l, b, _ := openWeb(t, 15)
		b.answer["FindMembership"] = hang
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errs.ErrTimeout)
		defer cancel()
		if err := l.Load(ctx); !errors.Is(err, errs.ErrTimeout) || !strings.HasPrefix(err.Error(), "contact list: ") {
			t.Errorf("error %v", err)
		}
	})
}

// The name is a matter of looks, and a setting is as the address book has it.
func TestNameThatTheServerDoesNotTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, server := openWeb(t, 18)
		b.people = strings.Replace(me, "</contactInfo>", "<annotations><Annotation><Name>MSN.IM.BLP</Name><Value>2</Value></Annotation></annotations></contactInfo>", 1) + bob
		done := goDo(func() error { return l.Load(t.Context()) })
		server.Answer("BLP BL", "BL")
		server.Answer("ADL", "OK", bobIsKnown)
		server.Refuse("PRP MFN Alice", 209)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Whoever has let the user in without asking for a ticket gets an error, and no panic.
func TestSignInWithoutTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *List
		_, server := nstest.Serve(t, 15, func(conn *ns.Conn) {
			l = New(conn, roster.New(15, conn.Self(), ""), services.New(services.Config{Account: nstest.Account}))
		})
		if err := l.Load(t.Context()); !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("error %v", err)
		}
		server.ExpectNothing()
	})
}

// Who listens hears of each address book before the contacts change, and again when the
// server knows.
func TestWhoListensIsTold(t *testing.T) {
	type told struct{ event.Event }
	synctest.Test(t, func(t *testing.T) {
		l, b, server := openWeb(t, 18)
		books, renewed := 0, 0
		l.conn.Do(func() {
			l.OnBook(func(found *soap.Book) []event.Event {
				books++
				if found.Me.ID != "me" {
					t.Errorf("book %+v", found)
				}
				return []event.Event{told{roster.EndpointsChanged{}}}
			})
			l.OnRenewed(func() { renewed++; l.conn.Request(wire.New("PUT").WithPayload("x"), func(wire.Command, error) {}) })
		})
		done := goDo(func() error { return l.Load(t.Context()) })
		server.Answer("BLP AL", "AL")
		// What changes meanwhile is looked up when the sign-in is complete.
		server.SendPayload("ADL 0", `<ml><d n="example.com"><c n="erin" l="8" t="1"/></d></ml>`)
		server.Answer("ADL", "OK", bobIsKnown)
		server.Answer("PRP MFN Alice", "MFN Alice")
		if err := <-done; err != nil || books != 1 || renewed != 0 {
			t.Errorf("%d books, renewed %d times: %v", books, renewed, err)
		}
		time.Sleep(time.Hour)
		if calls := b.called(); len(calls) != 2 {
			t.Errorf("before the end of the sign-in: calls %q", calls)
		}
		b.set(func() {
			b.members = membership("Block", "bob@example.com") + membership("Reverse", "bob@example.com") + membership("Pending", "erin@example.com")
		})
		begin(l, server)
		time.Sleep(RefreshWait + time.Second)
		server.Answer("RML", "OK", `<ml><d n="example.com"><c n="bob" l="2" t="1"/></d></ml>`)
		server.Answer("ADL", "OK", `<ml><d n="example.com"><c n="bob" l="4" t="1"/></d></ml>`)
		server.Answer("PUT", "OK", "x")
		if books != 2 || renewed != 1 {
			t.Errorf("%d books, renewed %d times", books, renewed)
		}
		// Of erin the server has told at once.
		if got, want := typesOf(server.Events()), []string{"AddedYou", "ContactChanged", "told", "ContactChanged"}; !reflect.DeepEqual(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
		server.ExpectNothing()
	})
}

// However many notices come, the lists are downloaded now and then.
func TestRefreshesAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, _ := loadWeb(t, 15)
		downloads := func() (n int) {
			for _, call := range b.called() {
				if call == "FindMembership" {
					n++
				}
			}
			return n
		}
		for range 100 {
			l.conn.Do(l.Refresh)
		}
		time.Sleep(RefreshWait + time.Second)
		if n := downloads(); n != 1 {
			t.Errorf("%d downloads at once", n)
		}
		for range 1000 {
			l.conn.Do(l.Refresh)
			time.Sleep(time.Second)
		}
		if n := downloads(); n < 30 || n > 34 {
			t.Errorf("%d downloads in 1,000 seconds", n)
		}
		// A service that is out of order is left alone after a few.
		b.set(func() { b.answer["FindMembership"] = func(context.Context) (int, string) { return 503, "no" } })
		time.Sleep(time.Hour)
		downloads()
		l.conn.Do(l.Refresh)
		time.Sleep(24 * time.Hour)
		if n := downloads(); n != MaxRefreshFailures {
			t.Errorf("%d downloads of a service that is out of order", n)
		}
	})
}

// Lists that began to be downloaded before a change of the user's own are not taken after
// it, and another download follows.
func TestOlderListsDoNotUndoAnEdit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, server := loadWeb(t, 15)
		release := make(chan struct{})
		old := envelope("<ABFindAllResponse><ABFindAllResult><contacts>" + me + bob + "</contacts></ABFindAllResult></ABFindAllResponse>")
		b.set(func() {
			b.answer["ABFindAll"] = func(context.Context) (int, string) { <-release; return 200, old }
		})
		l.conn.Do(l.Refresh)
		time.Sleep(RefreshWait + time.Second)
		done := goDo(func() error { return l.Remove(t.Context(), "bob@example.com") })
		server.Answer("RML", "OK", `<ml><d n="example.com"><c n="bob" l="1" t="1"/></d></ml>`)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		b.set(func() { b.people = me; delete(b.answer, "ABFindAll") })
		close(release)
		synctest.Wait()
		if c := l.contactNow("bob@example.com"); c.Lists.Has(roster.ListForward) {
			t.Error("who was removed is back")
		}
		b.called()
		time.Sleep(RefreshEvery + RefreshWait)
		if calls := b.called(); !slices.Contains(calls, "ABFindAll") {
			t.Errorf("calls %q", calls)
		}
		if c := l.contactNow("bob@example.com"); c.Lists.Has(roster.ListForward) {
			t.Error("who was removed is back")
		}
		server.ExpectNothing()
	})
}

// The lists are there when Reload returns; a change of the user's own meanwhile has them
// downloaded once more.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, server := loadWeb(t, 15)
		b.set(func() { b.people = me + strings.Replace(bob, ">Bob<", ">Robert<", 1) })
		l.Reload(t.Context())
		if c := l.contactNow("bob@example.com"); c.Name != "Robert" {
			t.Errorf("bob is %+v", c)
		}
		b.called()
		asked := 0
		b.set(func() {
			b.answer["FindMembership"] = func(context.Context) (int, string) {
				if asked++; asked == 1 {
					l.conn.Do(func() { l.source.(*web).generation++ })
				}
				return fault("ABDoesNotExist")(t.Context())
			}
		})
		l.Reload(t.Context())
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		// Who is on neither AL nor BL is let in, as the server knows.
		if c := l.contactNow("bob@example.com"); c.Lists != roster.ListForward {
			t.Errorf("bob is %+v", c)
		}
		server.ExpectNothing()
	})
}

// Closing ends what is under way in the middle of a call of a service.
func TestCloseWhileAServiceHangs(t *testing.T) {
	for name, call := range map[string]func(*List, context.Context) error{
		"refresh": func(l *List, _ context.Context) error { l.conn.Do(l.Refresh); return errs.ErrClosed },
		"reload":  func(l *List, ctx context.Context) error { l.Reload(ctx); return errs.ErrClosed },
		"add":     func(l *List, ctx context.Context) error { return l.Add(ctx, "zoe@example.com", "") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, b, server := loadWeb(t, 15)
				b.set(func() { b.answer["FindMembership"], b.answer["ABContactAdd"] = hang, hang })
				done := goDo(func() error { return call(l, t.Context()) })
				time.Sleep(time.Minute)
				closed := goDo(func() error { l.conn.Close(); return nil })
				server.Read() // OUT
				<-closed
				if err := <-done; !errors.Is(err, errs.ErrClosed) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// A change that the service has made and the notification server refuses is told.
func TestEditThatTheServerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, server := loadWeb(t, 15)
		done := goDo(func() error { return l.Block(t.Context(), "bob@example.com") })
		server.Answer("RML", "OK", `<ml><d n="example.com"><c n="bob" l="2" t="1"/></d></ml>`)
		server.Refuse("ADL", 241, `<ml><d n="example.com"><c n="bob" l="4" t="1"/></d></ml>`)
		if refused, ok := errors.AsType[*errs.ServerError](<-done); !ok || refused.Number != 241 {
			t.Errorf("error %v", refused)
		}
	})
}

// What the server refuses, and the services do not take back, is not said to have changed nothing.
func TestMoveThatIsNotTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, server := loadWeb(t, 15)
		b.mu.Lock()
		b.answer["DeleteMember"] = fault("Busy")
		b.mu.Unlock()
		done := goDo(func() error { return l.Block(t.Context(), "nobody@example.com") })
		server.Refuse("ADL", 208, `<ml><d n="example.com"><c n="nobody" l="4" t="1"/></d></ml>`)
		if err := <-done; err == nil || errors.Is(err, errs.ErrNoSuchContact) {
			t.Errorf("error %v", err)
		}
	})
}
