package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"matrix-msn/bridge/config"
	"matrix-msn/bridge/reason"
	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// soon is how long before its end it is told of a certificate.
const soon = 14 * 24 * time.Hour

// dialled are the waits of a connection that is tried out. They are shorter than those of a sign-in:
// somebody sits there.
var dialled = msn.Timeouts{Dial: patience, Request: patience, Login: patience}

// CheckService connects to a service without an account: its server, with which a dialect is agreed
// on, and its web services.
func CheckService(ctx context.Context, s *config.Service) []Finding {
	f := findings{about: "service " + s.Key}
	cfg := s.Template
	cfg.Timeouts = dialled
	prefix := "network.services." + s.Key + "."
	about := reason.Subject{Service: s.Name, ServiceKey: s.Key, Name: prefix + "server"}
	dialect, err := msn.Probe(ctx, cfg)
	if err != nil {
		f.bad("%s", reason.Of(err, reason.Check, about).Sentence)
	} else {
		f.fine("%s answers at %s and speaks %v", s.Name, cfg.Server, dialect)
	}
	addresses := cfg.WebAddresses()
	answers := make([]answer, len(addresses))
	var asking sync.WaitGroup
	for i, address := range addresses {
		asking.Go(func() { answers[i] = askWeb(ctx, cfg, address, about) })
	}
	asking.Wait()
	told := make(map[string]bool) // a host that is away is away for all its services
	if err != nil {
		told[hostOf(cfg.Server)+reason.Of(err, reason.Check, about).Code] = true
	}
	lost, nexus := false, false
	var well []string
	var expires time.Time
	for i, a := range answers {
		lost = lost || a.level == Bad
		nexus = nexus || addresses[i] == cfg.NexusURL && a.level != Bad
		if a.level == Fine {
			well = append(well, a.says)
			if expires.IsZero() || !a.expires.IsZero() && a.expires.Before(expires) {
				expires = a.expires
			}
			continue
		}
		if a.trouble == "" || !told[a.trouble] {
			f.add(a.level, "%s", a.says)
		}
		told[a.trouble] = true
	}
	if len(well) > 0 {
		f.fine("its web services answer: %s%s", strings.Join(well, ", "), until(expires))
	}
	if older := without(cfg); lost && nexus && err == nil && older != "" {
		f.warn("until the web services answer, list only the versions that do without them: network.services.%s.dialects: [%s]", s.Key, older)
	}
	return f.list
}

// without are the dialects of a service that need no web services but the nexus.
func without(cfg msn.Config) string {
	var names []string
	for _, d := range cfg.Dialects {
		if d < wire.FirstSOAP && cfg.NexusURL != "" && len(cfg.Dialects) > 1 {
			names = append(names, d.String())
		}
	}
	if len(names) == len(cfg.Dialects) {
		return ""
	}
	return strings.Join(names, ", ")
}

// answer is what is found of one address.
type answer struct {
	level   Level
	says    string
	trouble string // host and kind of the trouble, "" if the address answers
	expires time.Time
}

// askWeb asks for one address of the web services.
func askWeb(ctx context.Context, cfg msn.Config, address string, about reason.Subject) answer {
	about.Name = "network.services." + about.ServiceKey + "." + settingOf(cfg, address)
	level := Bad
	switch address {
	case cfg.Web.Mailbox, cfg.Web.Post, cfg.Web.Storage: // without which a part is missing, and people sign in
		level = Warning
	}
	found, err := msn.ProbeWeb(ctx, cfg, address)
	switch left := time.Until(found.Expires); {
	case err != nil:
		why := reason.Of(err, reason.Check, about)
		host := address
		if u, err := url.Parse(address); err == nil {
			host = u.Hostname()
		}
		return answer{level, fmt.Sprintf("%s (%s)", why.Sentence, address), host + why.Code, found.Expires}
	case found.Status == http.StatusNotFound:
		return answer{level, fmt.Sprintf("There is nothing at the path of %s (%s answers HTTP 404): check it.", about.Name, address), "", found.Expires}
	case found.Status == http.StatusBadGateway, found.Status == http.StatusServiceUnavailable, found.Status == http.StatusGatewayTimeout:
		return answer{level, fmt.Sprintf("%s is out of order at %s (%s answers HTTP %d): try again later, or ask the service.", about.Service, about.Name, address, found.Status), "", found.Expires}
	case !found.Expires.IsZero() && left < soon:
		host, ends := siteOf(address), found.Expires.UTC().Format(time.DateOnly)
		return answer{Warning, fmt.Sprintf("The certificate of %s ends on %s: the service has to renew it.", host, ends), host + ends, found.Expires}
	}
	return answer{Fine, strings.TrimPrefix(settingOf(cfg, address), "web_services."), "", found.Expires}
}

// siteOf is the host of an address, with its port if that is written.
func siteOf(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return address
}

// hostOf is the host of a server that is written with its port or without.
func hostOf(server string) string {
	if host, _, err := net.SplitHostPort(server); err == nil {
		return host
	}
	return server
}

func until(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return fmt.Sprintf(", with certificates that are good until %s at least", expires.UTC().Format(time.DateOnly))
}

// settingOf names the setting of a service that an address comes from.
func settingOf(cfg msn.Config, address string) string {
	switch address {
	case cfg.NexusURL:
		return "nexus"
	case cfg.Web.Login:
		return "web_services.login"
	case cfg.Web.AddressBook:
		return "web_services.address_book"
	case cfg.Web.Sharing:
		return "web_services.sharing"
	case cfg.Web.Mailbox:
		return "web_services.mailbox"
	case cfg.Web.Storage:
		return "web_services.storage"
	}
	return "web_services.post"
}
