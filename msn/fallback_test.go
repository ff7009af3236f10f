package msn_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"matrix-msn/msn"
	"matrix-msn/msn/wire"
)

// Where a web service has another address, an account is signed in with a dialect that needs none, if that is wanted. What
// the service says of the user is no reason for it.
func TestSignInWithoutWebServices(t *testing.T) {
	t.Parallel()
	const nowhere = "https://127.0.0.1:1/none"
	for name, test := range map[string]struct {
		change func(*msn.Config)
		want   wire.Dialect // 0 for none
	}{
		"all are there":               {func(*msn.Config) {}, msn.MaxDialect},
		"the login is elsewhere":      {func(c *msn.Config) { c.Web.Login = nowhere }, wire.FirstSOAP - 1},
		"the book is elsewhere":       {func(c *msn.Config) { c.Web.AddressBook = nowhere }, wire.FirstSOAP - 1},
		"none of that is wanted":      {func(c *msn.Config) { c.Web.Login, c.FallBack = nowhere, false }, 0},
		"the password is wrong":       {func(c *msn.Config) { c.Password = "wrong" }, 0},
		"the password, and elsewhere": {func(c *msn.Config) { c.Web.Login, c.Password = nowhere, "wrong" }, 0},
		"and there is no other":       {func(c *msn.Config) { c.Web.Login, c.NexusURL, c.Dialects = nowhere, "", []wire.Dialect{18} }, 0},
		"newer ones are demanded":     {func(c *msn.Config) { c.Web.Login, c.Dialects = nowhere, []wire.Dialect{18, 15} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newService(t)
			cfg := webConfig(srv, alice, msn.MaxDialect)
			cfg.Dialects = nil // all
			cfg.FallBack = true
			var log bytes.Buffer
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			test.change(&cfg)
			client, err := msn.Login(t.Context(), cfg)
			if (err == nil) != (test.want != 0) {
				t.Fatalf("signed in with %v", err)
			}
			if strings.HasPrefix(name, "the password") && !errors.Is(err, msn.ErrBadCredentials) {
				t.Errorf("the error is %v", err)
			}
			fell := strings.Contains(log.String(), "web services cannot be used")
			if want := test.want == wire.FirstSOAP-1 || name == "the password, and elsewhere"; fell != want {
				t.Errorf("the log says that it falls back: %v", fell)
			}
			if err != nil {
				return
			}
			defer client.Close()
			if got := client.Dialect(); got != test.want {
				t.Errorf("the dialect is %v", got)
			}
		})
	}
}
