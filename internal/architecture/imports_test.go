package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "matrix-msn/"

// floors are all packages of the module, from the ground up. A package imports packages of
// lower floors only. Who adds a package finds the lowest floor that it can stand on.
var floors = [][]string{
	// What knows nothing of the others.
	{"internal/lazy"},
	{"internal/cabinet", "internal/grapheme", "internal/childprocess", "internal/fold", "internal/webp", "demo/internal/screen", "bridge/emoticon", "bridge/plus", "bridge/words", "msn/internal/event", "msn/internal/limit", "msn/internal/proxy/proxytest", "msn/internal/transcript", "msn/internal/xmltext", "msn/internal/notice/noticetest", "msn/msnftp", "msn/trust"},
	{"internal/postgrestest", "e2e/build"},
	// The codecs: bytes and values, no connections.
	{"msn/wire", "msn/notify", "msn/internal/proxy"},
	{"msn/internal/clean"},
	{"msn/soap", "msn/internal/longtext", "msn/internal/sip", "msn/isf", "msn/slp"},
	{"msn/passport"},
	{"msn/internal/errs", "msn/internal/link", "msn/p2p", "msn/roster", "msn/msntest"},
	// Connections.
	{"msn/internal/transport", "msn/internal/web"},
	{"msn/internal/ns"},
	// The parts that are registered on one.
	{"msn/internal/ns/nstest", "msn/internal/contactlist", "msn/internal/notice", "msn/internal/offline", "msn/internal/self", "msn/internal/storage", "msn/chat"},
	{"msn/internal/paging", "msn/circle", "msn/internal/networks", "msn/media"},
	// The account as a program uses it.
	{"msn"},
	// The bridge: what knows nothing of logins,
	{"database", "bridge/msnid", "bridge/names", "bridge/retry", "bridge/ink", "bridge/icon", "bridge/membership", "bridge/metrics"},
	{"bridge/msgconv", "bridge/config", "bridge/queue", "bridge/intake", "bridge/lease", "bridge/forget"},
	{"bridge/relay", "bridge/reason", "bridge/loginpage", "bridge/queue/queuetest", "bridge/background"},
	{"bridge/doctor"},
	// what the parts of a login share,
	{"bridge/account"},
	{"bridge/room", "bridge/session", "bridge/look"},
	// the parts,
	{"bridge/alert", "bridge/chat", "bridge/circle", "bridge/file", "bridge/group", "bridge/inbox", "bridge/login", "bridge/outage", "bridge/people", "bridge/picture", "bridge/presence", "bridge/request", "bridge/self", "bridge/spaces"},
	{"bridge/outbox", "bridge/pager", "bridge/command/call"},
	{"bridge/command/people", "bridge/command/service"},
	{"bridge/command"},
	// and what the framework demands.
	{"bridge"},
	// Programs, and what runs them together.
	{"cmd/bridge", "cmd/msnserver", "demo/window", "e2e/stack", "packaging", "bench/internal/stub", "bench/bare"},
	{"bench", "demo", "demo/stage", "e2e", "e2e/browser", "internal/architecture"},
}

// never are imports, direct or by others, that the floors alone would allow.
var never = []struct{ from, to, why string }{
	{"msn", "maunium.net/", "the client could be used by any program and knows nothing of Matrix"},
	{"msn", "go.mau.fi/zeroconfig", "nor how a bridge is configured"},
	{"bridge", "maunium.net/go/mautrix/bridgev2/matrix", "the homeserver's side is chosen by the program: tests have another one"},
	{"database", "matrix-msn/bridge", "rows know nothing of who reads them"},
}

// listed is what go list says of a package.
type listed struct {
	ImportPath    string
	Imports, Deps []string
}

func list(t *testing.T) (packages []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags", "goolm", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = "../.."
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &problems)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	floorOf := make(map[string]int)
	for floor, packages := range floors {
		for _, name := range packages {
			floorOf[name] = floor + 1
		}
	}
	packages := list(t)
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		floor, known := floorOf[name]
		if !known {
			t.Errorf("%s stands on no floor: put it into the table of this test, on the lowest one that it can stand on", name)
			continue
		}
		delete(floorOf, name)
		for _, imported := range p.Imports {
			below, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			if at, ok := floorNumber(below); ok && at >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports point down", name, floor, below, at)
			}
		}
	}
	for name := range floorOf {
		t.Errorf("%s stands in the table, and does not exist", name)
	}
}

func floorNumber(name string) (int, bool) {
	for floor, packages := range floors {
		for _, other := range packages {
			if other == name {
				return floor + 1, true
			}
		}
	}
	return 0, false
}

func TestWhatMustNeverBeImported(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, rule := range never {
			if name != rule.from && !strings.HasPrefix(name, rule.from+"/") {
				continue
			}
			imports := p.Deps
			if strings.HasPrefix(rule.to, module) {
				imports = p.Imports
			}
			for _, imported := range imports {
				if strings.HasPrefix(imported, rule.to) {
					t.Errorf("%s imports %s: %s", name, imported, rule.why)
				}
			}
		}
	}
}

// A server that is tested with the client's own code would agree with all of its mistakes:
// it imports the codecs alone.
func TestTestServerImportsCodecsAlone(t *testing.T) {
	t.Parallel()
	codecs := map[string]bool{"msn/wire": true, "msn/soap": true, "msn/passport": true, "msn/notify": true, "msn/slp": true, "msn/internal/transcript": true}
	for _, p := range list(t) {
		if p.ImportPath != module+"msn/msntest" {
			continue
		}
		for _, imported := range p.Imports {
			if name, ours := strings.CutPrefix(imported, module); ours && !codecs[name] {
				t.Errorf("msntest imports %s", name)
			}
		}
	}
}
