package config

import (
	"errors"
	"strings"
	"testing"
)

func TestLayoutOfTheFrameworksSettings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, yaml, errs, unknown string }{
		{"all is well", "homeserver: {address: 'http://localhost', domain: x}\nlogging: {min_level: info, anything: [1]}\nbridge: {permissions: {'*': relay}}", "", ""},
		{"lines that end as on Windows", "homeserver:\r\n    address: 'http://localhost'\r\n    domain: x\r\n", "", ""},
		{"nothing in the place of a value", "homeserver: {status_endpoint: null, domain: }\nappservice:", "", ""},
		{"network is somebody else's", "network: {whatever: 1}", "", ""},
		{"a value of the wrong type", "appservice:\n    port: many", "appservice.port (line 2) must be a whole number", ""},
		{"a number that should be a text", "appservice:\n    hs_token: 12345", "appservice.hs_token (line 2) must be a text", ""},
		{"a switch that is a word", "encryption: {allow: sometimes}", "encryption.allow (line 1) must be true or false", ""},
		{"a list in the place of a text", "homeserver: {domain: [example.com]}", "homeserver.domain (line 1) must be a text", ""},
		{"a text in the place of settings", "homeserver: http://localhost", "homeserver (line 1) must hold settings", ""},
		{"a misspelt setting", "homeserver:\n    adress: x", "", "homeserver.adress (line 2) is no setting, and is taken out of the file: there are address, async_media"},
		{"a misspelt section", "homserver: {address: x}", "", "homserver (line 1) is no setting, and is taken out of the file: there are analytics, appservice"},
		{"a setting that has moved", "bridge: {username_template: 'msn_{{.}}'}", "", "its place is appservice.username_template"},
		{"a section that has moved", "bridge: {encryption: {allow: true}}", "", "its place is encryption"},
		{"a setting of network", "bridge: {displayname_template: x}", "", "it belongs to network, as network.displayname_template"},
		{"an old layout", "appservice: {database: {type: postgres, uri: 'postgres://user:secret@host'}}", "appservice.database (line 1) is where bridges had it in 2024", ""},
		{"an older layout", "appservice: {database: 'sqlite:///msn.db'}", "appservice.database (line 1) is where bridges had it in 2024", ""},
		{"no settings at all", "- a", "must hold settings", ""},
		{"nothing", "", "the config is empty", ""},
		{"no YAML", "a: [", "the config is no YAML", ""},
		{"a tab", "homeserver:\n\tdomain: x", "line 2 of the config begins with a tab", ""},
		{"a line too far to the left", "homeserver:\n    address: x\n   domain: y\nbridge:\n", "no YAML any more from line 3 on", ""},
		{"a quote without its end", "homeserver:\n    address: x\n    domain: \"secret\n    software: standard\nbridge:\n", "no YAML any more from line 3 on", ""},
		{"levels", "bridge: {permissions: {'*': relay, x: User, '@a:x': admin, '@b:x': {commands: true}}}", "", ""},
		{"a level that there is not", "bridge:\n    permissions:\n        x: secret", "bridge.permissions (line 3) has no level that there is behind \"x\": write block, relay, commands, user or admin", ""},
		{"a level that is a number", "bridge: {permissions: {x: 100}}", "bridge.permissions (line 1) has no level", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			errs, unknown := CheckLayout([]byte(test.yaml))
			for what, list := range map[string][2]string{"wrong": {joined(errs), test.errs}, "unknown": {joined(unknown), test.unknown}} {
				if (list[0] == "") != (list[1] == "") || !strings.Contains(list[0], list[1]) || strings.Contains(list[0], "secret") {
					t.Errorf("%s is %q, want %q", what, list[0], list[1])
				}
			}
		})
	}
}

func joined(errs []error) string {
	if len(errs) == 0 {
		return ""
	}
	return errors.Join(errs...).Error()
}
