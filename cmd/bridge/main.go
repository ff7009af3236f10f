// Command bridge relays between Matrix rooms and MSN Messenger: an appservice
// that puppets its users' personal MSN accounts.
package main

import (
	"context"
	"fmt"
	"os"
	"syscall"

	_ "github.com/mattn/go-sqlite3" // the driver of the default database
	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"

	"matrix-msn/bridge"
	"matrix-msn/bridge/presence"
)

// Set when a release is built: -ldflags "-X main.Tag=... -X main.Commit=... -X main.BuildTime=...".
var (
	Tag       = "unknown"
	Commit    = "unknown"
	BuildTime = "unknown"
)

const version = "0.1.0"

func main() {
	// Database, config and logs hold secrets: for their owner's eyes only.
	syscall.Umask(0o077)
	// And so does the memory: there is to be no core dump of it.
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		fmt.Fprintln(os.Stderr, "Core dumps could not be switched off:", err)
	}
	// Dendrite says that it speaks Matrix 1.2, and has all that the bridge needs.
	matrix.MinSpecVersion = mautrix.SpecV12

	connector := &bridge.Connector{}
	args := parseArgs(os.Args[1:])
	if args.example {
		if err := writeExampleConfig(args.config, connector); err != nil {
			fail(1, err)
		}
		return
	}
	if args.registration != "" {
		if err := checkRegistration(args.registration); err != nil {
			fail(exitConfig, err)
		}
	}
	if args.starts {
		if err := checkConfigFile(args.config); err != nil {
			fail(exitConfig, err)
		}
	}
	m := mxmain.BridgeMain{
		Name:        "matrix-msn",
		Description: "A bridge between Matrix and MSN Messenger",
		URL:         "https://github.com/matrix-msn/matrix-msn",
		Version:     version,
		Connector:   connector,
	}
	m.PostInit = func() {
		connector.Homeserver = newHomeserver(m.Matrix)
		connector.Presence = presenceOf{m.Matrix}
		connector.Encrypts = func() bool { return m.Matrix.Crypto != nil }
		connector.Profile = func() presence.Homeserver { return newProfile(m.Matrix) }
		if m.Config.AppService.AsyncTransactions || m.Config.Bridge.AsyncEvents {
			m.Log.WithLevel(zerolog.FatalLevel).Msg("appservice.async_transactions and bridge.async_events must be false: messages would lose their order")
			os.Exit(11)
		}
		connector.Usurped = func() { m.TriggerStop(exitUsurped) }
		adviseOnDatabase(m.Log, m.Config.Database)
		receiveTransactions(&m, connector)
		sayOnce(&m, connector)
		encryptPatiently(&m, connector)
		m.Bridge.Commands.(*commands.Processor).AddHandler(connector.InPrivate(matrix.CommandLoginMatrix))
		connector.WatchCommands()
	}
	m.PostStart = func() {
		connector.StartIntake(m.Log.WithContext(context.Background()))
		if !m.Matrix.SpecVersions.ContainsGreaterOrEqual(mautrix.SpecV14) {
			m.Log.Warn().Stringer("server_supports", m.Matrix.SpecVersions.GetLatest()).
				Msg("This homeserver passes no typing notes and no presence on to bridges: what users type will not show as typing in MSN, and their status follows what they write alone")
		}
	}
	m.InitVersion(Tag, Commit, BuildTime)
	m.PreInit()
	if err := checkKeyIsSaved(m.ConfigPath, connector); err != nil {
		fail(exitConfig, err)
	}
	if err := checkHomeserver(m.Config.Homeserver.Address, m.Config.Homeserver.Domain); err != nil {
		fail(exitConfig, err)
	}
	if err := checkDatabase(m.Config.Database); err != nil {
		fail(exitConfig, err)
	}
	m.Init()
	if err := checkListener(&m); err != nil {
		fail(exitListener, err)
	}
	m.Start()
	code := m.WaitForInterrupt()
	connector.StopIntake()
	m.Stop()
	os.Exit(code)
}
