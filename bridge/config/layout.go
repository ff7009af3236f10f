package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mau.fi/util/configupgrade"
	"gopkg.in/yaml.v3"
	"maunium.net/go/mautrix/bridgev2/bridgeconfig"
)

// CheckLayout checks what of a config file is the framework's: all but network. When the
// framework reads the file, it puts the default in the place of what has the wrong type, and takes
// out what it does not know. errs are what has the wrong type or the place that it had years ago,
// unknown what would be taken out: all sentences for the admin that begin with the setting and its line.
// None of them repeats a value.
func CheckLayout(config []byte) (errs, unknown []error) {
	var file yaml.Node
	if err := yaml.Unmarshal(config, &file); err != nil {
		return []error{noYAML(config, err)}, nil
	}
	if len(file.Content) == 0 {
		return []error{errors.New("the config is empty: write an example with -e, and edit it")}, nil
	}
	root := resolve(file.Content[0])
	if root.Kind != yaml.MappingNode {
		return []error{fmt.Errorf("the config (line %d) must hold settings, as in the example config", root.Line)}, nil
	}
	l := layout{known: frameworkSettings()}
	l.check(root, "")
	return slices.Concat(l.errs, checkLogging(root), checkPermissions(root)), l.unknown
}

// layout is a config file that is held against the settings that the framework reads.
type layout struct {
	known         map[string]configupgrade.YAMLType // by their names, with dots
	errs, unknown []error
}

func (l *layout) check(section *yaml.Node, under string) {
	for i := 0; i+1 < len(section.Content); i += 2 {
		key, value := section.Content[i], resolve(section.Content[i+1])
		name := under + key.Value
		kinds, isSetting := l.known[name]
		switch {
		case name == "network":
			continue // see CheckFile
		case name == "appservice.database":
			l.errs = append(l.errs, fmt.Errorf("%s (line %d) is where bridges had it in 2024 and before: make a new config with -e, "+
				"and carry your values over to the places that settings have there (database.type and database.uri for this one)", name, key.Line))
		case isSetting:
			if value.Kind == yaml.ScalarNode && value.Tag == "!!null" || kinds&kindOf(value) != 0 {
				continue
			}
			l.errs = append(l.errs, fmt.Errorf("%s (line %d) must be %s", name, key.Line, words(kinds)))
		case l.isSection(name):
			if value.Kind == yaml.MappingNode {
				l.check(value, name+".")
			} else if value.Tag != "!!null" {
				l.errs = append(l.errs, fmt.Errorf("%s (line %d) must hold settings: write them below it, indented, as in the example config", name, key.Line))
			}
		default:
			l.unknown = append(l.unknown, fmt.Errorf("%s (line %d) is no setting, and is taken out of the file: %s", name, key.Line, l.advice(under, key.Value)))
		}
	}
}

// isSection reports whether settings are below a name.
func (l *layout) isSection(name string) bool {
	for known := range l.known {
		if strings.HasPrefix(known, name+".") {
			return true
		}
	}
	return false
}

// advice says where a setting is today, or what there is in its place.
func (l *layout) advice(under, name string) string {
	var elsewhere []string
	siblings := make(map[string]bool)
	for known := range l.known {
		if strings.HasSuffix(known, "."+name) || strings.HasPrefix(known, name+".") && under != "" {
			elsewhere = append(elsewhere, known[:strings.LastIndex("."+known, "."+name)+len(name)])
		}
		if rest, ok := strings.CutPrefix(known, under); ok {
			sibling, _, _ := strings.Cut(rest, ".")
			siblings[sibling] = true
		}
	}
	slices.Sort(elsewhere)
	switch elsewhere = slices.Compact(elsewhere); {
	case slices.ContainsFunc(settings, func(s setting) bool { return s.name == name }):
		return "it belongs to network, as network." + name
	case len(elsewhere) == 1:
		return "its place is " + elsewhere[0]
	case under == "":
		siblings["network"] = true
	}
	return "there are " + listed(slices.Sorted(maps.Keys(siblings)))
}

// kindOf is the kind of a value.
func kindOf(value *yaml.Node) configupgrade.YAMLType {
	switch value.Tag {
	case configupgrade.StrTag:
		return configupgrade.Str
	case configupgrade.BoolTag:
		return configupgrade.Bool
	case configupgrade.IntTag:
		return configupgrade.Int
	case configupgrade.SeqTag:
		return configupgrade.List
	case configupgrade.MapTag:
		return configupgrade.Map
	}
	return 0
}

// words says what a setting of some kinds must be.
func words(kinds configupgrade.YAMLType) string {
	var words []string
	for _, kind := range []struct {
		kind configupgrade.YAMLType
		word string
	}{
		{configupgrade.Str, "a text (put it in quotes)"}, {configupgrade.Int, "a whole number, without quotes"},
		{configupgrade.Bool, "true or false, without quotes"}, {configupgrade.List, "a list"}, {configupgrade.Map, "settings below it, indented"},
	} {
		if kinds&kind.kind != 0 {
			words = append(words, kind.word)
		}
	}
	return strings.Join(words, " or ")
}

// frameworkSettings are the settings that the framework carries over from a config file, with the
// kinds of values that it takes for each.
func frameworkSettings() map[string]configupgrade.YAMLType {
	r := recorder{make(map[string]configupgrade.YAMLType)}
	bridgeconfig.Upgrader.DoUpgrade(r)
	delete(r.settings, "appservice.database")
	delete(r.settings, "appservice.database.uri") // what is asked for to tell old layouts
	return r.settings
}

// recorder notes what the framework asks of a config file. The file is empty.
type recorder struct {
	settings map[string]configupgrade.YAMLType
}

func (r recorder) note(kinds configupgrade.YAMLType, path []string) {
	r.settings[strings.Join(path, ".")] |= kinds
}

// Copy implements configupgrade.Helper, as all that follows.
func (r recorder) Copy(kinds configupgrade.YAMLType, path ...string) { r.note(kinds, path) }

func (r recorder) Get(kind configupgrade.YAMLType, path ...string) (string, bool) {
	r.note(kind, path)
	return "", false
}

func (recorder) GetNode(...string) *configupgrade.YAMLNode     { return nil }
func (recorder) GetBase(...string) string                      { return "" }
func (recorder) GetBaseNode(...string) *configupgrade.YAMLNode { return nil }
func (recorder) Set(configupgrade.YAMLType, string, ...string) {}
func (recorder) SetMap(configupgrade.YAMLMap, ...string)       {}
func (recorder) AddSpaceBeforeComment(...string)               {}
