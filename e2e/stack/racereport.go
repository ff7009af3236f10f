package stack

import (
	"os"
	"strings"
)

const (
	// raceStatus makes the race detector leave a program's exit status alone, so that its reports are judged by
	// what they say.
	raceStatus = "GORACE=exitcode=0"
	// raceBorder is the line around each report of the race detector.
	raceBorder = "==================\n"
	// ownModule begins the name of every function of this module.
	ownModule = "matrix-msn/"
)

// raceReport returns the first report of the race detector in a log about an access that this module's code makes,
// itself or through the standard library, or "". The framework has races of its own, between two updates of a ghost
// for example, which would hide ours.
func raceReport(path string) string {
	log, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for part := range strings.SplitSeq(string(log), raceBorder) {
		if report, found := strings.CutPrefix(part, "WARNING: DATA RACE\n"); found && isOwnRace(report) {
			return report
		}
	}
	return ""
}

// isOwnRace tells whether one of the two accesses of a report is this module's. Each has a paragraph with its stack,
// innermost function first; the paragraphs behind them tell how the goroutines were started.
func isOwnRace(report string) bool {
	accesses := strings.SplitN(report, "\n\n", 3)
	for _, access := range accesses[:min(2, len(accesses))] {
		for line := range strings.Lines(access) {
			function, ok := strings.CutPrefix(line, "  ")
			if !ok || strings.HasPrefix(function, " ") || isStandard(function) {
				continue // a heading, the place of a function, or one that works for its caller
			}
			if strings.HasPrefix(function, ownModule) {
				return true
			}
			break
		}
	}
	return false
}

// isStandard tells whether a function is of the standard library: the first part of its package's path has no dot.
func isStandard(function string) bool {
	if strings.HasPrefix(function, ownModule) {
		return false
	}
	first, _, slash := strings.Cut(function, "/")
	return !slash || !strings.Contains(first, ".")
}
