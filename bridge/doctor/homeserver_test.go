package doctor

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
)

// What a config must never be seen of.
const (
	asToken = "as-token-nobody-may-see"
	hsToken = "hs-token-nobody-may-see"
)

// fakeHomeserver answers as a homeserver would, and calls the bridge when it is asked to.
type fakeHomeserver struct {
	*httptest.Server
	software string        // the header Server
	versions string        // those of Matrix
	domain   string        // its own name
	token    string        // the as_token that it knows
	calls    string        // the hs_token with which it calls bridges
	bridge   string        // where; nothing is called without
	busy     bool          // it says of a call that was answered that it is sending already
	ahead    time.Duration // of its clock
	bot      string        // whom it takes a bridge for that asks as its bot; "" for whom it asks as
}

func newHomeserver(t *testing.T) *fakeHomeserver {
	h := &fakeHomeserver{software: "Synapse/1.120.0", versions: `"r0.6.1","v1.2","v1.11"`, domain: "example.org", token: asToken, calls: hsToken}
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, code int, format string, args ...any) {
		w.Header().Set("Content-Type", "application/json")
		if h.software != "" {
			w.Header().Set("Server", h.software)
		}
		w.Header().Set("Date", time.Now().Add(h.ahead).UTC().Format(http.TimeFormat))
		w.WriteHeader(code)
		fmt.Fprintf(w, format, args...)
	}
	mux.HandleFunc("GET /_matrix/client/versions", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"versions":[%s]}`, h.versions) })
	mux.HandleFunc("GET /_matrix/client/v3/account/whoami", func(w http.ResponseWriter, r *http.Request) {
		as := r.URL.Query().Get("user_id")
		switch {
		case r.Header.Get("Authorization") != "Bearer "+h.token:
			reply(w, 401, `{"errcode":"M_UNKNOWN_TOKEN","error":"Unrecognised access token"}`)
		case as == "":
			reply(w, 200, `{"user_id":"@sender:%s"}`, h.domain)
		case h.bot != "":
			reply(w, 403, `{"errcode":"M_FORBIDDEN","error":%q}`, h.bot)
		default:
			reply(w, 200, `{"user_id":%q}`, as)
		}
	})
	mux.HandleFunc("GET /_matrix/client/v3/profile/{user}/displayname", func(w http.ResponseWriter, r *http.Request) {
		if h.bridge != "" {
			request, _ := http.NewRequest(http.MethodGet, h.bridge+"/_matrix/app/v1/users/"+r.PathValue("user"), nil)
			request.Header.Set("Authorization", "Bearer "+h.calls)
			if answer, err := http.DefaultClient.Do(request); err == nil {
				answer.Body.Close()
			}
		}
		reply(w, 404, `{"errcode":"M_NOT_FOUND","error":"Nobody"}`)
	})
	mux.HandleFunc("GET /_dendrite/monitor/up", func(w http.ResponseWriter, _ *http.Request) {
		if h.software != "" || h.versions == "" {
			reply(w, 404, "")
		}
	})
	mux.HandleFunc("POST /_matrix/client/v1/appservice/{id}/ping", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PathValue("id") != "msn":
			reply(w, 403, `{"errcode":"M_FORBIDDEN","error":"Wrong ID"}`)
			return
		case h.bridge == "":
			reply(w, 400, `{"errcode":"M_URL_NOT_SET","error":"No url"}`)
			return
		}
		request, _ := http.NewRequest(http.MethodPost, h.bridge+"/_matrix/app/v1/ping", strings.NewReader("{}"))
		request.Header.Set("Authorization", "Bearer "+h.calls)
		answer, err := http.DefaultClient.Do(request)
		switch {
		case err != nil:
			reply(w, 502, `{"errcode":"M_CONNECTION_FAILED","error":"connection refused"}`)
		case answer.StatusCode != 200:
			answer.Body.Close()
			reply(w, 502, `{"errcode":"M_BAD_STATUS","error":"bad","status":%d,"body":"x"}`, answer.StatusCode)
		case h.busy:
			answer.Body.Close()
			reply(w, 502, `{"errcode":"M_CONNECTION_FAILED","error":"AlreadyCalled: Tried to cancel an already-called event."}`)
		default:
			answer.Body.Close()
			reply(w, 200, `{"duration_ms":3}`)
		}
	})
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// configFor is a config that fits a homeserver. The bridge is to listen at a free port.
func configFor(t *testing.T, h *fakeHomeserver) *bridgeconfig.Config {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	c := new(bridgeconfig.Config)
	c.Homeserver.Address, c.Homeserver.Domain = h.URL, "example.org"
	a := &c.AppService
	a.ASToken, a.HSToken, a.ID, a.Bot.Username, a.EphemeralEvents = asToken, hsToken, "msn", "msnbot", true
	a.UsernameTemplate = "msn_{{.}}"
	a.Hostname, a.Port = "127.0.0.1", uint16(free.Addr().(*net.TCPAddr).Port)
	a.Address = "http://" + free.Addr().String()
	h.bridge = a.Address
	return c
}

// said is what was found, a line each.
func said(found []Finding) string {
	var b strings.Builder
	_, _ = Write(&b, found)
	return b.String()
}

func TestEveryTroubleWithAHomeserverHasItsSentence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		make  func(*fakeHomeserver, *bridgeconfig.Config)
		level Level
		want  string
	}{
		{"all is well", func(*fakeHomeserver, *bridgeconfig.Config) {}, Fine, "calls the bridge reaches"},
		{"as_token", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.token = "another" }, Bad, "registration       the homeserver does not know appservice.as_token"},
		{"hs_token", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.calls = "another" }, Bad, "with another token than appservice.hs_token"},
		{"domain", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.domain = "other.example" }, Bad, `homeserver.domain is "example.org", but users of the homeserver are called @…:other.example`},
		{"bot", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.bot = "Application service cannot masquerade" }, Bad, "does not let the bridge speak as @msnbot:example.org"},
		{"bot that is not there yet", func(h *fakeHomeserver, _ *bridgeconfig.Config) {
			h.bot = "Application service has not registered this user"
		}, Fine, "the first start makes @msnbot:example.org"},
		{"id", func(_ *fakeHomeserver, c *bridgeconfig.Config) { c.AppService.ID = "other" }, Bad, `appservice.id is "other"`},
		{"no url in the registration", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.bridge = "" }, Bad, "is without a url"},
		{"another url in the registration", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.bridge = "http://127.0.0.1:1" }, Bad, "does not reach the bridge at the url of its registration"},
		{"call while Synapse sends", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.busy = true }, Fine, "the homeserver reaches the bridge at the url of its registration"},
		{"somebody else at that url", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.bridge = h.URL }, Bad, "something else than the bridge answers the homeserver"},
		{"old Synapse", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.software = "Synapse/1.49.2" }, Bad, "the homeserver is Synapse 1.49.2, which calls bridges at an address"},
		{"the last old Synapse", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.software = "Synapse/1.80.0rc2 (b=x)" }, Bad, "the homeserver is Synapse 1.80.0rc2,"},
		{"the first new Synapse", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.software = "Synapse/1.81.0" }, Fine, "Synapse 1.81.0 answers at"},
		{"old Matrix", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.software, h.versions = "other", `"r0.6.1","v1.1"` }, Bad, "knows Matrix up to v1.1, but the bridge needs v1.2"},
		{"no ping", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.versions = `"v1.2"` }, Fine, "with the hs_token of the config"},
		{"no ping, hs_token", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.versions, h.calls = `"v1.2"`, "another" }, Bad, "with another token than appservice.hs_token"},
		{"no ping, no call", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.versions, h.bridge = `"v1.2"`, "" }, Warning, "did not ask the bridge"},
		{"Dendrite", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.software = "" }, Warning, "Dendrite passes neither typing"},
		{"keys that Dendrite does not push", func(h *fakeHomeserver, c *bridgeconfig.Config) {
			h.software, c.Encryption.Allow, c.Encryption.Appservice = "", true, true
		}, Bad, "encryption.appservice is on, but Dendrite passes no keys on"},
		{"keys that Synapse pushes", func(_ *fakeHomeserver, c *bridgeconfig.Config) {
			c.Encryption.Allow, c.Encryption.Appservice = true, true
		}, Fine, "Synapse passes keys on if it has msc2409_to_device_messages_enabled"},
		{"clock", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.ahead = -time.Hour }, Warning, "clock differs by 1h0m"},
		{"no typing", func(_ *fakeHomeserver, c *bridgeconfig.Config) { c.AppService.EphemeralEvents = false }, Warning, "appservice.ephemeral_events is off"},
		{"https", func(_ *fakeHomeserver, c *bridgeconfig.Config) {
			c.Homeserver.Address = strings.Replace(c.Homeserver.Address, "http:", "https:", 1)
		}, Bad, "begins with https://, but plain HTTP is spoken there"},
		{"nobody there", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.Close() }, Bad, "nothing listens at homeserver.address"},
		{"another path", func(_ *fakeHomeserver, c *bridgeconfig.Config) { c.Homeserver.Address += "/matrix" }, Bad, "knows no /_matrix/client/versions (HTTP 404)"},
		{"another service", func(h *fakeHomeserver, _ *bridgeconfig.Config) { h.versions = "" }, Bad, "is no Matrix homeserver"},
		{"host name", func(_ *fakeHomeserver, c *bridgeconfig.Config) { c.AppService.Hostname = "203.0.113.1" }, Bad, "appservice.hostname and appservice.port (203.0.113.1:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHomeserver(t)
			c := configFor(t, h)
			test.make(h, c)
			found := CheckHomeserver(t.Context(), c)
			all := said(found)
			worst := Fine
			for _, f := range found {
				worst = max(worst, f.Level)
			}
			if test.name == "all is well" {
				test.want = "the homeserver reaches the bridge at the url of its registration"
			}
			if worst != test.level || !strings.Contains(all, test.want) {
				t.Errorf("want %v, %q; got\n%s", test.level, test.want, all)
			}
			if strings.Contains(all, "nobody-may-see") {
				t.Errorf("a token is told:\n%s", all)
			}
		})
	}
}

// Events that come while the doctor stands in for the bridge are refused, so that they come again.
func TestEventsAreNotSwallowedMeanwhile(t *testing.T) {
	t.Parallel()
	c := configFor(t, newHomeserver(t))
	_, stop, err := listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, c.AppService.Address+"/_matrix/app/v1/transactions/1", strings.NewReader("{}"))
	request.Header.Set("Authorization", "Bearer "+hsToken)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("an event is answered with %d", answer.StatusCode)
	}
}

// While the bridge runs it is the bridge that is called.
func TestRunningBridgeIsCalled(t *testing.T) {
	t.Parallel()
	h := newHomeserver(t)
	c := configFor(t, h)
	called := make(chan struct{}, 1)
	bridge := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/app/v1/ping") {
			called <- struct{}{}
		}
		_ = json.NewEncoder(w).Encode(struct{}{})
	})}
	listener, err := net.Listen("tcp", strings.TrimPrefix(c.AppService.Address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = bridge.Serve(listener) }()
	defer bridge.Close()
	if all := said(CheckHomeserver(t.Context(), c)); !strings.Contains(all, "the homeserver reaches the bridge") {
		t.Error(all)
	}
	select {
	case <-called:
	default:
		t.Error("the bridge was not called")
	}
}

func TestRegistrationFileIsHeldAgainstTheConfig(t *testing.T) {
	t.Parallel()
	c := configFor(t, newHomeserver(t))
	path := filepath.Join(t.TempDir(), "registration.yaml")
	for _, test := range []struct {
		change func(*appservice.Registration)
		want   string
	}{
		{func(*appservice.Registration) {}, "is that of the config"},
		{func(r *appservice.Registration) { r.AppToken = "x-nobody-may-see" }, "as_token of " + path + " is not appservice.as_token"},
		{func(r *appservice.Registration) { r.ServerToken = "x-nobody-may-see" }, "is not appservice.hs_token"},
		{func(r *appservice.Registration) { r.ID = "other" }, "is not appservice.id"},
		{func(r *appservice.Registration) { r.URL = "http://bridge:1" }, `url of ` + path + ` is "http://bridge:1"`},
		{func(r *appservice.Registration) { r.EphemeralEvents = false }, "does not ask for typing"},
	} {
		r := &appservice.Registration{AppToken: asToken, ServerToken: hsToken, ID: "msn", URL: c.AppService.Address, EphemeralEvents: true}
		test.change(r)
		if err := r.Save(path); err != nil {
			t.Fatal(err)
		}
		if all := said(CheckRegistration(path, c)); !strings.Contains(all, test.want) || strings.Contains(all, "nobody-may-see") {
			t.Errorf("want %q, got\n%s", test.want, all)
		}
	}
	if all := said(CheckRegistration(path+"x", c)); !strings.Contains(all, "fail") {
		t.Error(all)
	}
}

// Synapse says nothing to who speaks TLS to its plain port.
func TestHTTPSWhereNothingAnswersIt(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	transport := &http.Transport{TLSHandshakeTimeout: time.Millisecond}
	defer transport.CloseIdleConnections()
	address := "https://" + silent.Addr().String()
	_, err = (&http.Client{Transport: transport}).Get(address)
	if err == nil {
		t.Fatal("somebody answers")
	}
	if said := addressError(address, err).Error(); !strings.Contains(said, "homeserver.address ("+address+") begins with https://, and what listens there answers no TLS: write http://") {
		t.Error(said)
	}
}

// What listens in the bridge's place is not taken for the bridge, whatever it answers.
func TestAnotherProgramInThePlaceOfTheBridge(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]int{"a bridge": http.StatusOK, "another program": http.StatusNotFound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := configFor(t, newHomeserver(t))
			there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/_matrix/mau/live" && r.Header.Get("Authorization") != "" {
					t.Error("it is sent a token")
				}
				w.WriteHeader(code)
			}))
			defer there.Close()
			c.AppService.Port = uint16(there.Listener.Addr().(*net.TCPAddr).Port)
			all := said(CheckHomeserver(t.Context(), c))
			if refused := strings.Contains(all, "fail  calls              another program listens at appservice.hostname and appservice.port"); refused != (code != http.StatusOK) {
				t.Error(all)
			}
		})
	}
}
