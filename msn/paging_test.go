package msn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/notify"
	"matrix-msn/msn/wire"
)

// shortPage lets a page count as sent before a test's patience ends.
func shortPage(c *Config) { c.Timeouts.Page = 10 * time.Second }

// mobileBob has the server say that bob takes pages. From MSNP13 on his entry in the
// address book has said so already.
func mobileBob(ns *fakeConn) {
	ns.send("BPR 2 bob@example.com MOB Y", "BPR 2 bob@example.com PHM +1%20(555)%20111-2222")
	ns.barrier()
}

func goPage(t testing.TB, client *Client, to, text string) <-chan answered[SentPage] {
	return goCall(func() (page SentPage, err error) {
		err = client.Page(t.Context(), to, notify.Page{Text: text}, func(p SentPage) { page = p })
		return page, err
	})
}

// pageLine is what a page is sent as, behind the TrID.
func pageLine(d wire.Dialect, to string) string {
	if d < 9 {
		return to
	}
	return to + " 1"
}

func pageVerb(d wire.Dialect) string {
	if d < 9 {
		return "PAG"
	}
	return "PGD"
}

func TestPageInEveryDialect(t *testing.T) {
	for d := MinDialect; d <= MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, ns := signedIn(t, newFakeNet(t), d, shortPage)
				mobileBob(ns)
				trid := tridAfter(firstTrID(d), 1)
				page := notify.Page{Text: "Fish & chips á \U0001F41F", Callback: notify.Callback{Location: notify.Home, Number: "15551114444"}}
				var sent SentPage
				start := time.Now()
				call := goCall(func() (struct{}, error) {
					return struct{}{}, client.Page(t.Context(), "Bob@Example.com", page, func(p SentPage) { sent = p })
				})
				if d < 5 {
					if _, err := waitCall(t, call); !errors.Is(err, ErrNoPaging) {
						t.Errorf("error %v", err)
					}
					ns.barrier() // nothing was sent
					return
				}
				cmd := ns.expect(pageVerb(d) + " " + trid + " " + pageLine(d, "bob@example.com"))
				if fmt.Sprint(sent.TrID) != trid || sent.To != "bob@example.com" || sent.Page != page || !sent.At.Equal(start) {
					t.Errorf("what is to be remembered before sending is %+v", sent)
				}
				phone := `<PHONE pri="1"><LOC>HOME</LOC><NUM>15551114444</NUM></PHONE>`
				want := phone + `<TEXT xml:space="preserve">Fish &amp; chips &#225; &#128031;</TEXT>`
				if d >= 9 {
					want = phone + "<TEXT xml:space=\"preserve\" enc=\"utf-8\">Fish &amp; chips á \U0001F41F</TEXT>"
				}
				if cmd.Payload != want {
					t.Errorf("the body is\n%s, want\n%s", cmd.Payload, want)
				}
				if _, err := waitCall(t, call); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != 10*time.Second {
					t.Errorf("silence counted as success after %v", took)
				}
				ns.barrier()
			})
		})
	}
}

func TestPageErrorNumbers(t *testing.T) {
	for _, d := range []wire.Dialect{5, 8, 9, 12} {
		for number, want := range map[int]error{
			220: ErrPageRefused, 800: ErrPageFailed, 606: ErrPagingUnavailable, 710: ErrPagingUnavailable,
			715: ErrPagingUnavailable, 913: ErrHidden, 999: nil,
		} {
			t.Run(fmt.Sprint(d, " ", number), func(t *testing.T) {
				t.Parallel()
				client, ns := signedIn(t, newFakeNet(t), d)
				mobileBob(ns)
				call := goPage(t, client, "bob@example.com", "Call me")
				ns.read()
				ns.send(fmt.Sprint(number, " ", tridAfter(firstTrID(d), 1)))
				_, err := waitCall(t, call)
				var refused *ServerError
				if !errors.As(err, &refused) || refused.Number != number || refused.Verb != pageVerb(d) || want != nil && !errors.Is(err, want) {
					t.Errorf("error %v", err)
				}
				ns.barrier()
			})
		}
	}
}

func TestPageErrorsAreToldApartByTrID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 9, shortPage)
		mobileBob(ns)
		first := goPage(t, client, "bob@example.com", "one")
		ns.expect("PGD 8 bob@example.com 1")
		second := goPage(t, client, "bob@example.com", "two")
		ns.expect("PGD 9 bob@example.com 1")
		third := goPage(t, client, "bob@example.com", "three")
		ns.expect("PGD 10 bob@example.com 1")
		ns.send("220 10", "800 8")
		if _, err := waitCall(t, first); !errors.Is(err, ErrPageFailed) {
			t.Errorf("first: %v", err)
		}
		if _, err := waitCall(t, third); !errors.Is(err, ErrPageRefused) {
			t.Errorf("third: %v", err)
		}
		if _, err := waitCall(t, second); err != nil {
			t.Errorf("second: %v", err)
		}
	})
}

func TestPageLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 8, shortPage)
		mobileBob(ns)
		call := goPage(t, client, "bob@example.com", strings.Repeat("&", 112)+"\U0001F41F")
		if cmd := ns.read(); cmd.Verb != "PAG" {
			t.Errorf("113 characters: %v", cmd)
		}
		if _, err := waitCall(t, call); err != nil {
			t.Errorf("113 characters: %v", err)
		}
		var tooLong *notify.TooLongError
		if err := client.Page(t.Context(), "bob@example.com", notify.Page{Text: strings.Repeat("ü", 114)}, nil); !errors.As(err, &tooLong) || tooLong.Count != 114 {
			t.Errorf("114 characters: %v", err)
		}
		ns.barrier() // that was not sent
	})
}

func TestPageThatCannotBeSent(t *testing.T) {
	for _, test := range []struct {
		name   string
		d      wire.Dialect
		paging Paging
		to     string
		page   notify.Page
		want   error
	}{
		{"nobody pages here", 9, PageNobody, "bob@example.com", notify.Page{Text: "x"}, ErrNoPaging},
		{"a contact without a mobile device", 9, PageMobile, "carol@example.com", notify.Page{Text: "x"}, ErrNoMobile},
		{"a stranger", 9, PageMobile, "dave@example.com", notify.Page{Text: "x"}, ErrNoMobile},
		{"a number that nobody has", 9, PageMobile, "tel:+15551119999", notify.Page{Text: "x"}, ErrNoMobile},
		{"a number of somebody who takes no pages", 9, PageMobile, "tel:+15553334444", notify.Page{Text: "x"}, ErrNoMobile},
		{"a number where the dialect has none", 8, PageAnybody, "tel:+15551112222", notify.Page{Text: "x"}, ErrDialect},
		{"no text", 9, PageMobile, "bob@example.com", notify.Page{Text: " "}, ErrEmpty},
		{"control characters", 9, PageMobile, "bob@example.com", notify.Page{Text: "a\x00b"}, notify.ErrPageText},
		{"a callback number that is none", 9, PageMobile, "bob@example.com", notify.Page{Text: "x", Callback: notify.Callback{Location: notify.Home, Number: "1\r\nOUT"}}, notify.ErrCallback},
		{"no account", 9, PageAnybody, "bob", notify.Page{Text: "x"}, ErrArgument},
		{"nothing", 9, PageAnybody, "", notify.Page{Text: "x"}, ErrArgument},
		{"a second command", 9, PageAnybody, "bob@example.com\r\nOUT", notify.Page{Text: "x"}, ErrArgument},
		{"a second parameter", 9, PageAnybody, "bob@example.com 1", notify.Page{Text: "x"}, ErrArgument},
		{"a second command behind a number", 9, PageAnybody, "tel:+1555\r\nOUT", notify.Page{Text: "x"}, ErrArgument},
		{"letters for a number", 9, PageAnybody, "tel:bob", notify.Page{Text: "x"}, ErrArgument},
		{"an endless number", 9, PageAnybody, "tel:+" + strings.Repeat("1", 30), notify.Page{Text: "x"}, ErrArgument},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), test.d, func(c *Config) { c.Paging = test.paging })
			mobileBob(ns)
			ns.send("BPR 2 bob@example.com PHH 15553334444")
			ns.barrier()
			sent := false
			err := client.Page(t.Context(), test.to, test.page, func(SentPage) { sent = true })
			if !errors.Is(err, test.want) || sent {
				t.Errorf("error %v, to be remembered: %v", err, sent)
			}
			ns.barrier() // nothing was sent
		})
	}
}

func TestPageToWhomThePolicyAllows(t *testing.T) {
	for _, test := range []struct {
		name   string
		paging Paging
		to     string
		want   string
	}{
		{"a contact's number", PageMobile, "tel:+15551112222", "tel:+15551112222"},
		{"a contact's number in another form", PageMobile, "TEL:1 (555) 111-2222", "tel:15551112222"},
		{"any number", PageAnybody, "tel:+49.30/12 34", "tel:+49301234"},
		{"a stranger", PageAnybody, "Dave@example.com", "dave@example.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, ns := signedIn(t, newFakeNet(t), 9, shortPage, func(c *Config) { c.Paging = test.paging })
				mobileBob(ns)
				call := goPage(t, client, test.to, "x")
				ns.expect("PGD 8 " + test.want + " 1")
				if p, err := waitCall(t, call); err != nil || p.To != test.want {
					t.Errorf("%+v, %v", p, err)
				}
			})
		})
	}
}

// pageUnderWay sends bob a page and returns when it was written.
func pageUnderWay(t *testing.T, client *Client, ns *fakeConn) (cancel func(), call <-chan answered[struct{}]) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	call = goCall(func() (struct{}, error) {
		return struct{}{}, client.Page(ctx, "bob@example.com", notify.Page{Text: "x"}, nil)
	})
	ns.read()
	return cancel, call
}

func TestPageIsUncertain(t *testing.T) {
	for _, test := range []struct {
		name  string
		end   func(cancel func(), client *Client, ns *fakeConn)
		wants []error
	}{
		{"when its context ends", func(cancel func(), _ *Client, _ *fakeConn) { cancel() }, []error{ErrUncertain, context.Canceled}},
		{"when the connection ends", func(_ func(), _ *Client, ns *fakeConn) { ns.close() }, []error{ErrUncertain}},
		{"when the server says good-bye", func(_ func(), _ *Client, ns *fakeConn) { ns.send("OUT SSD") }, []error{ErrUncertain}},
		{"when the client is closed", func(_ func(), client *Client, ns *fakeConn) { quit(client, ns) }, []error{ErrUncertain, ErrClosed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), 9)
			mobileBob(ns)
			cancel, call := pageUnderWay(t, client, ns)
			test.end(cancel, client, ns)
			_, err := waitCall(t, call)
			for _, want := range test.wants {
				if !errors.Is(err, want) {
					t.Errorf("error %v is no %v", err, want)
				}
			}
			cancel()
		})
	}
}

func TestPageIsNotWritten(t *testing.T) {
	t.Run("when its context has ended", func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 9)
		mobileBob(ns)
		ctx, cancel := context.WithCancel(t.Context())
		err := client.Page(ctx, "bob@example.com", notify.Page{Text: "x"}, func(SentPage) { cancel() })
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUncertain) {
			t.Errorf("error %v", err)
		}
		ns.barrier()
	})
	t.Run("after the end", func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 9)
		mobileBob(ns)
		ns.close()
		<-client.Done()
		err := client.Page(t.Context(), "bob@example.com", notify.Page{Text: "x"}, nil)
		if !errors.Is(err, ErrNotConnected) || errors.Is(err, ErrUncertain) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("when the server stops reading", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, ns := signedIn(t, newFakeNet(t), 9, func(c *Config) { c.Timeouts.Page, c.Timeouts.Write = 10*time.Second, time.Second })
			mobileBob(ns)
			// The first command is under way for ever, what follows waits behind it.
			status := goCall(func() (struct{}, error) { return struct{}{}, client.SetStatus(t.Context(), Away) })
			synctest.Wait()
			call := goPage(t, client, "bob@example.com", "x")
			_, err := waitCall(t, call)
			if !errors.Is(err, ErrNotConnected) || errors.Is(err, ErrUncertain) {
				t.Errorf("error %v", err)
			}
			_, _ = waitCall(t, status)
		})
	})
}

// bounce is the report that a page has failed.
func bounce(trid, code string) string {
	return `<NOTIFICATION id="` + trid + `" siteid="111100400" siteurl="http://mobile.msn.com/">` +
		`<TO name="alice@example.com"><VIA agent="mobile"/></TO><FROM name="bob@example.com"/>` +
		`<MSG pri="1" id="` + code + `"><ACTION url="2wayIM.asp"/><BODY lang="1033"><TEXT></TEXT></BODY></MSG></NOTIFICATION>`
}

// sendDocument sends a NOT or IPG.
func (f *fakeConn) sendDocument(verb, document string) {
	f.t.Helper()
	f.send(fmt.Sprintf("%s %d\r\n%s", verb, len(document), document))
}

func TestPageBounces(t *testing.T) {
	for d := wire.Dialect(6); d <= MaxDialect; d++ {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, ns := signedIn(t, newFakeNet(t), d, shortPage)
				mobileBob(ns)
				trid := tridAfter(firstTrID(d), 1)
				call := goPage(t, client, "bob@example.com", "x")
				ns.read()
				page, err := waitCall(t, call)
				if err != nil {
					t.Fatal(err)
				}
				ns.sendDocument("IPG", bounce(trid, "407"))
				if e := waitFor[PageBounced](t, client); e.Page != page || e.Code != notify.BounceTooLong {
					t.Errorf("event %+v, want that of %+v", e, page)
				}
				// Only once, whatever the server repeats.
				ns.sendDocument("IPG", bounce(trid, "407"))
				ns.send("800 " + trid)
				// A page of another session.
				ns.sendDocument("IPG", bounce("4711", "500"))
				want := SentPage{To: "bob@example.com", TrID: 4711}
				if e := waitFor[PageBounced](t, client); e.Page != want || e.Code != "500" {
					t.Errorf("event %+v", e)
				}
			})
		})
	}
}

func TestPageFailsAfterAll(t *testing.T) {
	t.Run("by a late error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, ns := signedIn(t, newFakeNet(t), 9, shortPage)
			mobileBob(ns)
			call := goPage(t, client, "bob@example.com", "x")
			ns.read()
			page, err := waitCall(t, call)
			if err != nil {
				t.Fatal(err)
			}
			ns.send("220 8")
			if e := waitFor[PageBounced](t, client); e.Page != page || e.Code != "220" {
				t.Errorf("event %+v", e)
			}
		})
	})
	t.Run("when nobody waits any more", func(t *testing.T) {
		client, ns := signedIn(t, newFakeNet(t), 9)
		mobileBob(ns)
		cancel, call := pageUnderWay(t, client, ns)
		cancel()
		if _, err := waitCall(t, call); !errors.Is(err, ErrUncertain) {
			t.Fatal(err)
		}
		ns.send("800 8")
		if e := waitFor[PageBounced](t, client); e.Page.TrID != 8 || e.Code != "800" {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("by a bounce while it is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, ns := signedIn(t, newFakeNet(t), 9, shortPage)
			mobileBob(ns)
			call := goPage(t, client, "bob@example.com", "x")
			ns.read()
			ns.sendDocument("IPG", bounce("8", "407"))
			if e := waitFor[PageBounced](t, client); e.Page.TrID != 8 {
				t.Errorf("event %+v", e)
			}
			if _, err := waitCall(t, call); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestOwnNumbers(t *testing.T) {
	for _, test := range []struct {
		d     wire.Dialect
		lines []string
	}{
		{5, []string{"PRP 5 1 PHH 1%20(555)%20111", "PRP 1 PHM +49%2030", "PRP 5 1 PHW"}},
		{9, []string{"PRP PHH 1%20(555)%20111", "PRP PHM +49%2030", "PRP PHW", "PRP MOB Y", "PRP"}},
		{12, []string{"PRP 0 PHH 1555111", "PRP PHM 4930", "PRP PHW 1", "PRP PHW "}},
	} {
		t.Run(test.d.String(), func(t *testing.T) {
			t.Parallel()
			client, ns := signedIn(t, newFakeNet(t), test.d)
			ns.send(test.lines...)
			ns.barrier()
			for at, want := range map[notify.Location]string{notify.Home: "1555111", notify.Mobile: "4930", notify.Work: "", "CAR": ""} {
				if got := client.OwnNumber(at); got != want {
					t.Errorf("%s is %q, want %q", at, got, want)
				}
			}
		})
	}
}
