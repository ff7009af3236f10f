package contactlist

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/errs"
	"matrix-msn/msn/internal/event"
	"matrix-msn/msn/internal/ns"
	"matrix-msn/msn/internal/ns/nstest"
	"matrix-msn/msn/roster"
	"matrix-msn/msn/wire"
)

// open returns a contact list of a dialect below MSNP13, and the server's side of its
// connection.
func open(t *testing.T, d wire.Dialect) (*List, *nstest.Server) {
	t.Helper()
	l := &List{account: nstest.Account}
	_, server := nstest.Serve(t, d, func(conn *ns.Conn) {
		l.conn, l.book = conn, roster.New(d, conn.Self(), "")
		l.register()
	})
	return l, server
}

// known is how many contacts are known.
func (l *List) known() (n int) {
	l.conn.Query(func() { n = l.book.Len() })
	return n
}

// begin completes the sign-in.
func begin(l *List, server *nstest.Server) {
	l.conn.Do(l.Begin)
	server.Ready()
}

// goDo calls f in a goroutine and returns where its error comes.
func goDo(f func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	return result
}

// typesOf names the types of events.
func typesOf(events []event.Event) (names []string) {
	for _, e := range events {
		names = append(names, reflect.TypeOf(e).Name())
	}
	return names
}

func TestListsAreLoaded(t *testing.T) {
	for d, lines := range map[wire.Dialect][]string{
		2:  {"LST %s FL 1 1 1 bob@example.com Bob", "LST %s RL 1 0 0"},
		7:  {"LSG %s 1 1 1 0 ~ 0", "LST %s FL 1 1 1 bob@example.com Bob 0", "BPR 1 PHH 5", "LST %s RL 1 0 0"},
		9:  {"LSG 0 Other 0", "LST bob@example.com Bob 3 0"},
		12: {"LSG Other g", "LST N=bob@example.com F=Bob C=guid 3 1 g"},
	} {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, server := open(t, d)
				done := goDo(func() error { return l.Load(t.Context()) })
				want, reply := "SYN 0", "SYN %s 1 1 1"
				if d >= wire.FirstContactIDs {
					want, reply = "SYN 0 0", "SYN %s 0 0 1 1"
				}
				trid := server.Expect(want)
				for _, line := range append([]string{reply}, lines...) {
					synctest.Wait()
					select {
					case err := <-done:
						t.Fatalf("before %q it is done: %v", line, err)
					default:
					}
					server.Send(strings.ReplaceAll(line, "%s", trid))
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
				// What belongs to the last line comes behind it, and is no news either.
				server.Send("BPR bob@example.com MOB Y")
				begin(l, server)
				if bob := l.contactNow("bob@example.com"); !bob.Lists.Has(roster.ListForward) || !bob.TakesPages() {
					t.Errorf("bob is %+v", bob)
				}
				if events := server.Events(); len(events) != 0 {
					t.Errorf("events %+v", events)
				}
				server.Send("BPR bob@example.com PHW 7")
				if events := server.Events(); len(events) != 1 || events[0].(roster.ContactChanged).Contact.Properties["PHW"] != "7" {
					t.Errorf("events %+v", events)
				}
			})
		})
	}
}

// Some servers announce lists and send none, or less.
func TestListsThatStayAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, server := open(t, 9)
		start := time.Now()
		done := goDo(func() error { return l.Load(t.Context()) })
		server.Send("SYN " + server.Expect("SYN 0") + " 1 3 0")
		time.Sleep(listsQuiet - time.Second)
		server.Send("LST bob@example.com Bob 3 0")
		if err := <-done; err != nil || time.Since(start) != 2*listsQuiet-time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if l.known() != 1 {
			t.Errorf("%d contacts", l.known())
		}
		server.Send("LST carol@example.com Carol 3 0", "LST dan@example.com Dan 3 0", "LST eve@example.com Eve 3 0") // late, and no harm
		if l.known() != 4 {
			t.Errorf("%d contacts", l.known())
		}
	})
}

func TestListsThatDoNotCome(t *testing.T) {
	for name, test := range map[string]struct {
		dialogue func(*nstest.Server)
		want     error
		text     string
	}{
		"refused":       {func(s *nstest.Server) { s.Refuse("SYN 0", 500) }, errs.ErrBusy, "SYN"},
		"not answered":  {func(s *nstest.Server) { s.Expect("SYN 0") }, errs.ErrTimeout, "SYN: "},
		"closed":        {func(s *nstest.Server) { s.Expect("SYN 0"); s.Hangup() }, errs.ErrRefused, "SYN"},
		"closed midway": {func(s *nstest.Server) { s.Send("SYN " + s.Expect("SYN 0") + " 1 3 0"); s.Hangup() }, errs.ErrRefused, "SYN"},
		"broken midway": {func(s *nstest.Server) { s.Send("SYN "+s.Expect("SYN 0")+" 1 3 0", "UBX bob@example.com x") }, wire.ErrProtocol, "SYN: "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, server := open(t, 9)
				done := goDo(func() error { return l.Load(t.Context()) })
				test.dialogue(server)
				if err := <-done; !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		l, server := open(t, 9)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errs.ErrTimeout)
		defer cancel()
		done := goDo(func() error { return l.Load(ctx) })
		server.Expect("SYN 0")
		if err := <-done; !errors.Is(err, errs.ErrTimeout) || !strings.HasPrefix(err.Error(), "SYN: ") {
			t.Errorf("error %v", err)
		}
	})
}

// Two changes at the same time, and each gets its own answer, in whatever order they come.
func TestTwoEditsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, server := open(t, 12)
		begin(l, server)
		zoe := goDo(func() error { return l.Add(t.Context(), "zoe@example.com", "") })
		first := server.Expect("ADC FL N=zoe@example.com F=zoe@example.com")
		dan := goDo(func() error { return l.Add(t.Context(), "Dan@example.com", "") })
		second := server.Expect("ADC FL N=dan@example.com F=dan@example.com")
		server.Send("205 " + second)
		if err := <-dan; !errors.Is(err, errs.ErrNoSuchContact) {
			t.Errorf("dan: %v", err)
		}
		server.Send("ADC " + first + " FL N=zoe@example.com F=zoe@example.com C=guid")
		server.Answer("ADC AL N=zoe@example.com", "AL N=zoe@example.com")
		if err := <-zoe; err != nil {
			t.Errorf("zoe: %v", err)
		}
		if c := l.contactNow("zoe@example.com"); c.Lists != roster.ListForward|roster.ListAllow || c.GUID != "guid" {
			t.Errorf("zoe is %+v", c)
		}
		if got := typesOf(server.Events()); !reflect.DeepEqual(got, []string{"ContactChanged", "ContactChanged"}) {
			t.Errorf("events %v", got)
		}
		server.ExpectNothing()
	})
}

// A call ends with the connection, whichever call it is.
func TestCloseInTheMiddleOfAnEdit(t *testing.T) {
	for name, edit := range map[string]func(*List, context.Context) error{
		"add":    func(l *List, ctx context.Context) error { return l.Add(ctx, "zoe@example.com", "") },
		"remove": func(l *List, ctx context.Context) error { return l.Remove(ctx, "bob@example.com") },
		"block":  func(l *List, ctx context.Context) error { return l.Block(ctx, "bob@example.com") },
		"allow":  func(l *List, ctx context.Context) error { return l.Allow(ctx, "erin@example.com") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, server := open(t, 9)
				server.Send("LST bob@example.com Bob 3 0", "LST erin@example.com Erin 8 0")
				begin(l, server)
				done := goDo(func() error { return edit(l, t.Context()) })
				server.Read()
				go l.conn.Close()
				if err := <-done; !errors.Is(err, errs.ErrClosed) {
					t.Errorf("error %v", err)
				}
				if err := edit(l, t.Context()); !errors.Is(err, errs.ErrClosed) {
					t.Errorf("after that: %v", err)
				}
			})
		})
	}
}

func TestWhatWasChangedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, server := open(t, 8)
		server.Send("LST bob@example.com Bob 3 0")
		begin(l, server)
		done := goDo(func() error { return l.Block(t.Context(), "bob@example.com") })
		server.Refuse("REM AL bob@example.com", notThere)
		server.Refuse("ADD BL bob@example.com Bob", alreadyThere)
		if err := <-done; err != nil {
			t.Error(err)
		}
		for number, want := range map[int]error{210: ErrListFull, 208: errs.ErrNoSuchContact, 500: errs.ErrBusy} {
			done := goDo(func() error { return l.Add(t.Context(), "zoe@example.com", "") })
			server.Refuse("ADD FL zoe@example.com zoe@example.com", number)
			if err := <-done; !errors.Is(err, want) {
				t.Errorf("%d: %v", number, err)
			}
		}
		for _, account := range []string{"", "zoe", "a@b\r\nOUT", "a b@c"} {
			if err := l.Add(t.Context(), account, ""); !errors.Is(err, errs.ErrArgument) || err.Error() != fmt.Sprintf("%v: %q is no account", errs.ErrArgument, account) {
				t.Errorf("%q: %v", account, err)
			}
		}
		if err := l.Add(t.Context(), "zoe@example.com", strings.Repeat("x", MaxRequest+1)); !errors.Is(err, errs.ErrTooLong) {
			t.Errorf("a long text: %v", err)
		}
		server.ExpectNothing()
	})
}

// News of the address book mean nothing where each change is a line.
func TestNoAddressBookBySYN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, server := open(t, 12)
		begin(l, server)
		l.conn.Do(l.Refresh)
		l.Reload(t.Context())
		if err := l.Call(t.Context(), nil); !errors.Is(err, errs.ErrDialect) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Hour)
		server.ExpectNothing()
	})
}
