package passport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"matrix-msn/msn/wire"
)

func TestMD5Response(t *testing.T) {
	for password, want := range map[string]string{
		"password": "7f919fab309532df353c901430df36fa",
		"qwerty":   "bbc0c383f30b066719b9dfd22acd1569",
	} {
		if got := MD5Response("1013928519.693957190", password); got != want {
			t.Errorf("%s: %s, want %s", password, got, want)
		}
	}
}

func TestChallengeAnswer(t *testing.T) {
	const c = "15570131571988941333"
	for _, test := range []struct {
		dialect            wire.Dialect
		product, challenge string
		want               string
	}{
		{6, "msmsgs@msnmsgr.com", c, "8f2f5a91b72102cd28355e9fc9000d6e"},
		{10, "msmsgs@msnmsgr.com", "11111111111111111111", "3b6666b60157322b6fc6e41a115968f5"},
		{11, "PROD0090YUAUV{2B", "22210219642164014968", "85ecb0db8f32113df79ce0892b9a102c"},
		{11, "PROD0090YUAUV{2B", c, "d8d8cb2c2043a603d8286a3343143ee1"},
		{12, "PROD0101{0RM?UBW", c, "a2bcaf5dec2e7407282d443a8e38abd8"},
		{15, "PROD0119GSJUC$18", c, "521fdf1c2586c53b01b2b2653dc9085f"},
		{18, "PROD0120PW!CCV9@", c, "9cb1df88322e338f23c67780a2ff14e1"},
		// From recordings.
		{8, "msmsgs@msnmsgr.com", "92940109599903232313", "519b0b8718b36a755a3cf91890cfb4de"},
		{8, "PROD0038W!61ZTF9", "63920934566314119885", "33c9d31bc59367a2f624e9b5e8d8c787"},
		{8, "PROD0061VRRZH@4F", "49411463697908218822", "1dc9767c68e423129979c6bd677b8c95"},
		{11, "PROD0090YUAUV{2B", "29330266392220655581", "74b3cd55f0290f6b1f5adda70ec60891"},
		{11, "PROD0101{0RM?UBW", "38365214762577838703", "419e246ac7b0a54bd45bf6c50e1460e7"},
	} {
		product, ok := ProductByID(test.product)
		if !ok {
			t.Fatalf("product %s is unknown", test.product)
		}
		if got := ChallengeAnswer(test.dialect, product, test.challenge); got != test.want {
			t.Errorf("%v %s %s: %s, want %s", test.dialect, test.product, test.challenge, got, test.want)
		}
	}
}

// A challenge and product ID that fill whole blocks get no padding: the answer
// must not be the one for the same text with eight zeros behind it.
func TestChallengePaddingTrap(t *testing.T) {
	product := Product{ID: "PROD0090YUAUV{2B", Key: "YMM8C_H7KCQ2S_KL"}
	const challenge = "2221021964216401" // 16 + 16 bytes
	got := ChallengeAnswer(11, product, challenge)
	padded := product
	padded.ID += "00000000"
	if got == ChallengeAnswer(11, padded, challenge) {
		t.Error("eight zeros were added to a full block")
	}
	// With one byte less, a single zero fills the block.
	short, filled := product, product
	short.ID = product.ID[:15]
	filled.ID = short.ID + "0"
	if ChallengeAnswer(11, short, challenge) != ChallengeAnswer(11, filled, challenge) {
		t.Error("a block is not filled with zeros")
	}
}

func TestProductForEachDialect(t *testing.T) {
	for d := wire.MinDialect; d <= wire.MaxDialect; d++ {
		product := ProductFor(d)
		if known, ok := ProductByID(product.ID); !ok || known != product {
			t.Errorf("%v: product %+v", d, product)
		}
	}
	if ProductFor(10).ID != "msmsgs@msnmsgr.com" || ProductFor(11).ID != "PROD0090YUAUV{2B" {
		t.Error("the products of MSNP10 and MSNP11 are others")
	}
}

func TestURLs(t *testing.T) {
	for value, want := range map[string]string{
		"DARealm=Passport.Net,DALogin=login.passport.com/login2.srf,DAReg=http://x,ConfigVersion=11": "https://login.passport.com/login2.srf",
		"DALogin=https://127.0.0.1:1866/login":                                                       "https://127.0.0.1:1866/login",
		" dalogin = x":                                                                               "",
		"DARealm=Passport.Net, DALogin=a.b/c ,":                                                      "https://a.b/c",
		"DALogin=":                                                                                   "",
		"":                                                                                           "",
	} {
		got, ok := ParseURLs(value)
		if ok != (want != "") || got.Login != want && ok {
			t.Errorf("%q: %+v, %v", value, got, ok)
		}
		if !ok {
			continue
		}
		if again, ok := ParseURLs(got.String()); !ok || again.Login != got.Login || len(again.Others) != len(got.Others) {
			t.Errorf("%q: %+v came back as %+v", value, got, again)
		}
	}
}

func TestCredentials(t *testing.T) {
	c := Credentials{Account: "me@example.com", Password: "a,b=c d&é%", Policy: "ct=1,rver=1,wp=FS_40SEC_0_COMPACT,lc=1,id=1"}
	want := "Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,sign-in=me%40example.com," +
		"pwd=a%2Cb%3Dc%20d%26%C3%A9%25,ct=1,rver=1,wp=FS_40SEC_0_COMPACT,lc=1,id=1"
	if c.String() != want {
		t.Errorf("%s, want %s", c, want)
	}
	got, ok := ParseCredentials(c.String())
	if !ok || got != c {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, value := range []string{"", "Basic abc", "Passport1.4", "Passport1.4 sign-in=a", "Passport1.4 pwd=a"} {
		if _, ok := ParseCredentials(value); ok {
			t.Errorf("%q is taken", value)
		}
	}
}

func TestInfo(t *testing.T) {
	for value, want := range map[string]Info{
		"Passport1.4 da-status=success,tname=MSPAuth,tname=MSPProf,from-PP='t=a,b&p=c!$*',ru=http://messenger.msn.com": {Status: StatusSuccess, Ticket: "t=a,b&p=c!$*"},
		"Passport1.4 da-status=success,from-PP='02748c17d724adc863c8'":                                                 {Status: StatusSuccess, Ticket: "02748c17d724adc863c8"},
		"passport1.4 DA-Status=Success,From-PP=bare":                                                                   {Status: StatusSuccess, Ticket: "bare"},
		"Passport1.4 da-status=success,from-PP='open":                                                                  {Status: StatusSuccess, Ticket: "open"},
		"Passport1.4 da-status=redir":                                                                                  {Status: StatusRedirect},
		"Passport1.4 da-status=failed,srealm=Passport.NET,ts=-3,prompt,cburl=http://x,cbtxt=Wrong%20password%21":       {Status: StatusFailed, Reason: "Wrong password!"},
		"Passport1.4 da-status=failed,cbtxt=100%":                                                                      {Status: StatusFailed, Reason: "100%"},
	} {
		got, ok := ParseInfo(value)
		if !ok || got != want {
			t.Errorf("%q: %+v, %v", value, got, ok)
		}
		if again, ok := ParseInfo(got.String()); !ok || again != got {
			t.Errorf("%+v came back as %+v", got, again)
		}
	}
	if info, _ := ParseInfo("Passport1.4 da-status=failed,cbtxt=" + strings.Repeat("%C3%A9", 1000)); len(info.Reason) > MaxReason {
		t.Errorf("a reason of %d bytes is kept", len(info.Reason))
	}
	for _, value := range []string{"", "Passport1.4", "Basic da-status=success", "Passport1.4 from-PP='x'"} {
		if _, ok := ParseInfo(value); ok {
			t.Errorf("%q is taken", value)
		}
	}
}

// service is a nexus and login server; the steps are answered in turn.
func service(t *testing.T, login ...http.HandlerFunc) *Tweener {
	t.Helper()
	step := 0
	mux := http.NewServeMux()
	srv := httptest.NewTLSServer(mux)
	t.Cleanup(srv.Close)
	mux.HandleFunc("/rdr/pprdr.asp", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the password was sent to the nexus")
		}
		w.Header()["Passporturls"] = []string{URLs{Login: srv.URL + "/login"}.String()}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		login[min(step, len(login)-1)](w, r)
		step++
	})
	return &Tweener{NexusURL: srv.URL + "/rdr/pprdr.asp", Client: srv.Client(), Allow: func(*url.URL) error { return nil }}
}

func success(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, ok := ParseCredentials(r.Header.Get("Authorization"))
		if !ok || c != (Credentials{"me@example.com", "p,w", "ct=1"}) {
			t.Errorf("credentials %+v", c)
		}
		w.Header().Set(HeaderInfo, Info{Status: StatusSuccess, Ticket: "t=1&p="}.String())
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(HeaderInfo, Info{Status: StatusRedirect}.String())
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

func TestTicket(t *testing.T) {
	for name, steps := range map[string][]http.HandlerFunc{
		"at once":           {success(t)},
		"after a redirect":  {redirect("/other"), success(t)},
		"after 5 redirects": {redirect("/1"), redirect("/2"), redirect("/3"), redirect("/4"), redirect("/5"), success(t)},
	} {
		ticket, err := service(t, steps...).Ticket(t.Context(), "me@example.com", "p,w", "ct=1")
		if err != nil || ticket != "t=1&p=" {
			t.Errorf("%s: %q, %v", name, ticket, err)
		}
	}
}

func TestTicketErrors(t *testing.T) {
	answer := func(status int, header, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if header != "" {
				w.Header().Set(header, value)
			}
			w.WriteHeader(status)
		}
	}
	for name, test := range map[string]struct {
		step http.HandlerFunc
		want error
	}{
		"failed":              {answer(401, HeaderRefused, Info{Status: StatusFailed, Reason: "no"}.String()), ErrBadCredentials},
		"401 without header":  {answer(401, "", ""), ErrBadCredentials},
		"endless redirects":   {redirect("/login"), ErrLoginServer},
		"redirect to nowhere": {answer(302, "", ""), ErrLoginServer},
		"away from https":     {redirect("http://127.0.0.1:1/login"), ErrLoginServer},
		"password in a text":  {answer(401, HeaderRefused, Info{Status: StatusFailed, Reason: "p,w is wrong"}.String()), ErrBadCredentials},
		"success, no ticket":  {answer(200, HeaderInfo, "Passport1.4 da-status=success"), ErrLoginServer},
		"ticket with a space": {answer(200, HeaderInfo, "Passport1.4 da-status=success,from-PP='a b'"), ErrLoginServer},
		"ticket of 5,000":     {answer(200, HeaderInfo, "Passport1.4 da-status=success,from-PP='"+strings.Repeat("t", 5000)+"'"), ErrLoginServer},
		"no header":           {answer(200, "", ""), ErrLoginServer},
		"server error":        {answer(500, "", ""), ErrLoginServer},
		"endless body": {func(w http.ResponseWriter, r *http.Request) {
			for range 100 {
				_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
			}
		}, ErrLoginServer},
	} {
		_, err := service(t, test.step).Ticket(t.Context(), "me@example.com", "p,w", "ct=1")
		if !errors.Is(err, test.want) {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "p,w") {
			t.Errorf("%s: the error holds the password", name)
		}
	}
}

func TestTicketAsksBeforeEachAddress(t *testing.T) {
	tweener := service(t, redirect("http://127.0.0.1:1/"), success(t))
	refused := errors.New("not there")
	tweener.Allow = func(u *url.URL) error {
		if u.Scheme != "https" {
			return refused
		}
		return nil
	}
	if _, err := tweener.Ticket(t.Context(), "me@example.com", "p,w", "ct=1"); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tweener.Ticket(ctx, "me@example.com", "p,w", "ct=1"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{
		"Passport1.4 da-status=success,tname=MSPAuth,from-PP='t=..&p=..',ru=http://messenger.msn.com",
		"Passport1.4 da-status=failed,srealm=Passport.NET,ts=-3,prompt,cburl=..,cbtxt=a%20b%",
		"DARealm=Passport.Net,DALogin=login.passport.com/login2.srf,ConfigVersion=11",
		"Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fx,sign-in=a%40b,pwd=c,lc=1033",
		"Passport1.4 da-status=success,from-PP='a',from-PP='b',",
		"Passport1.4 '=',''=',=,",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if info, ok := ParseInfo(value); ok && (info.Status == "" || len(info.Reason) > MaxReason) {
			t.Errorf("info %+v", info)
		}
		if urls, ok := ParseURLs(value); ok && !strings.Contains(urls.Login, "://") {
			t.Errorf("login address %q", urls.Login)
		}
		if c, ok := ParseCredentials(value); ok {
			if again, ok := ParseCredentials(c.String()); !ok || again != c {
				t.Errorf("%+v came back as %+v", c, again)
			}
		}
	})
}
