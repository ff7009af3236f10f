package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// message is a text with its forms.
type message map[string]string

// messages reads the texts of a file by their keys.
func messages(t *testing.T, file string) map[string]message {
	t.Helper()
	content, err := files.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := toml.Unmarshal(content, &tree); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]message)
	var walk func(prefix string, of map[string]any)
	walk = func(prefix string, of map[string]any) {
		forms := make(message)
		for name, value := range of {
			switch value := value.(type) {
			case string:
				if slices.Contains([]string{"zero", "one", "two", "few", "many", "other"}, name) {
					forms[name] = value
				} else if name != "description" {
					all[prefix+name] = message{"other": value}
				}
			case map[string]any:
				walk(prefix+name+".", value)
			default:
				t.Errorf("%s: %s%s is %T", file, prefix, name, value)
			}
		}
		if len(forms) > 0 {
			all[strings.TrimSuffix(prefix, ".")] = forms
		}
	}
	walk("", tree)
	return all
}

var (
	verbs   = regexp.MustCompile(`%(\[(\d+)\][-+ #0]*[0-9.]*[sdvq]|%)?`)
	counted = regexp.MustCompile(`%\[\d+\]d [a-z]`)
)

// arguments returns how many arguments a text has, and what is wrong with it.
func arguments(text string) (most int, problem string) {
	for _, verb := range verbs.FindAllStringSubmatch(text, -1) {
		switch {
		case verb[2] != "":
			n, _ := strconv.Atoi(verb[2])
			most = max(most, n)
		case verb[1] == "":
			problem = "has a percent sign alone, or a verb without its number"
		}
	}
	return most, problem
}

// several are texts with numbers of which each language needs one form: limits, which do not change, parts of a whole, and
// numbers behind which nothing stands that is counted.
var several = map[string]bool{
	"reason.page.too_long": true, "reason.circle.too_long": true, "reason.request.many_members": true, "reason.input.long_account": true,
	"reason.invitation.too_long": true, "reason.parts.some": true, "reason.name.too_long": true, "reason.input.long_password": true,
	"reason.roster.too_long": true, "reason.message.too_long": true,
	"command.service.kept_for_who_is_offline": true, "command.people.that_takes_a_power_level_of": true, "command.service.has_in_its_directory": true,
	"command.people.and_more": true, "command.service.to_matrix": true, "command.service.to_msn": true, "command.people.of_online": true,
	"command.people.you_and_more_of_them_there": true, "command.service.you_have_had_invitations_mailed_within": true,
	"command.service.and_more": true, "command.service.is_no_telephone_number_it_must": true, "command.people.a_personal_message_has_at_most": true,
	"command.people.more_are_not_shown_contacts_with": true,
	"alert.has_sent_more_alerts_pages_and":            true, "people.messages_of_people_who_are_not": true, "people.people_who_are_not_on_your": true,
	"circle.that_name_is_too_long_shorten": true, "group.more_than_people_have_come_into": true,
}

func TestTextsAreWhole(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(files, "*.toml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	english := messages(t, "en.toml")
	for _, name := range names {
		all := messages(t, name)
		for key, forms := range all {
			if english[key] == nil {
				t.Errorf("%s: there is no %s in English", name, key)
			}
			for form, text := range forms {
				if text == "" || strings.TrimSpace(text) != text {
					t.Errorf("%s: %s (%s) is empty, or has blanks around it: %q", name, key, form, text)
				}
				if counted.MatchString(text) && len(forms) == 1 && !several[key] {
					t.Errorf("%s: %s counts something and has one form: %q", name, key, text)
				}
			}
			if _, ok := forms["other"]; !ok {
				t.Errorf("%s: %s has no form for other numbers", name, key)
			}
			if _, ok := forms["one"]; len(forms) > 1 && !ok && name == "en.toml" {
				t.Errorf("%s: %s has no form for one", name, key)
			}
		}
		for key := range english {
			if all[key] == nil {
				t.Errorf("%s: %s is missing", name, key)
			}
		}
	}
}

// fields is how names of fields in events begin.
const fields = "chat.matrix_msn."

// takers are functions that are given a key and its arguments, and how many arguments stand before the key and
// come with it by themselves.
var takers = map[string]struct{ before, given int }{
	"words.Text": {0, 0}, "words.Count": {0, 1}, "Tell": {0, 0}, "call.Reply": {1, 0},
}

// keysOf returns the constants of a package that hold a key, by their names.
func keysOf(t *testing.T, dir string, all map[string]message) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	constants := make(map[string]bool)
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, value := range spec.Values {
				if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if key, _ := strconv.Unquote(literal.Value); all[key] != nil {
						constants[spec.Names[i].Name] = true
					}
				}
			}
			return true
		})
	}
	return constants
}

// A key that is an argument of a text has to be made a text itself: people would read the key.
func TestNoKeyIsAnArgument(t *testing.T) {
	t.Parallel()
	all := messages(t, "en.toml")
	constants := make(map[string]map[string]bool)
	calls := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		dir := filepath.Dir(path)
		if constants[dir] == nil {
			constants[dir] = keysOf(t, dir, all)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			taker, ok := takers[called(call)]
			if !ok || len(call.Args) <= taker.before {
				return true
			}
			calls++
			for _, argument := range call.Args[taker.before+1:] {
				isKey := false
				switch argument := argument.(type) {
				case *ast.Ident:
					isKey = constants[dir][argument.Name]
				case *ast.BasicLit:
					text, _ := strconv.Unquote(argument.Value)
					isKey = argument.Kind == token.STRING && all[text] != nil
				}
				if isKey {
					t.Errorf("%s: a key is an argument of a text, and people would read it as it is", set.Position(argument.Pos()))
				}
			}
			return true
		})
		return nil
	})
	if err != nil || calls == 0 {
		t.Fatal(calls, err)
	}
}

// Each text is used, each key that is used has a text, and the arguments are as many as the text has.
func TestTextsAndTheirUses(t *testing.T) {
	t.Parallel()
	all := messages(t, "en.toml")
	sections := make(map[string]bool)
	for key := range all {
		section, _, _ := strings.Cut(key, ".")
		sections[section] = true
	}
	isKey := regexp.MustCompile(`^([a-z]+)\.[a-z0-9_.]*[a-z0-9_]$`)
	used := make(map[string]bool)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				text, err := strconv.Unquote(n.Value)
				if err != nil || n.Kind != token.STRING {
					break
				}
				if all[text] != nil {
					used[text] = true
				} else if m := isKey.FindStringSubmatch(text); m != nil && sections[m[1]] && strings.Contains(text, "_") && !strings.HasPrefix(text, fields) {
					t.Errorf("%s: %q is no key", set.Position(n.Pos()), text)
				}
			case *ast.CallExpr:
				checkCall(t, set.Position(n.Pos()).String(), n, all)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !used[key] {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

// called returns what a call calls, as takers names it.
func called(call *ast.CallExpr) string {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	name := fun.Sel.Name
	if of, ok := fun.X.(*ast.Ident); ok && (of.Name == "words" || of.Name == "call" && name == "Reply") {
		name = of.Name + "." + name
	}
	return name
}

func checkCall(t *testing.T, at string, call *ast.CallExpr, all map[string]message) {
	name := called(call)
	taker, ok := takers[name]
	if !ok || len(call.Args) <= taker.before {
		return
	}
	literal, ok := call.Args[taker.before].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return // a key that stands somewhere else
	}
	key, _ := strconv.Unquote(literal.Value)
	forms := all[key]
	if forms == nil {
		t.Errorf("%s: there is no text %q", at, key)
		return
	}
	if call.Ellipsis.IsValid() {
		return
	}
	args, most := len(call.Args)-taker.before-1, 0
	for form, text := range forms {
		n, problem := arguments(text)
		if problem != "" && args+taker.given > 0 {
			t.Errorf("%s: %s (%s) %s", at, key, form, problem)
		}
		most = max(most, n)
	}
	switch {
	case name == "words.Count":
		if len(forms) < 2 {
			t.Errorf("%s: %s has one form", at, key)
		}
	case name == "Tell" || name == "call.Reply": // they are without arguments, or have as many as the text
	case len(forms) > 1:
		t.Errorf("%s: %s has forms by number", at, key)
	}
	if args == 0 && most > 0 || args > 0 && args != most {
		t.Errorf("%s: %s has %d arguments, and is given %d", at, key, most, args)
	}
}

// What is said is the form that goes with the number, with its arguments.
func TestText(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		fill("%[2]s after %[1]s", []any{"one", "two"}): "two after one",
		fill("100 % of it", nil):                       "100 % of it",
		fill("nothing of it", []any{1}):                "nothing of it",
		fill("one for %[2]s", []any{1, "Bob"}):         "one for Bob",
		Text("there is no such text", "argument"):      "there is no such text",
		Count("outbox.delivered", 1, "Bob"):            "Delivered to Bob: 1 message.",
		Count("outbox.delivered", 2, "Bob"):            "Delivered to Bob: 2 messages.",
		Count("outbox.delivered", 0, "Bob"):            "Delivered to Bob: 0 messages.",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
