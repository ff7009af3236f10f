package main

import (
	"fmt"

	"maunium.net/go/mauflag"
)

// args is what this program must know of its command line before the framework reads it:
// the framework's own -e writes a config with other defaults, and its reading of a config
// overwrites what has the wrong type or name without a word. The framework keeps its flags to
// itself and reads them, the config and the environment in one step, BridgeMain.PreInit. It
// would have to offer a hook between the flags and the config, or let a program set the
// example config; then this can go.
type args struct {
	config  string // path of the config file
	example bool   // -e: write an example config
	starts  bool   // the config will be read: to start, or for -g
	// anyDatabase has a database used that is somebody else's or of a newer version.
	anyDatabase bool
	// registration is the path of the registration that -g will write, "" without -g.
	registration string
	// unknown is a word that is no flag and no value of one, "" if there is none.
	unknown string
}

// err returns what keeps the program from doing as it was told: a mistyped command must not start a bridge.
func (a args) err() error {
	if a.unknown == "" {
		return nil
	}
	return fmt.Errorf("there is no command %q: %s alone starts the bridge, %s %s looks for what keeps it from working, %s -h shows the rest",
		a.unknown, programName, programName, doctorCommand, programName)
}

// parseArgs reads the command line. What it does not understand is left to the
// framework, which says what is wrong.
func parseArgs(arguments []string) args {
	for _, arg := range arguments {
		if arg == "" {
			return args{}
		}
	}
	set := mauflag.New(arguments)
	config := set.MakeFull("c", "config", "", "config.yaml").String()
	example := set.MakeFull("e", "generate-example-config", "", "false").Bool()
	registration := set.MakeFull("r", "registration", "", "registration.yaml").String()
	var others []*bool
	generate := set.MakeFull("g", "generate-registration", "", "false").Bool()
	set.MakeFull("n", "no-update", "", "false").Bool()
	var ignored []*bool
	for _, name := range []string{"ignore-unsupported-database", "ignore-foreign-tables"} {
		ignored = append(ignored, set.Make().LongKey(name).Default("false").Bool())
	}
	set.Make().LongKey("ignore-unsupported-server").Default("false").Bool()
	others = append(others, set.MakeFull("v", "version", "", "false").Bool())
	others = append(others, set.Make().LongKey("version-json").Default("false").Bool())
	help, _ := set.MakeHelpFlag()
	others = append(others, help)
	if err := set.Parse(); err != nil {
		return args{}
	}
	for _, other := range others {
		if *other {
			return args{}
		}
	}
	own := args{config: *config, example: *example, starts: !*example, unknown: set.Arg(0)}
	for _, ignores := range ignored {
		own.anyDatabase = own.anyDatabase || *ignores
	}
	if *generate {
		own.registration = *registration
	}
	return own
}
