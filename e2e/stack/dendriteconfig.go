package stack

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// The files of a Dendrite directory; the configuration names the key relative to it.
const (
	dendriteConfigName = "dendrite.yaml"
	dendriteKeyName    = "matrix_key.pem"
)

// writeDendriteConfig writes the configuration and the signing key into the directory. Dendrite has to run there.
func writeDendriteConfig(opts DendriteOptions, secret string) error {
	absolute := make([]string, len(opts.Registrations))
	for i, path := range opts.Registrations {
		var err error
		if absolute[i], err = filepath.Abs(path); err != nil {
			return err
		}
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return err
	}
	config, err := yaml.Marshal(dendriteConfig(dir, secret, absolute, opts.Durable))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, dendriteConfigName), config, 0o600); err != nil {
		return err
	}
	seed := make([]byte, 32)
	if _, err := rand.Read(seed); err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	key := pem.EncodeToMemory(&pem.Block{
		Type:    "MATRIX PRIVATE KEY",
		Headers: map[string]string{"Key-ID": "ed25519:stack"},
		Bytes:   seed,
	})
	return os.WriteFile(filepath.Join(dir, dendriteKeyName), key, 0o600)
}

// databaseOptions spare Dendrite the waits that take most of its time otherwise: of writers for readers, and of both
// for the disk. What is written need not survive a power cut.
const databaseOptions = "_pragma=journal_mode(wal)&_pragma=synchronous(off)"

// databaseURI returns the connection string of a database in a file. Dendrite takes the path in it, decoded, and
// hands it to SQLite, which takes what is behind a question mark as options.
func databaseURI(path string) string {
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path) + "?" + databaseOptions}
	return uri.String()
}

// dendriteConfig returns the configuration of a homeserver that keeps everything in dir, its working directory.
func dendriteConfig(dir, secret string, registrations []string, durable bool) map[string]any {
	type section = map[string]any
	database := func(name string) section {
		return section{"connection_string": databaseURI(filepath.Join(dir, name+".db"))}
	}
	return section{
		"version": 2,
		"global": section{
			"server_name":        ServerName,
			"private_key":        dendriteKeyName,
			"disable_federation": true,
			"presence":           section{"enable_inbound": true, "enable_outbound": true},
			// Without a path of its own, all Dendrites of the machine share one directory.
			"jetstream": section{"in_memory": !durable, "storage_path": "./"},
		},
		"app_service_api": section{"config_files": registrations},
		"client_api": section{
			"registration_shared_secret": secret,
			"rate_limiting":              section{"enabled": false},
		},
		"federation_api": section{"key_perspectives": []string{}, "database": database("federationapi")},
		"key_server":     section{"database": database("keyserver")},
		"media_api": section{
			"base_path":           "./media",
			"max_file_size_bytes": 100 << 20,
			"database":            database("mediaapi"),
		},
		"mscs":        section{"database": database("mscs")},
		"relay_api":   section{"database": database("relayapi")},
		"room_server": section{"database": database("roomserver")},
		"sync_api":    section{"database": database("syncapi")},
		// The lowest cost there is: these passwords protect nothing, and hashing them would be most of a test's time.
		"user_api": section{"bcrypt_cost": 4, "account_database": database("userapi")},
		"logging":  []section{{"type": "std", "level": "warn"}},
	}
}

// registrationMAC authenticates the registration of an ordinary user by the shared secret.
func registrationMAC(secret, nonce, name, password string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(strings.Join([]string{nonce, name, password, "notadmin"}, "\x00")))
	return hex.EncodeToString(mac.Sum(nil))
}

// newToken returns a random secret that is safe in any file and URL.
func newToken() string {
	return rand.Text()
}
