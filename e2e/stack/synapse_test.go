package stack

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestSynapseConfigIsOnLoopbackAndItsOwn(t *testing.T) {
	dir := t.TempDir()
	command, err := Synapse("/opt/bin/synapse_homeserver").configure(HomeserverOptions{Dir: dir, Port: 20001, Registrations: []string{"/registration.yaml"}}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if command.path != "/opt/bin/synapse_homeserver" || !slices.Equal(command.args, []string{"-c", "homeserver.yaml"}) {
		t.Errorf("it is started as %q %q", command.path, command.args)
	}
	text, err := os.ReadFile(filepath.Join(dir, synapseConfigName))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Listeners []struct {
			Port int
			Bind []string `yaml:"bind_addresses"`
		}
		Registrations []string `yaml:"app_service_config_files"`
		Secret        string   `yaml:"registration_shared_secret"`
		KeyServers    []string `yaml:"trusted_key_servers"`
		Whitelist     []string `yaml:"federation_domain_whitelist"`
		Messages      struct {
			PerSecond any `yaml:"per_second"`
		} `yaml:"rc_message"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if len(config.Listeners) != 1 || config.Listeners[0].Port != 20001 || !slices.Equal(config.Listeners[0].Bind, []string{"127.0.0.1"}) {
		t.Errorf("it listens at %+v", config.Listeners)
	}
	if !slices.Equal(config.Registrations, []string{"/registration.yaml"}) || config.Secret != "secret" {
		t.Errorf("registrations are %q, the secret is %q", config.Registrations, config.Secret)
	}
	// Left out, both would let it speak to others.
	if config.KeyServers == nil || config.Whitelist == nil || len(config.KeyServers)+len(config.Whitelist) != 0 {
		t.Errorf("it may speak to %q and %q", config.KeyServers, config.Whitelist)
	}
	// Python reads a number such as 1e+06 as a text.
	if _, ok := config.Messages.PerSecond.(int); !ok {
		t.Errorf("rc_message.per_second is %#v", config.Messages.PerSecond)
	}

	key, err := os.ReadFile(filepath.Join(dir, synapseKeyName))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(key))
	if len(fields) != 3 || fields[0] != "ed25519" {
		t.Fatalf("signing key is %q", key)
	}
	if seed, err := base64.RawStdEncoding.DecodeString(fields[2]); err != nil || len(seed) != 32 {
		t.Errorf("its seed has %d bytes, %v", len(seed), err)
	}
}

func TestSynapseIsStartedByItsPythonToo(t *testing.T) {
	for program, want := range map[string][]string{
		"/opt/venvs/matrix-synapse/bin/python": {"-m", "synapse.app.homeserver", "-c", "homeserver.yaml"},
		"/home/me/env/bin/python3.12":          {"-m", "synapse.app.homeserver", "-c", "homeserver.yaml"},
		"/home/me/env/bin/synapse_homeserver":  {"-c", "homeserver.yaml"},
		"/home/python/bin/synapse_homeserver":  {"-c", "homeserver.yaml"},
	} {
		if got := (synapse{program: program}).args(); !slices.Equal(got, want) {
			t.Errorf("%s is given %q, want %q", program, got, want)
		}
	}
}
