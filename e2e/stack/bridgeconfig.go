package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"matrix-msn/internal/childprocess"

	"gopkg.in/yaml.v3"
)

// The files of a bridge's directory.
const (
	bridgeConfigName = "config.yaml"
	registrationName = "registration.yaml"
)

// runProgram runs the bridge for a task that ends by itself.
func (b *Bridge) runProgram(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.opts.Binary, args...)
	cmd.Dir = b.opts.Dir
	childprocess.Isolate(cmd)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, childprocess.LastLines(string(output)))
	}
	return nil
}

// Doctor has the program look for what is wrong with this bridge, running or not, and returns what it says. The error
// tells of a code that is not 0.
func (b *Bridge) Doctor(ctx context.Context) (said string, err error) {
	cmd := exec.CommandContext(ctx, b.opts.Binary, "doctor", "-c", bridgeConfigName, "-r", registrationName)
	cmd.Dir = b.opts.Dir
	childprocess.Isolate(cmd)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// settings returns what to change in the example configuration.
func (b *Bridge) settings() map[string]any {
	settings := map[string]any{
		"homeserver.address": b.opts.Homeserver,
		"homeserver.domain":  ServerName,

		"appservice.address":           b.URL,
		"appservice.public_address":    b.URL,
		"appservice.hostname":          "127.0.0.1",
		"appservice.port":              b.opts.Port,
		"appservice.id":                b.opts.ID,
		"appservice.bot.username":      b.opts.ID + "bot",
		"appservice.username_template": b.opts.ID + "_{{.}}",

		"database.type": "sqlite3-fk-wal-fullsync",
		"database.uri":  "file:bridge.db?_txlock=immediate&_secure_delete=on",

		// Who sees a user online knows that the bridge is back; whatever else was chosen would wait for them.
		"network.status": "online",

		"bridge.permissions": map[string]any{ServerName: "user"},

		// The log is read by people, in error messages and in a directory that was kept.
		"logging": map[string]any{
			"min_level": "debug",
			"writers":   []any{map[string]any{"type": "stdout", "format": "pretty"}},
		},
		"double_puppet.servers": map[string]any{},
		"double_puppet.secrets": map[string]any{},
	}
	if b.opts.DoublePuppetToken != "" {
		settings["double_puppet.secrets"] = map[string]any{ServerName: "as_token:" + b.opts.DoublePuppetToken}
	}
	maps.Copy(settings, b.opts.Settings)
	return settings
}

// editBridgeConfig makes the settings in the YAML file and leaves the rest of it as it is.
func editBridgeConfig(path string, settings map[string]any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	edited, err := editYAML(text, settings)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return os.WriteFile(path, edited, 0o600)
}

// editYAML sets values in a YAML document. Keys are paths with dots; mappings on the way are made if they are not
// there, and what is at a path is replaced.
func editYAML(text []byte, settings map[string]any) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, errors.New("is not one YAML document")
	}
	// In order, so that a path is set before a longer one below it.
	for _, path := range slices.Sorted(maps.Keys(settings)) {
		node := document.Content[0]
		for key := range strings.SplitSeq(path, ".") {
			var err error
			if node, err = child(node, key); err != nil {
				return nil, fmt.Errorf("set %s: %w", path, err)
			}
		}
		var value yaml.Node
		if err := value.Encode(settings[path]); err != nil {
			return nil, fmt.Errorf("set %s: %w", path, err)
		}
		// The comments above the key stay; one behind the old value would now be wrong.
		*node = value
	}
	return yaml.Marshal(&document)
}

// child returns the value of a key in a mapping, which is made if it is not there. A null becomes a mapping first.
func child(mapping *yaml.Node, key string) (*yaml.Node, error) {
	if mapping.Kind == yaml.ScalarNode && mapping.Tag == "!!null" {
		*mapping = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	if mapping.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("what %q should be in is no mapping", key)
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1], nil
		}
	}
	name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	mapping.Content = append(mapping.Content, name, value)
	return value, nil
}

// readServerToken returns the token by which the homeserver proves to the bridge that it is the homeserver.
func readServerToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var registration struct {
		ServerToken string `yaml:"hs_token"`
	}
	if err := yaml.Unmarshal(text, &registration); err != nil {
		return "", err
	}
	if registration.ServerToken == "" {
		return "", errors.New("it has no hs_token")
	}
	return registration.ServerToken, nil
}

// WriteDoublePuppetRegistration writes the registration of an appservice that gets no events and may act as any user
// of the homeserver, and returns its token, for [BridgeOptions.DoublePuppetToken].
func WriteDoublePuppetRegistration(path string) (token string, err error) {
	token = newToken()
	text, err := yaml.Marshal(map[string]any{
		"id":               "doublepuppet",
		"url":              nil,
		"as_token":         token,
		"hs_token":         newToken(),
		"sender_localpart": strings.ToLower(newToken()),
		"rate_limited":     false,
		"namespaces": map[string]any{
			"users": []any{map[string]any{"regex": "@.*:" + ServerName, "exclusive": false}},
		},
	})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("write the registration for double puppeting: %w", err)
	}
	return token, nil
}
