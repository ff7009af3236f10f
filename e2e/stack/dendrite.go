package stack

import (
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// The files of a Dendrite directory; the configuration names the key relative to it.
const (
	dendriteConfigName = "dendrite.yaml"
	dendriteKeyName    = "matrix_key.pem"
)

// dendrite is the kind of homeserver that needs nothing installed.
type dendrite struct {
	does
	binary string
}

// Dendrite returns the kind of homeserver that [build.Dendrite] builds, from the path of the executable.
func Dendrite(binary string) HomeserverKind {
	return dendrite{does: does{AsksForProfiles, PushesAfterKill}, binary: binary}
}

// Name implements [HomeserverKind].
func (dendrite) Name() string { return "Dendrite" }

// configure implements [HomeserverKind]. It writes the configuration and the signing key.
func (d dendrite) configure(opts HomeserverOptions, secret string) (command, error) {
	config, err := yaml.Marshal(dendriteConfig(opts, secret))
	if err != nil {
		return command{}, err
	}
	if err := os.WriteFile(filepath.Join(opts.Dir, dendriteConfigName), config, 0o600); err != nil {
		return command{}, err
	}
	seed, err := newSigningKey()
	if err != nil {
		return command{}, err
	}
	key := pem.EncodeToMemory(&pem.Block{
		Type:    "MATRIX PRIVATE KEY",
		Headers: map[string]string{"Key-ID": "ed25519:stack"},
		Bytes:   seed,
	})
	if err := os.WriteFile(filepath.Join(opts.Dir, dendriteKeyName), key, 0o600); err != nil {
		return command{}, err
	}
	return command{
		path: d.binary,
		args: []string{"-config", dendriteConfigName, "-http-bind-address", loopback(opts.Port)},
		// It closes its databases while it still works on what came last, and may panic over that.
		anyExit: true,
	}, nil
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

// dendriteConfig returns the configuration of a homeserver that keeps everything in its directory, where it runs.
func dendriteConfig(opts HomeserverOptions, secret string) map[string]any {
	type section = map[string]any
	database := func(name string) section {
		return section{"connection_string": databaseURI(filepath.Join(opts.Dir, name+".db"))}
	}
	return section{
		"version": 2,
		"global": section{
			"server_name":        ServerName,
			"private_key":        dendriteKeyName,
			"disable_federation": true,
			"presence":           section{"enable_inbound": true, "enable_outbound": true},
			// Without a path of its own, all Dendrites of the machine share one directory.
			"jetstream": section{"in_memory": !opts.Durable, "storage_path": "./"},
		},
		"app_service_api": section{"config_files": opts.Registrations},
		"client_api": section{
			"registration_shared_secret": secret,
			"rate_limiting":              section{"enabled": false},
		},
		"federation_api": section{"key_perspectives": []string{}, "database": database("federationapi")},
		"key_server":     section{"database": database("keyserver")},
		"media_api": section{
			"base_path":           "./media",
			"max_file_size_bytes": maxUploadBytes,
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
