package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/util/configupgrade"
	"gopkg.in/yaml.v3"

	"matrix-msn/msn"
)

func TestExampleSectionNeedsNothingButAKey(t *testing.T) {
	t.Parallel()
	var c Config
	if err := yaml.Unmarshal([]byte(Example), &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "credential_key") {
		t.Errorf("without a key: %v", err)
	}
	c.CredentialKey = newKey()
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	if keys := c.ServiceKeys(); !slices.Equal(keys, []string{"crosstalk", "escargot"}) {
		t.Errorf("the services are %q", keys)
	}
}

func TestSettingsOfOnesOwnGoOverThePreset(t *testing.T) {
	t.Parallel()
	s, err := newService("mine", ServiceConfig{Preset: "escargot", Name: "Mine", Hosts: []string{"sb.example.net"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "Mine" || s.Template.Server != presets["escargot"].Server || len(s.Template.Trust.Hosts) != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestEveryBadSettingHasItsSentence(t *testing.T) {
	t.Parallel()
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	const good = "credential_key: 0123456789abcdef0123\ndisplayname_template: '{{.Account}}'\n"
	for _, test := range []struct{ name, yaml, want string }{
		{"no services", good, "network.services is empty"},
		{"unknown presence", good + "presence: on", "network.presence is \"on\": set it to off, changes or full"},
		{"unknown status", good + "status: invisible", "network.status is \"invisible\": set it to one of follow, activity, online"},
		{"short key", "credential_key: short\ndisplayname_template: x\nservices: {escargot: {}}", "network.credential_key is shorter"},
		{"bad key of a service", good + "services: {My Service: {preset: escargot}}", `the key "My Service"`},
		{"unknown preset", good + "services: {a: {preset: hotmail}}", `"hotmail" is no preset`},
		{"neither server nor preset", good + "services: {home: {}}", "set network.services.home.server"},
		{"server without port", good + "services: {a: {server: 'x:', dialects: [MSNP7]}}", "network.services.a.server"},
		{"server is a URL", good + "services: {a: {server: 'http://x', dialects: [MSNP7]}}", "network.services.a.server"},
		{"port out of range", good + "services: {a: {server: 'x:70000', dialects: [MSNP7]}}", "network.services.a.server"},
		{"nexus without https", good + "services: {a: {server: 'x:1863', nexus: 'http://x/rdr'}}", "must begin with https://"},
		{"nexus missing", good + "services: {a: {server: 'x:1863'}}", "network.services.a.nexus is not set"},
		{"unknown dialect", good + "services: {a: {server: 'x:1863', dialects: [MSNP99]}}", `"MSNP99" is no dialect`},
		{"dialect that is not spoken", good + "services: {a: {server: 'x:1863', dialects: [MSNP19]}}", `"MSNP19" is no dialect`},
		{"web services missing", good + "services: {a: {server: 'x:1863', nexus: 'https://x/', dialects: [MSNP18]}}", "network.services.a.web is not set"},
		{"web services without login", good + "services: {a: {server: 'x:1863', dialects: [MSNP15], web_services: {address_book: 'https://x/a', sharing: 'https://x/s'}}}", "network.services.a.web is not set"},
		{"web services without a scheme", good + "services: {a: {server: 'x:1863', web: 'x:4443'}}", "write it like https://msn.example.com"},
		{"web services without https", good + "services: {a: {server: 'x:1863', web: 'http://x'}}", "network.services.a.web: \"http://x\" must begin with https://"},
		{"unknown web service", good + "services: {a: {server: 'x:1863', web_services: {weather: 'https://x'}}}", "network.services.a.web_services.weather is no setting"},
		{"web service without https", good + "services: {a: {server: 'x:1863', web: 'https://x', web_services: {post: 'http://x/oim'}}}", "network.services.a.web_services.post"},
		{"gateway that is no address", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], gateway: 'x:80'}}", "network.services.a.gateway"},
		{"no such certificate file", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], ca_file: /nonexistent}}", "network.services.a.ca_file"},
		{"certificate file without certificate", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], ca_file: " + notPEM + "}}", "holds no certificate"},
		{"proxy that is none", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], proxy: 'proxy:1080'}}", "network.services.a.proxy: it is no address of a proxy: it begins with none of socks5:// and http://"},
		{"proxy of another kind", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], proxy: 'https://proxy:1080'}}", "network.services.a.proxy: it is no address of a proxy"},
		{"proxy with half of its credentials", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], proxy: 'socks5://user@proxy'}}", "SOCKS5 needs user name and password, or neither"},
		{"proxy with long credentials", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], proxy: 'http://" + strings.Repeat("u", 256) + "@proxy'}}", "more than 255 bytes"},
		{"host that is none", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], hosts: ['a b']}}", "network.services.a.hosts"},
		{"host is a URL", good + "services: {a: {server: 'x:1863', dialects: [MSNP7], hosts: ['http://x/']}}", "network.services.a.hosts"},
		{"unknown preset names the presets", good + "services: {a: {preset: nope}}", "to one of crosstalk, escargot"},
		{"template with an unknown variable", "credential_key: 0123456789abcdef\ndisplayname_template: '{{.Foo}}'\nservices: {escargot: {}}", "network.displayname_template"},
		{"unknown place for alerts", good + "alerts: mail\nservices: {escargot: {}}", `network.alerts is "mail": set it to room, management or off`},
		{"locale out of range", good + "locale: 0x10000\nservices: {escargot: {}}", "network.locale is 0x10000"},
		{"keeping time that is none", good + "keep_for_offline: week\nservices: {escargot: {}}", `network.keep_for_offline: "week" is no time from 0s to 2160h`},
		{"outage that is no time", good + "keep_in_outage: 90m\nservices: {escargot: {}}", `network.keep_in_outage: "90m" is no time from 0s to 1h; write it like 5m`},
		{"keeping time too long", good + "keep_for_offline: 9000h\nservices: {escargot: {}}", "network.keep_for_offline"},
		{"unknown paging", good + "services: {escargot: {paging: sometimes}}", `network.services.escargot.paging: "sometimes" is none of auto, always and never`},
		{"grace that is no time", good + "services: {escargot: {page_grace: 30}}", `network.services.escargot.page_grace: "30" is no time from 100ms to 5m0s; write it like 30s`},
		{"grace too long", good + "services: {escargot: {page_grace: 1h}}", "network.services.escargot.page_grace"},
		{"unknown client", good + "services: {escargot: {client: pidgin}}", `network.services.escargot.client: "pidgin" is none of official, honest and none`},
		{"remembered too short", good + "keep_alerts: 191h\nservices: {escargot: {}}", `network.keep_alerts: "191h" is no time from 192h to 876000h; write it like 2160h`},
		{"remembered for less than nothing", good + "keep_messages: -200h\nservices: {escargot: {}}", "network.keep_messages"},
		{"remembered for thousands of years", good + "keep_pages: 2000000h\nservices: {escargot: {}}", "network.keep_pages"},
		{"remembered without unit", good + "keep_pictures: '90'\nservices: {escargot: {}}", "network.keep_pictures"},
		{"empty template", "credential_key: 0123456789abcdef\nservices: {escargot: {}}", "network.displayname_template"},
		{"broken template", "credential_key: 0123456789abcdef\ndisplayname_template: '{{'\nservices: {escargot: {}}", "network.displayname_template"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var c Config
			err := yaml.Unmarshal([]byte(test.yaml), &c)
			if err == nil {
				err = c.Check()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestWhatTheUpgradeWouldOverwriteIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, yaml, want string }{
		{"nothing", "", ""},
		{"example", "network:\n  credential_key: generate\n  displayname_template: x\n  services:\n    escargot: {preset: escargot}\n", ""},
		{"aliases", "k: &k a long random text\nnetwork: {credential_key: *k, services: {a: &a {preset: escargot}, b: *a}}", ""},
		{"merge key", "network: {services: {a: &a {preset: escargot}, b: {<<: *a}}}", "merge keys"},
		{"key of digits", "network: {credential_key: 1234567890123456}", "put it in quotes"},
		{"template is a list", "network: {displayname_template: [1]}", "network.displayname_template"},
		{"services are a list", "network: {services: [escargot]}", "network.services"},
		{"misspelt setting", "network: {credentials_key: x}", "network.credentials_key"},
		{"misspelt setting of a service", "network: {services: {a: {sever: x}}}", "network.services.a.sever"},
		{"setting of the wrong type", "network: {services: {a: {hosts: {x: y}}}}", "network.services.a"},
		{"alerts, icons and locale", "network: {alerts: off, alert_icons: true, locale: 0x0407, services: {a: {paging: never, page_grace: 5s, client: honest}}}", ""},
		{"alerts are a switch", "network: {alerts: true}", "network.alerts (line 1) must be room, management or off"},
		{"icons are a text", "network: {alert_icons: maybe}", "network.alert_icons (line 1) must be true or false"},
		{"locale is a text", "network: {locale: '0x0409'}", "network.locale (line 1) must be the number of a Windows locale"},
		{"time to keep messages without unit", "network: {keep_for_offline: 0}", "network.keep_for_offline (line 1) must be a time with its unit"},
		{"time to keep messages", "network: {keep_for_offline: 0s}", ""},
		{"time to remember without unit", "network: {keep_messages: 90}", "network.keep_messages (line 1) must be a time with its unit, such as 2160h, or 0s for ever"},
		{"presence and status", "network: {presence: changes, status: activity}", ""},
		{"presence is off", "network: {presence: off}", ""},
		{"presence is a switch", "network: {presence: false}", "network.presence (line 1) must be off, changes or full"},
		{"status is a list", "network: {status: [online]}", "network.status (line 1) must be one of follow, activity, online"},
		{"sizes of files", "network: {files: {accept_below: 0, send_below: 10 MB}}", ""},
		{"files are a number", "network: {files: 5}", "network.files (line 1) must hold accept_below, send_below and direct"},
		{"misspelt setting of files", "network: {files: {accept: 5}}", "network.files.accept (line 1) is no setting"},
		{"files by direct connections", "network: {files: {direct: true}}", ""},
		{"direct is a word", "network: {files: {direct: sometimes}}", "network.files.direct (line 1) must be true or false"},
		{"size is a list", "network: {files: {send_below: [5 MB]}}", "network.files.send_below (line 1) must be a size"},
		{"no YAML", "network: {", "no YAML"},
		{"a text in the place of the section", "network: x", "network (line 1) must hold settings"},
		{"a list in the place of the section", "network: [x]", "network (line 1) must hold settings"},
		{"an empty section", "network:", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := CheckFile([]byte(test.yaml))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// Pages make Escargot, and services made of it, lose the next command.
func TestPresetsThatKnowNoPagesAreSentNone(t *testing.T) {
	t.Parallel()
	for key := range presets {
		s, err := newService(key, ServiceConfig{Preset: key})
		if err != nil || s.Template.Paging != msn.PageNobody {
			t.Errorf("%s: paging %v, %v", key, s.Template.Paging, err)
		}
		if s, err = newService(key, ServiceConfig{Preset: key, Paging: pagingAlways}); err != nil || s.Template.Paging != msn.PageAnybody {
			t.Errorf("%s with a setting: paging %v, %v", key, s.Template.Paging, err)
		}
	}
	if s, err := newService("a", ServiceConfig{Server: "x:1863", Dialects: []string{"MSNP7"}, PageGrace: "5s", Client: "none"}); err != nil ||
		s.Template.Paging != msn.PageMobile || s.Template.Timeouts.Page != 5*time.Second || !s.Template.SkipVersion {
		t.Errorf("a service of one's own: %+v, %v", s, err)
	}
}

// The framework writes the config anew at every start, by what the connector tells
// it to carry over.
func TestUpgradeOfTheConfigKeepsEverySetting(t *testing.T) {
	t.Parallel()
	var base, own yaml.Node
	if err := yaml.Unmarshal([]byte(Example), &base); err != nil {
		t.Fatal(err)
	}
	const text = "displayname_template: x\ncredential_key: 0123456789abcdef\nalerts: off\nalert_icons: true\nlocale: 0x0407\nkeep_for_offline: 24h\nkeep_in_outage: 1m\nkeep_alerts: 200h\nkeep_pages: 0s\nkeep_pictures: 300h\nkeep_messages: 8760h\nmetrics: \"127.0.0.1:9464\"\npresence: changes\nstatus: hidden\nfollow_name: true\nfollow_picture: true\ngroup_spaces: true\nemoticons: false\nmarkup: true\nread_receipts: true\nrelay_joins: true\nfiles: {accept_below: 0, send_below: 5 MB, direct: true}\nservices:\n    a: {server: x, paging: always, web_services: {login: y}, gateway: z}\n"
	if err := yaml.Unmarshal([]byte(text), &own); err != nil {
		t.Fatal(err)
	}
	configupgrade.SimpleUpgrader(new(Config).Upgrade).DoUpgrade(configupgrade.NewHelper(&base, &own))
	var got, want Config
	if err := base.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	// All settings are among them, and none has the value of the example.
	var example Config
	if err := yaml.Unmarshal([]byte(Example), &example); err != nil {
		t.Fatal(err)
	}
	for i, other := range reflect.ValueOf(example).Fields() {
		if field := reflect.TypeFor[Config]().Field(i.Index[0]); field.IsExported() && reflect.DeepEqual(reflect.ValueOf(want).Field(i.Index[0]).Interface(), other.Interface()) {
			t.Errorf("%s is not tried", field.Name)
		}
	}
	got.displayname, want.displayname = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("after the upgrade the config is %+v, want %+v", got, want)
	}
}

func TestGeneratedKeyMustBeInTheFile(t *testing.T) {
	t.Parallel()
	c := &Config{generatedKey: "generated", CredentialKey: "generated"}
	if err := c.CheckKeyIsSaved([]byte("network: {credential_key: generate}")); err == nil {
		t.Error("a key that is nowhere saved is used")
	}
	if err := c.CheckKeyIsSaved([]byte("network: {credential_key: generated}")); err != nil {
		t.Error(err)
	}
	c.CredentialKey = "from the environment"
	if err := c.CheckKeyIsSaved(nil); err != nil {
		t.Error(err)
	}
}

func TestNexusOverHTTPOnLoopbackIsAllowed(t *testing.T) {
	t.Parallel()
	for _, nexus := range []string{"http://127.0.0.1:8080/rdr/pprdr.asp", "http://localhost/rdr/pprdr.asp", "http://[::1]/rdr"} {
		if err := checkNexus(nexus); err != nil {
			t.Error(err)
		}
	}
}

// The table of settings is what a Config reads, and the example is a file that may be used.
func TestSettingsAreThoseOfTheConfig(t *testing.T) {
	t.Parallel()
	var fields []string
	for field := range reflect.TypeFor[Config]().Fields() {
		if name := field.Tag.Get("yaml"); name != "" {
			fields = append(fields, name)
		}
	}
	var names []string
	for _, setting := range settings {
		names = append(names, setting.name)
	}
	slices.Sort(fields)
	slices.Sort(names)
	if !slices.Equal(fields, names) {
		t.Errorf("a Config has %v, the table %v", fields, names)
	}
	if err := CheckFile([]byte("network:\n    " + strings.ReplaceAll(Example, "\n", "\n    "))); err != nil {
		t.Error(err)
	}
}
