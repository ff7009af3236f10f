package bridge

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/loginpage"
	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

const publicAddress = "https://bridge.example.test"

// withPublicAddress makes a bridge that can be reached from outside and trusts the
// login page of Passport.
func withPublicAddress(b *testBridge) {
	b.public = publicAddress
	withHome(func(home *config.ServiceConfig) { home.Hosts = []string{".passport.com"} })(b)
}

func TestEveryPageOfTheServiceHasItsLink(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	b.login()
	room := b.management()
	const post = "https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033"
	for _, test := range []struct{ command, want string }{
		{"!url inbox", post},
		{"!inbox", post},
		{"!url FOLDERS", post},
		{"!url Compose", post},
		{"!url COMPOSE eve@example.org", post},
		{"!compose", post},
		{"!compose eve@example.org", post},
		{"!url profile", "http://members.msn.com/Edit.asp?lc=1033"},
		{"!url PROFILE 0x1409", "http://members.msn.com/Edit.asp?lc=5129"},
		{"!profile", "http://members.msn.com/Edit.asp?lc=1033"},
		{"!url chgmob", "http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&mobID=1"},
		{"!url person", "https://register.passport.com/memberservices.srf?lc=1033"},
		{"!account", "https://register.passport.com/memberservices.srf?lc=1033"},
		{"!url chat", "http://chat.msn.com/Messenger.msnw?lc=1033"},
		{"!url mobile", "http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&mobID=1"},
		{"!mobile", "http://mobile.msn.com/hotmail/confirmUser.asp?URL=%2Fmessengerok.htm&mobID=1"},
		{"!url password", "https://register.passport.com/changepw.srf"},
	} {
		got := b.ask(room, test.command)
		if !strings.HasSuffix(got.body, "Open: "+test.want) || !strings.Contains(got.html, `<a href="`+strings.ReplaceAll(test.want, "&", "&amp;")+`">`) {
			t.Errorf("%s is answered by %q, %q", test.command, got.body, got.html)
		}
	}
	for _, test := range []struct{ command, want string }{
		{"!url", "INBOX: your inbox"},
		{"!url nowhere", "nowhere is no page of the service. There are INBOX"},
		{"!url inbox x", "The argument to INBOX cannot be sent. COMPOSE takes an e-mail address"},
		{"!url profile x\x01", "The argument to PROFILE cannot be sent"},
		{"!url n2pfund", "Home has no page N2PFUND."},
		{"!inbox x", "Write `!inbox` for a link to this page: your inbox."},
		{"!mobile +15551112222", "+15551112222 is none of that. Write `!mobile`"},
		{"!account --login home/alice@example.com x", "Write `!account`"},
		{"!compose eve", "Write `!compose`"},
		{"!compose eve@example.org hello", "Write `!compose`"},
		{"!profile bob@example.com carol@example.com", "Write `!profile`"},
		{"!profile eve", "Write `!profile`"},
		{"!profile bob@example.com", "http://members.msn.com/default.msnw?mem=bob@example.com"},
	} {
		if got := b.ask(room, test.command); !strings.Contains(got.body, test.want) {
			t.Errorf("%s is answered by %q", test.command, got.body)
		}
	}
}

func TestLocaleOfTheConfigIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) {
		b.config = func(c *config.Config) { c.Locale = 0x0407 }
	})
	b.login()
	if got := b.ask(b.management(), "!url chat"); !strings.HasSuffix(got.body, "lc=1031") {
		t.Errorf("the answer is %q", got.body)
	}
}

func TestProfileOfTheContactOfTheRoom(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t))
	room := b.dm(b.login(), bob)
	if got := b.ask(room, "!profile"); !strings.Contains(got.body, "mem=bob@example.com") || !strings.Contains(got.body, "may be gone") {
		t.Errorf("the answer is %q", got.body)
	}
}

func TestPlaceholdersAreNoLinks(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	b.login()
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "URL" {
			return msntest.Action{}
		}
		return msntest.Reply(wire.New("URL", r.TrID(), "/unused1", "/unused2", "1"))
	})
	if got := b.ask(b.management(), "!inbox"); !strings.Contains(got.body, "Home does not offer a page for your inbox") || got.html != "" {
		t.Errorf("the answer is %q, %q", got.body, got.html)
	}
}

func TestHostileAddressesAreNoLinks(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	b.login()
	answers := [][]string{{"javascript:alert(1)", "data:text/html,x"}, {"/x", "javascript:x"}, {"http://user@evil.example/", "file:///etc/passwd"}}
	next := make(chan []string, len(answers))
	for _, answer := range answers {
		next <- answer
	}
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "URL" {
			return msntest.Action{}
		}
		answer := <-next
		return msntest.Reply(wire.New("URL", r.TrID(), answer[0], answer[1], "1"))
	})
	for range answers {
		if got := b.ask(b.management(), "!inbox"); strings.Contains(got.html, "href") || strings.Contains(got.body, "://") || strings.Contains(got.body, "javascript") {
			t.Errorf("the answer is %q, %q", got.body, got.html)
		}
	}
}

var loginLink = regexp.MustCompile(`https://bridge\.example\.test(/_msn/login/[A-Za-z0-9_-]{43})`)

// loginPath asks for a link that logs in and returns its path.
func (b *testBridge) loginPath(room id.RoomID, command string) string {
	b.Helper()
	management := b.management()
	from := b.matrix.position()
	b.write(room, command)
	got, _ := b.matrix.wait(b.T, from, "the link", func(r record) bool {
		return r.kind == "message" && r.room == management && loginLink.MatchString(r.body)
	})
	return loginLink.FindStringSubmatch(got.body)[1]
}

// browse asks the bridge's web server for a page.
func (b *testBridge) browse(method, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	b.matrix.router.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
	return answer
}

func TestLoginLinkWorksOnceAndOnlyByItsButton(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	b.login()
	path := b.loginPath(b.management(), "!inbox")
	for range 3 { // programs that look at links in advance
		page := b.browse(http.MethodGet, path)
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), `<form method="post">`) || strings.Contains(page.Body.String(), "creds") ||
			strings.Contains(page.Body.String(), "<script") {
			t.Fatalf("the page is %d %s", page.Code, page.Body)
		}
	}
	page := b.browse(http.MethodPost, path)
	body := page.Body.String()
	for _, want := range []string{
		`action="https://loginnet.passport.com/ppsecure/md5auth.srf?lc=1033"`, `name="login" value="alice"`,
		`name="username" value="alice@example.com"`, `name="rru" value="/cgi-bin/HoTMaiL"`, `name="creds" value="`, `name="mode" value="ttl"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the form has no %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, pass) {
		t.Error("the password is in the page")
	}
	policy := page.Header().Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`<script nonce="([^"]+)">`).FindStringSubmatch(body)
	if nonce == nil || !strings.Contains(policy, "script-src 'nonce-"+nonce[1]+"'") || !strings.Contains(policy, "form-action https://loginnet.passport.com https:;") ||
		!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("the policy is %q, the script %v", policy, nonce)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
		if got := page.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if page := b.browse(method, path); page.Code != http.StatusNotFound || strings.Contains(page.Body.String(), "creds") {
			t.Errorf("%s of the used link: %d %s", method, page.Code, page.Body)
		}
	}
}

func TestLoginLinkIsSentOnlyToTheChatWithTheBot(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	room := b.dm(b.login(), bob)
	b.management()
	from := b.matrix.position()
	b.loginPath(room, "!inbox")
	got, _ := b.matrix.wait(t, from, "the word in the room", func(r record) bool { return r.kind == "message" && r.room == room })
	if !strings.Contains(got.body, "in your chat with the bot") || loginLink.MatchString(got.body) {
		t.Errorf("the room says %q", got.body)
	}
}

func TestLoginLinksAreForgotten(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	b.login()
	room := b.management()
	first := b.loginPath(room, "!inbox")
	for range loginpage.MaxOfUser {
		b.loginPath(room, "!account")
	}
	if page := b.browse(http.MethodGet, first); page.Code != http.StatusNotFound {
		t.Errorf("the oldest of too many: %d", page.Code)
	}
	path := b.loginPath(room, "!inbox")
	b.conn.pages.Purge(time.Now().Add(loginpage.Life + time.Second))
	if page := b.browse(http.MethodPost, path); page.Code != http.StatusNotFound {
		t.Errorf("a link that is too old: %d", page.Code)
	}
	for _, path := range []string{loginpage.Path + "x", loginpage.Path + strings.Repeat("A", 43)} {
		if page := b.browse(http.MethodPost, path); page.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, page.Code)
		}
	}
}

func TestLoginLinkOfALostSessionSaysSo(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	b.login()
	path := b.loginPath(b.management(), "!inbox")
	if err := b.srv.Kick(alice, "OTH"); err != nil {
		t.Fatal(err)
	}
	b.waitState("UNKNOWN_ERROR")
	page := b.browse(http.MethodPost, path)
	if page.Code != http.StatusConflict || !strings.Contains(page.Body.String(), "not signed in to Home any more") {
		t.Errorf("the page is %d %s", page.Code, page.Body)
	}
}

func TestLoginPageThatIsNotTrustedGetsNoPassword(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), func(b *testBridge) { b.public = publicAddress })
	b.login()
	got := b.ask(b.management(), "!inbox")
	if !strings.Contains(got.body, "does not trust with your password") || loginLink.MatchString(got.body) || !strings.Contains(got.body, "https://loginnet.passport.com/") {
		t.Errorf("the answer is %q", got.body)
	}
}

func TestFormMayLeadOnlyWhereTheServiceSays(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	b.login()
	page := b.browse(http.MethodPost, b.loginPath(b.management(), "!url chat"))
	if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "form-action https://loginnet.passport.com http://chat.msn.com;") {
		t.Errorf("the policy is %q", policy)
	}
}

func TestLoginPageThatIsNoLinkGetsNoPassword(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t), withPublicAddress)
	b.login()
	posts := make(chan string, 2)
	posts <- "https://user@loginnet.passport.com/"
	posts <- "https://loginnet.passport.com/?" + strings.Repeat("x", 1024)
	b.srv.Hook(func(r *msntest.Request) msntest.Action {
		if r.Command.Verb != "URL" {
			return msntest.Action{}
		}
		return msntest.Reply(wire.New("URL", r.TrID(), "http://chat.msn.com/", <-posts, "1"))
	})
	for range cap(posts) {
		if got := b.ask(b.management(), "!inbox"); !strings.Contains(got.body, "does not trust with your password") || !strings.HasSuffix(got.body, "Open: http://chat.msn.com/") {
			t.Errorf("the answer is %q", got.body)
		}
	}
}

// MSNP2 has no profile message, which brings what a browser logs in with.
func TestServiceWithoutWebLoginHasPlainLinks(t *testing.T) {
	t.Parallel()
	b := newTestBridge(t, newTestServer(t, msntest.WithDialects(2)), withPublicAddress)
	b.login()
	got := b.ask(b.management(), "!account")
	if !strings.Contains(got.body, "gave the bridge nothing to log in on the web with") || !strings.HasSuffix(got.body, "Open: https://register.passport.com/memberservices.srf?lc=1033") {
		t.Errorf("the answer is %q", got.body)
	}
}
