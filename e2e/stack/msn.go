package stack

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"matrix-msn/msn"
	"matrix-msn/msn/msntest"
)

// MSNOptions say how to start an MSN service.
type MSNOptions struct {
	// Key is the service's key in the bridge's configuration.
	Key string
	// Name is what users are told; empty means the key.
	Name string
	// Dir takes the certificate of the service's login server.
	Dir string
	// Web gives the bridge and people the service's web services, and so MSNP13 and later.
	Web bool
	// Server are further options of the server itself.
	Server []msntest.Option
	// Settings are further settings of the service in the bridge's configuration.
	Settings map[string]any
}

// MSN is an MSN service in this process, whose server is embedded.
type MSN struct {
	*msntest.Server

	opts            MSNOptions
	certificatePath string
}

// StartMSN starts a service on 127.0.0.1 at free ports. It ends with Close.
func StartMSN(ctx context.Context, opts MSNOptions) (*MSN, error) {
	server, err := msntest.Start(context.WithoutCancel(ctx), opts.Server...)
	if err != nil {
		return nil, fmt.Errorf("start the MSN service %s: %w", opts.Key, err)
	}
	m := &MSN{Server: server, opts: opts, certificatePath: filepath.Join(opts.Dir, opts.Key+"-ca.pem")}
	if err := os.WriteFile(m.certificatePath, server.CertPEM(), 0o600); err != nil {
		server.Close()
		return nil, fmt.Errorf("write the certificate of the MSN service %s: %w", opts.Key, err)
	}
	return m, nil
}

// Key returns the key of the service in the bridge's configuration.
func (m *MSN) Key() string { return m.opts.Key }

// AddPerson makes an account with a display name.
func (m *MSN) AddPerson(account, password, name string, opts ...msntest.AccountOption) {
	m.AddAccount(account, password, append([]msntest.AccountOption{msntest.Name(name)}, opts...)...)
}

// SignIn signs the person with that account in, with a client of her own. See [SignIn].
func (m *MSN) SignIn(ctx context.Context, account, password string) (*Person, error) {
	config := msn.Config{
		Account:  account,
		Password: password,
		Server:   m.Addr(),
		NexusURL: m.NexusURL(),
		Trust:    msn.Trust{AllowPrivate: true},
		RootCAs:  m.CertPool(),
	}
	if m.opts.Web {
		web := m.Web()
		config.Web = msn.WebServices{
			Login: web.Login, AddressBook: web.AddressBook, Sharing: web.Sharing, Mailbox: web.Mailbox, Post: web.Post,
		}
	}
	return SignIn(ctx, config)
}

// RemoteID returns what the bridge calls an account of this service, for [Bridge.Ghost].
func (m *MSN) RemoteID(account string) string {
	return m.opts.Key + "/" + account
}

// Services returns the settings by which a bridge knows these services and no others, for [BridgeOptions.Settings].
func Services(services ...*MSN) map[string]any {
	section := make(map[string]any, len(services))
	for _, m := range services {
		settings := map[string]any{
			"name":                    m.opts.Name,
			"server":                  m.Addr(),
			"nexus":                   m.NexusURL(),
			"ca_file":                 m.certificatePath,
			"allow_private_addresses": true,
		}
		if m.opts.Web {
			settings["web"] = strings.TrimSuffix(m.Web().Login, msntest.RSTPath)
		}
		maps.Copy(settings, m.opts.Settings)
		section[m.opts.Key] = settings
	}
	return map[string]any{"network.services": section}
}
