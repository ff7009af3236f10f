package msn

import (
	"errors"
	"net/http"
	"testing"

	"matrix-msn/msn/wire"
)

func TestPasswordIsNotSentToOthers(t *testing.T) {
	login := "https://login.msn.example.com/login"
	for name, test := range map[string]struct {
		nexus, location string
		want            error
	}{
		"DALogin by http":                   {nexus: "DALogin=http://login.msn.example.com/login"},
		"DALogin at another host":           {nexus: "DALogin=evil.example.net/login"},
		"DALogin at loopback":               {nexus: "DALogin=https://127.0.0.1/login"},
		"DALogin at a metadata service":     {nexus: "DALogin=https://169.254.169.254/latest"},
		"DALogin at a private host":         {nexus: "DALogin=https://10.0.0.1/"},
		"DALogin at another port":           {nexus: "DALogin=https://login.msn.example.com:8443/login"},
		"DALogin with a user name":          {nexus: "DALogin=https://login.msn.example.com@evil.example.net/"},
		"Location by http":                  {nexus: "DALogin=" + login, location: "http://login.msn.example.com/2"},
		"Location at another host":          {nexus: "DALogin=" + login, location: "https://evil.example.net/2"},
		"Location at a name that ends like": {nexus: "DALogin=" + login, location: "https://evilmsn-example.com/2"},
		"Location of another scheme":        {nexus: "DALogin=" + login, location: "ftp://login.msn.example.com/"},
		"Location at loopback":              {nexus: "DALogin=" + login, location: "https://[::1]/"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newFakeNet(t)
			cfg := fakeConfig(n, 8)
			var leaks []string
			cfg.https = roundTripper(func(r *http.Request) (*http.Response, error) {
				answer := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
				if r.URL.String() == fakeNexus {
					answer.Header.Set("PassportURLs", test.nexus)
					return answer, nil
				}
				if r.URL.String() != login {
					leaks = append(leaks, r.URL.String())
				}
				answer.StatusCode = 302
				answer.Header.Set("Location", test.location)
				answer.Header.Set("Authentication-Info", "Passport1.4 da-status=redir")
				return answer, nil
			})
			result := goLogin(t, cfg)
			ns := n.accept(fakeServer)
			upTo("USR I")(ns)
			ns.send("USR 3 TWN S ct=1")
			_, err := waitLogin(t, result)
			if !errors.Is(err, ErrUntrusted) {
				t.Errorf("error %v", err)
			}
			if len(leaks) != 0 {
				t.Errorf("the password went to %v", leaks)
			}
		})
	}
}

func TestLoginRefusesConfigurations(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no account":             func(c *Config) { c.Account = "" },
		"account with a space":   func(c *Config) { c.Account = "a b@example.com" },
		"account with a line":    func(c *Config) { c.Account = "a@example.com\r\nOUT" },
		"account with NUL":       func(c *Config) { c.Account = "a\x00@example.com" },
		"no server":              func(c *Config) { c.Server = "" },
		"server with a line":     func(c *Config) { c.Server = "x\r\n:1863" },
		"port that is none":      func(c *Config) { c.Server = "ns.example.com:port" },
		"dialect too new":        func(c *Config) { c.Dialects = []wire.Dialect{15} },
		"dialect without nexus":  func(c *Config) { c.NexusURL = "" },
		"nexus that is no URL":   func(c *Config) { c.NexusURL = "nexus" },
		"status Offline":         func(c *Config) { c.Status = Offline },
		"status with a space":    func(c *Config) { c.Status = "NLN 1\r\nOUT" },
		"trusted host like this": func(c *Config) { c.Trust.Hosts = []string{"a b:1"} },
	} {
		n := newFakeNet(t)
		cfg := fakeConfig(n, 8)
		change(&cfg)
		if _, err := Login(t.Context(), cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: error %v", name, err)
		}
		if len(n.addresses()) != 0 {
			t.Errorf("%s: connected", name)
		}
	}
}

func TestLoginIdentityCannotInjectCommands(t *testing.T) {
	n := newFakeNet(t)
	cfg := fakeConfig(n, 8)
	cfg.Identity = Identity{Locale: "0x0409", OS: "a b", OSVer: "1\r\nOUT", Arch: "x", Client: "\t", Version: "1", Brand: "\x00"}
	result := goLogin(t, cfg)
	ns := n.accept(fakeServer)
	ns.read()
	ns.send("VER 1 MSNP8")
	ns.expect("CVR 2 0x0409 a%20b 1%0D%0AOUT x %09 1 %00 alice@example.com")
	ns.close()
	_, _ = waitLogin(t, result)
}
