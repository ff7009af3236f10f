package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mau.fi/zeroconfig"
)

func TestLogThatCannotBeWrittenHasItsSentence(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	to := func(kind, format, name string) zeroconfig.WriterConfig {
		return zeroconfig.WriterConfig{Type: zeroconfig.WriterType(kind), Format: zeroconfig.LogFormat(format), FileConfig: zeroconfig.FileConfig{Filename: name}}
	}
	for _, test := range []struct {
		writer zeroconfig.WriterConfig
		want   string
	}{
		{to("stderr", "", ""), ""},
		{to("file", "json", filepath.Join(dir, "logs", "deep", "bridge.log")), ""},
		{to("file", "json", filepath.Join(file, "bridge.log")), "number 2, filename: " + file + " is no directory"},
		{to("file", "json", filepath.Join(file, "deep", "bridge.log")), "number 2, filename: "},
		{to("paper", "", ""), `number 2, type is "paper": write stdout, stderr, file`},
		{to("stdout", "nice", ""), `number 2, format is "nice": write json, pretty`},
	} {
		err := Logging(zeroconfig.Config{Writers: []zeroconfig.WriterConfig{to("stdout", "pretty", ""), test.writer}}, true)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), "logging.writers, "+test.want) {
			t.Errorf("%+v: want %q, got %v", test.writer, test.want, err)
		}
	}
	// Of a relative name nothing is known elsewhere.
	t.Chdir(dir)
	relative := zeroconfig.Config{Writers: []zeroconfig.WriterConfig{to("file", "", "file/bridge.log")}}
	if here, elsewhere := Logging(relative, true), Logging(relative, false); here == nil || elsewhere != nil {
		t.Errorf("a relative name: %v here, %v elsewhere", here, elsewhere)
	}
	if _, err := os.Stat(filepath.Join(dir, "logs")); err == nil {
		t.Error("a directory was made")
	}
}
