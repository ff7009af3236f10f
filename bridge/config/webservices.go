package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"matrix-msn/msn"
)

// defaultPlaceName is what the user's other endpoints show of the bridge.
const defaultPlaceName = "Matrix"

// webPaths are where services have their web services below one address, by the names
// of the settings in web_services.
var webPaths = map[string]string{
	"login":        "/RST.srf",
	"address_book": "/abservice/abservice.asmx",
	"sharing":      "/abservice/SharingService.asmx",
	"mailbox":      "/rsi/rsi.asmx",
	"post":         "/OimWS/oim.asmx",
	"storage":      "/storageservice/SchematizedStore.asmx",
}

// webServices returns the addresses of a service's web services. setting is the name
// of the entry, for errors.
func (cfg ServiceConfig) webServices(setting string) (msn.WebServices, error) {
	addresses := make(map[string]string)
	if cfg.Web != "" {
		if err := checkWeb(cfg.Web, "https://msn.example.com"); err != nil {
			return msn.WebServices{}, fmt.Errorf("%s.web: %w", setting, err)
		}
		for name, path := range webPaths {
			addresses[name] = strings.TrimSuffix(cfg.Web, "/") + path
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.WebServices)) {
		address := cfg.WebServices[name]
		if _, ok := webPaths[name]; !ok {
			return msn.WebServices{}, fmt.Errorf("%s.web_services.%s is no setting; there are %s",
				setting, name, strings.Join(slices.Sorted(maps.Keys(webPaths)), ", "))
		}
		if err := checkWeb(address, "https://login.example.com/RST.srf"); err != nil {
			return msn.WebServices{}, fmt.Errorf("%s.web_services.%s: %w", setting, name, err)
		}
		addresses[name] = address
	}
	return msn.WebServices{
		Login: addresses["login"], AddressBook: addresses["address_book"], Sharing: addresses["sharing"],
		Mailbox: addresses["mailbox"], Post: addresses["post"], Storage: addresses["storage"],
	}, nil
}

func checkGateway(gateway string) error {
	if gateway == "" {
		return nil
	}
	u, err := url.Parse(gateway)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no web address; write it like http://gateway.example.com/gateway/gateway.dll", gateway)
	}
	return nil
}
