package stack

import (
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestDendriteConfigNamesAllDatabases(t *testing.T) {
	dir := t.TempDir()
	if _, err := Dendrite("dendrite").configure(HomeserverOptions{Dir: dir, Registrations: []string{"/registration.yaml"}}, "secret"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, dendriteConfigName))
	if err != nil {
		t.Fatal(err)
	}
	type database struct {
		Database struct {
			ConnectionString string `yaml:"connection_string"`
		}
	}
	var config struct {
		Global struct {
			JetStream struct {
				StoragePath string `yaml:"storage_path"`
			}
		}
		AppServiceAPI struct {
			ConfigFiles []string `yaml:"config_files"`
		} `yaml:"app_service_api"`
		ClientAPI struct {
			Secret string `yaml:"registration_shared_secret"`
		} `yaml:"client_api"`
		FederationAPI database `yaml:"federation_api"`
		KeyServer     database `yaml:"key_server"`
		MediaAPI      database `yaml:"media_api"`
		MSCs          database `yaml:"mscs"`
		RelayAPI      database `yaml:"relay_api"`
		RoomServer    database `yaml:"room_server"`
		SyncAPI       database `yaml:"sync_api"`
		UserAPI       struct {
			AccountDatabase struct {
				ConnectionString string `yaml:"connection_string"`
			} `yaml:"account_database"`
		} `yaml:"user_api"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	databases := []string{
		config.FederationAPI.Database.ConnectionString, config.KeyServer.Database.ConnectionString,
		config.MediaAPI.Database.ConnectionString, config.MSCs.Database.ConnectionString,
		config.RelayAPI.Database.ConnectionString, config.RoomServer.Database.ConnectionString,
		config.SyncAPI.Database.ConnectionString, config.UserAPI.AccountDatabase.ConnectionString,
	}
	slices.Sort(databases)
	if len(slices.Compact(databases)) != 8 || databases[0] == "" {
		t.Errorf("databases are %q, want eight different ones", databases)
	}
	if config.Global.JetStream.StoragePath != "./" {
		t.Error("event streams would be shared with other homeservers of the machine")
	}
	if config.ClientAPI.Secret != "secret" {
		t.Errorf("shared secret is %q", config.ClientAPI.Secret)
	}
	if files := config.AppServiceAPI.ConfigFiles; !slices.Equal(files, []string{"/registration.yaml"}) {
		t.Errorf("registrations are %q, want the one given", files)
	}

	text, err = os.ReadFile(filepath.Join(dir, dendriteKeyName))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := pem.Decode(text)
	if key == nil || key.Type != "MATRIX PRIVATE KEY" || len(key.Bytes) != 32 || !strings.HasPrefix(key.Headers["Key-ID"], "ed25519:") {
		t.Errorf("signing key is %s", text)
	}
}

func TestRegistrationMAC(t *testing.T) {
	// printf 'nonce\0alice\0wonder land\0notadmin' | openssl dgst -sha1 -hmac shared
	const want = "f9230aa6bfc83316d2920f922e7dcaa7c849b265"
	if got := registrationMAC("shared", "nonce", "alice", "wonder land"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFreePortsAreDifferentAndFree(t *testing.T) {
	ports, err := FreePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ports)
	if len(ports) != 20 || len(slices.Compact(slices.Clone(ports))) != 20 {
		t.Errorf("got %d, want 20 different ones", ports)
	}
	for _, port := range ports {
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			t.Errorf("port %d is not free: %v", port, err)
			continue
		}
		_ = listener.Close()
	}
}

func TestEditYAML(t *testing.T) {
	const before = `# top
homeserver:
    # keep this comment
    address: http://example.com # drop this one
    domain: example.com
empty: null
list: [a, b]
`
	for _, test := range []struct {
		name     string
		settings map[string]any
		want     string
	}{
		{"replaces a value and keeps what stands around it", map[string]any{"homeserver.address": "http://127.0.0.1:1"}, `# top
homeserver:
    # keep this comment
    address: http://127.0.0.1:1
    domain: example.com
empty: null
list: [a, b]
`},
		{"makes missing mappings, also in the place of null", map[string]any{"new.deep": 1, "empty.deep": true}, `# top
homeserver:
    # keep this comment
    address: http://example.com # drop this one
    domain: example.com
empty:
    deep: true
list: [a, b]
new:
    deep: 1
`},
		{"replaces a mapping as a whole", map[string]any{"homeserver": map[string]any{"x": []int{1}}, "list": nil}, `# top
homeserver:
    x:
        - 1
empty: null
list: null
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := editYAML([]byte(before), test.settings)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	if _, err := editYAML([]byte(before), map[string]any{"list.x": 1}); err == nil || !strings.Contains(err.Error(), "list.x") {
		t.Errorf("setting a key in a list: got %v", err)
	}
}

func TestDoublePuppetRegistrationGetsNoEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doublepuppet.yaml")
	token, err := WriteDoublePuppetRegistration(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var registration map[string]any
	if err := yaml.Unmarshal(text, &registration); err != nil {
		t.Fatal(err)
	}
	if url, ok := registration["url"]; !ok || url != nil {
		t.Errorf("url is %v, want null", url)
	}
	if registration["as_token"] != token {
		t.Errorf("token returned is %q, written is %q", token, registration["as_token"])
	}
}
