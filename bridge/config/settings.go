package config

import (
	"fmt"
	"strings"

	"go.mau.fi/util/configupgrade"
	"gopkg.in/yaml.v3"
)

// setting is one of those in a config file: what is carried over when the file is upgraded, and
// what is said of a value of another kind.
type setting struct {
	name string
	kind configupgrade.YAMLType
	must string // what the value must be
}

// settings are all of them, in the order of the example.
var settings = []setting{
	{"displayname_template", configupgrade.Str, "a text: put it in quotes"},
	{"credential_key", configupgrade.Str, "a text: put it in quotes"},
	{"alerts", configupgrade.Str, "room, management or off"},
	{"alert_icons", configupgrade.Bool, "true or false"},
	{"locale", configupgrade.Int, "the number of a Windows locale, such as 0x0409, without quotes"},
	{"keep_for_offline", configupgrade.Str, keepMust},
	{"keep_in_outage", configupgrade.Str, keepMust},
	{"keep_alerts", configupgrade.Str, rememberMust},
	{"keep_pages", configupgrade.Str, rememberMust},
	{"keep_pictures", configupgrade.Str, rememberMust},
	{"keep_messages", configupgrade.Str, rememberMust},
	{"metrics", configupgrade.Str, "an address and a port in quotes, such as \"127.0.0.1:9464\", or \"\" for none"},
	{"presence", configupgrade.Str, "off, changes or full"},
	{"status", configupgrade.Str, "one of " + Choices()},
	{"follow_name", configupgrade.Bool, "true or false"},
	{"follow_picture", configupgrade.Bool, "true or false"},
	{"group_spaces", configupgrade.Bool, "true or false"},
	{"emoticons", configupgrade.Bool, "true or false"},
	{"markup", configupgrade.Bool, "true or false"},
	{"read_receipts", configupgrade.Bool, "true or false"},
	{"relay_joins", configupgrade.Bool, "true or false"},
	{"files", configupgrade.Map, ""},
	{"services", configupgrade.Map, ""},
}

const (
	keepMust     = "a time with its unit, such as 168h, or 0s to keep nothing"
	rememberMust = "a time with its unit, such as 2160h, or 0s for ever"
)

// tags are what values of each kind are in YAML.
var tags = map[configupgrade.YAMLType]string{configupgrade.Str: "!!str", configupgrade.Bool: "!!bool", configupgrade.Int: "!!int"}

// check returns an error, a sentence for the admin, when a value is not of the kind that it must
// be. None at all is fine.
func (s setting) check(value *yaml.Node) error {
	switch {
	case s.name == "files":
		return checkFileSettings(value)
	case s.kind == configupgrade.Map:
		return checkServices(value)
	}
	if value.Kind != yaml.ScalarNode || value.Tag != tags[s.kind] && value.Tag != "!!null" {
		return fmt.Errorf("network.%s (line %d) must be %s", s.name, value.Line, s.must)
	}
	return nil
}

// settingNames lists all settings.
func settingNames() string {
	names := make([]string, len(settings))
	for i, setting := range settings {
		names[i] = setting.name
	}
	return listed(names)
}

// listed is names in a sentence.
func listed(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
