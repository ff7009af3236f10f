package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrix-msn/bridge"
)

// secrets are all that the config of configFile has, and nobody may see.
var secrets = []string{"as-secret", "hs-secret", "key-secret-0123456789", "pw-secret", "prov-secret"}

// configFile writes a config that can be used, changed by pairs of texts.
func configFile(t *testing.T, homeserver string, changes ...string) string {
	t.Helper()
	config, err := exampleConfig(&bridge.Connector{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	services := strings.Index(config, "        escargot:\n")
	rest := strings.Index(config[services:], "        # A service of one's own")
	config = config[:services] + "        none: {server: '127.0.0.1:1', dialects: [MSNP7], allow_private_addresses: true}\n" + config[services+rest:]
	for _, change := range [][2]string{
		{"http://example.localhost:8008", homeserver},
		{"domain: example.com", "domain: example.org"},
		{`as_token: "This value is generated when generating the registration"`, "as_token: as-secret"},
		{`hs_token: "This value is generated when generating the registration"`, "hs_token: hs-secret"},
		{"credential_key: generate", "credential_key: key-secret-0123456789"},
		{`"example.com": user`, `"example.org": user`},
		{`"@admin:example.com": admin`, `"@admin:example.org": admin`},
		{"file:matrix-msn.db", "file:" + filepath.Join(dir, "matrix-msn.db")},
		{"./logs/bridge.log", filepath.Join(dir, "bridge.log")},
		{"shared_secret: generate", "shared_secret: prov-secret"},
	} {
		if !strings.Contains(config, change[0]) {
			t.Fatalf("the example config has no %s", change[0])
		}
		config = strings.ReplaceAll(config, change[0], change[1])
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if !strings.Contains(config, changes[i]) {
			t.Fatalf("the config has no %s", changes[i])
		}
		config = strings.ReplaceAll(config, changes[i], changes[i+1])
	}
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// examined calls the doctor, and checks that it has changed and told nothing.
func examined(t *testing.T, path string, arguments ...string) (code int, out string) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	code = runDoctor(append([]string{"-c", path}, arguments...), &b, &b)
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the doctor has changed the config (%v)", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("the doctor has left %v, %v", entries, err)
	}
	for _, secret := range secrets {
		if strings.Contains(b.String(), secret) {
			t.Errorf("the doctor tells %s:\n%s", secret, &b)
		}
	}
	if (code != 0) != strings.Contains("\n"+b.String(), "\nfail") {
		t.Errorf("code %d of\n%s", code, &b)
	}
	return code, b.String()
}

func TestDoctorNamesTheSettingAtFault(t *testing.T) {
	t.Parallel()
	homeserver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/versions") {
			fmt.Fprint(w, `{"versions":["v1.2"]}`)
			return
		}
		fmt.Fprintf(w, `{"user_id":%q}`, max(r.URL.Query().Get("user_id"), "@msnbot:example.org"))
	}))
	t.Cleanup(homeserver.Close)
	sound := configFile(t, homeserver.URL)
	if code, out := examined(t, sound); code != 1 || strings.Count(out, "\nfail") != 1 || !strings.Contains(out, "fail  service none       Nothing listens at the host and port in network.services.none.server") ||
		!strings.Contains(out, "ok    config") || !strings.Contains(out, "ok    database           SQLite, ") {
		t.Errorf("of a config that is well it says\n%s", out)
	}
	for _, test := range []struct{ from, to, want string }{
		{homeserver.URL, strings.TrimPrefix(homeserver.URL, "http://"), "fail  config             homeserver.address is"},
		{"domain: example.org", "domian: example.org", "fail  config             homeserver.domain is \"example.com\""},
		{"domain: example.org", "domian: example.org", "warn  config             homeserver.domian (line "},
		{"type: sqlite3-fk-wal-fullsync", "type: sqlite", `fail  config             database.type is "sqlite": set it to sqlite3-fk-wal-fullsync`},
		{"port: 29363", "port: many", "fail  config             appservice.port (line "},
		{"matrix-msn.db?", "none/matrix-msn.db?", "fail  database           database.uri names a file in "},
		{"presence: full", "presence: some", `network.presence is "some"`},
		{"\n", "\r\n", "ok    config"},
		{"as_token: as-secret", "as_token: [as-secret]", "appservice.as_token (line "},
		{"as_token: as-secret", "as_token: {as-secret: 1, database: x}", "appservice.as_token (line "},
		{"uri: file:", "uri: postgres://u:pw-secret@h/", "database.type to postgres"},
	} {
		if code, out := examined(t, configFile(t, homeserver.URL, test.from, test.to)); code != 1 || !strings.Contains(out, test.want) {
			t.Errorf("%s: code %d, want %q, got\n%s", test.to, code, test.want, out)
		}
	}
}

func TestDoctorWithoutAConfigSaysHowToGetOne(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := runDoctor([]string{"-c", filepath.Join(t.TempDir(), "none.yaml")}, &out, &out); code != 1 || !strings.Contains(out.String(), "make one with -e") {
		t.Errorf("code %d, %s", code, &out)
	}
	out.Reset()
	if code := runDoctor([]string{"-h"}, &out, &out); code != 0 || !strings.Contains(out.String(), "--registration") {
		t.Errorf("help: code %d, %s", code, &out)
	}
	if code := runDoctor([]string{"-x"}, &out, &out); code != 1 {
		t.Errorf("an unknown flag: code %d", code)
	}
}

// What the program writes for an admin to begin with has nothing that it would warn of.
func TestExampleConfigHasNoUnknownSettings(t *testing.T) {
	t.Parallel()
	found, _, _ := examineConfig("../../example-config.yaml")
	for _, f := range found {
		if strings.Contains(f.Says, "is no setting") || strings.Contains(f.Says, "must be") {
			t.Error(f)
		}
	}
}
