// Package config is the "network:" section of the config file, read and checked: the
// services that users can sign in to, and the key with which their passwords are stored.
package config

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"go.mau.fi/util/configupgrade"
	"gopkg.in/yaml.v3"

	"matrix-msn/bridge/msnid"
)

// Example is the section as the example config has it.
//
//go:embed example-config.yaml
var Example string

// Config is the "network:" section of the config file. What it holds besides the
// settings is there after Check.
type Config struct {
	DisplaynameTemplate string                   `yaml:"displayname_template"`
	CredentialKey       string                   `yaml:"credential_key"`
	Alerts              AlertsWhere              `yaml:"alerts"`
	AlertIcons          bool                     `yaml:"alert_icons"`
	Locale              int                      `yaml:"locale"`
	KeepForOffline      string                   `yaml:"keep_for_offline"`
	KeepInOutage        string                   `yaml:"keep_in_outage"`
	KeepAlerts          string                   `yaml:"keep_alerts"`
	KeepPages           string                   `yaml:"keep_pages"`
	KeepPictures        string                   `yaml:"keep_pictures"`
	KeepMessages        string                   `yaml:"keep_messages"`
	Metrics             string                   `yaml:"metrics"` // where metrics are served, "" for nowhere
	Presence            Presence                 `yaml:"presence"`
	Status              Choice                   `yaml:"status"`    // of those who have chosen nothing
	Emoticons           bool                     `yaml:"emoticons"` // of those who have chosen nothing
	Markup              bool                     `yaml:"markup"`
	ReadReceipts        bool                     `yaml:"read_receipts"`
	RelayJoins          bool                     `yaml:"relay_joins"`
	GroupSpaces         bool                     `yaml:"group_spaces"`
	FollowName          bool                     `yaml:"follow_name"` // of those who have chosen nothing
	FollowPicture       bool                     `yaml:"follow_picture"`
	Files               FilesConfig              `yaml:"files"`
	Services            map[string]ServiceConfig `yaml:"services"`

	displayname  *template.Template
	sealing      *sealing      // nil while nothing was read from a file
	keepFor      time.Duration // of KeepForOffline
	outage       time.Duration // of KeepInOutage
	remembers    Remembers     // of KeepAlerts and those that follow it
	accept, send uint64        // of Files
	checked      map[string]*Service
	generatedKey string // CredentialKey, when this start has made it
	notices      bool   // as RelayNotices has set it
}

// AlertsWhere says where alerts of a service are shown: one of the constants below.
type AlertsWhere string

// The choices for network.alerts. A config without it means AlertsInRoom.
const (
	AlertsInRoom       AlertsWhere = "room"       // a room of their own for each login
	AlertsInManagement AlertsWhere = "management" // the user's chat with the bot
	AlertsOff          AlertsWhere = "off"
)

// defaultLocale is English (US).
const defaultLocale = 0x0409

// maxLocale is the largest Windows locale: they have 16 bits.
const maxLocale = 0xFFFF

// What network.keep_for_offline can be: how long messages wait for contacts who are
// offline.
const (
	defaultKeepFor = 7 * 24 * time.Hour
	longestKeepFor = 90 * 24 * time.Hour
)

// What network.keep_in_outage can be: how long messages wait for the connection to a service.
const (
	defaultOutage = 5 * time.Minute
	longestOutage = time.Hour
)

// unsetKey stands in the example config until the first start replaces it.
const unsetKey = "generate"

// minCredentialKey is the shortest key in characters that is accepted. The
// generated ones have 52.
const minCredentialKey = 16

// UnmarshalYAML reads the section and compiles its templates.
func (c *Config) UnmarshalYAML(node *yaml.Node) error {
	type raw Config
	if err := node.Decode((*raw)(c)); err != nil {
		return err
	}
	return c.compile()
}

func (c *Config) compile() (err error) {
	c.sealing = new(sealing)
	c.displayname, err = template.New("displayname").Parse(c.DisplaynameTemplate)
	if err != nil {
		return fmt.Errorf("network.displayname_template: %w", err)
	}
	return nil
}

// Upgrade carries the settings of a config file over into the example, and makes a
// CredentialKey where there is none.
func (c *Config) Upgrade(helper configupgrade.Helper) {
	for _, setting := range settings {
		if setting.name != "files" { // those in it are carried over one by one, with what the example says of them
			helper.Copy(setting.kind, setting.name)
		}
	}
	for _, name := range fileSettings {
		helper.Copy(configupgrade.Str|configupgrade.Int|configupgrade.Bool, "files", name)
	}
	if key, ok := helper.Get(configupgrade.Str, "credential_key"); !ok || key == "" || key == unsetKey {
		c.generatedKey = newKey()
		helper.Set(configupgrade.Str, c.generatedKey, "credential_key")
	}
}

// CheckFile checks the section in a config file before the file is upgraded, which
// would put the default in the place of what has the wrong type or name. The error
// is a sentence for the admin. A file without the section is fine.
func CheckFile(config []byte) error {
	var file struct {
		Network yaml.Node `yaml:"network"`
	}
	if err := yaml.Unmarshal(config, &file); err != nil {
		return fmt.Errorf("the config is no YAML: %w", err)
	}
	network := resolve(&file.Network)
	if network.Kind != 0 && network.Kind != yaml.MappingNode && network.Tag != "!!null" {
		return fmt.Errorf("network (line %d) must hold settings: write them below it, indented, as in the example config", network.Line)
	}
	for i := 0; i+1 < len(network.Content); i += 2 {
		name, value := network.Content[i].Value, resolve(network.Content[i+1])
		known := slices.IndexFunc(settings, func(s setting) bool { return s.name == name })
		if known < 0 {
			return fmt.Errorf("network.%s (line %d) is no setting; there are %s", name, value.Line, settingNames())
		}
		if err := settings[known].check(value); err != nil {
			return err
		}
	}
	return nil
}

// resolve returns what an alias stands for.
func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

func checkServices(services *yaml.Node) error {
	if services.Kind != yaml.MappingNode {
		return fmt.Errorf("network.services (line %d) must be a list of keys, each with its settings below it, as in the example config", services.Line)
	}
	for i := 0; i+1 < len(services.Content); i += 2 {
		key, service := services.Content[i].Value, resolve(services.Content[i+1])
		if err := service.Decode(new(ServiceConfig)); err != nil {
			return fmt.Errorf("network.services.%s (line %d): %w", key, service.Line, err)
		}
		for j := 0; j+1 < len(service.Content); j += 2 {
			if name := service.Content[j]; name.Tag == "!!merge" {
				return fmt.Errorf("network.services.%s (line %d): merge keys (<<) are lost when the config is upgraded; write the settings out", key, name.Line)
			} else if !slices.Contains(serviceSettings, name.Value) {
				return fmt.Errorf("network.services.%s.%s (line %d) is no setting; there are %s",
					key, name.Value, name.Line, strings.Join(serviceSettings, ", "))
			}
		}
	}
	return nil
}

// serviceSettings are the names of the fields of ServiceConfig.
var serviceSettings = []string{"preset", "name", "server", "nexus", "dialects", "hosts", "allow_private_addresses", "ca_file", "proxy",
	"paging", "page_grace", "client", "web", "web_services", "gateway", "place_name", "fall_back"}

// CheckKeyIsSaved returns an error when the key was generated at this start and is
// not in the config file: the next start would generate another one, with which no
// stored password can be read.
func (c *Config) CheckKeyIsSaved(config []byte) error {
	if c.generatedKey == "" || c.CredentialKey != c.generatedKey || strings.Contains(string(config), c.generatedKey) {
		return nil
	}
	return errors.New("network.credential_key was generated but could not be written to the config file: start once without -n " +
		"and with the file and its directory writable, or set it to a long random text yourself")
}

// Checked reports whether Check has found nothing wrong.
func (c *Config) Checked() bool { return c.checked != nil }

// Check checks the section before anything is started. Errors are sentences for the
// admin that begin with the setting at fault.
func (c *Config) Check() error {
	// Again: the environment can have changed it since it was read.
	if err := c.compile(); err != nil {
		return err
	}
	if _, err := c.DisplayName(NameParams{Name: "Bob", Account: "bob@example.com", Service: "MSN"}); err != nil {
		return fmt.Errorf("network.displayname_template: %w", err)
	}
	switch key := c.CredentialKey; {
	case key == "" || key == unsetKey:
		return errors.New("network.credential_key is not set: start once without -n to have one generated, " +
			"or set it to a long random text; passwords are stored encrypted with it")
	case len(key) < minCredentialKey:
		return fmt.Errorf("network.credential_key is shorter than %d characters: set it to a longer random text", minCredentialKey)
	}
	switch c.Alerts = cmp.Or(c.Alerts, AlertsInRoom); c.Alerts {
	case AlertsInRoom, AlertsInManagement, AlertsOff:
	default:
		return fmt.Errorf("network.alerts is %q: set it to room, management or off", c.Alerts)
	}
	c.Locale = cmp.Or(c.Locale, defaultLocale)
	if c.Locale < 1 || c.Locale > maxLocale {
		return fmt.Errorf("network.locale is %#x: set it to the number of a Windows locale, such as 0x0409 for English (US)", c.Locale)
	}
	var err error
	if c.keepFor, err = parseKeep("keep_for_offline", c.KeepForOffline, defaultKeepFor, longestKeepFor, "168h, for seven days"); err != nil {
		return err
	}
	if c.outage, err = parseKeep("keep_in_outage", c.KeepInOutage, defaultOutage, longestOutage, "5m"); err != nil {
		return err
	}
	if err := c.checkRemembers(); err != nil {
		return err
	}
	if err := c.checkMetrics(); err != nil {
		return err
	}
	if err := c.checkFiles(); err != nil {
		return err
	}
	if err := c.checkPresence(); err != nil {
		return err
	}
	if len(c.Services) == 0 {
		return fmt.Errorf("network.services is empty: list at least one service, for example one of the presets %s", presetNames())
	}
	services := make(map[string]*Service, len(c.Services))
	for _, key := range slices.Sorted(maps.Keys(c.Services)) {
		if !msnid.ValidService(key) {
			return fmt.Errorf("network.services: the key %q may only hold lower-case letters, digits, - and _, 32 at most; "+
				"it becomes part of Matrix user names", key)
		}
		s, err := newService(key, c.Services[key])
		if err != nil {
			return err
		}
		s.Template.Locale, s.Template.DirectFiles = uint16(c.Locale), c.Files.Direct
		services[key] = s
	}
	c.checked = services
	return nil
}

// parseKeep reads a setting that says how long messages wait.
func parseKeep(name, s string, otherwise, longest time.Duration, example string) (time.Duration, error) {
	if s == "" {
		return otherwise, nil
	}
	keep, err := time.ParseDuration(s)
	if err != nil || keep < 0 || keep > longest {
		return 0, fmt.Errorf("network.%s: %q is no time from 0s to %dh; write it like %s", name, s, longest/time.Hour, example)
	}
	return keep, nil
}

func presetNames() string {
	return strings.Join(slices.Sorted(maps.Keys(presets)), ", ")
}

// KeepFor is how long messages wait for contacts who are offline, 0 for not at all.
func (c *Config) KeepFor() time.Duration { return c.keepFor }

// Outage is how long messages wait for the connection to a service, 0 for not at all.
func (c *Config) Outage() time.Duration { return c.outage }

// RelayNotices sets whether the notices of people without an account are relayed: that is
// bridge.bridge_notices, which is the framework's.
func (c *Config) RelayNotices(on bool) { c.notices = on }

// RelaysNotices reports whether they are.
func (c *Config) RelaysNotices() bool { return c.notices }

// Service returns a service by its key, or nil when there is none.
func (c *Config) Service(key string) *Service { return c.checked[key] }

// ServiceOrUnknown is Service for what may have been taken out of the config: then it
// returns a Service that is not Configured and bears its key as its name.
func (c *Config) ServiceOrUnknown(key string) *Service {
	if s := c.checked[key]; s != nil {
		return s
	}
	return &Service{Key: key, Name: key}
}

// ServiceKeys returns the keys of all services, sorted.
func (c *Config) ServiceKeys() []string { return slices.Sorted(maps.Keys(c.checked)) }
