package stack

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// ServerName is the name of every homeserver that this package starts, the part after the colon of its user IDs.
const ServerName = "localhost"

// DendriteOptions say how to start a homeserver.
type DendriteOptions struct {
	// Binary is the executable, from [build.Dendrite].
	Binary string
	// Dir takes the configuration, the databases and the log, dendrite.log. It is made if it is not there.
	Dir string
	// Port is where to listen on 127.0.0.1; 0 takes a free one.
	Port int
	// Registrations are the paths of the appservices' registration files. Dendrite reads them at start only.
	Registrations []string
	// Durable has what goes from one part of Dendrite to another written to disk too, so that Kill loses none of it.
	Durable bool
}

// Dendrite is a running homeserver. Its methods may be called from any goroutine.
type Dendrite struct {
	// URL is where clients reach it, as in "http://127.0.0.1:20000".
	URL string

	secret  string
	command command
	process *process
}

// StartDendrite configures and starts a homeserver without federation, with databases of its own in
// opts.Dir, and waits until it answers clients; ctx bounds that wait only. The homeserver ends with Stop.
func StartDendrite(ctx context.Context, opts DendriteOptions) (*Dendrite, error) {
	var err error
	if opts.Port, err = orFreePort(opts.Port); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make Dendrite's directory: %w", err)
	}
	secret := newToken()
	if err := writeDendriteConfig(opts, secret); err != nil {
		return nil, fmt.Errorf("configure Dendrite: %w", err)
	}
	d := &Dendrite{URL: "http://" + loopback(opts.Port), secret: secret, command: command{
		name: "Dendrite",
		path: opts.Binary,
		args: []string{"-config", dendriteConfigName, "-http-bind-address", loopback(opts.Port)},
		dir:  opts.Dir,
		log:  filepath.Join(opts.Dir, "dendrite.log"),
		// It closes its databases while it still works on what came last, and may panic over that.
		anyExit: true,
	}}
	if err := d.Restart(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Kill ends the homeserver at once, as a crash would. Restart brings it back; nothing else may be done meanwhile but
// by clients, which find nobody.
func (d *Dendrite) Kill() error {
	return d.process.kill()
}

// Restart starts the homeserver again after Kill, at the same address and with what it had, and waits until it
// answers; ctx bounds that wait only.
func (d *Dendrite) Restart(ctx context.Context) error {
	p, err := startProcess(d.command)
	if err != nil {
		return err
	}
	if err := p.waitReady(ctx, d.URL+"/_matrix/client/versions"); err != nil {
		_ = p.kill()
		return err
	}
	d.process = p
	return nil
}

// Stop ends the homeserver and waits for it. The error tells of a server that ended by itself or had to be killed.
func (d *Dendrite) Stop() error {
	return d.process.stop()
}

// RegisterUser makes a Matrix account with the given localpart and password. It fails when the name is taken.
func (d *Dendrite) RegisterUser(ctx context.Context, name, password string) error {
	url := d.URL + "/_synapse/admin/v1/register"
	var nonce struct {
		Nonce string `json:"nonce"`
	}
	if err := requestJSON(ctx, http.MethodGet, url, "", nil, &nonce); err != nil {
		return fmt.Errorf("register %s: ask for a nonce: %w", name, err)
	}
	err := requestJSON(ctx, http.MethodPost, url, "", map[string]any{
		"nonce":    nonce.Nonce,
		"username": name,
		"password": password,
		"admin":    false,
		"mac":      registrationMAC(d.secret, nonce.Nonce, name, password),
	}, nil)
	if err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	return nil
}

// NewUser registers a user with a random password and logs her in. See [Login].
func (d *Dendrite) NewUser(ctx context.Context, name string, options ...UserOption) (*User, error) {
	password := strings.ToLower(newToken()[:12])
	if err := d.RegisterUser(ctx, name, password); err != nil {
		return nil, err
	}
	return Login(ctx, d.URL, name, password, options...)
}
