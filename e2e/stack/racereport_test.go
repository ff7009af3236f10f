package stack

import (
	"os"
	"path/filepath"
	"testing"
)

// Reports as the race detector writes them, between their borders.
const (
	frameworkRace = `WARNING: DATA RACE
Read at 0x00c000123456 by goroutine 7:
  runtime.slicecopy()
      /go/src/runtime/slice.go:1 +0x0
  maunium.net/go/mautrix/bridgev2.(*Ghost).UpdateInfo()
      /mod/ghost.go:1 +0x1
  matrix-msn/bridge.(*Client).updateGhost()
      /src/matrix-msn/bridge/contacts.go:1 +0x1

Previous write at 0x00c000123456 by goroutine 8:
  maunium.net/go/mautrix/bridgev2.(*Ghost).prepareName()
      /mod/ghost.go:2 +0x1

Goroutine 7 (running) created at:
  matrix-msn/bridge.(*Client).start()
      /src/matrix-msn/bridge/client.go:1 +0x1
`
	ownRace = `WARNING: DATA RACE
Read at 0x00c000123456 by goroutine 7:
  maunium.net/go/mautrix/bridgev2.(*Ghost).UpdateInfo()
      /mod/ghost.go:1 +0x1

Previous write at 0x00c000123456 by goroutine 8:
  encoding/json.Marshal()
      /go/src/encoding/json/encode.go:1 +0x0
  matrix-msn/bridge.(*Client).meta()
      /src/matrix-msn/bridge/client.go:1 +0x1
  main.main()
      /src/matrix-msn/cmd/bridge/main.go:1 +0x1
`
)

func TestRaceReportIsAboutOurAccesses(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"no race":           {"before\nafter\n", ""},
		"the framework's":   {"before\n" + raceBorder + frameworkRace + raceBorder + "after\n", ""},
		"ours behind those": {raceBorder + frameworkRace + raceBorder + "between\n" + raceBorder + ownRace + raceBorder, ownRace[len("WARNING: DATA RACE\n"):]},
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
