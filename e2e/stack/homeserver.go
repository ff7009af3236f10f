package stack

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// ServerName is the name of every homeserver that this package starts, the part after the colon of its user IDs.
const ServerName = "localhost"

// maxUploadBytes is the size of the largest file that a homeserver of a stack takes.
const maxUploadBytes = 100 << 20

// HomeserverOptions say how to start a homeserver.
type HomeserverOptions struct {
	// Kind is the program, [Dendrite] or [Synapse].
	Kind HomeserverKind
	// Dir takes the configuration, the databases and the log, homeserver.log. It is made if it is not there.
	Dir string
	// Port is where to listen on 127.0.0.1; 0 takes a free one.
	Port int
	// Registrations are the paths of the appservices' registration files, which are read at the start only.
	Registrations []string
	// Durable has what goes from one part of the homeserver to another written to disk too, so that Kill loses none of
	// it. What has no such parts does so anyway.
	Durable bool
}

// Homeserver is a running homeserver. Its methods may be called from any goroutine.
type Homeserver struct {
	// URL is where clients reach it, as in "http://127.0.0.1:20000".
	URL string
	// Kind is the program.
	Kind HomeserverKind

	secret  string
	command command
	process *process
}

// StartHomeserver configures and starts a homeserver without federation, with databases of its own in
// opts.Dir, and waits until it answers clients; ctx bounds that wait only. The homeserver ends with Stop.
func StartHomeserver(ctx context.Context, opts HomeserverOptions) (_ *Homeserver, err error) {
	fail := func(doing string, err error) (*Homeserver, error) {
		return nil, fmt.Errorf("%s %s: %w", doing, opts.Kind.Name(), err)
	}
	if opts.Port, err = orFreePort(opts.Port); err != nil {
		return nil, err
	}
	// The program runs in its directory, so that no path may be relative to ours.
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return fail("find the directory of", err)
	}
	registrations := make([]string, len(opts.Registrations))
	for i, path := range opts.Registrations {
		if registrations[i], err = filepath.Abs(path); err != nil {
			return fail("find a registration for", err)
		}
	}
	opts.Registrations = registrations
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return fail("make the directory of", err)
	}
	h := &Homeserver{URL: "http://" + loopback(opts.Port), Kind: opts.Kind, secret: newToken()}
	if h.command, err = opts.Kind.configure(opts, h.secret); err != nil {
		return fail("configure", err)
	}
	h.command.name = opts.Kind.Name()
	h.command.dir = opts.Dir
	h.command.log = filepath.Join(opts.Dir, "homeserver.log")
	if err := h.Restart(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// Kill ends the homeserver at once, as a crash would. Restart brings it back; nothing else may be done meanwhile but
// by clients, which find nobody.
func (h *Homeserver) Kill() error {
	return h.process.kill()
}

// Restart starts the homeserver again after Kill, at the same address and with what it had, and waits until it
// answers; ctx bounds that wait only.
func (h *Homeserver) Restart(ctx context.Context) error {
	p, err := startProcess(h.command)
	if err != nil {
		return err
	}
	if err := p.waitReady(ctx, h.URL+"/_matrix/client/versions", startTimeout); err != nil {
		_ = p.kill()
		return err
	}
	h.process = p
	return nil
}

// Stop ends the homeserver and waits for it. The error tells of a server that ended by itself or had to be killed.
func (h *Homeserver) Stop() error {
	return h.process.stop()
}

// RegisterUser makes a Matrix account with the given localpart and password. It fails when the name is taken.
func (h *Homeserver) RegisterUser(ctx context.Context, name, password string) error {
	url := h.URL + "/_synapse/admin/v1/register"
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
		"mac":      registrationMAC(h.secret, nonce.Nonce, name, password),
	}, nil)
	if err != nil {
		return fmt.Errorf("register %s: %w", name, err)
	}
	return nil
}

// NewUser registers a user with a random password and logs her in. See [Login].
func (h *Homeserver) NewUser(ctx context.Context, name string, options ...UserOption) (*User, error) {
	password := strings.ToLower(newToken()[:12])
	if err := h.RegisterUser(ctx, name, password); err != nil {
		return nil, err
	}
	return Login(ctx, h.URL, name, password, options...)
}

// registrationMAC authenticates the registration of an ordinary user by the shared secret.
func registrationMAC(secret, nonce, name, password string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(strings.Join([]string{nonce, name, password, "notadmin"}, "\x00")))
	return hex.EncodeToString(mac.Sum(nil))
}

// newSigningKey returns the seed of a homeserver's signing key.
func newSigningKey() ([]byte, error) {
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return seed, nil
}

// newToken returns a random secret that is safe in any file and URL.
func newToken() string {
	return rand.Text()
}
