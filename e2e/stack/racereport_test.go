package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// report returns a report as the race detector writes it, without its first line. Each argument is a stack, innermost
// function first: two accesses of goroutines 7 and 8, and the creation of those.
func report(one, other, oneCreated, otherCreated []string) string {
	var b strings.Builder
	for i, stack := range [][]string{one, other, oneCreated, otherCreated} {
		b.WriteString([]string{
			"Read at 0x00c000123456 by goroutine 7:\n",
			"\nPrevious write at 0x00c000123456 by goroutine 8:\n",
			"\nGoroutine 7 (running) created at:\n",
			"\nGoroutine 8 (finished) created at:\n",
		}[i])
		for _, function := range stack {
			fmt.Fprintf(&b, "  %s()\n      /somewhere/matrix-msn/file.go:1 +0x1\n", function)
		}
	}
	return b.String()
}

// Stacks of reports.
var (
	byUs           = []string{"sync.(*WaitGroup).Go", "matrix-msn/bridge.(*inbox).deliverOne", "matrix-msn/bridge.(*Client).run"}
	byFramework    = []string{framework + "bridgev2.(*Portal).eventLoop", "matrix-msn/bridge.(*Client).run"}
	ourGhostUpdate = []string{"runtime.slicecopy", framework + "bridgev2.(*Ghost).UpdateInfo", "matrix-msn/bridge.(*Client).updateGhost"}
	ghostUpdate    = []string{framework + "bridgev2.(*Ghost).prepareName", framework + "bridgev2.(*Ghost).UpdateInfo"}
	ourPortalUse   = []string{framework + "bridgev2.(*Portal).CreateMatrixRoom", "matrix-msn/bridge.(*inbox).handOver"}
	portalUse      = []string{framework + "bridgev2.(*Portal).UpdateName", framework + "bridgev2.(*Portal).UpdateInfo"}
	ourMarshal     = []string{"encoding/json.Marshal", "matrix-msn/bridge.(*Client).meta", framework + "bridgev2.(*Portal).eventLoop"}
	ourProgram     = []string{"main.main.func1", framework + "bridgev2/matrix/mxmain.(*BridgeMain).Start", "main.main"}
)

func TestWhoseRace(t *testing.T) {
	for name, test := range map[string]struct {
		report string
		own    bool
	}{
		"we make an access":                          {report(portalUse, ourMarshal, byFramework, byFramework), true},
		"our program makes an access":                {report(portalUse, ourProgram, byFramework, byFramework), true},
		"our goroutine calls the framework":          {report(portalUse, ourPortalUse, byFramework, byUs), true},
		"a framework goroutine calls us and back":    {report(portalUse, ourPortalUse, byUs, byFramework), false},
		"the framework calls itself":                 {report(portalUse, portalUse, byFramework, byFramework), false},
		"our goroutine in a race known":              {report(ourGhostUpdate, ghostUpdate, byUs, byFramework), false},
		"our goroutine in a race known, other order": {report(ghostUpdate, ourGhostUpdate, byFramework, byUs), false},
		"half of a race known":                       {report(ourGhostUpdate, portalUse, byUs, byFramework), true},
		"a main goroutine, which nobody created": {strings.Replace(report(ourPortalUse, portalUse, nil, byFramework),
			"by goroutine 7:", "by main goroutine:", 1), false},
		"a stack that was lost": {report([]string{"[failed to restore the stack]"}, portalUse, byUs, byFramework), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isOwnRace(test.report); got != test.own {
				t.Errorf("got %t for\n%s", got, test.report)
			}
		})
	}
}

func TestRaceReportFindsOursBehindOthers(t *testing.T) {
	const first = "WARNING: DATA RACE\n"
	ours := report(portalUse, ourMarshal, byFramework, byFramework)
	theirs := report(portalUse, portalUse, byFramework, byFramework)
	for name, test := range map[string]struct{ log, want string }{
		"no race":           {"before\nafter\n", ""},
		"the framework's":   {"before\n" + raceBorder + first + theirs + raceBorder + "after\n", ""},
		"ours behind those": {raceBorder + first + theirs + raceBorder + "between\n" + raceBorder + first + ours + raceBorder, ours},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(test.log), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := raceReport(path); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := raceReport(filepath.Join(t.TempDir(), "none")); got != "" {
		t.Errorf("got %q without a log", got)
	}
}
