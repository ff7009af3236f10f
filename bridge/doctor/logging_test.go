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

// Nobody knows by which directory a relative name goes, but where the doctor is called it shows what it would mean.
func TestWhereTheLogIsWritten(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		level Level
		want  string
		place string
	}{
		{filepath.Join(dir, "logs", "deep", "bridge.log"), Fine, "are written to " + filepath.Join(dir, "logs", "deep", "bridge.log"), dir},
		{"./logs/bridge.log", Fine, "number 2, filename: ./logs/bridge.log goes by the directory in which the bridge is started: in this one that is " + filepath.Join(dir, "logs", "bridge.log"), dir},
		{"file/bridge.log", Warning, "and in this one it cannot be written (" + filepath.Join(dir, "file") + " is no directory", ""},
	} {
		c := zeroconfig.Config{Writers: []zeroconfig.WriterConfig{
			{Type: zeroconfig.WriterTypeStdout},
			{Type: zeroconfig.WriterTypeFile, FileConfig: zeroconfig.FileConfig{Filename: test.name}},
		}}
		if found := Logs(c); len(found) != 1 || found[0].Level != test.level || !strings.Contains(found[0].Says, test.want) {
			t.Errorf("%s: want %v, %q; got\n%s", test.name, test.level, test.want, said(found))
		}
		var places []string
		for _, place := range LogPlaces(c) {
			places = append(places, place.Dir)
		}
		if got := strings.Join(places, " "); got != test.place {
			t.Errorf("%s: the room is looked at in %q, want %q", test.name, got, test.place)
		}
	}
}
