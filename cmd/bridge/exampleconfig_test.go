package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"maunium.net/go/mautrix/appservice"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"

	"matrix-msn/bridge"
)

func TestExampleConfigOfTheRepositoryIsWhatTheProgramWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := writeExampleConfig(path, &bridge.Connector{}); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := os.ReadFile("../../example-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != string(shipped) {
		t.Error("example-config.yaml differs from what `bridge -e` writes: write it anew with `go run -tags goolm ./cmd/bridge -e -c example-config.yaml`")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
	if err := writeExampleConfig(path, &bridge.Connector{}); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("writing over an existing config gave %v", err)
	}
}

// parsedExampleConfig is the example config as the framework reads it.
func parsedExampleConfig(t *testing.T) (cfg bridgeconfig.Config) {
	t.Helper()
	text, err := exampleConfig(&bridge.Connector{})
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(text), &cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestExampleConfigDefaultsToSQLite(t *testing.T) {
	t.Parallel()
	cfg := parsedExampleConfig(t)
	if cfg.Database.Type != "sqlite3-fk-wal-fullsync" || cfg.Database.URI != "file:matrix-msn.db?_txlock=immediate&_secure_delete=on" {
		t.Errorf("database is %s %s", cfg.Database.Type, cfg.Database.URI)
	}
	if cfg.AppService.ID != "msn" || cfg.Bridge.CommandPrefix != "!msn" {
		t.Errorf("ID %q, prefix %q", cfg.AppService.ID, cfg.Bridge.CommandPrefix)
	}
}

// The bot's receipt looks as if somebody had read a message: that one was delivered is a status of it.
func TestReceiptOfTheBotIsAnOptionThatIsOff(t *testing.T) {
	t.Parallel()
	if cfg := parsedExampleConfig(t); cfg.Matrix.DeliveryReceipts || !cfg.Matrix.MessageStatusEvents {
		t.Errorf("receipts: %v, statuses: %v", cfg.Matrix.DeliveryReceipts, cfg.Matrix.MessageStatusEvents)
	}
}

func TestArgumentsAreLeftToTheFramework(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		line string
		want args
	}{
		{"", args{config: "config.yaml", starts: true}},
		{"-e", args{config: "config.yaml", example: true}},
		{"-e -c other.yaml", args{config: "other.yaml", example: true}},
		{"-c other.yaml --generate-example-config", args{config: "other.yaml", example: true}},
		{"-ec -", args{config: "-", example: true}},
		{"-g -r other.yaml", args{config: "config.yaml", starts: true, registration: "other.yaml"}},
		{"-n -c x.yaml --ignore-unsupported-server", args{config: "x.yaml", starts: true}},
		{"--ignore-foreign-tables", args{config: "config.yaml", starts: true, anyDatabase: true}},
		{"--ignore-unsupported-database", args{config: "config.yaml", starts: true, anyDatabase: true}},
		{"-v", args{}},
		{"--version-json", args{}},
		{"-h", args{}},
		{"-x", args{}},
		{"docter -c x.yaml", args{config: "x.yaml", starts: true, unknown: "docter"}},
		{"-n x.yaml", args{config: "config.yaml", starts: true, unknown: "x.yaml"}},
		{"-g registration.yaml", args{config: "config.yaml", starts: true, registration: "registration.yaml", unknown: "registration.yaml"}},
	} {
		if got := parseArgs(strings.Fields(test.line)); got != test.want {
			t.Errorf("%q: got %+v", test.line, got)
		}
	}
}

func TestMissingConfigSaysHowToGetOne(t *testing.T) {
	t.Parallel()
	_, err := checkConfigFile(filepath.Join(t.TempDir(), "config.yaml"))
	if err == nil || !strings.Contains(err.Error(), "make one with -e") {
		t.Errorf("got %v", err)
	}
}

// A start without a config makes one, and never touches one that is there.
func TestFirstStartMakesAConfig(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := beginConfig(path, &bridge.Connector{}); err == nil || !strings.Contains(err.Error(), "and start again") {
		t.Fatalf("got %v", err)
	}
	if _, err := checkConfigFile(path); err != nil {
		t.Errorf("what was made: %v", err)
	}
	for _, there := range []string{"", "mine: true\n"} {
		if err := os.WriteFile(path, []byte(there), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := beginConfig(path, &bridge.Connector{}); err != nil {
			t.Error(err)
		}
		if content, err := os.ReadFile(path); err != nil || string(content) != there {
			t.Errorf("%q became %q, %v", there, content, err)
		}
	}
	if err := beginConfig(filepath.Join(path, "of", "nowhere"), &bridge.Connector{}); err != nil {
		t.Errorf("a path that cannot be is not said to be wrong where it is read, but here: %v", err)
	}
	if err := beginConfig(filepath.Join(t.TempDir(), "none", "config.yaml"), &bridge.Connector{}); err == nil || !strings.Contains(err.Error(), "cannot write") {
		t.Errorf("without its directory: %v", err)
	}
}

// The sample shows an admin what the homeserver is to be told; -g writes the real
// one. It must have the same fields, and no token that anybody could use.
func TestSampleRegistration(t *testing.T) {
	t.Parallel()
	cfg := parsedExampleConfig(t)
	want := cfg.GenerateRegistration()
	sample, err := appservice.LoadRegistration("../../registration.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{sample.AppToken, sample.ServerToken, sample.SenderLocalpart} {
		if !strings.Contains(token, "sample") {
			t.Errorf("%q does not look like a sample", token)
		}
	}
	want.AppToken, want.ServerToken, want.SenderLocalpart = sample.AppToken, sample.ServerToken, sample.SenderLocalpart
	wantYAML, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	gotYAML, err := yaml.Marshal(sample)
	if err != nil {
		t.Fatal(err)
	}
	if string(gotYAML) != string(wantYAML) {
		t.Errorf("registration.yaml is\n%s\nbut -g would write\n%s", gotYAML, wantYAML)
	}
}
