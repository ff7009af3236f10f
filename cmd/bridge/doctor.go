package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"go.mau.fi/util/configupgrade"
	"go.mau.fi/util/dbutil"
	"gopkg.in/yaml.v3"
	"maunium.net/go/mauflag"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"

	"matrix-msn/bridge"
	"matrix-msn/bridge/config"
	"matrix-msn/bridge/doctor"
)

// doctorCommand is the first argument with which the program looks for what is wrong, and does not start.
const doctorCommand = "doctor"

const doctorUsage = `matrix-msn doctor - looks for what keeps the bridge from working

matrix-msn doctor [-c <path>] [-r <path>]

  -c, --config        The config file. Default: config.yaml
  -r, --registration  A registration file to hold against the config, as the homeserver has it.
  -h, --help          Shows this.

Prints one line for each thing: ok, warn or fail, what it is about, and what to do. Nothing is changed.
Ends with code 0, or with 1 when a line begins with fail.
`

// runDoctor is the program when it is called as a doctor. It returns its exit code.
func runDoctor(arguments []string, out, problems io.Writer) int {
	set := mauflag.New(arguments)
	path := set.MakeFull("c", "config", "", "config.yaml").String()
	registration := set.MakeFull("r", "registration", "", "").String()
	help, _ := set.MakeHelpFlag()
	if err := set.Parse(); err != nil {
		fmt.Fprintf(problems, "%v\n\n%s", err, doctorUsage)
		return 1
	}
	if *help {
		fmt.Fprint(out, doctorUsage)
		return 0
	}
	if set.NArg() > 0 {
		fmt.Fprintf(problems, "%q is no flag: a config file stands behind -c\n\n%s", set.Arg(0), doctorUsage)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	well, err := doctor.Write(out, examine(ctx, *path, *registration))
	if err != nil || !well {
		return 1
	}
	return 0
}

// examine looks at everything that can be looked at: what stands in the config first, then what
// follows from it, all at once.
func examine(ctx context.Context, path, registration string) []doctor.Finding {
	found, connector, settings := examineConfig(path)
	if settings == nil {
		return found
	}
	mayOpen := doctor.MayOpen(settings.Database)
	parts := make([][]doctor.Finding, 6)
	works := []func(){
		func() { parts[0] = doctor.CheckHomeserver(ctx, settings) },
		func() {
			if registration != "" {
				parts[1] = doctor.CheckRegistration(registration, settings)
			}
		},
		func() {
			if parts[2] = mayOpen; parts[2] != nil {
				return
			}
			parts[2] = examineDatabase(ctx, settings, &connector.Config)
		},
		func() { parts[3] = doctor.Logs(settings.Logging) },
		func() { parts[4] = doctor.Disk(places(settings)) },
		func() { parts[5] = doctor.Metrics(ctx, settings, connector.Config.Metrics) },
	}
	for _, key := range connector.Config.ServiceKeys() {
		i := len(parts)
		parts = append(parts, nil)
		works = append(works, func() { parts[i] = doctor.CheckService(ctx, connector.Config.Service(key)) })
	}
	var looking sync.WaitGroup
	for _, work := range works {
		looking.Go(work)
	}
	looking.Wait()
	for _, part := range parts {
		found = append(found, part...)
	}
	return found
}

// examineDatabase looks at the database, and whether it is that of this bridge.
func examineDatabase(ctx context.Context, settings *bridgeconfig.Config, network *config.Config) []doctor.Finding {
	state, err := doctor.Database(ctx, settings.Database, databaseOwner)
	if err == nil {
		err = doctor.Opened(ctx, settings.Database, func(ctx context.Context, db *dbutil.Database) error {
			return doctor.SameID(ctx, db, settings.AppService.ID)
		})
	}
	if err != nil {
		return []doctor.Finding{{Level: doctor.Bad, About: "database", Says: err.Error()}}
	}
	return append([]doctor.Finding{{Level: doctor.Fine, About: "database", Says: state}}, doctor.Key(ctx, network, settings.Database)...)
}

// databaseOwner is what the framework writes into the database to know its own.
const databaseOwner = "megabridge/" + programName

// examineConfig reads the config file as a start does, and writes nothing. Without settings there is
// nothing more to look at.
func examineConfig(path string) ([]doctor.Finding, *bridge.Connector, *bridgeconfig.Config) {
	var found []doctor.Finding
	say := func(level doctor.Level, err error) {
		found = append(found, doctor.Finding{Level: level, About: "config", Says: err.Error()})
	}
	content, err := os.ReadFile(path)
	if err != nil {
		say(doctor.Bad, readError(path, err))
		return found, nil, nil
	}
	errs, unknown := config.CheckLayout(content)
	if err := config.CheckFile(content); err != nil && len(errs) == 0 {
		errs = append(errs, err)
	}
	for _, err := range unknown {
		say(doctor.Warning, err)
	}
	for _, err := range errs {
		say(doctor.Bad, err)
	}
	if len(errs) > 0 {
		return found, nil, nil
	}
	connector := &bridge.Connector{}
	settings, err := loadConfig(content, connector)
	if err != nil {
		say(doctor.Bad, err)
		return found, nil, nil
	}
	keyMissing := connector.Config.CheckKeyIsSaved(content) != nil
	wrong := []error{doctor.Settings(settings), doctor.DatabaseSettings(settings.Database), doctor.Logging(settings.Logging, false), connector.Config.Check()}
	bad := false
	for _, err := range wrong {
		if err != nil {
			say(doctor.Bad, err)
			bad = true
		}
	}
	dir := filepath.Dir(path)
	switch {
	case syscall.Access(path, writes) == nil && syscall.Access(dir, writes) == nil:
	case keyMissing:
		say(doctor.Bad, fmt.Errorf("network.credential_key is to be generated by the first start, which cannot write to %s and its directory: let the user of the bridge write there, or set it to a long random text", path))
		bad = true
	default:
		say(doctor.Warning, fmt.Errorf("%s and its directory are not writable for this user: a start of the bridge writes new settings there. Let its user write, or start it with -n", path))
	}
	if err := checkSecret(path); err != nil {
		say(doctor.Warning, err)
	}
	if bad {
		return found, nil, nil
	}
	return append(found, doctor.Finding{Level: doctor.Fine, About: "config", Says: path + " can be used"}), connector, settings
}

// writes is W_OK of access(2).
const writes = 2

// readError is why a config file is not read.
func readError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no config file %s: make one with -e, edit it, and make the registration with -g", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s cannot be read by this user: call the program as the user that the bridge runs as", path)
	}
	return fmt.Errorf("cannot read the config: %w", err)
}

// loadConfig reads a config as the framework does at a start, but for writing it back.
func loadConfig(content []byte, connector *bridge.Connector) (*bridgeconfig.Config, error) {
	example, err := exampleConfig(connector)
	if err != nil {
		return nil, err
	}
	_, network, upgrader := connector.GetConfig()
	upgraded, err := configupgrade.DoBytes(content, configupgrade.MergeUpgraders(example,
		&configupgrade.ProxyUpgrader{Target: upgrader, Prefix: []string{"network"}}, bridgeconfig.Upgrader))
	if err != nil {
		return nil, fmt.Errorf("the config cannot be read: %w", err)
	}
	var settings bridgeconfig.Config
	if err := yaml.Unmarshal(upgraded, &settings); err != nil {
		return nil, fmt.Errorf("the config cannot be read: %w", err)
	}
	if err := settings.Network.Decode(network); err != nil {
		return nil, fmt.Errorf("network in the config cannot be read: %w", err)
	}
	if settings.EnvConfigPrefix != "" {
		if err := mxmain.UpdateConfigFromEnv(&settings, network, settings.EnvConfigPrefix); err != nil {
			return nil, fmt.Errorf("the environment variables that begin with %s cannot be read: %w", settings.EnvConfigPrefix, err)
		}
	}
	return &settings, nil
}

// places are where the bridge writes.
func places(settings *bridgeconfig.Config) (places []doctor.Place) {
	if file := doctor.File(settings.Database); file != "" {
		places = append(places, doctor.Place{What: "the database", Dir: filepath.Dir(file)})
	}
	places = append(places, doctor.LogPlaces(settings.Logging)...)
	return append(places, doctor.Place{What: "files on their way", Dir: os.TempDir()})
}
