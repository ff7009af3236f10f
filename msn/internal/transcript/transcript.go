// Package transcript reads recordings of MSNP connections: what clients and a
// server said to each other, byte for byte.
//
// A recording is a text file with one record per line, in the order in which
// things happened:
//
//	# text                    a remark; applies to what follows
//	C <who>/<conn>: "..."     the client sent one wire unit
//	S <who>/<conn>: "..."     the server sent one wire unit to that client
//	E <who>/<conn>: open      or "closed by server", "closed by client"
//
// who is the user; conn is NS for the notification server, SB, SB2, … for
// switchboards, HTTPS and HTTP for web services. The text between the quotes is
// a Go interpreted string. A unit of NS and SB is one command line with its line
// end and, where the command has one, its payload; a unit of HTTP is a whole
// request or response.
package transcript

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// EnvDirs names the environment variable that lists further directories with
// recordings, separated as in PATH.
const EnvDirs = "MSN_TRANSCRIPTS"

// Kind tells what a record is.
type Kind byte

// The kinds of records, by their letter in the file.
const (
	Remark     Kind = '#'
	FromClient Kind = 'C'
	FromServer Kind = 'S'
	Connection Kind = 'E'
)

// What a Connection record says in Text.
const (
	Open           = "open"
	ClosedByServer = "closed by server"
	ClosedByClient = "closed by client"
)

// Record is one line of a recording.
type Record struct {
	Line int // line of the file, from 1
	Kind Kind
	Who  string // the user, "" for remarks
	Conn string // the connection, "" for remarks
	Text string // the bytes of the unit, the event, or the remark
}

// String shows where the record stands and what it is, without its bytes.
func (r Record) String() string {
	if r.Kind == Remark {
		return fmt.Sprintf("line %d: # %s", r.Line, r.Text)
	}
	unit, _, _ := strings.Cut(r.Text, "\r\n")
	return fmt.Sprintf("line %d: %c %s/%s: %q", r.Line, r.Kind, r.Who, r.Conn, unit)
}

// MSN reports whether the record is a unit of a notification server or
// switchboard connection, as against HTTP, events and remarks.
func (r Record) MSN() bool {
	return (r.Kind == FromClient || r.Kind == FromServer) && !strings.HasPrefix(r.Conn, "HTTP")
}

// Recording is one file.
type Recording struct {
	Name    string // file name without ".txt"
	Path    string
	Records []Record
}

// Parse reads the text of a recording. Empty lines are passed over. When a line
// cannot be understood, the error names it and the records before it are
// returned.
func Parse(text []byte) ([]Record, error) {
	var records []Record
	number := 0
	for line := range bytes.Lines(text) {
		number++
		s := strings.TrimRight(string(line), "\r\n")
		if strings.TrimSpace(s) == "" {
			continue
		}
		record, err := parseLine(s)
		if err != nil {
			return records, fmt.Errorf("transcript: line %d: %w", number, err)
		}
		record.Line = number
		records = append(records, record)
	}
	return records, nil
}

func parseLine(s string) (Record, error) {
	kind := Kind(s[0])
	if kind == Remark {
		return Record{Kind: Remark, Text: strings.TrimSpace(s[1:])}, nil
	}
	if kind != FromClient && kind != FromServer && kind != Connection || len(s) < 2 || s[1] != ' ' {
		return Record{}, fmt.Errorf("unknown record %.40q", s)
	}
	place, text, ok := strings.Cut(s[2:], ": ")
	who, conn, ok2 := strings.Cut(place, "/")
	if !ok || !ok2 {
		return Record{}, fmt.Errorf("no place in %.40q", s)
	}
	if kind != Connection {
		unquoted, err := strconv.Unquote(text)
		if err != nil {
			return Record{}, fmt.Errorf("text of %s: %w", place, err)
		}
		text = unquoted
	}
	return Record{Kind: kind, Who: who, Conn: conn, Text: text}, nil
}

// ReadFile reads one recording.
func ReadFile(path string) (Recording, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Recording{}, err
	}
	name := strings.TrimSuffix(filepath.Base(path), ".txt")
	records, err := Parse(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return Recording{Name: name, Path: path, Records: records}, err
}

// Find returns the paths of the recordings in and below dirs, in order: all .txt
// files except those called README.
func Find(dirs ...string) ([]string, error) {
	var paths []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := entry.Name()
			if !entry.IsDir() && strings.HasSuffix(name, ".txt") && !strings.HasPrefix(strings.ToUpper(name), "README") {
				paths = append(paths, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// EnvironmentDirs returns the directories that the environment variable EnvDirs
// names.
func EnvironmentDirs() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(os.Getenv(EnvDirs)) {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Run calls test for every recording in dirs and in the directories of EnvDirs,
// each as a subtest named after its file, prefixed by the directory it stands
// in. A recording with lines that cannot be read is a failed subtest.
func Run(t *testing.T, test func(t *testing.T, rec Recording), dirs ...string) {
	t.Helper()
	paths, err := Find(append(dirs, EnvironmentDirs()...)...)
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no recordings in %q", dirs)
	}
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path)) + "/" + strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			rec, err := ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			test(t, rec)
		})
	}
}
