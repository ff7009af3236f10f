package msntest

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// A difference in which both kinds of servers are alike is none.
func TestEveryDifferenceIsOne(t *testing.T) {
	t.Parallel()
	one, other := reflect.ValueOf(historic), reflect.ValueOf(revival)
	for i := range one.NumField() {
		if one.Field(i).Equal(other.Field(i)) {
			t.Errorf("%s is the same on both kinds of servers", one.Type().Field(i).Name)
		}
	}
}

// The table, and the introduction of the package, alone know the kinds of servers; the
// rest asks for differences by their names, and for each.
func TestOnlyTheTableNamesTheKinds(t *testing.T) {
	t.Parallel()
	kind := regexp.MustCompile(`(?i)historic|escargot|revival`)
	question := regexp.MustCompile(`\bis\.(\w+)`)
	asked := make(map[string]bool)
	for name, text := range sources(t) {
		if name == "differences.go" || name == "doc.go" {
			continue
		}
		for i, line := range strings.Split(text, "\n") {
			if found := kind.FindString(line); found != "" {
				t.Errorf("%s:%d names %s", name, i+1, found)
			}
			for _, m := range question.FindAllStringSubmatch(line, -1) {
				asked[m[1]] = true
			}
		}
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[differences]()) {
		if !asked[field.Name] {
			t.Errorf("nobody asks for %s", field.Name)
		}
	}
}

// What depends on the dialect says what it is that begins with it.
func TestDialectsAreComparedByName(t *testing.T) {
	t.Parallel()
	raw := regexp.MustCompile(`\b(dialect|d|to) (<|<=|>|>=|==) [0-9]`)
	for name, text := range sources(t) {
		for i, line := range strings.Split(text, "\n") {
			if found := raw.FindString(line); found != "" {
				t.Errorf("%s:%d: %s", name, i+1, found)
			}
		}
	}
}

// sources are the files of this package by their names, without its tests.
func sources(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	if files["differences.go"] == "" || len(files) < 2 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}
