package stack

import (
	"os"
	"strings"
)

const (
	// raceStatus makes the race detector leave a program's exit status alone, so that its reports are judged by
	// what they say.
	raceStatus = "GORACE=exitcode=0"
	// ownFrame is in every frame of a stack that is this module's code.
	ownFrame = "matrix-msn/"
	// raceBorder is the line around each report of the race detector.
	raceBorder = "==================\n"
)

// raceReport returns the first report of the race detector in a log in which code of this module takes part, or "".
// The framework has races of its own, between two commands that come in one transaction for example, which would
// hide ours.
func raceReport(path string) string {
	log, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for part := range strings.SplitSeq(string(log), raceBorder) {
		report, found := strings.CutPrefix(part, "WARNING: DATA RACE\n")
		if found && strings.Contains(report, ownFrame) {
			return report
		}
	}
	return ""
}
