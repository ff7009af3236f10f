package doctor

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
)

func TestListenerThatCannotBeHasItsSentence(t *testing.T) {
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	for address, want := range map[string]string{
		used.Addr().String(): "another program listens at appservice.hostname and appservice.port (127.0.0.1:",
		"192.0.2.1:29363":    "set appservice.hostname to one of this machine, 127.0.0.1, or 0.0.0.0 for all",
		"no such host:29363": "appservice.hostname and appservice.port (no such host:29363) are no address to listen at here: ",
	} {
		listener, err := net.Listen("tcp", address)
		if err == nil {
			_ = listener.Close()
			t.Errorf("%s is listened at", address)
			continue
		}
		if said := CannotListen(address, err).Error(); !strings.Contains(said, want) {
			t.Errorf("%s: want %q, got %q", address, want, said)
		}
	}
}

func TestWhereTheBridgeListens(t *testing.T) {
	c := &bridgeconfig.Config{}
	if at := ListensAt(c); at != "" {
		t.Errorf("without an address: %q", at)
	}
	c.AppService.Hostname, c.AppService.Port = "127.0.0.1", 29363
	if at := ListensAt(c); at != "127.0.0.1:29363" {
		t.Errorf("at %q", at)
	}
	c.Homeserver.Websocket = true
	if at := ListensAt(c); at != "" {
		t.Errorf("by a websocket: %q", at)
	}
}

func TestMetricsThatCannotBeServedHaveTheirSentence(t *testing.T) {
	serve := func(body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	bridge, other, own := serve("# TYPE matrix_msn_build_info gauge"), serve("somebody else"), serve("")
	c := &bridgeconfig.Config{}
	c.AppService.Hostname, c.AppService.Port = "127.0.0.1", uint16(portOf(t, own))
	for _, test := range []struct {
		address string
		level   Level
		want    string
	}{
		{"127.0.0.1:0", Fine, "can be served at network.metrics (127.0.0.1:0)"},
		{bridge, Fine, "are served at network.metrics (" + bridge + ")"},
		{other, Bad, "another program listens at network.metrics (" + other + "): end it"},
		{own, Bad, "network.metrics (" + own + ") has the port of appservice.port, where the bridge listens for the homeserver: take another one"},
		{"192.0.2.1:9464", Bad, "network.metrics (192.0.2.1:9464) is no address to listen at here: take one of this machine"},
		{"no such host:9464", Bad, "network.metrics (no such host:9464) is no address to listen at here: "},
	} {
		found := Metrics(t.Context(), c, test.address)
		if len(found) != 1 || found[0].Level != test.level || !strings.Contains(found[0].Says, test.want) {
			t.Errorf("%s: want %v, %q; got\n%s", test.address, test.level, test.want, said(found))
		}
	}
	// The bridge need not run for that.
	for hostname, want := range map[string]Level{"127.0.0.1": Bad, "localhost": Bad, "0.0.0.0": Bad, "127.0.0.3": Fine} {
		c.AppService.Hostname, c.AppService.Port = hostname, 1
		if found := Metrics(t.Context(), c, "127.0.0.1:0"); len(found) != 1 || found[0].Level != Fine {
			t.Errorf("%s: another port: %s", hostname, said(found))
		}
		if own := isOwn(c, "127.0.0.1:1"); own != (want == Bad) {
			t.Errorf("%s: its own is %t", hostname, own)
		}
	}
	if found := Metrics(t.Context(), c, ""); found != nil {
		t.Errorf("without an address: %v", found)
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port
}
