package architecture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// namedTest is a test that a document names, alone between backticks.
	namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Z0-9][A-Za-z0-9_]*)`")
	// definedTest is where one is defined.
	definedTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z0-9][A-Za-z0-9_]*)\(`)
)

// The documents say which test shows what. A test that has another name now, or is gone, shows
// nothing.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	defined := make(map[string]bool)
	var documents []string
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			documents = append(documents, path)
		case strings.HasSuffix(path, "_test.go"):
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range definedTest.FindAllSubmatch(source, -1) {
				defined[string(match[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range namedTest.FindAllSubmatch(text, -1) {
			if named++; !defined[string(match[1])] {
				t.Errorf("%s names %s, which does not exist", strings.TrimPrefix(path, "../../"), match[1])
			}
		}
	}
	if named == 0 {
		t.Error("no document names a test: they are written in another way now")
	}
}
