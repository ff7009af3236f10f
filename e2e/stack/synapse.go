package stack

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// The files of a Synapse directory; the configuration names the others relative to it.
const (
	synapseConfigName = "homeserver.yaml"
	synapseKeyName    = "signing.key"
	synapseLogName    = "log.yaml"
)

// synapse is the kind of homeserver that has to be installed.
type synapse struct {
	does
	program string
}

// Synapse returns the kind of homeserver that is installed as this program: synapse_homeserver, which each
// installation has beside its Python (bin/ of a virtual environment, /opt/venvs/matrix-synapse/bin of the Debian
// package), or that Python itself.
func Synapse(program string) HomeserverKind {
	return synapse{
		does:    does{TellsRedactions, TellsTyping, TellsReceipts, TellsPresence, PassesToDevice, MakesDevices, Pings},
		program: program,
	}
}

// Name implements [HomeserverKind].
func (synapse) Name() string { return "Synapse" }

// configure implements [HomeserverKind]. It writes the configuration, the signing key and what is to be logged.
func (s synapse) configure(opts HomeserverOptions, secret string) (command, error) {
	seed, err := newSigningKey()
	if err != nil {
		return command{}, err
	}
	for name, content := range map[string]any{
		synapseConfigName: synapseConfig(opts, secret),
		synapseLogName:    synapseLogging(),
	} {
		text, err := yaml.Marshal(content)
		if err != nil {
			return command{}, fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(opts.Dir, name), text, 0o600); err != nil {
			return command{}, err
		}
	}
	key := "ed25519 stack " + base64.RawStdEncoding.EncodeToString(seed) + "\n"
	if err := os.WriteFile(filepath.Join(opts.Dir, synapseKeyName), []byte(key), 0o600); err != nil {
		return command{}, err
	}
	return command{path: s.program, args: s.args()}, nil
}

// args are the arguments of the program. A Python is told what to run.
func (s synapse) args() []string {
	args := []string{"-c", synapseConfigName}
	if strings.HasPrefix(filepath.Base(s.program), "python") {
		return append([]string{"-m", "synapse.app.homeserver"}, args...)
	}
	return args
}

// synapseConfig returns the configuration of a homeserver that keeps everything in its directory, where it runs.
func synapseConfig(opts HomeserverOptions, secret string) map[string]any {
	type section = map[string]any
	config := section{
		"server_name": ServerName,
		"pid_file":    "homeserver.pid",
		"listeners": []section{{
			"port": opts.Port, "bind_addresses": []string{"127.0.0.1"}, "type": "http", "tls": false,
			"resources": []section{{"names": []string{"client"}, "compress": false}},
		}},
		"database":                    section{"name": "sqlite3", "args": section{"database": "homeserver.db"}},
		"media_store_path":            "media",
		"max_upload_size":             maxUploadBytes,
		"signing_key_path":            synapseKeyName,
		"log_config":                  synapseLogName,
		"registration_shared_secret":  secret,
		"app_service_config_files":    opts.Registrations,
		"report_stats":                false,
		"trusted_key_servers":         []string{},
		"federation_domain_whitelist": []string{},
		// The lowest cost there is: these passwords protect nothing, and hashing them would be most of a test's time.
		"bcrypt_rounds": 4,
		"presence":      section{"enabled": true},
		"experimental_features": section{
			// What an encrypting bridge needs to have no /sync of its own.
			"msc2409_to_device_messages_enabled": true,
			"msc3202_transaction_extensions":     true,
		},
	}
	// Each limit stands alone; there is no switch for all.
	unlimited := section{"per_second": 1_000_000, "burst_count": 1_000_000}
	for _, limit := range []string{
		"rc_message", "rc_registration", "rc_admin_redaction", "rc_joins_per_room", "rc_key_requests", "rc_media_create",
		"rc_room_creation",
	} {
		config[limit] = unlimited
	}
	config["rc_login"] = section{"address": unlimited, "account": unlimited, "failed_attempts": unlimited}
	config["rc_joins"] = section{"local": unlimited, "remote": unlimited}
	config["rc_invites"] = section{"per_room": unlimited, "per_user": unlimited, "per_issuer": unlimited}
	config["rc_presence"] = section{"per_user": unlimited}
	return config
}

// synapseLogging returns what is logged: warnings, to where our process has its log.
func synapseLogging() map[string]any {
	type section = map[string]any
	return section{
		"version":    1,
		"formatters": section{"line": section{"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
		"handlers":   section{"console": section{"class": "logging.StreamHandler", "formatter": "line"}},
		"root":       section{"level": "WARNING", "handlers": []string{"console"}},
		// What a logger of the program had before stays, but for what is said here.
		"disable_existing_loggers": false,
	}
}
