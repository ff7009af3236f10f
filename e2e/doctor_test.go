package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrix-msn/e2e/stack"
)

// The doctor on the real parts: a bridge that runs is well; one that has another token, or whose service is not there, is not.
func TestDoctorOnTheWholeStack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bridge := parts.Bridges[sharedBridge]
	out, err := bridge.Doctor(ctx)
	if fails := strings.Count("\n"+out, "\nfail"); fails > strings.Count(out, "fail  service away") || (err != nil) != (fails > 0) { // another test closes that
		t.Errorf("of a bridge that runs: %v\n%s", err, out)
	}
	for _, want := range []string{"Dendrite", "the homeserver knows appservice.as_token, and lets the bridge speak as " + bridge.Bot().String(), "database           SQLite, takes writes, tables of this version",
		"service home       Home MSN answers at", "service modern     Modern MSN answers at", "registration.yaml is that of the config", "clock"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	other, err := stack.ConfigureBridge(ctx, stack.BridgeOptions{
		Binary: binaries.Bridge, Dir: filepath.Join(t.TempDir(), "other"), ID: "other", Homeserver: parts.Dendrite.URL, Settings: stack.Services(home),
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err = other.Doctor(ctx)
	if err == nil || !strings.Contains(out, "fail  registration       the homeserver does not know appservice.as_token") || strings.Count(out, "\nfail") != 1 {
		t.Errorf("of a bridge that the homeserver was not told of: %v\n%s", err, out)
	}
}
