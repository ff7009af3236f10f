package config

import (
	"errors"
	"fmt"
	"net/url"

	"matrix-msn/msn"
)

// proxyForm says how the address of a proxy is written.
const proxyForm = "write it like socks5://proxy.example.com:1080, http://proxy.example.com:3128 or, with user name and password, " +
	"socks5://user:password@proxy.example.com:1080, with %40 for @, %3A for : and %2F for / in them"

// parseProxy reads the address of a proxy. Without one it returns nil. The error does not
// repeat it: there may be a password in it.
func parseProxy(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("it is no address; " + proxyForm)
	}
	if err := msn.CheckProxy(u); err != nil {
		return nil, fmt.Errorf("it is no address of a proxy: %w; %s", err, proxyForm)
	}
	return u, nil
}
