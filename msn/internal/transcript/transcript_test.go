package transcript

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	text := "# a remark\nE alice/NS: open\r\n\nC alice/NS: \"VER 1 MSNP2\\r\\n\"\n" +
		"S alice/SB2: \"MSG a b 2\\r\\n\\xff\\x00\"\nE alice/NS: closed by server"
	got, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Record{
		{Line: 1, Kind: Remark, Text: "a remark"},
		{Line: 2, Kind: Connection, Who: "alice", Conn: "NS", Text: Open},
		{Line: 4, Kind: FromClient, Who: "alice", Conn: "NS", Text: "VER 1 MSNP2\r\n"},
		{Line: 5, Kind: FromServer, Who: "alice", Conn: "SB2", Text: "MSG a b 2\r\n\xff\x00"},
		{Line: 6, Kind: Connection, Who: "alice", Conn: "NS", Text: ClosedByServer},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if !got[2].MSN() || got[0].MSN() || got[1].MSN() || (Record{Kind: FromServer, Conn: "HTTPS"}).MSN() {
		t.Error("MSN units are not told from the rest")
	}
}

func TestParseNamesTheLineItCannotRead(t *testing.T) {
	for _, bad := range []string{"X a/b: \"\"", "C alice: \"x\"", "C a/NS: unquoted", "C", "C a/NS:"} {
		got, err := Parse([]byte("# fine\n" + bad + "\n# after"))
		if err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: error %v", bad, err)
		}
		if len(got) != 1 {
			t.Errorf("%q: %d records before it", bad, len(got))
		}
	}
}

func TestRunFindsRecordingsBelowTheDirectories(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, path := range []string{dir + "/a/x.txt", dir + "/README.txt", dir + "/y.md", other + "/z.txt"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("# "+filepath.Base(path)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(EnvDirs, other+string(os.PathListSeparator))
	var names []string
	Run(t, func(_ *testing.T, rec Recording) { names = append(names, rec.Name) }, dir)
	if want := []string{"x", "z"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}
