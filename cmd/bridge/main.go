// Command bridge relays between Matrix rooms and MSN Messenger: an appservice
// that puppets its users' personal MSN accounts.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	_ "github.com/mattn/go-sqlite3" // the driver of the default database
	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/commands"
	"maunium.net/go/mautrix/bridgev2/matrix"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"

	"matrix-msn/bridge"
	"matrix-msn/bridge/doctor"
	"matrix-msn/bridge/metrics"
	"matrix-msn/bridge/presence"
	"matrix-msn/database"
)

const programName = "matrix-msn"

func main() {
	// Database, config and logs hold secrets: for their owner's eyes only.
	syscall.Umask(0o077)
	// And so does the memory: there is to be no core dump of it.
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		fmt.Fprintln(os.Stderr, "Core dumps could not be switched off:", err)
	}
	// Dendrite says that it speaks Matrix 1.2, and has all that the bridge needs.
	matrix.MinSpecVersion = doctor.MinSpec

	if len(os.Args) > 1 && os.Args[1] == doctorCommand {
		os.Exit(runDoctor(os.Args[2:], os.Stdout, os.Stderr))
	}
	connector := new(bridge.Connector)
	connector.Rush = saveMemory(connector.SignInsWaiting)
	args := parseArgs(os.Args[1:])
	if err := args.err(); err != nil {
		fail(1, err)
	}
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
	if args.starts && args.registration == "" {
		if err := beginConfig(args.config, connector); err != nil {
			fail(exitConfig, err)
		}
	}
	if args.starts {
		warnings, err := checkConfigFile(args.config)
		if err := checkSecret(args.config); err != nil {
			warnings = append(warnings, err)
		}
		for _, err := range warnings {
			fmt.Fprintln(os.Stderr, "Warning:", err)
		}
		if err != nil {
			fail(exitConfig, err)
		}
	}
	if args.registration != "" {
		if err := checkRegistrable(args.config); err != nil {
			fail(exitNoDomain, err)
		}
	}
	m := mxmain.BridgeMain{
		Name:        programName,
		Description: "A bridge between Matrix and MSN Messenger",
		URL:         "https://github.com/matrix-msn/matrix-msn",
		Version:     version,
		Connector:   connector,
		// What is printed behind the flags of the framework.
		AdditionalLongFlags: "\n\n" + programName + " " + doctorCommand + " [-c <path>] [-r <path>] looks for what keeps the bridge from working",
	}
	met, ending, registrations := new(meeting), new(ending), new(registrations)
	m.PostInit = func() {
		m.Matrix.AS.HTTPClient.Transport = connector.Metrics.Homeserver(m.Matrix.AS.HTTPClient.Transport)
		connector.Homeserver = newHomeserver(m.Matrix)
		connector.Presence = presenceOf{m.Matrix, registrations}
		connector.Encrypts = func() bool { return m.Matrix.Crypto != nil }
		connector.Profile = func() presence.Homeserver { return newProfile(m.Matrix, registrations) }
		connector.BotHasPicture = m.Matrix.Config.AppService.Bot.Avatar != ""
		// At once: what this process would still do in order is the other's by now.
		connector.Usurped = func() { os.Exit(exitUsurped) }
		adviseOnDatabase(m.Log, m.Config.Database)
		rememberMembers(&m)
		receiveTransactions(&m, connector, registrations, met)
		noteEphemeral(&m)
		sayOnce(&m, connector, registrations, met, ending, args.anyDatabase)
		encryptPatiently(&m, connector)
		sendNothingInClear(&m)
		m.Bridge.Commands.(*commands.Processor).AddHandler(connector.LoginMatrix(matrix.CommandLoginMatrix, func(homeserver string) bool {
			return m.Config.DoublePuppet.Secrets[homeserver] != ""
		}))
		connector.WatchCommands()
	}
	m.PostStart = func() {
		if most, err := mostFiles(); err != nil {
			m.Log.Debug().Err(err).Msg("Failed to look how many files may be open")
		} else if said := tooFewFiles(len(m.Bridge.GetAllCachedUserLogins()), most); said != "" {
			m.Log.Warn().Msg(said)
		}
		connector.StartIntake(m.Log.WithContext(context.Background()))
		tellOfEphemeral(&m, met.server.Load())
	}
	info, _ := debug.ReadBuildInfo()
	m.InitVersion(built(cmp.Or(info, new(debug.BuildInfo))))
	connector.Metrics = metrics.New(m.Version)
	m.PreInit()
	if err := checkKeyIsSaved(m.ConfigPath, connector); err != nil {
		fail(exitConfig, err)
	}
	if err := cmp.Or(doctor.Settings(m.Config), doctor.DatabaseSettings(m.Config.Database)); err != nil {
		fail(exitConfig, err)
	}
	if err := connector.Config.Check(); err != nil {
		fail(exitNetwork, err)
	}
	if err := doctor.Logging(m.Config.Logging, true); err != nil {
		fail(exitLogging, err)
	}
	if !args.anyDatabase {
		if _, err := doctor.Database(context.Background(), m.Config.Database, m.GetDBOwner()); err != nil {
			fail(exitDatabase, err)
		}
	}
	code := exitDatabase
	if err := doctor.Opened(context.Background(), m.Config.Database, func(ctx context.Context, db *dbutil.Database) (err error) {
		code, err = checkIsOwn(ctx, db, m.Config, connector, args.anyDatabase)
		return err
	}); err != nil {
		fail(code, err)
	}
	m.Config.Database = database.Tuned(m.Config.Database)
	// The intake knows which events were there before. The framework reads all messages of an account to find out.
	m.Config.Bridge.DeduplicateMatrixMessages = false
	m.Init()
	if err := checkListeners(m.Config, connector.Config.Metrics); err != nil {
		fail(exitListener, err)
	}
	files, err := newSpool(os.TempDir())
	if err == nil {
		err = files.use()
	}
	if err != nil {
		m.Log.Warn().Err(err).Msg("Files on their way have no directory of their own: what is on disk of them when this process is killed stays there")
	}
	started := ending.whenAsked(&m, connector.Stop)
	m.Start()
	started()
	stopGivingBack := giveBackSpare()
	code = m.WaitForInterrupt()
	stopGivingBack()
	connector.StopIntake()
	m.Stop()
	if files != nil {
		files.remove()
	}
	os.Exit(code)
}
