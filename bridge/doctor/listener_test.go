package doctor

import (
	"net"
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
