package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
)

// quietDir is the directory of the quietBridge, whose log is as that of the example config says.
var quietDir string

// withUsualLog returns the settings with the levels of the log that a new config has.
func withUsualLog(settings map[string]any) map[string]any {
	settings = maps.Clone(settings)
	settings["logging"] = map[string]any{
		"min_level": "info",
		"writers":   []any{map[string]any{"type": "stdout", "format": "json"}},
	}
	return settings
}

// With the level that a new config has, the log says who signs in and why somebody does not, and holds no password, no key,
// no token, and nothing of what people write, send and are called.
func TestUsualLogHoldsNoTextsAndNoSecrets(t *testing.T) {
	t.Parallel()
	c := newCast(t, quietBridge, home)
	if dialog := c.tryLogIn("wrong horse"); dialog.LoggedIn() {
		t.Fatal("a wrong password is taken")
	}
	c.asks(c.management, "cancel", "cancelled")
	c.logIn()
	c.bobComes()
	room := c.says("From MSN with love").RoomID
	c.sends(room, "From Matrix with love")
	data := random(1000)
	c.fileToMatrix(room, "private-letter.bin", event.MsgFile, data)
	c.fileToMSN(room, "private-letter.bin", &event.MessageEventContent{
		MsgType: event.MsgFile, Body: "private-letter.bin", URL: c.uploads(data, "application/octet-stream"), Info: &event.FileInfo{Size: len(data)},
	}, data)
	c.asks(c.management, "psm Gone sailing", "sailing")
	if err := c.bridge.Stop(); err != nil {
		t.Fatal(err)
	}

	log, err := os.ReadFile(filepath.Join(quietDir, "bridge.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"message":"Signed in"`, `"level":"info"`, `"message":"Sign-in for a new login failed"`, `"code":"msn-bad-credentials"`, c.account} {
		if !strings.Contains(string(log), want) {
			t.Errorf("%s is not in the log:\n%s", want, log)
		}
	}
	config, err := os.ReadFile(filepath.Join(quietDir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	hidden := []string{password, "wrong horse", "with love", "private-letter", "Gone sailing", c.bobName, c.alice.Client.AccessToken}
	for _, key := range []string{"as_token", "hs_token", "credential_key", "pickle_key", "shared_secret"} {
		found := regexp.MustCompile(`(?m)^\s+` + key + `: "?([^\s"]{8,})`).FindSubmatch(config)
		if found == nil {
			t.Errorf("the config has no %s", key)
			continue
		}
		hidden = append(hidden, string(found[1]))
	}
	for line := range strings.Lines(string(log)) {
		for _, secret := range hidden {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in the log: %s", secret, line)
			}
		}
	}
}
