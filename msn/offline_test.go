package msn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/clean"
	"matrix-msn/msn/internal/offline"
	"matrix-msn/msn/wire"
)

// mailOf is an offline message as the service keeps it.
func mailOf(text, run string, number int, at string) string {
	return fmt.Sprintf("From: x &lt;x@y&gt;\nContent-Type: text/plain; charset=UTF-8\nX-OIM-Run-Id: %s\nX-OIM-Sequence-Num: %d\n"+
		"X-OriginalArrivalTime: %s (UTC)\n\n%s", run, number, at, text)
}

// waiting sets up the mailbox: messages by ID, listed in the order of ids.
func (w *fakeWeb) waiting(messages map[string]string, ids ...string) {
	var list strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&list, "<M><T>11</T><E>Bob@example.com</E><I>%s</I><N>=?utf-8?B?Qm9iIOKZpQ==?=</N><RT>1999-01-01T00:00:00.000Z</RT></M>", id)
	}
	w.answer["GetMetadata"] = func(webCall) webAnswer {
		return webAnswer{content: soapEnvelope("<GetMetadataResponse><MD>" + list.String() + "</MD></GetMetadataResponse>")}
	}
	w.answer["GetMessage"] = func(c webCall) webAnswer {
		for id, mail := range messages {
			if strings.Contains(c.body, "<messageId>"+id+"</messageId>") {
				return webAnswer{content: soapEnvelope("<GetMessageResponse><GetMessageResult>" + mail + "</GetMessageResult></GetMessageResponse>")}
			}
		}
		return webAnswer{status: 500, content: "no"}
	}
}

// offlineNotice is the notice that offline messages wait.
func offlineNotice() string {
	payload := "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgsoimnotification; charset=UTF-8\r\n\r\nMail-Data: too-large\r\n"
	return fmt.Sprintf("MSG Hotmail Hotmail %d\r\n%s", len(payload), payload)
}

func TestOfflineMessagesAreToldInOrderAndOnce(t *testing.T) {
	for _, d := range modernDialects {
		t.Run(d.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, web, ns := webIn(t, d, func(w *fakeWeb) {
					w.waiting(map[string]string{
						"a": mailOf("third", "{1}", 3, "22 Nov 1999 10:00:01.0000000"),
						"b": mailOf("first", "{1}", 1, "22 Nov 1999 10:00:01.0000000"),
						"c": mailOf("second", "{1}", 2, "22 Nov 1999 10:00:01.0000000"),
						"d": mailOf("zeroth", "{2}", 1, "21 Nov 1999 10:00:01.0000000"),
						"e": mailOf("of the future", "{3}", 1, "21 Nov 2525 10:00:01.0000000"),
					}, "a", "b", "c", "d", "e")
				}, longPing)
				ns.send(offlineNotice(), offlineNotice())
				var texts []string
				for len(texts) < 5 {
					e := waitFor[OfflineReceived](t, client)
					if e.From != "bob@example.com" || e.FromName != "Bob ♥" || e.At.After(time.Now()) || e.At.IsZero() {
						t.Errorf("event %+v", e)
					}
					texts = append(texts, e.Text)
				}
				if !slices.Equal(texts[:4], []string{"zeroth", "first", "second", "third"}) {
					t.Errorf("told in the order %q", texts)
				}
				ns.send(offlineNotice())
				time.Sleep(time.Minute)
				for range client.backlogLength() {
					if e, ok := nextEvent(t, client).(OfflineReceived); ok {
						t.Errorf("told again: %+v", e)
					}
				}
				if got := len(web.called("GetMessage")); got != 5 {
					t.Errorf("%d messages were fetched", got)
				}
				if err := client.DeleteOffline(t.Context(), "a", "b"); err != nil {
					t.Error(err)
				}
				if body := web.called("DeleteMessages")[0].body; !strings.Contains(body, "<messageId>a</messageId><messageId>b</messageId>") {
					t.Errorf("deleted by %s", body)
				}
				ns.barrier()
			})
		})
	}
}

func TestOfflineMessagesAreFetchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, nil, longPing)
		web.set(func() {
			web.waiting(map[string]string{"a": mailOf("hello", "{1}", 1, "22 Nov 1999 10:00:01")}, "a", "broken")
			list := web.answer["GetMetadata"]
			failures := 2
			web.answer["GetMetadata"] = func(c webCall) webAnswer {
				if failures--; failures >= 0 {
					return webAnswer{status: http.StatusInternalServerError, content: "no"}
				}
				return list(c)
			}
		})
		ns.send(offlineNotice())
		time.Sleep(2 * offline.Pause)
		if e := waitFor[OfflineReceived](t, client); e.Text != "hello" || e.ID != "a" {
			t.Errorf("event %+v", e)
		}
		// The one that cannot be had keeps nobody from the rest, and ends by itself.
		time.Sleep(time.Hour)
		if got := len(web.called("GetMetadata")); got > offline.Attempts {
			t.Errorf("asked %d times", got)
		}
		ns.barrier()
	})
}

func TestOfflineMessageThatFailsIsFetchedAgainAndHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, nil, longPing)
		web.set(func() {
			web.waiting(map[string]string{
				"a": mailOf("the first", "{1}", 1, "22 Nov 1999 10:00:01"),
				"b": mailOf("the second", "{1}", 2, "22 Nov 1999 10:00:02"),
			}, "a", "b")
			get := web.answer["GetMessage"]
			failed := false
			web.answer["GetMessage"] = func(c webCall) webAnswer {
				if strings.Contains(c.body, "<messageId>a</messageId>") && !failed {
					failed = true
					return webAnswer{status: http.StatusInternalServerError, content: "no"}
				}
				return get(c)
			}
		})
		began := time.Now()
		ns.send(offlineNotice())
		if e := waitFor[OfflineReceived](t, client); e.Text != "the second" || time.Since(began) >= offline.Pause {
			t.Errorf("event %+v after %v", e, time.Since(began))
		}
		time.Sleep(2 * offline.Pause)
		if e := waitFor[OfflineReceived](t, client); e.Text != "the first" {
			t.Errorf("event %+v", e)
		}
		ns.barrier()
	})
}

func TestOfflineMessageIsSent(t *testing.T) {
	for _, d := range []wire.Dialect{13, 14, 15, 16, 17} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			client, web, ns := webIn(t, d, nil)
			store := "Store"
			if d >= wire.FirstSSO {
				store = "Store2"
			}
			locks := 0
			web.set(func() {
				web.answer[store] = once(func(webCall) webAnswer {
					locks++
					return webAnswer{status: 500, content: soapFault("q0:AuthenticationFailed", "lock", "<LockKeyChallenge>1234567890</LockKeyChallenge>")}
				})
			})
			if !client.OfflineMessages() {
				t.Error("there are none")
			}
			for _, text := range []string{"Hello ♥", "again"} {
				if err := client.SendOffline(t.Context(), "Bob@example.com", text, ""); err != nil {
					t.Fatal(err)
				}
			}
			calls := web.called(store)
			if len(calls) != 3 {
				t.Fatalf("calls %q", web.operations())
			}
			if !strings.Contains(calls[0].body, `lockkey=""`) || strings.Contains(calls[1].body, `lockkey=""`) || strings.Contains(calls[2].body, `lockkey=""`) {
				t.Error("the lock key is not that of the challenge")
			}
			for i, want := range map[int]string{1: "<MessageNumber>1<", 2: "<MessageNumber>2<"} {
				if !strings.Contains(calls[i].body, want) || !strings.Contains(calls[i].body, `memberName="bob@example.com"`) || !strings.Contains(calls[i].body, "messengersecure.live.com-1") {
					t.Errorf("call %d is %s", i, calls[i].body)
				}
			}
			ns.barrier()
		})
	}
}

// The numbers of the messages that the service has have no gaps, and none is given twice.
func TestOfflineMessagesAreNumberedAsTheServiceTakesThem(t *testing.T) {
	client, web, ns := webIn(t, 15, nil)
	for _, test := range []struct {
		name   string
		answer func(webCall) webAnswer
		want   int // number
	}{
		{"the first", nil, 1},
		{"one that is refused", status(http.StatusServiceUnavailable), 2},
		{"one that did not get there", func(webCall) webAnswer {
			return webAnswer{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
		}, 2},
		{"one that may have been taken", func(webCall) webAnswer { return webAnswer{err: io.ErrUnexpectedEOF} }, 2},
		{"one after that", nil, 3},
		{"the last", nil, 4},
	} {
		web.forget()
		web.set(func() { web.answer["Store2"] = test.answer })
		_ = client.SendOffline(t.Context(), "bob@example.com", "Hello", "")
		if calls := web.called("Store2"); len(calls) != 1 || !strings.Contains(calls[0].body, fmt.Sprintf("<MessageNumber>%d<", test.want)) {
			t.Errorf("%s: calls %q, want the number %d", test.name, calls, test.want)
		}
	}
	ns.barrier()
}

// The service says by the same fault that the lock key is missing and that the ticket
// is too old.
func TestOfflineMessageIsSentWithANewTicketWhenTheOldOneIsRefused(t *testing.T) {
	client, web, ns := webIn(t, 15, nil)
	web.set(func() {
		web.answer["Store2"] = func(c webCall) webAnswer {
			if strings.Contains(c.body, "messengersecure.live.com-1") {
				return webAnswer{status: 500, content: soapFault("q0:AuthenticationFailed", "old", "<TweenerChallenge>ct=1</TweenerChallenge>")}
			}
			return webAnswer{content: soapEnvelope("<StoreResponse/>")}
		}
	})
	for range 2 {
		if err := client.SendOffline(t.Context(), "bob@example.com", "Hello", ""); err != nil {
			t.Error(err)
		}
	}
	if got := len(web.called("Store2")); got != 3 {
		t.Errorf("calls %q", web.operations())
	}
	ns.barrier()
}

func TestOfflineMessageWithoutTicketIsNotUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, func(w *fakeWeb) { w.life = time.Hour }, longPing)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := client.SendOffline(ctx, "bob@example.com", "Hello", ""); !errors.Is(err, ErrBusy) || errors.Is(err, ErrUncertain) {
			t.Errorf("error %v", err)
		}
		if calls := web.called("Store2"); len(calls) != 0 {
			t.Errorf("%d calls without ticket", len(calls))
		}
		ns.barrier()
	})
}

// A service whose tickets live shortly is not signed in to with every call.
func TestTicketsOfAShortLifeAreUsedForHalfOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, func(w *fakeWeb) { w.life = 2 * time.Minute }, longPing)
		for i, want := range []int{1, 1, 2, 2} {
			if err := client.DeleteOffline(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			if got := len(web.called("RST")); got != want {
				t.Errorf("call %d comes after %d sign-ins, want %d", i, got, want)
			}
			if i == 1 {
				time.Sleep(90 * time.Second)
			}
		}
		ns.barrier()
	})
}

func TestOfflineMessageErrors(t *testing.T) {
	fault := func(code string) func(webCall) webAnswer {
		return func(webCall) webAnswer { return webAnswer{status: 500, content: soapFault("q0:"+code, "no", "")} }
	}
	trouble := func(err error) func(webCall) webAnswer {
		return func(webCall) webAnswer { return webAnswer{err: err} }
	}
	for name, test := range map[string]struct {
		answer func(webCall) webAnswer
		want   error
	}{
		"nobody listens":      {trouble(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}), ErrBusy},
		"no such host":        {trouble(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), ErrBusy},
		"a name that waits":   {trouble(&net.DNSError{Err: "timeout", IsTimeout: true}), ErrBusy},
		"a false certificate": {trouble(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), ErrBusy},
		"the line breaks":     {trouble(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), ErrUncertain},
		"no such account":     {fault("SystemUnavailable"), ErrNoSuchContact},
		"too many":            {fault("SenderThrottleLimitExceeded"), ErrTooFast},
		"not this text":       {fault("InvalidContent"), ErrNotDelivered},
		"another fault":       {fault("Server"), ErrBusy},
		"always a lock":       {fault("AuthenticationFailed"), ErrBusy},
		"503":                 {status(http.StatusServiceUnavailable), ErrBusy},
		"no answer as such":   {func(webCall) webAnswer { return webAnswer{content: "hello"} }, ErrUncertain},
		"a ticket for nobody": {status(http.StatusForbidden), ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, web, ns := webIn(t, 15, nil)
			web.set(func() { web.answer["Store2"] = test.answer })
			if err := client.SendOffline(t.Context(), "bob@example.com", "Hello", ""); !errors.Is(err, test.want) ||
				errors.Is(err, ErrUncertain) != (test.want == ErrUncertain) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			ns.barrier()
		})
	}
	client, _, ns := webIn(t, 15, nil)
	for _, test := range []struct {
		to, text string
		want     error
	}{{"bob@example.com", " \n", ErrEmpty}, {"", "x", ErrNoSuchContact}, {"bob@example.com", strings.Repeat("x", MaxOfflineText+1), ErrTooLong}} {
		if err := client.SendOffline(t.Context(), test.to, test.text, ""); !errors.Is(err, test.want) {
			t.Errorf("%.20q to %q: %v", test.text, test.to, err)
		}
	}
	ns.barrier()
	old, oldNS := signedIn(t, newFakeNet(t), 9)
	if err := old.SendOffline(t.Context(), "bob@example.com", "x", ""); !errors.Is(err, ErrDialect) || old.OfflineMessages() {
		t.Errorf("in MSNP9: %v", err)
	}
	if err := old.DeleteOffline(t.Context(), "x"); !errors.Is(err, ErrDialect) {
		t.Errorf("deleting in MSNP9: %v", err)
	}
	oldNS.barrier()
}

func TestOfflineMessageByUUM(t *testing.T) {
	for answer, want := range map[string]error{"": nil, "217": ErrNoSuchContact, "205": ErrNoSuchContact, "800": ErrTooFast, "509": ErrNotDelivered} {
		t.Run("answer "+answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _, ns := webIn(t, 18, nil, longPing)
				done := make(chan error, 1)
				go func() { done <- client.SendOffline(t.Context(), "bob@example.com", "Hello\nyou", "FN=Arial") }()
				cmd := ns.expect("UUM " + firstTrID(18) + " bob@example.com 1 1")
				want2 := "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\nDest-Agent: client\r\nX-MMS-IM-Format: FN=Arial\r\n\r\nHello\r\nyou"
				if cmd.Payload != want2 {
					t.Errorf("payload %q", cmd.Payload)
				}
				if answer != "" {
					ns.send(answer + " " + firstTrID(18))
				}
				if err := waitError(t, done); !errors.Is(err, want) {
					t.Errorf("error %v", err)
				}
				ns.barrier()
			})
		})
	}
}

// One message that the service knows no more keeps it from removing none of the others.
func TestOfflineMessagesAreDeletedOneByOneWhenOneIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, func(w *fakeWeb) {
			w.waiting(map[string]string{
				"a": mailOf("one", "{1}", 1, "22 Nov 1999 10:00:01"), "b": mailOf("two", "{1}", 2, "22 Nov 1999 10:00:02"),
				"c": mailOf("three", "{1}", 3, "22 Nov 1999 10:00:03"),
			}, "a", "b", "c")
		}, longPing)
		ns.send(offlineNotice())
		for range 3 {
			waitFor[OfflineReceived](t, client)
		}
		known := func() (ids []string) {
			client.conn.Do(func() { ids = client.offline.Known() })
			return ids
		}
		var broken, blamed string
		web.set(func() {
			web.answer["DeleteMessages"] = func(c webCall) webAnswer {
				switch {
				case strings.Contains(c.body, "<messageId>gone</messageId>"), blamed != "" && strings.Contains(c.body, "<messageId>"+blamed+"</messageId>"):
					return webAnswer{status: 500, content: soapFault("soap:Client", "Schema validation error", "")}
				case broken != "" && strings.Contains(c.body, "<messageId>"+broken+"</messageId>"):
					return webAnswer{status: 500, content: soapFault("soap:Server", "no", "")}
				}
				return webAnswer{}
			}
		})
		for _, test := range []struct {
			name, broken string
			ids          []string
			calls        int
			fails        bool
			known        string
		}{
			{"one that is unknown", "", []string{"gone"}, 1, false, "a b c"},
			{"one among others that cannot be removed", "a", []string{"a", "gone", "b"}, 3, true, "a c"},
			{"one among others", "", []string{"a", "gone", "c"}, 3, false, ""},
		} {
			web.forget()
			web.set(func() { broken = test.broken })
			if err := client.DeleteOffline(t.Context(), test.ids...); (err != nil) != test.fails {
				t.Errorf("%s: %v", test.name, err)
			}
			if calls := web.called("DeleteMessages"); len(calls) != test.calls {
				t.Errorf("%s: %d calls, want %d", test.name, len(calls), test.calls)
			}
			if got := strings.Join(known(), " "); got != test.known {
				t.Errorf("%s: then %q is known, want %q", test.name, got, test.known)
			}
		}
		// The same fault for what is listed has another reason.
		web.set(func() { blamed = "a" })
		for _, ids := range [][]string{{"a"}, {"a", "b"}, {"gone", "a", "b"}} {
			if err := client.DeleteOffline(t.Context(), ids...); err == nil {
				t.Errorf("%q counts as removed, and is still listed", ids)
			}
		}
		// And when there is no list, nobody knows.
		web.set(func() { web.answer["GetMetadata"] = status(http.StatusServiceUnavailable) })
		if err := client.DeleteOffline(t.Context(), "gone"); err == nil {
			t.Error("a message counts as removed that may be listed")
		}
		web.forget()
		web.set(func() { web.answer["DeleteMessages"] = status(http.StatusServiceUnavailable) })
		if err := client.DeleteOffline(t.Context(), "a", "b", "c"); err == nil || len(web.called("DeleteMessages")) != 1 {
			t.Errorf("while it is out of order: %v after %d calls", err, len(web.called("DeleteMessages")))
		}
		ns.barrier()
	})
}

func TestNoticesOfOfflineMessagesInAFloodHaveThemFetchedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, func(w *fakeWeb) { w.waiting(nil) }, longPing)
		const floods = 600
		for range floods {
			ns.send(offlineNotice())
			time.Sleep(100 * time.Millisecond)
			for range client.backlogLength() {
				nextEvent(t, client)
			}
		}
		lists := len(web.called("GetMetadata"))
		if most := floods/10/int(offline.Every/time.Second) + 1; lists > most || lists < most/2 {
			t.Errorf("asked %d times in a minute, at most %d were right", lists, most)
		}
		web.set(func() { web.waiting(map[string]string{"a": mailOf("the last", "{1}", 1, "22 Nov 1999 10:00:01")}, "a") })
		ns.send(offlineNotice())
		if e := waitFor[OfflineReceived](t, client); e.Text != "the last" {
			t.Errorf("event %+v", e)
		}
		ns.barrier()
	})
}

func TestOfflineMessagesThatFailAreLoggedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testLog
		client, web, ns := webIn(t, 15, func(w *fakeWeb) {
			w.waiting(map[string]string{"a": mailOf("good", "{1}", 1, "22 Nov 1999 10:00:01")},
				"broken1", "broken2", "broken3", "a", strings.Repeat("x", clean.MaxName+1), strings.Repeat("x", clean.MaxName+2))
		}, longPing, func(c *Config) { c.Logger = log.logger() })
		ns.send(offlineNotice())
		if e := waitFor[OfflineReceived](t, client); e.ID != "a" {
			t.Errorf("event %+v", e)
		}
		time.Sleep(offline.Attempts * offline.Pause)
		var lines []string
		for line := range strings.Lines(log.text()) {
			if strings.Contains(line, "level=WARN") {
				lines = append(lines, line)
			}
		}
		if len(lines) != 2*offline.Attempts || !strings.Contains(lines[0], "messages=2") || !strings.Contains(lines[1], "3 of 6") {
			t.Errorf("logged %q", lines)
		}
		for _, call := range web.called("GetMessage") {
			if strings.Contains(call.body, "xxx") {
				t.Errorf("fetched by %s", call.body)
			}
		}
		ns.barrier()
	})
}

// The style of an offline message goes along, unless it is none, or the service refuses the
// text because of it.
func TestOfflineMessageKeepsItsStyle(t *testing.T) {
	const style = "FN=Arial; EF=B; CO=ff; CS=0; PF=0"
	for _, test := range []struct {
		name, format string
		want         []string // styles that are sent, one in each attempt
		refused      bool
	}{
		{"style", style, []string{style}, false},
		{"no style", "", []string{""}, false},
		{"a style of two lines", "FN=Arial\r\nX-OIM-Sequence-Num: 99", []string{""}, false},
		{"a style that is too long", strings.Repeat("x", MaxFormat+1), []string{""}, false},
		{"a style that the service refuses", style, []string{style, ""}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, web, ns := webIn(t, 15, nil)
			web.set(func() {
				taken := web.answer["Store2"]
				web.answer["Store2"] = func(c webCall) webAnswer {
					if test.refused && strings.Contains(c.body, "X-MMS-IM-Format") {
						return webAnswer{status: 500, content: soapFault("q0:InvalidContent", "no", "")}
					}
					if taken == nil {
						return webAnswer{content: soapEnvelope("<StoreResponse/>")}
					}
					return taken(c)
				}
			})
			for number := 1; number <= 2; number++ {
				web.forget()
				if err := client.SendOffline(t.Context(), "bob@example.com", "hi", test.format); err != nil {
					t.Fatal(err)
				}
				calls := web.called("Store2")
				if len(calls) != len(test.want) {
					t.Fatalf("%d calls", len(calls))
				}
				for i, call := range calls {
					_, content, _ := strings.Cut(call.body, "<Content")
					_, rest, found := strings.Cut(content, "X-MMS-IM-Format: ")
					got := ""
					if found {
						got = regexp.MustCompile(`^[^\r\n&]*`).FindString(rest)
					}
					if got != test.want[i] || strings.Count(content, "X-OIM-Sequence-Num") != 1 ||
						!strings.Contains(content, fmt.Sprintf("X-OIM-Sequence-Num: %d", number)) {
						t.Errorf("message %d, call %d has the style %q: %s", number, i, got, content)
					}
				}
			}
			if !client.OfflineConfirmed() {
				t.Error("the service does not confirm it")
			}
			ns.barrier()
		})
	}
}

func TestWhoConfirmsOfflineMessages(t *testing.T) {
	for d, want := range map[wire.Dialect]bool{9: false, 13: true, 17: true, 18: false} {
		client, ns := signedIn(t, newFakeNet(t), d)
		if client.OfflineConfirmed() != want {
			t.Errorf("%v: %v", d, !want)
		}
		ns.barrier()
	}
}
