package msntest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

func TestEditsOfAnAccountAreSeenByOthers(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	dave := srv.AddAccount("dave@example.com", "secret", msntest.Name("Dave"))
	a := online(t, srv, 12, alice)
	dave.Add(alice)
	a.want("ADC 0 RL N=dave@example.com F=Dave")
	dave.Remove(alice)
	a.want("REM 0 RL dave@example.com")
	dave.Remove(alice) // not there any more

	b := srv.Play(bob, msntest.Script{})
	a.want("NLN NLN bob@example.com ...")
	b.Account().Block(alice, true)
	a.want("FLN bob@example.com")
	b.Account().Add(alice) // takes off the block
	a.want("NLN NLN bob@example.com ...")
	srv.SetList(bob, msntest.AL, alice, false)
	b.Account().SetDefaultAllowed(false)
	a.want("FLN bob@example.com")
	b.Account().SetDefaultAllowed(true)
	a.want("NLN NLN bob@example.com ...")

	if got := b.Account().Email(); got != bob {
		t.Errorf("address %q", got)
	}
	b.Account().SetProperty("PHW", "1")
	if got := b.Account().Property("PHW"); got != "1" {
		t.Errorf("property %q", got)
	}
	if got := b.Account().Name(); got != "Bob Builder" {
		t.Errorf("name %q", got)
	}
	if srv.Account("nobody@example.com") != nil {
		t.Error("an account from nowhere")
	}
	if id := dave.AddGroup("G"); dave.PutInGroup(alice, id) {
		t.Error("somebody not on FL is in a group")
	}
}

func TestPasswordAndVerificationCount(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t, msntest.WithChallenges(-1), msntest.WithQNG(45))
	srv.AddAccount(alice, "secret", msntest.Unverified())
	srv.Account(alice).SetPassword("changed")
	if res := loginRequest(t, srv, alice, "secret", "x"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("old password: %s", res.Status)
	}
	c := dial(t, srv, srv.Addr())
	c.send("VER 1 MSNP10", "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 7.0.0777 msmsgs a@b", "USR 3 TWN I alice@example.com",
		"USR 4 TWN S "+fetchTicket(t, srv, alice, "changed", "x"), "PRP 5 MFN x", "PNG")
	c.want("VER 1 MSNP10", "CVR 2 ...", "USR 3 TWN S *", "USR 4 OK alice@example.com 0 0", "MSG Hotmail Hotmail *", "209 5", "QNG 45")
}

func TestSwitchboardsAreReachedByName(t *testing.T) {
	t.Parallel()
	srv, ctx := friends(t), testContext(t)
	joined := make(chan *msntest.Chat, 1)
	b := srv.Play(bob, msntest.Script{Joined: func(chat *msntest.Chat, _ string) { joined <- chat }})
	srv.Play(carol, msntest.Script{})
	a := online(t, srv, 12, alice)
	must(t, srv.WaitStatus(ctx, alice, "NLN"))
	sa := a.switchboard(alice)
	sa.send("CAL 2 bob@example.com", "CAL 3 carol@example.com")
	sa.want("CAL 2 RINGING *", "JOI bob@example.com ...", "CAL 3 RINGING *", "JOI carol@example.com ...")
	chat := next(t, joined)
	members := chat.Members()
	slices.Sort(members)
	if !slices.Equal(members, []string{alice, carol}) {
		t.Errorf("members %v", members)
	}
	if n := srv.PushChat(alice, wire.New("BYE", "ghost@example.com")); n != 1 {
		t.Errorf("pushed to %d", n)
	}
	sa.want("BYE ghost@example.com")
	chat.Leave()
	chat.Leave()
	sa.want("BYE bob@example.com")
	if err := chat.Say("x"); err == nil {
		t.Error("talking in a conversation that was left")
	}
	if n := srv.DropSwitchboards(alice); n != 1 {
		t.Errorf("dropped %d", n)
	}
	sa.wantClosed()
	must(t, srv.Challenge(alice))
	a.want("CHL 0 *")
	b.SetStatus("FLN")
	a.want("FLN bob@example.com")
	if srv.Online(bob) || srv.Status(bob) != "FLN" {
		t.Error("bob is still online")
	}
}

func TestConversationOfThree(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	a, b, c := online(t, srv, 7, alice), online(t, srv, 9, bob), online(t, srv, 12, carol)
	for range 2 {
		if cmd := a.read(); cmd.Verb != "NLN" {
			t.Fatalf("got %q", line(cmd))
		}
	}
	b.want("NLN NLN carol@example.com ...")
	sa := a.switchboard(alice)
	sa.send("CAL 2 bob@example.com", "CAL 3 carol@example.com")
	sa.want("CAL 2 RINGING *", "CAL 3 RINGING *")
	sb := b.answer(bob)
	sb.want("IRO 1 1 1 alice@example.com Alice", "ANS 1 OK")
	sc := c.answer(carol)
	sc.want("IRO 1 1 2 alice@example.com Alice 0", "IRO 1 2 2 bob@example.com Bob%20Builder 1073791084", "ANS 1 OK")
	sa.want("JOI bob@example.com Bob%20Builder", "JOI carol@example.com Carol")
	sb.want("JOI carol@example.com Carol")
	sc.send(msg(2, "A", "x"))
	sc.want("ACK 2")
	sa.want("MSG carol@example.com Carol 1")
	sb.want("MSG carol@example.com Carol 1")
	a.send("OUT") // the conversation does not depend on it
	a.wantClosed()
	sa.send(msg(4, "U", "y"), "OUT")
	sc.want("MSG alice@example.com Alice 1", "BYE alice@example.com")
}

func TestHooksAfterTheFactAndLater(t *testing.T) {
	t.Parallel()
	srv := friends(t)
	srv.Hook(msntest.Once(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb == "URL" && r.TrID() == "7" {
			return msntest.Refuse("800").After(time.Millisecond)
		}
		return msntest.Action{}
	}))
	c := login(t, srv, 9, alice, "secret")
	c.send("URL 7 INBOX")
	c.want("800 7")
	srv.Hook(msntest.On("CHG", msntest.DropAfter()))
	c.send("CHG 8 NLN 0")
	if _, err := srv.Await(testContext(t), func(r msntest.Record) bool {
		return r.From == wire.FromServer && r.Command.Verb == "CHG"
	}); err != nil {
		t.Fatal(err)
	}
	must(t, srv.WaitOffline(testContext(t), alice))
}

func TestLoginServersAndTheirCertificate(t *testing.T) {
	t.Parallel()
	first := msntest.NewServer(t, msntest.WithPlainLogin(0), msntest.WithCertificateHosts("msn.example.com", "192.0.2.1"))
	path, err := first.WriteCert(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadFile(path); err != nil || !bytes.Equal(written, first.CertPEM()) {
		t.Errorf("certificate written: %v", err)
	}
	res, err := http.Get(first.PlainNexusURL())
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if urls := res.Header.Get("PassportURLs"); !strings.Contains(urls, "DALogin=http://127.0.0.1:") {
		t.Errorf("log-in without TLS at %q", urls)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: first.CertPool(), ServerName: "msn.example.com"},
	}}
	defer client.CloseIdleConnections()
	for _, want := range []struct {
		method, url string
		status      int
	}{
		{http.MethodGet, first.NexusURL(), 200}, {http.MethodGet, first.LoginURL(), 401},
		{http.MethodGet, first.LoginURL() + "x", 404}, {http.MethodPost, first.LoginURL(), 405},
	} {
		req, err := http.NewRequestWithContext(testContext(t), want.method, want.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want.status {
			t.Errorf("%s %s: %s", want.method, want.url, res.Status)
		}
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestLogsAndRecordsShowNoSecrets(t *testing.T) {
	t.Parallel()
	var out buffer
	srv := friends(t, msntest.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	a := online(t, srv, 12, alice)
	srv.Play(bob, msntest.Script{})
	a.want("NLN NLN bob@example.com ...")
	sa := a.switchboard(alice)
	sa.send("CAL 2 bob@example.com")
	sa.want("CAL 2 RINGING *")
	for _, r := range srv.Records() {
		fmt.Fprintln(&out, r)
	}
	text := out.String()
	if !strings.Contains(text, "signed in") || !strings.Contains(text, "alice@example.com/NS") {
		t.Errorf("nothing logged:\n%s", text)
	}
	for _, secret := range []string{"secret", " t=", "&p="} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in\n%s", secret, text)
		}
	}
}

func TestServedDialects(t *testing.T) {
	t.Parallel()
	srv := msntest.NewServer(t, msntest.WithDialects(12, 7, 18, 1, 19), msntest.WithDispatchPort(0))
	if got := srv.Dialects(); !slices.Equal(got, []wire.Dialect{7, 12, 18}) {
		t.Errorf("dialects %v", got)
	}
	if srv.Addr() == srv.NotificationAddr() {
		t.Error("no dispatch server")
	}
}

func ExampleServer_Play() {
	srv, err := msntest.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	said := make(chan string)
	srv.AddAccount("alice@example.com", "secret")
	srv.AddAccount("bob@example.com", "secret")
	srv.Play("bob@example.com", msntest.Script{
		Text: func(chat *msntest.Chat, from, text string) { said <- from + " said " + text },
	})
	alice := srv.Play("alice@example.com", msntest.Script{})
	if err := alice.Say(context.Background(), "bob@example.com", "hello"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-said)
	// Output: alice@example.com said hello
}

// Messenger 5 to 7 sign in through the TLS of their Windows.
func TestOldTLSServesTheCipherSuiteOfWindowsXP(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		var opts []msntest.Option
		if old {
			opts = append(opts, msntest.WithOldTLS())
		}
		srv := msntest.NewServer(t, opts...)
		address, err := url.Parse(srv.NexusURL())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", address.Host, &tls.Config{
			RootCAs: srv.CertPool(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10,
			CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
		})
		if (err == nil) != old {
			t.Errorf("old TLS %v: %v", old, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
