package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
)

// The doctor on the real parts: a bridge that runs is well, and so is one that was stopped; one that has another token than
// the homeserver is not.
func TestDoctorOnTheWholeStack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bridge := parts.Bridges[doctorBridge]
	says := func(what string, bridge *stack.Bridge, well bool, wants ...string) {
		t.Helper()
		out, err := bridge.Doctor(ctx)
		if (err == nil) != well || strings.Contains("\n"+out, "\nfail") == well {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is missing in\n%s", what, want, out)
			}
		}
	}
	const reached = "ok    calls              the homeserver reaches the bridge at the url of its registration, with the hs_token of the config"
	calls := reached
	if !homeserver.Does(stack.Pings) {
		calls = "only the bridge hears of it"
	}
	says("a bridge that runs", bridge, true, "ok    homeserver         "+homeserver.Name(), "ok    clock",
		"lets the bridge speak as "+bridge.Bot().String(), calls,
		"ok    database           SQLite, takes writes, tables of this version", "Home MSN answers at", "registration.yaml is that of the config")
	if err := bridge.Stop(); err != nil {
		t.Fatal(err)
	}
	says("one that was stopped", bridge, true, reached)

	path := filepath.Join(scratch, "doctor", "config.yaml")
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, regexp.MustCompile(`hs_token: .*`).ReplaceAll(config, []byte("hs_token: another")), 0o600); err != nil {
		t.Fatal(err)
	}
	says("one with another hs_token", bridge, false, "fail  calls              the homeserver calls the bridge with another token than appservice.hs_token",
		"hs_token of registration.yaml is not appservice.hs_token")

	unknown, err := stack.ConfigureBridge(ctx, stack.BridgeOptions{
		Binary: bridgeBinary, Dir: filepath.Join(t.TempDir(), "other"), ID: "other", Homeserver: parts.Homeserver.URL, Settings: stack.Services(home),
	})
	if err != nil {
		t.Fatal(err)
	}
	says("one that the homeserver was not told of", unknown, false, "fail  registration       the homeserver does not know appservice.as_token")
}
