package msn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-msn/msn/internal/web"
	"matrix-msn/msn/passport"
	"matrix-msn/msn/wire"
)

func TestTicketsAreRenewedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, web, ns := webIn(t, 15, func(w *fakeWeb) { w.life = time.Hour }, longPing)
		for i, wait := range []time.Duration{0, time.Hour - renewBefore - time.Minute, 2 * time.Minute, 2 * time.Minute} {
			time.Sleep(wait)
			if err := client.DeleteOffline(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			want := 1
			if i >= 2 {
				want = 2
			}
			if got := len(web.called("RST")); got != want {
				t.Errorf("call %d: tickets were got %d times, want %d", i, got, want)
			}
			deletes := web.called("DeleteMessages")
			if ticket := fmt.Sprintf("messenger.msn.com-%d<", want); !strings.Contains(deletes[len(deletes)-1].body, ticket) {
				t.Errorf("call %d is not made with the ticket %s", i, ticket)
			}
		}
		ns.barrier()
	})
}

func TestTicketsAreRenewedOnceWhenTheyAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(webCall) webAnswer
		renews int
		calls  int
		ok     bool
	}{
		"403 once":      {once(status(http.StatusForbidden)), 1, 2, true},
		"401 once":      {once(status(http.StatusUnauthorized)), 1, 2, true},
		"403 always":    {status(http.StatusForbidden), 1, 2, false},
		"500":           {status(http.StatusInternalServerError), 0, 1, false},
		"a fault of it": {once(bookFault("PassportAuthFail")), 1, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, web, ns := webIn(t, 15, nil)
			web.set(func() { web.answer["DeleteMessages"] = test.answer })
			err := client.DeleteOffline(t.Context(), "x")
			if (err == nil) != test.ok {
				t.Errorf("error %v", err)
			}
			if got := len(web.called("RST")) - 1; got != test.renews {
				t.Errorf("tickets were renewed %d times, want %d", got, test.renews)
			}
			if got := len(web.called("DeleteMessages")); got != test.calls {
				t.Errorf("the call was made %d times, want %d", got, test.calls)
			}
			ns.barrier()
		})
	}
}

func TestTicketsAreRenewedOnceForManyCalls(t *testing.T) {
	client, web, ns := webIn(t, 15, nil)
	const callers = 8
	var refused sync.WaitGroup
	refused.Add(callers)
	web.set(func() {
		web.answer["DeleteMessages"] = func(c webCall) webAnswer {
			if strings.Contains(c.body, "messenger.msn.com-1<") {
				refused.Done()
				refused.Wait() // all calls have the old ticket
				return webAnswer{status: http.StatusForbidden}
			}
			return webAnswer{}
		}
	})
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			if err := client.DeleteOffline(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if got := len(web.called("RST")); got != 2 {
		t.Errorf("tickets were got %d times, want 2", got)
	}
	ns.barrier()
}

// loginFault is what the login service answers in place of tickets.
func loginFault(code, number string) func(webCall) webAnswer {
	return func(webCall) webAnswer {
		return webAnswer{content: soapFault(code, "a reason", "<error><value>"+number+"</value></error>")}
	}
}

func TestLoginServiceFaultsAreToldApart(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(webCall) webAnswer
		want   error
	}{
		"wrong password":     {loginFault("wsse:FailedAuthentication", "0x80048821"), ErrBadCredentials},
		"account locked":     {loginFault("soap:Client", "0x80048823"), ErrAccountLocked},
		"terms not accepted": {loginFault("soap:Client", "0x80048825"), ErrAccountLocked},
		"out of order":       {loginFault("soap:Server", "0x80048820"), ErrBusy},
		"503":                {status(http.StatusServiceUnavailable), ErrBusy},
		"no XML":             {func(webCall) webAnswer { return webAnswer{content: "hello"} }, ErrBusy},
		"document type":      {func(webCall) webAnswer { return webAnswer{content: "<!DOCTYPE x>" + soapEnvelope("")} }, ErrBusy},
		"elsewhere": {func(webCall) webAnswer {
			return webAnswer{content: soapEnvelope("<Fault><faultcode>psf:Redirect</faultcode><redirectUrl>https://evil.example.net/RST.srf</redirectUrl></Fault>")}
		}, ErrUntrusted},
		"without TLS": {func(webCall) webAnswer {
			return webAnswer{content: soapEnvelope("<Fault><faultcode>psf:Redirect</faultcode><redirectUrl>http://web.msn.example.com/RST.srf</redirectUrl></Fault>")}
		}, ErrUntrusted},
	} {
		for _, d := range []wire.Dialect{13, 15, 18} {
			t.Run(fmt.Sprint(name, " ", d), func(t *testing.T) {
				t.Parallel()
				log := &testLog{}
				n := newFakeNet(t)
				cfg := fakeConfig(n, d)
				web := newFakeWeb(t)
				web.answer["RST"] = test.answer
				cfg.https, cfg.Logger = web, log.logger()
				result := goLogin(t, cfg)
				ns := n.accept(fakeServer)
				ns.challengeLogin(d)
				_, err := waitLogin(t, result)
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				checkSecrets(t, log.text(), fmt.Sprint(err))
				if got := len(web.called("RST")); got != 1 {
					t.Errorf("the password was sent %d times", got)
				}
			})
		}
	}
}

// challengeLogin plays a sign-in from MSNP13 on to where the tickets are needed.
func (f *fakeConn) challengeLogin(d wire.Dialect) {
	f.t.Helper()
	f.read()
	f.send("VER 1 " + d.String())
	f.read()
	f.send("CVR 2 1 1 1")
	f.read()
	if d >= wire.FirstSSO {
		f.send("USR 3 SSO S " + passport.PolicyKeyOld + " " + fakeNonce)
	} else {
		f.send("USR 3 TWN S ct=1")
	}
}

// checkSecrets fails when a secret of a fakeWeb stands in any of the texts.
func checkSecrets(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, secret := range []string{">secret<", "=secret", "messenger.msn.com-", "contacts.msn.com-", "messengerclear.live.com-", fakeSecret} {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in %.300q", secret, text)
			}
		}
	}
}

func TestSecretsOfASessionAreNotLogged(t *testing.T) {
	for _, d := range []wire.Dialect{13, 14, 15, 16, 18} {
		t.Run(d.String(), func(t *testing.T) {
			t.Parallel()
			log := &testLog{}
			client, web, ns := webIn(t, d, nil, func(c *Config) { c.Logger = log.logger() })
			web.set(func() {
				web.answer["DeleteMessages"] = status(http.StatusForbidden)
				web.answer["RST"] = status(http.StatusInternalServerError)
			})
			err := client.DeleteOffline(t.Context(), "x")
			if err == nil {
				t.Error("no error")
			}
			ns.barrier()
			checkSecrets(t, log.text(), fmt.Sprint(err))
		})
	}
}

func TestSignInBySSOThatCannotBe(t *testing.T) {
	for name, test := range map[string]struct {
		usr    string
		answer func(webCall) webAnswer
		want   error
	}{
		"another policy": {"USR 3 SSO S MBI_KEY_NEW " + fakeNonce, nil, wire.ErrProtocol},
		"no nonce":       {"USR 3 SSO S " + passport.PolicyKeyOld, nil, wire.ErrProtocol},
		"another method": {"USR 3 TWN S ct=1", nil, wire.ErrProtocol},
		"no secret": {"USR 3 SSO S " + passport.PolicyKeyOld + " " + fakeNonce, func(webCall) webAnswer {
			return webAnswer{content: strings.ReplaceAll(tokensEnvelope(1, 0), fakeSecret, "")}
		}, passport.ErrSecret},
		"a short secret": {"USR 3 SSO S " + passport.PolicyKeyOld + " " + fakeNonce, func(webCall) webAnswer {
			return webAnswer{content: strings.ReplaceAll(tokensEnvelope(1, 0), fakeSecret, "AAAA")}
		}, passport.ErrSecret},
		"no ticket of the server": {"USR 3 SSO S " + passport.PolicyKeyOld + " " + fakeNonce, func(webCall) webAnswer {
			return webAnswer{content: strings.ReplaceAll(tokensEnvelope(1, 0), "messengerclear", "elsewhere")}
		}, ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakeNet(t)
			cfg := fakeConfig(n, 15)
			web := newFakeWeb(t)
			if test.answer != nil {
				web.answer["RST"] = test.answer
			}
			cfg.https = web
			result := goLogin(t, cfg)
			ns := n.accept(fakeServer)
			ns.read()
			ns.send("VER 1 MSNP15")
			ns.read()
			ns.send("CVR 2 1 1 1")
			ns.read()
			ns.send(test.usr)
			_, err := waitLogin(t, result)
			if err == nil || !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			checkSecrets(t, fmt.Sprint(err))
		})
	}
}

// The clock of this machine counts, not that of the service: what a ticket's times
// say is how long it lives.
func TestTicketLifeIsCountedByThisClock(t *testing.T) {
	client, _, ns := webIn(t, 15, func(w *fakeWeb) { w.life = 2 * time.Hour })
	token := client.network.web.Tickets().Token(passport.ServiceContacts)
	if left := time.Until(token.Expires); left < 119*time.Minute || left > 2*time.Hour {
		t.Errorf("a ticket of two hours lives for %v", left)
	}
	ns.barrier()
}

// A sign-in that is given up while the login service hangs ends.
func TestLoginServiceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			ctx  time.Duration
			want error
		}{"until the limit": {0, ErrTimeout}, "given up": {time.Second, context.DeadlineExceeded}} {
			n := newFakeNet(t)
			cfg := fakeConfig(n, 15)
			cfg.https = roundTripper(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if test.ctx > 0 {
				ctx, cancel = context.WithTimeout(ctx, test.ctx)
			}
			result := make(chan loginResult, 1)
			go func() {
				client, err := Login(ctx, cfg)
				result <- loginResult{client, err}
			}()
			ns := n.accept(fakeServer)
			ns.challengeLogin(15)
			if got := <-result; !errors.Is(got.err, test.want) {
				t.Errorf("%s: error %v", name, got.err)
			}
			cancel()
			ns.close()
		}
	})
}

const renewBefore = web.RenewBefore
