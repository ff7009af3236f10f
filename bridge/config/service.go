package config

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"matrix-msn/bridge/names"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// ServiceConfig is one entry of network.services: an MSN service that users can
// sign in to. What is left out comes from the preset.
type ServiceConfig struct {
	Preset       string   `yaml:"preset"`
	Name         string   `yaml:"name"`
	Server       string   `yaml:"server"`
	Nexus        string   `yaml:"nexus"`
	Dialects     []string `yaml:"dialects"`
	Hosts        []string `yaml:"hosts"`
	AllowPrivate bool     `yaml:"allow_private_addresses"`
	CAFile       string   `yaml:"ca_file"`
	Proxy        string   `yaml:"proxy"`
	Paging       string   `yaml:"paging"`
	PageGrace    string   `yaml:"page_grace"`
	Client       string   `yaml:"client"`

	Web         string            `yaml:"web"`
	WebServices map[string]string `yaml:"web_services"`
	Gateway     string            `yaml:"gateway"`
	PlaceName   string            `yaml:"place_name"`
	FallBack    *bool             `yaml:"fall_back"`
}

// presets are the services that are known by name.
var presets = map[string]ServiceConfig{
	"escargot": {
		Name:   "Escargot",
		Server: "msnmsgr.escargot.chat:1863",
		Nexus:  "https://msnmsgr.escargot.chat/rdr/pprdr.asp",
		Web:    "https://msnmsgr.escargot.chat",
		Paging: pagingNever, // takes the page for commands, and loses the next one
	},
	"crosstalk": {
		Name:   "CrossTalk",
		Server: "ms.msgrsvcs.ctsrv.gay:1863",
		Nexus:  "https://pp.login.ugnet.gay/rdr/pprdr.asp",
		// As public clients name them; the bridge was not tried there.
		WebServices: map[string]string{
			"login":        "https://ctas.login.ugnet.gay/RST.srf",
			"address_book": "https://ctsvcs.addressbook.ugnet.gay/abservice/abservice.asmx",
			"sharing":      "https://ctsvcs.addressbook.ugnet.gay/abservice/SharingService.asmx",
			"mailbox":      "https://cts.storage.ugnet.gay/rsi/rsi.asmx",
			"post":         "https://cts.storage.ugnet.gay/OimWS/oim.asmx",
		},
		FallBack: new(true),
		Hosts:    []string{".ctsrv.gay", ".ugnet.gay"},
		Paging:   pagingNever,
	},
}

// Service is a ServiceConfig that was checked, ready for signing in.
type Service struct {
	Key  string // in network.services
	Name string // for people to read
	// Template is the config of a sign-in but for account, password and log.
	Template msn.Config
}

// ErrNoService says that the config does not have the service of a login.
var ErrNoService = errors.New("the service is not in the config")

// Configured reports whether the config has the service: a login can be of one that it
// does not have any more.
func (s *Service) Configured() bool { return s.Template.Server != "" }

// newService checks one entry. The error is a sentence for the admin that begins
// with the setting at fault.
func newService(key string, cfg ServiceConfig) (*Service, error) {
	setting := "network.services." + key
	preset := cfg.Preset
	if preset == "" && cfg.Server == "" {
		preset = key
	}
	if preset != "" {
		base, ok := presets[preset]
		if !ok {
			return nil, fmt.Errorf("%s has no server, and %q is no preset: set %[1]s.server to the host and port of the service, "+
				"or %[1]s.preset to one of %[3]s", setting, preset, presetNames())
		}
		cfg = cfg.over(base)
	}
	if cfg.Name == "" {
		cfg.Name = key
	}
	if err := checkServer(cfg.Server); err != nil {
		return nil, fmt.Errorf("%s.server: %w", setting, err)
	}
	if err := checkNexus(cfg.Nexus); err != nil {
		return nil, fmt.Errorf("%s.nexus: %w", setting, err)
	}
	if err := checkHosts(cfg.Hosts); err != nil {
		return nil, fmt.Errorf("%s.hosts: %w", setting, err)
	}
	web, err := cfg.webServices(setting)
	if err != nil {
		return nil, err
	}
	if err := checkGateway(cfg.Gateway); err != nil {
		return nil, fmt.Errorf("%s.gateway: %w", setting, err)
	}
	dialects, err := parseDialects(cfg.Dialects)
	if err != nil {
		return nil, fmt.Errorf("%s.dialects: %w", setting, err)
	}
	if len(dialects) == 0 {
		dialects = safeDialects(cfg.Nexus, web)
	}
	if err := checkAddresses(setting, dialects, cfg.Nexus, web); err != nil {
		return nil, err
	}
	paging, err := parsePaging(cfg.Paging)
	if err != nil {
		return nil, fmt.Errorf("%s.paging: %w", setting, err)
	}
	grace, err := parseGrace(cfg.PageGrace)
	if err != nil {
		return nil, fmt.Errorf("%s.page_grace: %w", setting, err)
	}
	announced, err := parseClient(cfg.Client)
	if err != nil {
		return nil, fmt.Errorf("%s.client: %w", setting, err)
	}
	proxy, err := parseProxy(cfg.Proxy)
	if err != nil {
		return nil, fmt.Errorf("%s.proxy: %w", setting, err)
	}
	var trusted func() *x509.CertPool
	if cfg.CAFile != "" {
		roots, err := newRoots(cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("%s.ca_file: %w", setting, err)
		}
		trusted = roots.Pool
	}
	return &Service{Key: key, Name: cfg.Name, Template: msn.Config{
		Server:   cfg.Server,
		NexusURL: cfg.Nexus,
		Web:      web,
		Gateway:  cfg.Gateway,
		Dialects: dialects,
		FallBack: cfg.FallBack != nil && *cfg.FallBack,
		Trust:    msn.Trust{Hosts: cfg.Hosts, AllowPrivate: cfg.AllowPrivate},
		Roots:    trusted,
		Proxy:    proxy,
		Paging:   paging,
		Timeouts: msn.Timeouts{Page: grace},
		Shared:   new(msn.Shared),

		Identity:     announced.identity,
		SkipVersion:  announced.skip,
		EndpointName: cmp.Or(names.OneLine(cfg.PlaceName), defaultPlaceName),
	}}, nil
}

// over returns cfg with what it leaves out taken from base.
func (cfg ServiceConfig) over(base ServiceConfig) ServiceConfig {
	if cfg.Name == "" {
		cfg.Name = base.Name
	}
	if cfg.Server == "" {
		cfg.Server = base.Server
	}
	if cfg.Nexus == "" {
		cfg.Nexus = base.Nexus
	}
	if len(cfg.Dialects) == 0 {
		cfg.Dialects = base.Dialects
	}
	cfg.Web = cmp.Or(cfg.Web, base.Web)
	cfg.Gateway = cmp.Or(cfg.Gateway, base.Gateway)
	cfg.Proxy = cmp.Or(cfg.Proxy, base.Proxy)
	cfg.PlaceName = cmp.Or(cfg.PlaceName, base.PlaceName)
	cfg.Paging = cmp.Or(cfg.Paging, base.Paging)
	cfg.PageGrace = cmp.Or(cfg.PageGrace, base.PageGrace)
	cfg.Client = cmp.Or(cfg.Client, base.Client)
	cfg.FallBack = cmp.Or(cfg.FallBack, base.FallBack)
	services := maps.Clone(base.WebServices)
	if services == nil {
		services = make(map[string]string)
	}
	maps.Copy(services, cfg.WebServices)
	cfg.WebServices = services
	cfg.Hosts = append(append([]string{}, base.Hosts...), cfg.Hosts...)
	return cfg
}

func checkServer(server string) error {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		if server == "" || strings.ContainsAny(server, ":/ ") {
			return fmt.Errorf("%q is no host and port; write it like messenger.example.com:1863", server)
		}
		return nil // a host alone: the default port
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || host == "" {
		return fmt.Errorf("%q is no host and port; write it like messenger.example.com:1863", server)
	}
	return nil
}

func checkNexus(nexus string) error {
	return checkWeb(nexus, "https://nexus.example.com/rdr/pprdr.asp")
}

// checkWeb checks an address to which passwords are sent, of which there is an example.
func checkWeb(address, example string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is no web address; write it like %s", address, example)
	}
	if u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%q must begin with https://, because passwords are sent there", address)
}

// checkHosts checks the names, each perhaps with a leading dot or a port.
func checkHosts(hosts []string) error {
	for _, host := range hosts {
		name := strings.TrimPrefix(host, ".")
		if name == "" || strings.ContainsAny(name, " /@") {
			return fmt.Errorf("%q is no host; write it like sb.example.com, .example.com or sb.example.com:1900", host)
		}
		if net.ParseIP(name) != nil {
			continue
		}
		if err := checkServer(name); err != nil {
			return fmt.Errorf("%q is no host; write it like sb.example.com, .example.com or sb.example.com:1900", host)
		}
	}
	return nil
}

// IsLoopback reports whether a host is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func parseDialects(names []string) ([]wire.Dialect, error) {
	var dialects []wire.Dialect
	for _, name := range names {
		dialect, ok := wire.ParseDialect(name)
		if !ok || dialect > msn.MaxDialect {
			return nil, fmt.Errorf("%q is no dialect that the bridge speaks; those are MSNP2 to %v", name, msn.MaxDialect)
		}
		dialects = append(dialects, dialect)
	}
	return dialects, nil
}

// safeDialects are those that are offered unless the config says otherwise, the
// best first. The older ones send the password as a hash that anybody on the path
// could crack, and could bring about by answering in the server's place. The newer
// ones need web services.
func safeDialects(nexus string, web msn.WebServices) (dialects []wire.Dialect) {
	for d := msn.MaxDialect; d >= wire.FirstTweener; d-- {
		if d >= wire.FirstSOAP && web == (msn.WebServices{}) || d < wire.FirstSOAP && nexus == "" && web.Login == "" && web != (msn.WebServices{}) {
			continue
		}
		dialects = append(dialects, d)
	}
	return dialects
}

// checkAddresses reports what the dialects need that is not set.
func checkAddresses(setting string, dialects []wire.Dialect, nexus string, web msn.WebServices) error {
	highest := slices.Max(dialects)
	switch {
	case highest >= wire.FirstSOAP && (web.Login == "" || web.AddressBook == "" || web.Sharing == ""):
		return fmt.Errorf("%s.web is not set, but MSNP13 and later keep the contact list in web services: "+
			"set it to the address of the service's web services, or list only dialects up to MSNP12 in %[1]s.dialects", setting)
	case nexus == "" && web.Login == "" && highest >= wire.FirstTweener:
		return fmt.Errorf("%s.nexus is not set, but MSNP8 and later sign in over HTTPS: "+
			"set it to the address of the service's nexus, or list only dialects up to MSNP7 in %[1]s.dialects", setting)
	}
	return nil
}
